"""``docs/pin.schema.json`` says of a pin's shape what the reader says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from captures.errors import ConfigError
from replayer import pin_file
from replayer.pin_make import Made, make_pins
from replayer.pin_notation import KINDS
from replayer.pinning.checking import KINDS as FINDINGS
from tests.corpus import each
from tests.replayer.tapes import order_tape
from tests.replayer.test_pin_file import GOOD, example

DOCS = Path(__file__).parents[3] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "pin.schema.json").read_text(encoding="utf-8"))


def errors(text: str) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))]


def test_it_is_a_schema_and_knows_every_key() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    shapes = SCHEMA["$defs"]
    for keys, shape in (
        (pin_file.PIN_KEYS, SCHEMA),
        (pin_file.REQUEST_KEYS, shapes["request"]),
        (pin_file.EXPECT_KEYS, shapes["expect"]),
        (pin_file.RESPONSE_KEYS, shapes["response"]),
        (pin_file.STUB_KEYS, shapes["stub"]),
        (pin_file.STEP_KEYS, shapes["step"]),
    ):
        assert set(keys) == set(shape["properties"])


def test_pins_are_valid(tmp_path: Path) -> None:
    assert errors(example()) == []
    for made in make_pins(order_tape(tmp_path / "shop.sqlite"), None):
        assert isinstance(made, Made)
        assert errors(pin_file.dump(made.pin)) == []


@each(
    ("old", "new"),
    [
        ("pin: 1", "pin: 2"),
        ("expect:", "expct:"),
        ("status: 200", "sttus: 200"),
        ("status: 200", "status: ok"),
        ("GET /orders", "/orders"),
        ("  line: GET /orders\n", "  headers: {a: b}\n"),
        ("status: 200", "status: 200\n  sha256: abc"),
        ("status: 200", "status: 200\n  headers: {a b: x}"),
        ("name: one", "stubs:\n- request: {line: GET http://a/b}"),
        ("name: one", "setup: 1"),
        ("name: one", "name: [1]"),
    ],
)
def test_what_the_reader_refuses_in_shape_is_invalid(old: str, new: str) -> None:
    text = GOOD.replace(old, new)
    assert errors(text)
    with pytest.raises(ConfigError):
        pin_file.parse(text, "p.yaml")


def test_the_page_has_every_matcher_and_every_finding() -> None:
    page = (DOCS / "pin.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`«{kind}»`" not in page] == []
    assert [kind for kind in FINDINGS if f"`{kind}`" not in page] == []
