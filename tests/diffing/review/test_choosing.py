"""``--filter`` means the groups that the page's search box shows for the same words."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import diffing.reports
from diffing.model import ABSENT, Group, Kind, Level
from diffing.reports.page_data import index
from diffing.review.choosing import matcher
from tests.corpus import each
from tests.diffing.review.conftest import Pair

ASSETS = Path(diffing.reports.__file__).parent / "assets"


def group(name: str, class_id: str, endpoint: str, location: str, recorded: object, replayed: object) -> Group:
    contract = class_id.endswith("removed")
    kind, level = (Kind.CONTRACT, Level.ERROR) if contract else (Kind.BEHAVIOUR, Level.WARNING)
    return Group(name * 12, class_id, kind, level, endpoint, location, recorded, replayed, "", 1, (1,))


GROUPS = (
    group("a", "response.body.field-removed", "GET /orders/{id}", "response.body $.price", 4.5, ABSENT),
    group("b", "response.body.value-changed", "POST /orders", 'response.body $["a b"]', "Old Name", "new name"),
    group("c", "response.status.code", "GET /été", "response.status", 200, 404),
    group("d", "response.body.value-changed", "GET /a", "response.body $.x", "level:error", '\u202e"q"'),
)
EXPRESSIONS = {
    "": "abcd",
    "level:error": "a",
    "!level:error": "bcd",
    "LEVEL:Warning name": "b",
    "kind:con": "a",
    'endpoint:"GET /orders"': "a",
    "endpoint:/orders !class:removed": "b",
    'location:"a b"': "b",
    "id:cccc": "c",
    "été 404": "c",
    '"old name"': "b",
    "nothing": "",
    "price location:$.price": "a",
    "levl:error": "",
    '"level:error"': "d",
    "!": "",
    "\\u202e": "d",
}


@each(("expression", "names"), EXPRESSIONS.items())
def test_which_groups_are_meant(expression: str, names: str) -> None:
    chosen = matcher(expression)
    assert "".join(group.fingerprint[0] for group in GROUPS if chosen(group)) == names


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="the page's script is run by node")
def test_the_page_shows_the_same_groups(pair: Pair) -> None:
    from dataclasses import replace

    from diffing.engine import compare_captures

    result = replace(compare_captures(pair.recorded, pair.run), groups=GROUPS)
    asked = {"groups": index(result, None, None)["groups"], "expressions": list(EXPRESSIONS)}
    code = (
        "const {readFileSync} = require('fs');"
        f"const matcher = new Function(readFileSync({str(ASSETS / 'overview.js')!r}, 'utf8') + '; return matcher')();"
        "const asked = JSON.parse(readFileSync(0, 'utf8'));"
        "const chosen = (q) => asked.groups.filter(matcher(new URLSearchParams({q})));"
        "const shown = (q) => chosen(q).map((group) => group.id[0]).join('');"
        "console.log(JSON.stringify(Object.fromEntries(asked.expressions.map((q) => [q, shown(q)]))));"
    )
    done = subprocess.run(
        ["node", "-e", code], input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=120
    )
    assert json.loads(done.stdout) == EXPRESSIONS
