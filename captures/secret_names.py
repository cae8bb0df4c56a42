"""Which names are known to hold secrets, and what the configuration adds or takes away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from captures.config import check_keys
from captures.errors import ConfigError
from captures.jsonpaths import JsonPath, compile_path

HEADERS = frozenset(
    "authorization proxy-authorization x-authorization x-forwarded-authorization authentication cookie set-cookie "
    "x-api-key api-key apikey x-apikey x-api-token x-auth-token x-auth-key x-access-token x-session-token x-csrf-token "
    "x-xsrf-token x-csrftoken csrf-token x-amz-security-token x-amzn-oidc-data x-amzn-oidc-accesstoken "
    "x-goog-api-key x-goog-iap-jwt-assertion x-vault-token x-consul-token x-nomad-token x-gitlab-token private-token "
    "job-token deploy-token x-github-token ocp-apim-subscription-key x-functions-key x-rapidapi-key x-mashape-key "
    "x-parse-rest-api-key x-parse-master-key x-parse-session-token dd-api-key dd-application-key x-honeycomb-team "
    "x-figma-token circle-token fastly-key x-jwt-assertion x-forwarded-access-token cf-access-token "
    "cf-access-jwt-assertion cf-access-client-secret x-ms-token-aad-access-token x-ms-token-aad-id-token "
    "x-shopify-access-token x-shopify-storefront-access-token x-elastic-api-key x-algolia-api-key "
    "x-line-signature-key x-secret x-secret-key x-token token secret password x-password".split()
)
HEADER_ENDINGS = (
    *("-api-key", "-apikey", "-access-token", "-auth-token", "-session-token", "-refresh-token", "-csrf-token"),
    *("-secret", "-secret-key", "-private-key", "-password"),
)

KEYS = frozenset(
    "password passwd pwd passphrase passcode secret token accesstoken refreshtoken idtoken authtoken sessiontoken "
    "securitytoken csrftoken xsrftoken csrfmiddlewaretoken authenticitytoken bearertoken apitoken usertoken "
    "personalaccesstoken apikey xapikey accesskey secretkey secretaccesskey privatekey signingkey encryptionkey "
    "clientsecret clientassertion credential credentials jwt otp totp cvv cvc cvv2 xamzsignature xamzcredential "
    "xamzsecuritytoken xgoogsignature xgoogcredential passwordconfirmation passwordconfirm passwordhash "
    "authorization proxyauthorization cookie setcookie".split()
) | frozenset(name.replace("-", "") for name in HEADERS)
"""Query, form and JSON names as :func:`normal` makes them; with the headers, for services that echo those."""

KEY_ENDINGS = ("password", "passwd", "apikey", "secret", "secretkey", "privatekey", "accesstoken", "refreshtoken")

NEEDLES = tuple(
    needle.encode()
    for needle in "pass pwd secret token key credential jwt otp cvv cvc signature auth cookie honeycomb oidc "
    "assertion".split()
)
"""A normalised name of :data:`KEYS` holds one of these, however it is spelt: what a body must contain to be parsed."""


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

    @classmethod
    def from_config(cls, section: Mapping[str, Any]) -> Self:
        """The policy of a ``[redact]`` table: ``headers``, ``query``, ``json``, ``keep``, each a list of strings.

        Raises :class:`ConfigError` for unknown keys, wrong types and JSON paths that are none.
        """
        check_keys(section, ("key", "headers", "query", "json", "keep"), "[redact]")
        return cls(
            headers=frozenset(name.lower() for name in _strings(section, "headers")),
            query=frozenset(normal(name) for name in _strings(section, "query")),
            json=tuple(compile_path(path) for path in _strings(section, "json")),
            keep=frozenset(normal(name) for name in _strings(section, "keep")),
        )

    def is_secret_header(self, name: str) -> bool:
        """Whether the values of header ``name`` (any case) are replaced."""
        lower = name.lower()
        if normal(lower) in self.keep:
            return False
        return lower in HEADERS or lower in self.headers or lower.endswith(HEADER_ENDINGS)

    def is_secret_member(self, name: str) -> bool:
        """Whether what stands under JSON member ``name`` is replaced."""
        plain = normal(name)
        return plain not in self.keep and (plain in KEYS or plain.endswith(KEY_ENDINGS))

    def is_secret_field(self, name: str) -> bool:
        """Whether the value of query, form or multipart field ``name`` is replaced."""
        return self.is_secret_member(name) or (normal(name) in self.query and not self.kept(name))

    def kept(self, name: str) -> bool:
        """Whether the user asked for ``name`` to be kept."""
        return normal(name) in self.keep


def _strings(section: Mapping[str, Any], key: str) -> list[str]:
    value = section.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"[redact]: {key} must be a list of strings.", hint=f'Like: {key} = ["..."]')
    return value
