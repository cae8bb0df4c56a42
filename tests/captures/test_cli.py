from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import retape
from captures import listing
from captures.cli import capture as group
from captures.model import Cause, CauseHow, Direction, Failure, FailureKind, Request, Response
from captures.writer import CaptureWriter
from tests.captures.making import JSON, capture, exchange

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    charge = exchange(
        2,
        direction=Direction.OUTBOUND,
        dependency="payments",
        cause=Cause(CauseHow.WINDOW, 1, "only exchange 1 was open"),
        status=201,
    )
    return capture(
        path,
        exchange(
            1, method="POST", target=b"/orders/17?x=1", headers=((b"Host", b"shop"), *JSON),
            body=b'{"sku":"A-1","n":1.50}', response_headers=JSON, response_body=b'{"id":17}',
        ),
        charge,
        exchange(3, target=b"/orders/18\x1b[31m\r\nX", status=404, notes={"redacted": {"request.header cookie": 1}}),
        exchange(4, target=b"/orders/19", response=None, failure=Failure(FailureKind.RESET, "closed")),
        exchange(5, target=b"/img", response_headers=((b"Content-Type", b"image/png"),), response_body=bytes(300)),
    )  # fmt: skip


def run(*arguments: object) -> Result:
    return CliRunner().invoke(group, [str(argument) for argument in arguments], standalone_mode=False)


