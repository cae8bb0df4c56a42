"""Documentation that cannot go stale: generated parts are compared, everything named exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import certifi
import click
import pytest

import retape
from captures.settings.variables import VARIABLES
from tests.corpus import each
from tests.pictures import IMAGES, NAMES
from tests.regenerate import CONFIGURATION_PAGE, MAP, REFERENCE, ROOMS, ROOT, commands, with_example, with_rooms

PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = commands(retape.cli)
ROOT_OF_PAGES = ROOT / "docs"
TOPS = ("captures", "diffing", "recorder", "replayer", "retape_pytest")


def test_the_reference_is_what_the_code_says() -> None:
    code = (
        "from tests.regenerate import reference; print(reference(), end='')"  # click keeps what other tests asked for
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert REFERENCE.read_text(encoding="utf-8") == done.stdout, "run: make docs"


@each("name", [name for name, _ in ALL])
def test_every_option_has_help(name: str) -> None:
    command = dict(ALL)[name]
    assert command.help, f"retape {name} has no help"
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None), f"retape {name} {parameter.opts[0]} has no help"


@each("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name} points at {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            named = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in named, f"{page.name} points at {target}#{anchor}"


@each("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists_with_its_options(page: Path) -> None:
    """In command blocks and between backticks: the command is one, and so is every option said beside it."""
    known = dict(ALL)
    shown = re.findall(r"^\$? ?(retape .*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown += re.findall(r"`(retape [^`]+)`", page.read_text(encoding="utf-8"))
    for line in shown:
        words = line.partition(" -- ")[0].partition("    #")[0].split()[1:]
        if words[0].startswith("-") or "|" in words[0]:
            continue
        name = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
        assert name in known, f"{page.name} shows {line}"
        options = {option for parameter in known[name].params for option in parameter.opts + parameter.secondary_opts}
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= options | {"--help"}, f"{page.name} shows {line}: no such option"


@each("page", [page for page in PAGES if page.parent.name == "docs" or page.stem == "README"])
def test_every_command_block_is_taken_by_the_command_line(page: Path) -> None:
    """Each line of a console block is parsed as a shell and click do: quotes, choices, what has to be given."""
    front = click.Context(retape.cli, info_name="retape")
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in re.findall(r"^\$ (retape .*)$", "\n".join(blocks), flags=re.MULTILINE):
        if "…" in line:
            continue
        words = shlex.split(line.replace(" | ", " # "), comments=True)[1:]
        command: click.Command = retape.cli
        context = front
        while isinstance(command, click.Group) and words and words[0] in command.commands:
            command = command.commands[words[0]]
            context = click.Context(command, context, info_name=words.pop(0))
        try:
            command.parse_args(context, words)
        except click.UsageError as error:
            pytest.fail(f"{page.name} shows {line}: {error.format_message()}")


def test_every_page_is_reached_from_the_front_page() -> None:
    front = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(front.splitlines()) < 150, "the front page is read in three minutes; the rest belongs in docs/"
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"](docs/{page.name})" not in front] == []


def test_the_example_of_the_configuration_is_made_from_its_keys() -> None:
    text = CONFIGURATION_PAGE.read_text(encoding="utf-8")
    assert text == with_example(text), "run: make docs"


def test_every_variable_of_ours_is_documented() -> None:
    named = {one.name for one in VARIABLES}
    sources = [path.read_text(encoding="utf-8") for top in TOPS for path in (ROOT / top).rglob("*.py")]
    read = {name for text in sources for name in re.findall(r"\bRETAPE_[A-Z_]*[A-Z]\b", text)}
    assert read - named == {"RETAPE_AUTHORIZATION"}, "the last is an example of a pin's"
    assert {name for name in named if name.startswith("RETAPE_")} <= read
    assert all(any(name in text for text in sources) for name in named if "_NAME" not in name)


def test_every_picture_is_taken_by_the_command_and_shown_somewhere() -> None:
    shown = {name for page in PAGES for name in re.findall(r"images/([\w-]+\.png)\)", page.read_text(encoding="utf-8"))}
    assert shown == set(NAMES) == {path.name for path in IMAGES.iterdir()}


def test_the_page_on_filters_has_every_word() -> None:
    from captures.selection import KEYS, parse
    from diffing.review.choosing import FIELDS
    from recorder.filters import ALONE, NUMBERS, PATTERNS, read

    page = (ROOT_OF_PAGES / "filters.md").read_text(encoding="utf-8")
    ours, recorded, groups = page.split("\n## ")[1:]
    assert {key for key in KEYS if f"`{key}:" not in ours} == set()
    assert {code for code in (*ALONE, *PATTERNS, *NUMBERS) if not re.search(rf"`~{code}[ `]", recorded)} == set()
    assert {field for field in FIELDS if f"`{field}:" not in groups} == set()
    for term in re.findall(r"`([a-z]+:[^`]+)`", ours):
        parse(term.replace("\\|", "|"))
    for expression in re.findall(r"--(?:only|exclude) '(~[^']+)'", recorded):
        read(expression)


def test_the_map_has_every_room() -> None:
    rooms = {str(path.parent.relative_to(ROOT)) for top in TOPS for path in (ROOT / top).rglob("__init__.py")}
    assert rooms == set(ROOMS)


def test_the_map_names_every_module() -> None:
    text = MAP.read_text(encoding="utf-8")
    assert text == with_rooms(text), "run: make docs"


def test_the_reference_lists_every_class_of_drift() -> None:
    from diffing.classes import all_classes

    table = REFERENCE.read_text(encoding="utf-8").partition("## Classes of drift")[2]
    for entry in all_classes():
        name = entry.id.removeprefix("response.body.").removeprefix("outbound.request.body.")
        assert f"| `{name}` |" in table or f"| `{entry.id}` |" in table


def test_the_configuration_page_is_accepted_and_complete(tmp_path: Path) -> None:
    """Every key that is shown is known, and every known key is shown."""
    from captures.config import load
    from captures.settings.judging_keys import APPROVALS, RULES, WORDS
    from captures.settings.keys import ROOT, SECTIONS
    from captures.settings.replaying_keys import AS, AUTH, CHAIN, LOGIN
    from diffing.options import options_from
    from recorder.settings import examine as of_recording
    from replayer.settings import examine as of_replaying

    page = (ROOT_OF_PAGES / "configuration.md").read_text(encoding="utf-8")
    text = "\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL))
    (tmp_path / "company-ca.pem").write_bytes(Path(certifi.where()).read_bytes())
    (tmp_path / "retape.toml").write_text(text)
    config = load(tmp_path)
    of_recording(config)
    of_replaying(config)
    options = options_from(config, fail_on="warning", only=None, today=date(2026, 1, 1))
    assert (len(options.rules), len(options.approvals)) == (len(config.rules()), len(config.approvals()))
    assert set(config.data) == set(ROOT.names)
    for table in SECTIONS:
        assert set(config.section(table.name)) == set(table.names)
    auth = config.section("replay")["auth"]
    assert set(auth) == set(AUTH.names)
    assert set(auth["login"]) == set(LOGIN.names) - {"form"}  # json or form
    assert {key for other in auth["as"] for key in other} == set(AS.names) - {"cookie", "basic", "login"}
    assert {key for chain in config.chains() for key in chain} == set(CHAIN.names)
    assert {key for rule in config.rules() for key in rule} == set(RULES.names)
    assert {key for approval in config.approvals() for key in approval} == set(APPROVALS.names)
    assert [word for word in (*WORDS, "regex:PATTERN") if f"`{word}`" not in page] == []
