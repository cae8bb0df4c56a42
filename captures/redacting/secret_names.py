"""Which names are known to hold secrets, and what the configuration adds or takes away."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self

from captures.config import check_keys
from captures.errors import ConfigError
from captures.jsonpaths import JsonPath, compile_path
from captures.settings.recording_keys import DETECTORS, REDACT

HEADERS = frozenset(
    "authorization proxy-authorization x-authorization x-forwarded-authorization authentication cookie set-cookie "
    "x-api-key api-key apikey x-apikey x-api-token x-auth-token x-auth-key x-access-token x-session-token "
    "x-amz-security-token x-amzn-oidc-data x-amzn-oidc-accesstoken "
    "x-goog-api-key x-goog-iap-jwt-assertion x-vault-token x-consul-token x-nomad-token x-gitlab-token private-token "
    "job-token deploy-token x-github-token ocp-apim-subscription-key x-functions-key x-rapidapi-key x-mashape-key "
    "x-parse-rest-api-key x-parse-master-key x-parse-session-token dd-api-key dd-application-key x-honeycomb-team "
    "x-figma-token circle-token fastly-key x-jwt-assertion x-forwarded-access-token cf-access-token "
    "cf-access-jwt-assertion cf-access-client-secret x-ms-token-aad-access-token x-ms-token-aad-id-token "
    "x-shopify-access-token x-shopify-storefront-access-token x-elastic-api-key x-algolia-api-key "
    "x-line-signature-key x-secret x-secret-key x-token token secret password x-password".split()
)
HEADER_ENDINGS = (
    *("-api-key", "-apikey", "-access-token", "-auth-token", "-session-token", "-refresh-token"),
    *("-secret", "-secret-key", "-private-key", "-password", "-access-key", "-stripe-key", "-subscription-key"),
    *("-token", "-authorization", "-jwt", "-passwd", "-cookie", "-sid", "-otp"),
)
_HEADER_NAMES = frozenset(
    "x-auth auth jwt x-jwt session-id x-session-id x-session session sid cookie2 set-cookie2 authtoken x-authtoken "
    "apitoken x-apitoken accesstoken bearer x-bearer dpop credentials x-otp x-otp-code x-mfa-code x-auth-code x-pass "
    "pass passwd x-app-key x-session-key x-wsse x-sentry-auth x-tableau-auth x-client-assertion x-phpsessid".split()
)
_NONCE = re.compile("csrf|xsrf|authenticitytoken|requestverificationtoken")
"""Of no use without the session it belongs to, which is replaced; and it stands in HTML, where nothing is replaced by
name: a pseudonym in the form and the live value in the page would tear the two apart, and every replayed login, too.
"""
_PAGING = ("page-token", "next-token", "continuation-token", "sync-token", "request-token-id")
"""Tokens that name a place in a list, not a person."""

KEYS = frozenset(
    "password passwd pwd passphrase passcode secret token accesstoken refreshtoken idtoken authtoken sessiontoken "
    "securitytoken bearertoken apitoken usertoken "
    "personalaccesstoken apikey xapikey accesskey secretkey secretaccesskey privatekey signingkey encryptionkey "
    "clientsecret clientassertion credential credentials jwt otp totp cvv cvc cvv2 xamzsignature xamzcredential "
    "xamzsecuritytoken xgoogsignature xgoogcredential passwordconfirmation passwordconfirm passwordhash "
    "authorization proxyauthorization cookie setcookie secrets secrettoken devicetoken subscriptionkey "
    "samlresponse samlassertion binarysecuritytoken passwordtext passworddigest codeverifier mfacode otpcode "
    "securitycode backupcodes recoverycodes".split()
) | frozenset(name.replace("-", "") for name in HEADERS)
"""Query, form and JSON names as :func:`normal` makes them; with the headers, for services that echo those."""

KEY_ENDINGS = (
    *("password", "passwd", "apikey", "secret", "secretkey", "privatekey", "accesstoken", "refreshtoken"),
    *("passwordhash", "sessiontoken", "authtoken"),
)
KEY_STARTS = ("privatekey", "authtoken")

OPAQUE_KEYS = frozenset(
    "sessionid sid session auth sig signature assertion tokens jsessionid phpsessid sessid sessionkey appkey authkey "
    "licensekey consumerkey devicecode authcode authorizationcode".split()
)
"""Names of secrets and of other things: what stands right under them is a secret when it looks like one."""

_TEXTS = frozenset(
    "pass userpass userpwd passwort kennwort passw motdepasse senha wachtwoord contrasena contraseña".split()
)
_ABOUT_PASSWORDS = re.compile(
    "(?:at|on|date|expiry|expires|expiresin|required|policy|strength|length|enabled|type|algorithm|age|changed|expired"
    "|status|field|label|placeholder|errors?|messages?|rules?|url|link|less|set|ok|valid|count|attempts)$"
)
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_.~+/=-]{20,4096}")
_SUSPICIOUS = frozenset("token secret credential credentials auth authentication signature session bearer jwt".split())
_SUSPICIOUS_KEYS = frozenset(
    "access account api app auth client consumer deploy encryption license licence master private provider secret "
    "service shared signing storage stripe webhook".split()
)
_HARMLESS_WORDS = frozenset(
    "page next prev previous continuation cursor sync pagination id ids type name url idempotency eos bos pad unk sep "
    "mask stop count".split()
)
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SEGMENTS = re.compile(r"[\[\].]+")
_WORDS = re.compile(r"[A-Za-z]{1,15}|[0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*|.{1,7}|.*\s.*", re.DOTALL)

NEEDLES = tuple(
    needle.encode()
    for needle in (
        '"sid" "sig" saml pass pwd secret token key credential jwt otp cv signature auth cookie honeycomb oidc '
        "assertion sessid verifier devicecode mfacode backupcode recoverycode securitycode kennwort senha wachtwoord "
        "contrase session"
    ).split()
)
"""A normalised name of :data:`KEYS` holds one of these, however it is spelt: what a body must contain to be parsed."""


_NAMED = re.compile(b"(?:" + b"|".join({needle.strip(b'"') for needle in NEEDLES}) + rb")[^:=>%]{0,60}[:=>%]")


def may_name(data: bytes) -> bool:
    """A cheap look at a short text: whether a secret may stand in it behind a name."""
    return _NAMED.search(data.lower()) is not None


class Secrecy(IntEnum):
    """How much of what stands under a name is secret."""

    NONE = 0
    RANDOM = 1  # a string right under it that was drawn by a machine (detector "entropy")
    OPAQUE = 2  # a string right under it that looks made by a machine
    TEXT = 3  # any string right under it
    ALL = 4  # everything under it, at any depth

    def holds(self, value: str) -> bool:
        """Whether the string ``value`` right under such a name is secret."""
        if self >= Secrecy.TEXT:
            return True
        if self is Secrecy.NONE:
            return False
        return looks_opaque(value) if self is Secrecy.OPAQUE else looks_random(value)


def looks_random(value: str) -> bool:
    """Whether ``value`` was made by a machine to be guessed by nobody: 20 characters of letters and digits, of which
    each tells 3 bits at least (Shannon entropy over the value's own characters; of English words it is less)."""
    if _RANDOM.fullmatch(value) is None:
        return False
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values()) >= 3.0