def text(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exception is None, result.exception
    assert result.return_value == 0
    return result.stdout


def document(*arguments: object) -> Any:
    return json.loads(text(*arguments, "--format", "json"))


def test_ls(shop: Path) -> None:
    lines = text("ls", shop).splitlines()
    assert len(lines) == 5
    assert lines[0].split() == "1 1970-01-01 00:01:40.000Z in 200 300.0 ms POST /orders/17?x=1".split()
    assert lines[1].endswith("GET http://shop/  [payments]  caused by 1 (window)")
    assert lines[2].endswith("GET /orders/18\\x1b[31m\\r\\nX")
    assert " reset " in lines[3]


def test_ls_selects_and_limits(shop: Path) -> None:
    assert [row["id"] for row in document("ls", shop, "--only", "endpoint:'GET /orders/{id}'")] == [4]
    assert [row["id"] for row in document("ls", shop, "--only", "!direction:outbound", "--limit", 2)] == [1, 3]
    assert document("ls", shop, "--only", "status:5xx") == []
    result = run("ls", shop, "--only", "status:5xx")
    assert result.stdout == ""
    assert "no exchange matches 'status:5xx'" in result.stderr


def test_ls_of_the_last(shop: Path) -> None:
    assert [row["id"] for row in document("ls", shop, "--last", 2)] == [4, 5]
    assert [row["id"] for row in document("ls", shop, "--last", 2, "--only", "status:200|201")] == [2, 5]
    assert [line.split()[0] for line in text("ls", shop, "--last", 99).splitlines()] == list("12345")
    assert "The first or the last" in str(run("ls", shop, "--last", 2, "--limit", 2).exception)


def test_a_target_without_end_is_cut_for_people_alone(tmp_path: Path) -> None:
    target = b"/search?q=" + b"x" * 60_000
    path = capture(tmp_path / "long.sqlite", exchange(1, target=target), exchange(2, target=target[: listing.LONGEST]))
    long, short = text("ls", path).splitlines()
    assert len(long) < 1_100
    assert long.endswith("xxx… (60,010 characters)")
    assert short.endswith(target[: listing.LONGEST].decode())
    assert document("ls", path)[0]["target"] == target.decode()
    assert target.decode() in text("show", path, 1)


def test_ls_json(shop: Path) -> None:
    first, second = document("ls", shop, "--limit", 2)
    assert first["endpoint"] == "POST /orders/{id}"
    assert (first["url"], first["status"], first["milliseconds"]) == ("http://shop/orders/17?x=1", 200, 300.0)
    assert (second["dependency"], second["caused_by"], second["cause_how"]) == ("payments", 1, "window")


def test_show(shop: Path) -> None:
    shown = text("show", shop, 1)
    assert "> POST /orders/17?x=1 HTTP/1.1\n> Host: shop\n" in shown
    assert '>   {\n>     "sku": "A-1",\n>     "n": 1.50\n>   }\n' in shown
    assert "< HTTP/1.1 200\n" in shown
    assert "outbound calls: 1\n" in shown
    assert "evidence: only exchange 1 was open" in shown
    assert "endpoint    POST /orders/{id}" in shown
    assert "\x1b" not in text("show", shop, 3)
    assert "redacted" in text("show", shop, 3)
    assert "! failed: reset closed" in text("show", shop, 4)
    assert "44 more bytes; SHA-256 of all" in text("show", shop, 5)
    assert "caused by   exchange 1 (window: only exchange 1 was open)" in text("show", shop, 2)


def test_show_json(shop: Path) -> None:
    shown = document("show", shop, 1)
    assert shown["request"]["headers"] == [["Host", "shop"], ["Content-Type", "application/json"]]
    assert shown["request"]["body"] == {"kind": "json", "text": '{"sku":"A-1","n":1.50}'}
    assert [call["id"] for call in shown["outbound"]] == [2]
    assert document("show", shop, 4)["response"] is None
    assert document("show", shop, 5)["response"]["body"]["kind"] == "binary"


def test_show_every_kind_of_body(tmp_path: Path) -> None:
    parts = b'--B\r\nContent-Disposition: form-data; name="a\x1b"; filename="f"\r\n\r\nhi\r\n--B--'
    kinds = {
        b"application/x-www-form-urlencoded": (b"a=1&b=%1b", "a = 1\n"),
        b"multipart/form-data; boundary=B": (parts, "--- part"),
        b"text/plain": (b"one\r\ntwo\x1b[0m", ">   two\\x1b[0m"),
        b"application/json": (b'{"a":1,"a":2}', "the member $.a stands there more than once"),
        b"application/json; x": (b"<html>", "(declared application/json: Expecting value"),
    }
    path = capture(
        tmp_path / "x.sqlite",
        *(
            exchange(n, headers=((b"Content-Type", kind),), body=body)
            for n, (kind, (body, _)) in enumerate(kinds.items(), 1)
        ),
    )
    for number, (_, expected) in enumerate(kinds.values(), 1):
        shown = text("show", path, number)
        assert expected in shown
        assert "\x1b" not in shown
        document("show", path, number)


def test_stats(shop: Path) -> None:
    counted = document("stats", shop)
    assert (counted["inbound"], counted["outbound"], counted["bodies"]) == (4, 1, 3)
    assert counted["endpoints"][0]["name"] == "GET /img"
    assert counted["dependencies"] == [{"name": "payments", "count": 1, "statuses": {"201": 1}}]
    assert counted["links"] == {"window": 1}
    assert counted["sessions"][0]["written"] == 5
    shown = text("stats", shop)
    assert "4 inbound, 1 outbound exchanges" in shown
    assert "seen 5, written 5, dropped 0" in shown
    assert "GET /orders/{id}  (reset: 1)" in shown
    assert "\x1b" not in shown


def test_a_file_name_with_an_escape_in_it(tmp_path: Path) -> None:
    path = capture(tmp_path / "x\x1b[31m.sqlite", exchange(1))
    assert "\x1b" not in text("stats", path)


def test_verify_sound(shop: Path) -> None:
    assert text("verify", shop) == f"{shop} is sound: 5 exchanges.\n"
    assert document("verify", shop)["sound"] is True


def test_verify_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    with CaptureWriter(path, mode="record", max_queued_bytes=600) as writer:
        assert run("verify", path).return_value == 3
        writer.put(exchange(1, body=b"x" * 1000))
        writer.put(exchange(2, body=b"x" * 1000))
    result = run("verify", path)
    assert (result.return_value, result.stdout) == (3, "incomplete: session 1 dropped 1 of 2 exchanges\n")


def test_verify_damaged(shop: Path) -> None:
    whole = shop.read_bytes()
    shop.write_bytes(whole.replace(b'{"id":17}', b'{"id":18}'))
    result = run("verify", shop)
    assert result.return_value == 2
    assert "SHA-256 differs" in result.stdout
    shop.write_bytes(whole[:20_000])
    result = run("verify", shop, "--format", "json")
    assert result.return_value == 2
    assert json.loads(result.stdout)["damage"]


@pytest.mark.parametrize("command", [["ls"], ["stats"], ["verify"], ["show", "1"]])
def test_what_is_no_capture(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    name, *rest = command
    assert retape.run(["capture", name, str(path), *rest]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"retape: {path} is not a Retape capture." in err
    assert "Traceback" not in err


def test_wrong_use(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert retape.run(["capture", "ls", str(shop), "--only", "methd:GET"]) == 2
    assert "did you mean 'method'" in capsys.readouterr().err
    assert retape.run(["capture", "show", str(shop), "99"]) == 2
    assert "has no exchange 99" in capsys.readouterr().err


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", *(exchange(n, target=b"/" + b"x" * 200) for n in range(1, 2000)))
    command = f"{sys.executable} -m retape capture ls {path} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_lines_are_not_cut_and_hold_no_colour_codes(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", exchange(1, target=b"/" + b"x" * 500))
    (line,) = text("ls", path).splitlines()
    assert line.endswith("x" * 500)


def test_any_stored_text_is_shown_harmlessly(tmp_path: Path) -> None:
    evil = "\x1b]0;evil\x07\u202e"
    one = exchange(1, connection=evil, dependency=evil, cause=Cause(CauseHow.NONE, None, evil), notes={evil: evil})
    raw = evil.encode()
    request = Request(evil, "http", evil, 1, raw, ((raw, raw),), raw, ((raw, raw),), evil)
    response = Response(200, ((raw, raw),), raw, raw, ((raw, raw),), evil)
    capture(
        tmp_path / "x.sqlite",
        type(one)(**{**{name: getattr(one, name) for name in one.__slots__}, "request": request, "response": response}),
    )
    for arguments in (["ls"], ["show", 1], ["stats"]):
        shown = text(arguments[0], tmp_path / "x.sqlite", *arguments[1:])
        assert not set("\x1b\x07\u202e\x9b") & set(shown)


def test_grep(shop: Path) -> None:
    found = text("grep", shop, "A-1").splitlines()
    assert len(found) == 2
    assert found[0].split()[-2:] == ["POST", "/orders/17?x=1"]
    assert found[1].split(maxsplit=2) == ["request.body", "$.sku", '{"sku":"A-1","n":1.50}']
    assert document("grep", shop, "17") == [
        {"exchange": 1, "direction": "inbound", "place": "request.target", "match": "17", "text": "/orders/17?x=1"},
        {"exchange": 1, "direction": "inbound", "place": "response.body $.id", "match": "17", "text": '{"id":17}'},
    ]
    assert text("grep", shop, "orders", "--count") == "3 exchanges, 3 places\n"
    assert document("grep", shop, "orders", "--count", "--only", "endpoint:'POST *'") == {"exchanges": 1, "places": 1}
    assert len(text("grep", shop, "-E", "ORDERS/1[89]", "-i", "--limit", 1).splitlines()) == 2
    assert "\x1b" not in text("grep", shop, "[31m")


def test_grep_of_what_is_nowhere(shop: Path) -> None:
    for options in ((), ("--count",), ("--in", "headers"), ("--format", "json")):
        result = run("grep", shop, "tok_", *options)
        assert result.return_value == 1
    assert "'tok_' is nowhere in it" in run("grep", shop, "tok_").stderr
    assert run("grep", shop, "tok_", "--format", "json").stdout == "[]\n"
