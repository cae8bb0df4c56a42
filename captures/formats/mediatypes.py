"""Content-Type values: the type and its parameters (RFC 9110, 8.3; quoted strings 5.6.4)."""

from __future__ import annotations

import re
from functools import lru_cache

from captures.model import Headers, header

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)')
_ESCAPE = re.compile(r"\\(.)")

_TEXT = frozenset(
    "application/xml application/javascript application/ecmascript application/x-javascript application/graphql "
    "application/x-ndjson application/ndjson application/jsonl application/json-seq application/yaml "
    "application/x-yaml application/toml application/sql application/x-sh application/jwt application/jose "
    "application/pem-certificate-chain application/x-pem-file application/xml-dtd application/mbox "
    "application/openmetrics-text application/sparql-query".split()
)

_JSON = frozenset("application/json text/json application/x-json text/x-json application/csp-report".split())
_BYTES = ("image/", "audio/", "video/", "font/", "application/octet-stream")


@lru_cache(maxsize=64)  # the headers at hand are asked for again and again
def media_type(headers: Headers) -> str:
    """``type/subtype`` of the first Content-Type, lower case, without parameters; "" when there is none."""
    value = header(headers, "content-type")
    if value is None:
        return ""
    return value.split(b";", 1)[0].strip().lower().decode("latin-1")


def parameters(value: str) -> dict[str, str]:
    """The parameters of a Content-Type or Content-Disposition value; names lower case, the first of a name counts."""
    found: dict[str, str] = {}
    for name, raw in _PARAMETER.findall(value):
        text = raw.strip()
        if text.startswith('"'):
            text = _ESCAPE.sub(r"\1", text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:])
        found.setdefault(name.lower(), text)
    return found


def content_type_parameters(headers: Headers) -> dict[str, str]:
    """The parameters of the first Content-Type."""
    value = header(headers, "content-type")
    return parameters(value.decode("latin-1")) if value and b";" in value else {}


def is_json(kind: str) -> bool:
    """Whether a media type says JSON: ``application/json``, the suffix ``+json`` (RFC 6839), or an old name of it."""
    return kind in _JSON or kind.endswith("+json") or kind.startswith("application/x-amz-json-")


def might_be_json(kind: str, data: bytes) -> bool:
    """Whether ``data`` of a type that says nothing of its content begins like JSON: ``*/*``, ``application/x-acme``."""
    return data.lstrip(b" \t\r\n\xef\xbb\xbf")[:1] in (b"{", b"[") and not kind.startswith(_BYTES)


def is_text(kind: str) -> bool:
    """Whether a media type says text of any other sort."""
    return kind.startswith("text/") or kind in _TEXT or kind.endswith(("+xml", "+yaml"))
