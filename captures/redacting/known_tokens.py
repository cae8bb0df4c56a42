"""Tokens that say by their beginning who issued them: each with the page of the issuer that tells its form. Pure.

Our own list: detect-secrets 1.5 (27 detectors, of which 21 are of this kind) reads a line of source code at a time and
takes 4 ms for a JSON body of 1 KB, ten times what recording the exchange costs, and it has neither positions nor
replacements. What is not here has no form of its own (the secret key of AWS, the auth token of Twilio): such tokens are
found by their names, or by their randomness under a suspicious one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from captures.redacting.shapes import is_sealed, sealed


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one issuer's tokens. ``lead`` is public and stays in a pseudonym, ``rest`` is the secret."""

    issuer: str
    lead: str  # regular expressions; they match no shorter text than ``needle``
    rest: str
    needles: tuple[str, ...]  # one of them stands in every such token
    source: str  # where its form is told


_WORD = "[A-Za-z0-9_-]"

FORMS = (
    Form("AWS", "(?:AKIA|ASIA|ABIA|ACCA)", "[A-Z0-9]{16}", ("AKIA", "ASIA", "ABIA", "ACCA"),
         "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes"),
    Form("Google", "AIza", f"{_WORD}{{35}}", ("AIza",), "cloud.google.com/docs/authentication/api-keys"),
    Form("Google", "GOCSPX-", f"{_WORD}{{28}}", ("GOCSPX-",), "developers.google.com/identity/protocols/oauth2"),
    Form("Google", "ya29\\.", "[A-Za-z0-9._-]{20,2048}", ("ya29.",),
         "cloud.google.com/docs/authentication/token-types"),
    Form("Azure", "(?:AccountKey|SharedAccessKey)=", "[A-Za-z0-9+/]{40,90}={0,2}", ("AccountKey=", "AccessKey="),
         "learn.microsoft.com/azure/storage/common/storage-configure-connection-string"),
    Form("Azure", "[A-Za-z0-9]{3}[0-9]Q~", "[A-Za-z0-9_.~-]{31,34}", ("Q~",),
         "learn.microsoft.com/purview/sit-defn-client-secret-api-key"),
    Form("GitHub", "gh[pousr]_", "[A-Za-z0-9]{36,251}", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
         "github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats"),
    Form("GitHub", "github_pat_", "[A-Za-z0-9_]{60,255}", ("github_pat_",),
         "docs.github.com/authentication/keeping-your-account-and-data-secure/about-authentication-to-github"),
    Form("GitLab", "gl(?:pat|oas|rt|cbt|dt|ft|ptt|soat|agent|imt|ffct)-", "[A-Za-z0-9_.-]{20,300}", ("gl",),
         "docs.gitlab.com/security/tokens/#token-prefixes"),
    Form("Slack", "xox[abceoprs]-", "[A-Za-z0-9-]{10,250}", ("xox",), "api.slack.com/authentication/token-types"),
    Form("Slack", "xapp-", "[A-Za-z0-9-]{20,250}", ("xapp-",), "api.slack.com/authentication/token-types"),
    Form("Slack", "hooks\\.slack\\.com/(?:services|workflows|triggers)/", "[A-Za-z0-9+/]{30,100}", ("hooks.slack",),
         "api.slack.com/messaging/webhooks"),
    Form("Stripe", "(?:sk|rk)_(?:live|test)_", "[A-Za-z0-9]{16,250}", ("k_live_", "k_test_"),
         "docs.stripe.com/keys"),
    Form("Stripe", "whsec_", "[A-Za-z0-9+/=]{24,90}", ("whsec_",), "docs.stripe.com/webhooks/signature"),
    Form("Twilio", "SK", "[0-9a-f]{32}", ("SK",), "twilio.com/docs/glossary/what-is-a-sid"),
    Form("SendGrid", "SG\\.", f"{_WORD}{{16,32}}\\.{_WORD}{{32,64}}", ("SG.",),
         "twilio.com/docs/sendgrid/ui/account-and-settings/api-keys"),
    Form("Mailgun", "key-", "[0-9a-f]{32}", ("key-",), "documentation.mailgun.com/docs/mailgun/api-reference"),
    Form("npm", "npm_", "[A-Za-z0-9]{36}", ("npm_",), "docs.npmjs.com/about-access-tokens"),
    Form("PyPI", "pypi-", f"{_WORD}{{50,600}}", ("pypi-",), "pypi.org/help/#apitoken"),
    Form("Docker", "dckr_(?:pat|oat)_", f"{_WORD}{{20,80}}", ("dckr_",), "docs.docker.com/security/access-tokens"),
    Form("OpenAI, Anthropic", "sk-(?:ant-(?:api|admin|oat|ort)[0-9]{2}-|proj-|svcacct-|admin-|or-v1-)?",
         f"(?=[a-zA-Z_-]{{0,60}}[0-9]){_WORD}{{30,300}}", ("sk-",), "platform.openai.com/docs/api-reference"),
    Form("Hugging Face", "hf_", "[A-Za-z0-9]{30,60}", ("hf_",), "huggingface.co/docs/hub/security-tokens"),
    Form("DigitalOcean", "do[opr]_v1_", "[0-9a-f]{64}", ("_v1_",),
         "docs.digitalocean.com/reference/api/create-personal-access-token"),
    Form("Shopify", "shp(?:at|ca|pa|ss)_", "[0-9a-fA-F]{32}", ("shp",),
         "shopify.dev/changelog/app-secret-key-length-has-increased"),
    Form("Square", "sq0(?:atp|csp|idp)-", f"{_WORD}{{22,60}}", ("sq0",), "developer.squareup.com/docs/build-basics"),
    Form("Atlassian", "AT(?:ATT3|CTT3|STT3)", "[A-Za-z0-9_=-]{50,400}", ("TT3",),
         "support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account"),
    Form("Databricks", "dapi", "[0-9a-f]{32}", ("dapi",), "docs.databricks.com/dev-tools/auth/pat"),
    Form("HashiCorp", "hv[sbr]\\.", f"{_WORD}{{24,300}}", ("hvs.", "hvb.", "hvr."),
         "developer.hashicorp.com/vault/docs/concepts/tokens"),
    Form("Grafana", "gl(?:sa|c)_", "[A-Za-z0-9+/=_]{32,300}", ("glsa_", "glc_"),
         "grafana.com/docs/grafana/latest/administration/service-accounts"),
    Form("Postman", "PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}", ("PMAK-",), "learning.postman.com/docs/developer"),
    Form("Linear", "lin_(?:api|oauth)_", "[A-Za-z0-9]{32,80}", ("lin_",), "linear.app/developers"),
    Form("Notion", "ntn_", "[A-Za-z0-9]{40,60}", ("ntn_",), "developers.notion.com/page/changelog"),
    Form("Sentry", "sntry[su]_", "[A-Za-z0-9+/=_]{40,400}", ("sntry",), "docs.sentry.io/account/auth-tokens"),
    Form("Telegram", "(?:bot)?[0-9]{8,10}:AA", f"{_WORD}{{33}}", (":AA",),
         "core.telegram.org/bots/api#authorizing-your-bot"),
    Form("age", "AGE-SECRET-KEY-1", "[0-9A-Z]{50,60}", ("AGE-SECRET-KEY",), "age-encryption.org/v1"),
)  # fmt: skip

