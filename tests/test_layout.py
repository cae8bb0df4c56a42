"""How the house is kept: structural rules that no review has to remember."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("captures", "diffing", "recorder", "replayer")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))] + [ROOT / "retape.py"]
BANNED = {"utils", "helpers", "manager", "common", "misc"}
HEAVY = {"mitmproxy", "deepdiff", "jinja2", "rich", "jsonpath_ng", "sqlite_utils", "cryptography", "yaml", "asyncio"}


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_a_module_is_one_thing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500, "past 500 lines it is two modules"
    assert path.stem not in BANNED
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "say what the module is"


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


def test_no_module_level_state() -> None:
    """An assignment of a mutable container at module level must be an UPPER_CASE constant."""
    offenders = []
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict | ast.List | ast.Set):
                offenders += [
                    f"{label(path)}:{node.lineno}"
                    for target in node.targets
                    if isinstance(target, ast.Name) and not target.id.isupper() and not target.id.startswith("__")
                ]
    assert offenders == []
