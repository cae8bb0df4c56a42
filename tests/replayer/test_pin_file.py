"""Pin files: read, written, and complained about in one sentence with a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.errors import ConfigError
from replayer import pin_bodies, pin_file, pin_notation, pins
from replayer.pins import Body, Pin, PinRequest, PinResponse, PinStub, Step
from tests.corpus import each

GOOD = """\
pin: 1
name: one
request:
  line: GET /orders
expect:
  status: 200
"""


def example() -> str:
    """The file shown in the documentation."""
    shown = (pins.__doc__ or "").split("::\n\n", 1)[1].split("\n\n**Bodies**")[0]
    return "\n".join(line[4:] for line in shown.splitlines())


def test_the_documented_example_is_a_pin_and_survives() -> None:
    pin = pin_file.parse(example(), "example.yaml")
    assert pin.setup[0].bind == (("order_id", "json $.id"),)
    assert pin.stubs[0].dependency == "inventory"
    assert pin.dependencies == (("inventory", "http://inventory:8001", "INVENTORY_URL"),)
    assert pin_file.parse(pin_file.dump(pin), "again.yaml") == pin
    assert pin_file.dump(pin_file.parse(pin_file.dump(pin), "again.yaml")) == pin_file.dump(pin)


@each(
    ("change", "complaint"),
    [
        (("pin: 1", "pin: 2"), "p.yaml:1: pin format 2 is not one this Retape reads"),
        (("expect:", "expct:"), "p.yaml:5: unknown key 'expct' in the file. Did you mean \"expect\"?"),
        (("status: 200", "sttus: 200"), "p.yaml:6: unknown key 'sttus' in expect. Did you mean \"status\"?"),
        (("status: 200", "status: ok"), "p.yaml:6: a status is a number from 100 to 999, not 'ok'."),
        (("GET /orders", "/orders"), "p.yaml:4: line must be a method and a target"),
        (("GET /orders", "GET http://x/orders"), "must start with /"),
        (("  line: GET /orders\n", "  headers: {a: b}\n"), "p.yaml:3: request has no 'line'"),
        (("  line: GET /orders\n", "  line: GET /orders\n  json: 1\n  text: a\n"), "p.yaml:6: a body is given twice"),
        (
            ("status: 200", "status: 200\n  json: {id: «uiid»}"),
            "p.yaml:7: there is no matcher «uiid». Did you mean «uuid»?",
        ),
        (("GET /orders", "GET /orders/«uuid»"), "p.yaml:4: «uuid» is a matcher, and this is sent"),
        (("GET /orders", "GET /orders/«the order»"), "p.yaml:4: nothing before this is called 'order'"),
        (("status: 200", "status: 200\n  base64: '!'"), "p.yaml:7: this is not base64"),
        (("status: 200", "status: 200\n  sha256: abc"), "p.yaml:7: sha256 must be 64"),
        (("status: 200", "status: 200\n  layout: spced\n  json: 1"), 'Did you mean "spaced"?'),
        (("status: 200", "status: 200\n  headers: {a: €}"), "letters beyond Latin-1"),
        (("status: 200", 'status: 200\n  headers: {a: "x\\ny"}'), "holds a line break"),
        (("status: 200", "status: 200\n  headers: {a b: x}"), "is no header name"),
        (("name: one", "stubs:\n- request: {line: GET http://a/b}"), "p.yaml:3: a stub needs a response or a failure"),
        (("name: one", "stubs:\n- request: {line: GET /b}\n  failure: reset"), "must be a whole URL"),
        (("name: one", "stubs:\n- request: {line: GET http://a/}\n  failure: rset"), 'Did you mean "reset"?'),
        (("name: one", "setup:\n- request: {line: GET /}\n  status: 200\n  bind: {a: id}"), "is no place in an answer"),
        (
            ("name: one", "setup:\n- request: {line: GET /}\n  status: 200\n  bind: {a: text (a+)+$}"),
            "p.yaml:5: '(a+)+$' repeats in so many ways",
        ),
        (
            ("name: one", "setup:\n- request: {line: GET /}\n  status: 200\n  bind: {a: header x-y (}"),
            "'(' is not a regular expression",
        ),
        (("name: one", "setup: 1"), "setup must be a list"),
        (("name: one", "name: [1]"), "name must be text"),
        (("request:", "request: x\nrequest2:"), "request"),
    ],
)
def test_bad_files_are_complained_about(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        pin_file.parse(GOOD.replace(*change), "p.yaml")
    message = f"{caught.value} {caught.value.hint}"
    assert complaint in message
    assert message.startswith("p.yaml:")


def test_what_is_no_readable_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        pin_file.load(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"pin: 1\nname: \xe9")
    with pytest.raises(ConfigError, match="not UTF-8"):
        pin_file.load(tmp_path / "latin.yaml")


def test_numbers_as_header_values_and_names_of_people() -> None:
    pin = pin_file.parse(GOOD + "  headers: {x-count: 12, set-cookie: [a=1, b=2]}\n", "p.yaml")
    assert pin.expect.headers == (("x-count", "12"), ("set-cookie", "a=1"), ("set-cookie", "b=2"))


names = st.from_regex(r"[A-Za-z][A-Za-z-]{0,8}", fullmatch=True)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f«»"), max_size=12)
lines = st.dictionaries(names.map(str.lower), header_values, max_size=3).map(lambda found: tuple(found.items()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
bodies = st.one_of(
    st.just(Body()),
    json_values.map(lambda value: Body("json", pin_bodies.escaped(value))),
    st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: Body("text", pin_notation.escape(text))),
    st.binary().map(lambda data: Body("base64", data)),
)
paths = st.from_regex(r"/[a-z0-9/?=&%.]{0,12}", fullmatch=True)
requests = st.builds(PinRequest, st.sampled_from(["GET", "POST"]), paths, lines, bodies)
responses = st.builds(PinResponse, st.integers(100, 599), lines, bodies)
calls = st.builds(
    PinStub,
    names,
    st.builds(PinRequest, st.just("POST"), paths.map(lambda path: "http://inventory:8001" + path), lines, bodies),
    responses,
    st.sampled_from(["", "truncated"]),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        Pin,
        name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        request=requests,
        expect=responses,
        setup=st.lists(st.builds(Step, requests, st.integers(100, 599)), max_size=2).map(tuple),
        stubs=st.lists(calls, max_size=2).map(tuple),
    )
)
def test_any_pin_comes_back_from_its_file(pin: Pin) -> None:
    text = pin_file.dump(pin)
    assert text.startswith("pin: 1\nname: ")
    assert pin_file.parse(text, "p.yaml") == pin
