"""Regenerates what the documentation takes from the code: ``make docs``. ``tests/test_docs.py`` compares.

``docs/reference.md`` holds every command's help and every class of drift; ``ARCHITECTURE.md`` lists every module with
the first sentence it says of itself. The picture in the README is taken from the demo's report where headless Chromium
is at hand.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

import retape

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference.md"
MAP = ROOT / "ARCHITECTURE.md"
ROOMS = {
    "captures": "what a recording is: types, the file, bodies, redaction, templates, links; and starting a service",
    "recorder": "traffic to capture; the only importer of mitmproxy",
    "replayer": "capture to a new build, dependencies stubbed, to a run; pins and the pytest plugin",
    "diffing": "two captures to findings, groups, a verdict",
    "diffing/reports": "a verdict as pages people and machines read",
}
PICTURE = ROOT / "docs" / "images" / "report.png"


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> list[tuple[str, click.Command]]:
    """Every command below ``group`` with its full name, in the order ``--help`` lists them."""
    found: list[tuple[str, click.Command]] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if command is None or command.hidden:
            continue
        words = (*prefix, name)
        found.append((" ".join(words), command))
        if isinstance(command, click.Group):
            found += commands(command, words)
    return found


def help_of(name: str, command: click.Command) -> str:
    """The help text as a 100-column terminal shows it."""
    front = click.Context(retape.cli, info_name="retape", **retape.cli.context_settings)
    context = click.Context(command, front, info_name=name, terminal_width=100, max_content_width=100)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


def classes_table() -> str:
    """Every class of drift as a Markdown table."""
    from diffing.classes import all_classes

    rows = ["| class | kind | level | what it says |", "|---|---|---|---|"]
    rows += [
        f"| `{entry.id}` | {entry.kind.value} | {entry.level.value} | {entry.meaning} |"
        for entry in sorted(all_classes(), key=lambda entry: entry.id)
    ]
    return "\n".join(rows)


def exit_codes() -> str:
    """The exit codes, out of the front door's docstring."""
    text = (retape.__doc__ or "").partition("\n\n")[2]
    pairs = re.findall(r"(\d+) ([^·\n]+)", text)
    rows = [f"| {code} | {meaning.strip()} |" for code, meaning in pairs]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def reference() -> str:
    """The whole of ``docs/reference.md``."""
    parts = [
        "# Reference",
        "Generated from the code by `make docs`; a test compares it.",
        "## Exit codes",
        exit_codes(),
        "## Commands",
    ]
    for name, command in commands(retape.cli):
        parts += [f"### `retape {name}`", f"```text\n{help_of(name, command)}\n```"]
    parts += ["## Classes of drift", classes_table()]
    return "\n\n".join(parts) + "\n"


def rooms() -> str:
    """Every module with the first sentence of its docstring, room by room."""
    parts = []
    for room, purpose in ROOMS.items():
        parts.append(f"### `{room}/`: {purpose}")
        rows = []
        for path in sorted((ROOT / room).glob("*.py")):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            sentence = " ".join(text.partition("\n\n")[0].split())
            if sentence and path.stem != "__init__":
                rows.append(f"- `{path.stem}`: {sentence}")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def with_rooms(page: str) -> str:
    """``page`` with the part between its markers made anew."""
    start, end = "<!-- rooms: made by `make docs` -->\n", "\n<!-- /rooms -->"
    head, _, rest = page.partition(start)
    return f"{head}{start}{rooms()}{end}{rest.partition(end)[2]}"


def chromium() -> str | None:
    """The path of a headless-capable Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


def take_picture(page: Path, picture: Path, *, width: int = 1280, height: int = 1230) -> None:
    """A screenshot of ``page`` as a person's browser shows it."""
    browser = chromium()
    if browser is None:
        sys.exit("no Chromium at hand: the picture was not taken")
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        flags = (
            "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --hide-scrollbars"
        ).split()
        size = f"--window-size={width},{height}"
        subprocess.run(
            [browser, *flags, f"--user-data-dir={profile}", size, f"--screenshot={picture}", page.resolve().as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    MAP.write_text(with_rooms(MAP.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {REFERENCE.relative_to(ROOT)} and the rooms of {MAP.relative_to(ROOT)}")
    report = ROOT / "demo-report.html"
    if report.exists():
        take_picture(report, PICTURE)
        print(f"took {PICTURE.relative_to(ROOT)} from {report.name}")
    else:
        print("no demo-report.html (make demo leaves one): the picture stays as it is")
