from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from captures import statistics
from captures.errors import ConfigError
from captures.model import Direction, Exchange
from captures.routes.endpoints import Endpoints
from captures.selection import parse
from captures.store import Capture
from diffing.engine import DiffOptions, compare_captures
from replayer.choosing import chosen
from replayer.plan import ReplayPlan
from tests.captures.making import JSON, capture, exchange


def posted(identity: int, target: bytes, document: Any, **more: Any) -> Exchange:
    body = json.dumps(document).encode()
    answer = {"response_headers": JSON, "response_body": b'{"ok":true}', **more}
    return exchange(identity, method="POST", target=target, headers=JSON, body=body, **answer)


def got(identity: int, target: bytes, document: Any, **more: Any) -> Exchange:
    return exchange(identity, target=target, response_headers=JSON, response_body=json.dumps(document).encode(), **more)


def shop(*, total: int = 7) -> list[Exchange]:
    return [
        posted(1, b"/graphql", {"query": "query GetOrder { order { id } }", "variables": {"id": "tok_hidden"}}),
        posted(2, b"/graphql", {"query": "mutation { pay { id } }"}),
        posted(3, b"/rpc", {"jsonrpc": "2.0", "id": 1, "method": "total"}, response_body=b'{"result":%d}' % total),
        posted(4, b"/orders", {"method": "card"}),
        got(5, b"/labels", [{"name": "bug"}, {"name": "chore"}]),
        got(6, b"/labels/bug", {"name": "bug"}),
        got(7, b"/users/me", {"login": "ann"}),
        got(8, b"/orders/42", {"id": 42}),
        posted(9, b"/rpc", {"jsonrpc": "2.0", "id": 1, "method": "ping"}),
        got(
            10,
            b"/rates/7",
            {"id": 7},
            direction=Direction.OUTBOUND,
            dependency="bank",
        ),
    ]


NAMES = [
    "POST /graphql query GetOrder", "POST /graphql mutation {pay}", "POST /rpc total", "POST /orders", "GET /labels",
    "GET /labels/{id}", "GET /users/me", "GET /orders/{id}", "POST /rpc ping", "GET /rates/{id}",
]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return capture(tmp_path / "shop.sqlite", *shop())


def test_every_exchange_has_its_endpoint(path: Path) -> None:
    with Capture.open(path) as opened:
        endpoints = Endpoints.of(opened)
        assert [endpoints.endpoint_of(one) for one in opened.exchanges()] == NAMES


def test_statistics_count_by_endpoint_and_say_why(path: Path) -> None:
    with Capture.open(path) as opened:
        counted = statistics.of(opened, ("GET /users/{name}", "/never/{met}"))
    names = {group.name: group.count for group in counted.endpoints}
    assert names == dict.fromkeys([*NAMES[:6], "GET /users/{name}", *NAMES[7:9]], 1)
    shown = "\n".join(statistics.lines(counted))
    assert "  /labels/{id}  1 different (word 1): 1 of 1 words listed by the answer above; such as bug\n" in shown
    assert "  /orders/{id}  1 different (number 1): looks like an id; such as 42\n" in shown
    assert "  /users/{name}  given in retape.toml\n" in shown
    assert "'/never/{met}' fits no request" in shown
    document = json.loads(statistics.as_json(counted))
    (labels,) = (one for one in document["endpoints"] if one["name"] == "GET /labels/{id}")
    assert labels["parameters"][0]["samples"] == ["bug"]
    assert len(document["complaints"]) == 1


def test_a_selection_by_operation_chooses_what_is_replayed(path: Path) -> None:
    only = parse("endpoint:'POST /graphql query GetOrder'|'POST /rpc t*'")
    plan = ReplayPlan(path.with_suffix(".run"), only=only)
    with Capture.open(path) as opened:
        assert chosen(opened, opened.sessions(), plan).send == [1, 3]


def test_a_diff_groups_by_operation(path: Path, tmp_path: Path) -> None:
    other = capture(tmp_path / "other.sqlite", *shop(total=8))
    result = compare_captures(path, other, DiffOptions(endpoints=("GET /users/{name}", "/never/{met}")))
    assert {group.endpoint for group in result.groups} == {"POST /rpc total"}
    assert {one.endpoint for one in result.judgements} == {*NAMES[:6], "GET /users/{name}", *NAMES[7:9]}
    assert any("/never/{met}" in note for note in result.notes)


def test_each_dependency_has_its_own_templates(tmp_path: Path) -> None:
    def call(identity: int, dependency: str, target: bytes, document: Any) -> Exchange:
        return got(identity, target, document, direction=Direction.OUTBOUND, dependency=dependency)

    listed = [call(1, "one", b"/tags", [{"slug": "a"}, {"slug": "b"}]), call(2, "one", b"/tags/a", {"slug": "a"})]
    path = capture(tmp_path / "calls.sqlite", *listed, call(3, "two", b"/tags/a", {"x": 1}))
    with Capture.open(path) as opened:
        endpoints = Endpoints.of(opened)
        assert [endpoints.endpoint_of(one) for one in opened.exchanges()] == [
            "GET /tags", "GET /tags/{id}", "GET /tags/a",
        ]  # fmt: skip


def test_a_malformed_template_is_refused_even_without_traffic(tmp_path: Path) -> None:
    with Capture.open(capture(tmp_path / "x.sqlite")) as opened, pytest.raises(ConfigError, match=r"'GET /a/\{'"):
        Endpoints.of(opened, ("GET /a/{",))


def test_retape_toml_wins_in_every_command(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import retape

    monkeypatch.chdir(tmp_path)
    (tmp_path / "retape.toml").write_text('[endpoints]\ntemplates = ["GET /users/{name}"]\n')
    assert retape.run(["capture", "ls", str(path), "--only", "endpoint:'GET /users/{name}'"]) == 0
    assert "GET /users/me" in capsys.readouterr().out
    assert retape.run(["capture", "show", str(path), "7"]) == 0
    assert "GET /users/{name}" in capsys.readouterr().out
    assert retape.run(["capture", "stats", str(path)]) == 0
    assert "GET /users/{name}  (200: 1)" in capsys.readouterr().out
    (tmp_path / "retape.toml").write_text('[endpoints]\ntemplates = ["GET users"]\n')
    assert retape.run(["capture", "ls", str(path)]) == 2
    assert "'GET users' is not of the form" in capsys.readouterr().err
