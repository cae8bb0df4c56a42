"""Which files ``retape init`` makes, and what stands in them. Nothing is written here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from captures.setup.detecting import Service, has_table

PYTHON = """
      - uses: actions/setup-python@v6
        with:
          python-version: "3.12"
"""
NODE = """
      - uses: actions/setup-node@v6
        with:
          node-version: "22"
"""
GO = """
      - uses: actions/setup-go@v6
        with:
          go-version: stable
"""
_TOOLCHAINS = {"python": PYTHON, "node": NODE, "go": GO}
_IMAGES = {"python": "python:3.12", "node": "nikolaik/python-nodejs:python3.12-nodejs22", "go": "golang:1-bookworm"}
_INCLUDE = "include:\n  - local: .gitlab/retape.gitlab-ci.yml\n"


@dataclass(frozen=True, slots=True)
class Draft:
    """One file: what shall stand in it, and what stands there (None: no such file)."""

    path: Path
    text: str
    before: str | None = None
    kept: str = ""  # why it stays as it is

    @property
    def changes(self) -> bool:
        """Whether it is to be written."""
        return not self.kept and self.text != self.before

    def diff(self, root: Path) -> str:
        """What changes, as a unified diff; empty where nothing does."""
        if not self.changes:
            return ""
        name = self.path.relative_to(root).as_posix()
        old = [] if self.before is None else self.before.splitlines(keepends=True)
        lines = difflib.unified_diff(
            old, self.text.splitlines(keepends=True), "/dev/null" if self.before is None else f"a/{name}", f"b/{name}"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def drafts(
    root: Path, service: Service, *, ci: str = "", git: bool = True, force: bool = False, version: str = ""
) -> tuple[Draft, ...]:
    """What to make in ``root``. ``ci``: ``github``, ``gitlab`` or none. An existing file stays unless ``force``."""
    name = _name(root)
    words = {
        "@NAME@": name,
        "@CAPTURE@": f"tests/captures/{name}.sqlite",
        "@COMMAND@": service.command,
        "@BUILD@": service.build or "echo 'nothing to build'",
        "@RETAPE@": f"retape=={version}" if re.fullmatch(r"\d+(\.\d+)*", version) else "retape",
        "@TOOLCHAIN@\n": _TOOLCHAINS.get(service.language, "").lstrip("\n"),
        "@IMAGE@": _IMAGES.get(service.language, "python:3.12"),
    }
    made = [_configuration(root, words, force)]
    if git:
        made.append(_ignored(root))
    if ci == "github":
        folder = root / ".github" / "workflows"
        made += [
            _made(folder / "retape.yml", _filled("github.yml", words), force),
            _made(folder / "retape-comment.yml", _filled("github-comment.yml", words), force),
        ]
    elif ci == "gitlab":
        made.append(_made(root / ".gitlab" / "retape.gitlab-ci.yml", _filled("gitlab.yml", words), force))
        made.append(_made(root / ".gitlab-ci.yml", _INCLUDE, force=False))
    return tuple(made)


def included(draft: Draft) -> bool:
    """Whether an existing ``.gitlab-ci.yml`` takes ours in already."""
    return draft.path.name != ".gitlab-ci.yml" or ".gitlab/retape.gitlab-ci.yml" in (draft.before or draft.text)


def _configuration(root: Path, words: dict[str, str], force: bool) -> Draft:
    path = root / "retape.toml"
    if not path.exists() and has_table(root / "pyproject.toml", "tool", "retape"):
        return Draft(path, "", None, "pyproject.toml has [tool.retape]")
    return _made(path, _filled("retape.toml", words), force)


def _ignored(root: Path) -> Draft:
    """``.gitignore`` with our folder: appended to what is there, which is no overwriting."""
    path = root / ".gitignore"
    before = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else None
    has = {line.strip().strip("/") for line in (before or "").splitlines()}
    entries = [entry for entry in (".retape/", "retape-out/") if entry.strip("/") not in has]
    if not entries:
        return Draft(path, before or "", before, "it has the entries already")
    start = before or ""
    start += "" if not start or start.endswith("\n") else "\n"
    return Draft(path, start + "".join(f"{entry}\n" for entry in entries), before)


def _made(path: Path, text: str, force: bool) -> Draft:
    if not path.exists() and not path.is_symlink():
        return Draft(path, text)
    before = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else ""
    if before == text:
        return Draft(path, text, before, "it says so already")
    return Draft(path, text, before, "" if force and path.is_file() else "it exists (--force replaces it)")


def _filled(name: str, words: dict[str, str]) -> str:
    text = (files("captures.setup") / "files" / name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _name(root: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "service"


def text_of(made: Iterable[Draft], root: Path) -> str:
    """The diffs of all drafts, one after another."""
    return "".join(draft.diff(root) for draft in made)
