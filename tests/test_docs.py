"""Documentation that cannot go stale: generated parts are compared, everything named exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import retape
from tests.regenerate import MAP, REFERENCE, ROOT, commands, reference, with_rooms

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL = commands(retape.cli)


def test_the_reference_is_what_the_code_says() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run: make docs"


@pytest.mark.parametrize("name", [name for name, _ in ALL])
def test_every_option_has_help(name: str) -> None:
    command = dict(ALL)[name]
    assert command.help, f"retape {name} has no help"
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert getattr(parameter, "help", None), f"retape {name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points at {target}"


def test_every_command_in_the_readme_exists() -> None:
    names = {name for name, _ in ALL}
    for line in re.findall(r"^\$? ?(?:uvx )?retape ([a-z]+(?: [a-z]+)?)", README, flags=re.MULTILINE):
        words = line.split()
        assert words[0] in names, f"README shows retape {line}"


def test_the_map_names_every_module() -> None:
    text = MAP.read_text(encoding="utf-8")
    assert text == with_rooms(text), "run: make docs"
