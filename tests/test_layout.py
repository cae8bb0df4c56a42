"""How the house is kept: structural rules that no review has to remember."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("captures", "diffing", "recorder", "replayer", "retape_pytest")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))] + [ROOT / "retape.py"]
BANNED = {"utils", "helpers", "manager", "common", "misc"}
DOCSTRING = re.compile(r'(?:\s*#.*\n|\s*\n)*r?"')
CONTAINER = re.compile(r"^(\w+(?: *= *\w+)*) *= *[(\[{]", re.MULTILINE)
HEAVY = {"mitmproxy", "deepdiff", "jinja2", "rich", "jsonpath_ng", "sqlite_utils", "cryptography", "yaml", "asyncio"}


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_module_is_one_thing_and_keeps_no_state() -> None:
    """A mutable container that is assigned at module level must be an UPPER_CASE constant."""
    long, silent, state = [], [], []
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 500:
            long.append(label(path))
        if text.strip() and not DOCSTRING.match(text):
            silent.append(label(path))
        if not any(name != name.upper() for name in CONTAINER.findall(text)):
            continue  # only then is it worth a parser's time
        state += [
            f"{label(path)}:{node.lineno}"
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict | ast.List | ast.Set)
            for target in node.targets
            if isinstance(target, ast.Name) and not target.id.isupper() and not target.id.startswith("__")
        ]
    assert long == [], "past 500 lines it is two modules"
    assert silent == [], "say what the module is"
    assert state == []
    assert [label(path) for path in MODULES if path.stem in BANNED] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed_and_mirrored(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
    assert (ROOT / "tests" / package / "__init__.py").exists()


def test_test_folders_are_packages() -> None:
    """Without it, ``import captures`` inside a test would find the tests' folder."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_front_door_opens_without_heavy_imports() -> None:
    """``retape --help`` stays quick because nothing heavy is imported until a command needs it."""
    code = "import sys, retape; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert HEAVY & set(done.stdout.split()) == set()