def looks_opaque(value: str) -> bool:
    """Whether ``value`` may be a credential: eight characters at least, no word, short number, date or sentence."""
    return _WORDS.fullmatch(value) is None


def normal(name: str) -> str:
    """``Access-Token``, ``access_token`` and ``accessToken`` are one name."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


@dataclass(frozen=True, slots=True)
class RedactionPolicy:
    """What is replaced beside the well-known names, and what is kept in spite of them."""

    headers: frozenset[str] = field(default_factory=frozenset)  # lower case
    query: frozenset[str] = field(default_factory=frozenset)  # query and form names, normalised
    json: tuple[JsonPath, ...] = ()  # each place and everything under it
    keep: frozenset[str] = field(default_factory=frozenset)  # header, cookie, query, form, JSON names, normalised
    paths: tuple[tuple[str, ...], ...] = ()  # segments of path templates: "{...}" stands for a secret, "*" for anything
    patterns: tuple[re.Pattern[str], ...] = ()  # what is secret wherever it stands: group 1, or all that matches
    detectors: frozenset[str] = frozenset(DETECTORS)

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> Self:
        """The policy of a ``[redact]`` table, each of whose keys (but ``key``) is a list of strings.

        Raises :class:`ConfigError` for unknown keys, wrong types, and paths, patterns and detectors that are none.
        """
        check_keys(section, REDACT.names, "[redact]")
        return cls(
            headers=frozenset(name.lower() for name in _strings(section, "headers")),
            query=frozenset(normal(name) for name in _strings(section, "query")),
            json=tuple(compile_path(path) for path in _strings(section, "json")),
            keep=frozenset(normal(name) for name in _strings(section, "keep")),
            paths=tuple(_template(path) for path in _strings(section, "paths")),
            patterns=tuple(_pattern(text) for text in _strings(section, "patterns")),
            detectors=frozenset(map(_detector, _strings(section, "detectors", DETECTORS))),
        )

    def is_secret_header(self, name: str) -> bool:
        """Whether the values of header ``name`` (any case) are replaced."""
        lower = name.lower()
        if normal(lower) in self.keep:
            return False
        if lower in HEADERS or lower in self.headers:
            return True
        if _NONCE.search(normal(lower)):
            return False
        dashed = lower.replace("_", "-")
        if dashed.endswith(_PAGING):
            return False
        return (
            dashed in HEADERS
            or dashed in _HEADER_NAMES
            or f"-{dashed}".endswith(HEADER_ENDINGS)
            or "-secret-" in dashed
        )

    def secrecy(self, name: str) -> Secrecy:
        """How much of what stands under JSON member ``name`` is replaced.

        ``user[password]`` and ``auth.password`` are judged by their last segment too.
        """
        plain = normal(name)
        if plain in self.keep:
            return Secrecy.NONE
        found = _secrecy(plain)
        if not found and "entropy" in self.detectors and _is_suspicious(name):
            found = Secrecy.OPAQUE if plain.endswith("token") else Secrecy.RANDOM  # reset_token, inviteToken
        if found < Secrecy.ALL and ("[" in name or "." in name):
            segments = [part for part in _SEGMENTS.split(plain) if part and not part.isdigit()]
            if segments and segments[-1] in self.keep:
                return Secrecy.NONE
            if segments:
                found = max(found, _secrecy(segments[-1]))
        return found

    def is_secret_member(self, name: str) -> bool:
        """Whether everything that stands under JSON member ``name`` is replaced."""
        return self.secrecy(name) is Secrecy.ALL

    def is_secret_value(self, name: str, value: str) -> bool:
        """Whether the string ``value`` of field or member ``name`` is replaced."""
        return self.secrecy(name).holds(value)

    def is_secret_field(self, name: str) -> bool:
        """Whether the value of query, form or multipart field ``name`` is replaced."""
        return self.is_secret_member(name) or (normal(name) in self.query and not self.kept(name))

    def kept(self, name: str) -> bool:
        """Whether the user asked for ``name`` to be kept."""
        return bool(self.keep) and normal(name) in self.keep


def _secrecy(plain: str) -> Secrecy:
    if _NONCE.search(plain):
        return Secrecy.NONE
    if plain in KEYS or plain.endswith(KEY_ENDINGS) or plain.startswith(KEY_STARTS):
        return Secrecy.ALL
    if plain in _TEXTS or ("password" in plain and not _ABOUT_PASSWORDS.search(plain)):
        return Secrecy.TEXT
    return Secrecy.OPAQUE if plain in OPAQUE_KEYS else Secrecy.NONE


def _is_suspicious(name: str) -> bool:
    """Whether a word of ``name`` speaks of secrets, and none of something else."""
    words = {word.lower() for word in _NAME_WORDS.findall(name[:80])}
    if words & _HARMLESS_WORDS or _NONCE.search(normal(name)):
        return False
    return bool(words & _SUSPICIOUS) or bool("key" in words and words & _SUSPICIOUS_KEYS)


def _template(path: str) -> tuple[str, ...]:
    segments = tuple(path.split("?")[0].split("/"))
    if not path.startswith("/") or not any(segment.startswith("{") and segment.endswith("}") for segment in segments):
        raise ConfigError(
            f"[redact]: {path!r} in paths marks no segment of a path.", hint='Like: paths = ["/invites/{token}"]'
        )
    return segments


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigError(
            f"[redact]: {text!r} in patterns is no regular expression: {error}.",
            hint="It is read by Python's re module; in TOML write it between single quotes.",
        ) from error
    if pattern.search("") is not None:
        raise ConfigError(
            f"[redact]: {text!r} in patterns matches the empty text, and so every place.",
            hint="Say what at least has to be there: '[0-9]+' instead of '[0-9]*'.",
        )
    return pattern


def _detector(name: str) -> str:
    check_keys({name: True}, DETECTORS, "[redact] detectors")
    return name


def _strings(section: Mapping[str, Any], key: str, default: Sequence[str] = ()) -> list[str]:
    value = section.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"[redact]: {key} must be a list of strings.", hint=f'Like: {key} = ["..."]')
    return value
