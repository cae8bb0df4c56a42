from __future__ import annotations

from typing import Any

import pytest

from captures.errors import ConfigError
from captures.redacting.secret_names import HEADERS, KEYS, NEEDLES, OPAQUE_KEYS, RedactionPolicy, normal


def test_every_known_name_holds_a_needle() -> None:
    assert [name for name in KEYS | OPAQUE_KEYS if not any(needle.decode() in f'"{name}"' for needle in NEEDLES)] == []
    assert all(name == name.lower() for name in HEADERS)
    assert all(name == normal(name) for name in KEYS)


@pytest.mark.parametrize(
    "name", ["access_token", "accessToken", "Access-Token", "NEW_PASSWORD", "stripe_api_key", "CVV"]
)
def test_members_in_any_spelling(name: str) -> None:
    assert RedactionPolicy().is_secret_member(name)


@pytest.mark.parametrize(
    "name", ["tokens_used", "next_page_token", "keyboard", "passenger", "secretary", "author", "id"]
)
def test_ordinary_members(name: str) -> None:
    assert not RedactionPolicy().is_secret_member(name)


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "X-Api-Key", "x-acme-access-token", "X-Client-Secret"])
def test_headers(name: str) -> None:
    assert RedactionPolicy().is_secret_header(name)


@pytest.mark.parametrize("name", ["Content-Type", "X-Request-Id", "ETag", "Sec-WebSocket-Key", "X-Idempotency-Key"])
def test_ordinary_headers(name: str) -> None:
    assert not RedactionPolicy().is_secret_header(name)


def test_configured() -> None:
    policy = RedactionPolicy.from_config(
        {"headers": ["X-Tenant"], "query": ["Tenant-Id"], "json": ["$.card.number"], "keep": ["token", "x-api-key"]}
    )
    assert policy.is_secret_header("x-tenant")
    assert policy.is_secret_field("tenant_id")
    assert not policy.is_secret_member("tenant_id")
    assert not policy.is_secret_member("Token")
    assert not policy.is_secret_header("X-API-Key")
    assert policy.kept("x_api_key")
    assert policy.json[0].text == "$.card.number"


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"header": ["x"]}, 'Did you mean "headers"'),
        ({"headers": "x"}, "must be a list of strings"),
        ({"json": [1]}, "must be a list of strings"),
        ({"json": ["card.number"]}, "no JSON path"),
    ],
)
def test_wrong_configuration(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        RedactionPolicy.from_config(section)