NEEDLES = tuple(sorted({needle for form in FORMS for needle in form.needles}))

_ANY = re.compile(
    r"(?<![A-Za-z0-9_.%-])(?:" + "|".join(f"{form.lead}{form.rest}" for form in FORMS) + r")(?![A-Za-z0-9])"
)
_LEAD = re.compile("(" + "|".join(f"{form.lead}(?={form.rest}\\Z)" for form in FORMS) + ")")

_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----")
_KEY_TEXT = re.compile(r"[A-Za-z0-9+/=]{16,}")


def tokens(text: str) -> list[tuple[int, int]]:
    """Where tokens of a known form stand."""
    return [match.span() for match in _ANY.finditer(text)]


def token_pseudonym(key: bytes, token: str) -> str | None:
    """Another token of the same issuer, its public beginning kept; None for what has no known form."""
    lead = _LEAD.match(token)
    return lead[0] + sealed(key, token, token[lead.end() :], lead[0]) if lead else None


def is_token_pseudonym(key: bytes, token: str) -> bool:
    """Whether ``token`` came out of :func:`token_pseudonym` with this key."""
    lead = _LEAD.match(token)
    return lead is not None and is_sealed(key, token[lead.end() :], lead[0])


def private_keys(text: str) -> list[tuple[int, int]]:
    """Where private keys in their armour (RFC 7468; OpenSSH, PGP) stand. One without an end goes on to the last."""
    found: list[tuple[int, int]] = []
    position = 0
    while True:
        begin = _BEGIN.search(text, position)
        if begin is None:
            return found
        end = _END.search(text, begin.end())
        position = end.end() if end else len(text)
        found.append((begin.start(), position))


def private_key_pseudonym(key: bytes, armoured: str) -> str | None:
    """The key with every letter and digit between its armour replaced: no key any more, but the text of one."""
    begin = _BEGIN.match(armoured)
    if begin is None:
        return None
    end = _END.search(armoured, begin.end())
    stop = end.start() if end else len(armoured)
    inside = _KEY_TEXT.sub(lambda match: sealed(key, match[0], match[0], "PEM"), armoured[begin.end() : stop])
    return armoured[: begin.end()] + inside + armoured[stop:]


def is_private_key_pseudonym(key: bytes, armoured: str) -> bool:
    """Whether ``armoured`` came out of :func:`private_key_pseudonym` with this key."""
    begin = _BEGIN.match(armoured)
    if begin is None:
        return False
    end = _END.search(armoured, begin.end())
    lines = _KEY_TEXT.findall(armoured[begin.end() : end.start() if end else len(armoured)])
    return all(is_sealed(key, line, "PEM") for line in lines if len(line) >= 24)
