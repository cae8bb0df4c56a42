"""Rules written into people's files: what is added, what stays as it was, what is refused."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

from captures.errors import ConfigError
from diffing.rulebook.rules import parse_rules
from diffing.rulebook.rulesfile import HEADER, RuleDraft, add_rules, draft_id, remove_rule, update_rule, written

MINE = """# What we know.

[[rules]]  # the oldest
id = "a" # do not rename
location = "$.a"
expect = 'any'   # for now
# that was a

# b is Dana's.
[[rules]]
location = "$.b"
id = "b"
values = [
  "x", # first
  "[[rules]]",
]
expect = "one-of"

# The replay.
[replay]
target="http://127.0.0.1:1"

[[rules]]
id = "c"
location = "$.c"
expect = "any"
# the end
"""
NEW = RuleDraft(
    "GET /orders/{id}", "$.at", "timestamp", {"format": "rfc3339 ms Z"}, "clock", "dana", "40 of 40 differed"
)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "retape.toml"
    path.write_text(MINE)
    return path


def test_a_missing_file_is_made_with_a_header(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "retape.rules.toml"
    draft = RuleDraft("GET /a", "$.at", "any", {}, 'said "so"', "dana", "1 of 1", date(2027, 1, 31), date(2026, 11, 21))
    assert add_rules(path, [draft]) == ["get-a-at"]
    assert path.read_text() == HEADER + (
        '\n[[rules]]\nid = "get-a-at"\nendpoint = "GET /a"\nlocation = "$.at"\nexpect = "any"\n'
        'reason = "said \\"so\\""\nauthor = "dana"\nevidence = "1 of 1"\n'
        "created = 2026-11-21\nexpires = 2027-01-31\n"
    )
    rule = parse_rules(tomllib.loads(path.read_text())["rules"])[0]
    assert (rule.author, rule.evidence, rule.created) == ("dana", "1 of 1", date(2026, 11, 21))


def test_adding_leaves_every_byte_before_it(mine: Path) -> None:
    ids = add_rules(mine, [NEW, RuleDraft("*", "header etag", "any")])
    assert ids == ["get-orders-id-at", "header-etag"]
    assert mine.read_text() == MINE + "\n" + written(NEW) + "\n" + written(RuleDraft("*", "header etag", "any"))


def test_the_same_draft_is_written_once_and_a_taken_id_is_numbered(mine: Path) -> None:
    assert add_rules(mine, [NEW, NEW]) == ["get-orders-id-at"] * 2
    before = mine.read_text()
    again = RuleDraft("GET /orders/{id}", "$.at", "timestamp", {"format": "rfc3339 ms Z"}, "another reason")
    assert add_rules(mine, [again]) == ["get-orders-id-at"]
    assert mine.read_text() == before
    other = RuleDraft("GET /orders/{id}", "$.at", "string")
    assert add_rules(mine, [other]) == ["get-orders-id-at-2"]
    assert [entry["id"] for entry in tomllib.loads(mine.read_text())["rules"]][-2:] == [
        "get-orders-id-at",
        "get-orders-id-at-2",
    ]


def test_rules_in_one_list_stay_one(tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text('rules = [{id = "a", location = "$.a", expect = "any"}]  # all\n')
    add_rules(path, [RuleDraft("*", "$.b", "uuid")])
    assert [entry["id"] for entry in tomllib.loads(path.read_text())["rules"]] == ["a", "b"]
    assert "# all" in path.read_text()
    with pytest.raises(ConfigError, match="one list"):
        remove_rule(path, "a")


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        ("a", '[[rules]]  # the oldest\nid = "a" # do not rename\nlocation = "$.a"\nexpect = \'any\'   # for now\n'),
        ("b", MINE[MINE.index('[[rules]]\nlocation = "$.b"') : MINE.index("# The replay.")]),
        ("c", '[[rules]]\nid = "c"\nlocation = "$.c"\nexpect = "any"\n'),
    ],
)
def test_removing_takes_the_rule_and_no_comment_of_another(mine: Path, rule: str, gone: str) -> None:
    remove_rule(mine, rule)
    after = mine.read_text()
    assert [entry["id"] for entry in tomllib.loads(after)["rules"]] == [one for one in "abc" if one != rule]
    assert [line for line in after.splitlines() if line] == [
        line for line in MINE.replace(gone, "").splitlines() if line
    ]


def test_adding_and_removing_gives_the_file_back(mine: Path) -> None:
    add_rules(mine, [NEW])
    remove_rule(mine, "get-orders-id-at")
    assert mine.read_text() == MINE


def test_updating_keeps_the_comments_of_the_rule(mine: Path) -> None:
    update_rule(mine, "a", {"expect": "type", "reason": "it counts", "expires": date(2027, 1, 1)})
    meant = MINE.replace(
        "expect = 'any'   # for now\n", 'expect = "type"   # for now\nreason = "it counts"\nexpires = 2027-01-01\n'
    )
    assert mine.read_text() == meant
    update_rule(mine, "a", {"reason": None, "expires": None, "expect": "any"})
    assert tomllib.loads(mine.read_text()) == tomllib.loads(MINE)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda path: add_rules(path, [RuleDraft("*", "$.a b", "any")]), "no JSON path"),
        (lambda path: add_rules(path, [RuleDraft("*", "$.a", "uid")]), "is no matcher"),
        (lambda path: add_rules(path, [RuleDraft("*", "$..*", "any")]), "accepts everything"),
        (lambda path: update_rule(path, "a", {"expect": "uid"}), "is no matcher"),
        (lambda path: update_rule(path, "z", {"expect": "any"}), 'has no rule "z"'),
        (lambda path: remove_rule(path, "z"), 'has no rule "z"'),
    ],
)
def test_what_would_be_unsound_is_not_written(mine: Path, change: object, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        change(mine)  # type: ignore[operator]
    assert mine.read_text() == MINE


def test_a_broken_file_is_left_alone(mine: Path) -> None:
    mine.write_text("[[rules]\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        add_rules(mine, [NEW])
    assert mine.read_text() == "[[rules]\n"


def test_permissions_links_and_line_endings_stay(mine: Path, tmp_path: Path) -> None:
    mine.write_bytes(MINE.replace("\n", "\r\n").encode())
    mine.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(mine)
    add_rules(link, [NEW])
    assert link.is_symlink()
    assert stat.S_IMODE(mine.stat().st_mode) == 0o640
    assert b"\n" not in mine.read_bytes().replace(b"\r\n", b"")
    update_rule(link, "b", {"reason": "x"})
    remove_rule(link, "get-orders-id-at")
    assert b"\n" not in mine.read_bytes().replace(b"\r\n", b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.toml", "retape.toml"]


def test_pyproject_is_not_ours_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not written into"):
        add_rules(tmp_path / "pyproject.toml", [NEW])


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be"):
        add_rules(tmp_path / "file" / "retape.rules.toml", [NEW])


@pytest.mark.parametrize(
    ("endpoint", "location", "id_"),
    [
        ("*", "$.created_at", "created-at"),
        ("GET /orders/{id}", "$.items[*].price", "get-orders-id-items-price"),
        ("", "header etag", "header-etag"),
    ],
)
def test_ids_say_what_they_are_about(endpoint: str, location: str, id_: str) -> None:
    assert draft_id(endpoint, location) == id_


def test_ids_of_odd_places_are_told_apart() -> None:
    ids = {draft_id("*", location) for location in ("$['é']", "$['è']", "$['-']", "$." + "a" * 90, "$." + "a" * 91)}
    assert len(ids) == 5
    assert max(map(len, ids)) <= 64


def test_a_byte_order_mark_stays_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    path.write_text('\ufeff[[rules]]\nid = "a"\nlocation = "$.a"\nexpect = "uuid"\n')
    before = path.read_text()
    add_rules(path, [NEW])
    assert path.read_text().startswith(before)
    remove_rule(path, "get-orders-id-at")
    update_rule(path, "a", {"expect": "ulid"})
    assert [entry["expect"] for entry in tomllib.loads(path.read_text("utf-8-sig"))["rules"]] == ["ulid"]


@pytest.mark.slow
def test_of_two_writers_at_once_none_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "retape.rules.toml"
    code = (
        "import sys\nfrom pathlib import Path\nfrom captures.errors import ConfigError\n"
        "from diffing.rulebook.rulesfile import RuleDraft, add_rules\n"
        "for number in range(15):\n"
        "    try:\n"
        "        print(add_rules(Path(sys.argv[1]), [RuleDraft('*', f'$.{sys.argv[2]}{number}', 'uuid')])[0])\n"
        "    except ConfigError:\n"
        "        pass\n"  # refused, and said so: nothing is lost
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    said = sorted(line for writer in writers for line in writer.communicate()[0].split())
    assert sorted(entry["id"] for entry in tomllib.loads(path.read_text())["rules"]) == said
