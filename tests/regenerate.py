"""Regenerates what the documentation takes from the code: ``make docs``. ``tests/test_docs.py`` compares.

``docs/reference.md`` holds every command's help and every class of drift, and ``ARCHITECTURE.md`` every module with
the first sentence it says of itself. (Pictures are taken by ``tests.pictures``.)
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click

import retape
from captures.settings.example import EVERY, example, table_of, title_of
from captures.settings.keys import ROOT as CONFIGURATION
from captures.settings.keys import RULES_FILE
from captures.settings.schema import schema_text
from captures.settings.variables import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference.md"
CONFIGURATION_PAGE = ROOT / "docs" / "configuration.md"
MAP = ROOT / "ARCHITECTURE.md"
SCHEMAS = {
    ROOT / "captures" / "settings" / "retape.schema.json": CONFIGURATION,
    ROOT / "captures" / "settings" / "retape.rules.schema.json": RULES_FILE,
}
ROOMS = {
    "captures": "what a recording is: types, the file, bodies, redaction, templates, links; and starting a service",
    "captures/commands": "the commands of `retape capture`, one a module",
    "captures/formats": "bytes to values: content codings, charsets, and every kind of body that has members",
    "captures/settings": "the configuration: every key in one table, from which checks, schema and documentation come",
    "captures/routes": "which requests are the same call: path templates and operations, with their evidence",
    "captures/flows": "value flow: which answer made a value, and which later requests bring it back",
    "captures/archives": "recorded traffic in the files of other programs: read into a capture, written out of one",
    "captures/redacting": "secrets replaced before the write, by keyed pseudonyms of the same shape",
    "captures/setup": "what a project needs to begin: a configuration, an ignored folder, a job that replays",
    "captures/doctor": "whether this machine can record and replay: tools, disk, clock, and which clients trust our CA",
    "recorder": "traffic to capture; the only importer of mitmproxy",
    "recorder/mends": "what stock mitmproxy breaks in a service's real path, mended at run time",
    "recorder/multiplexed": "the short way of plain HTTP/2 streams, past the layers of mitmproxy and the states of h2",
    "recorder/plain": "the short way of plain HTTP/1 exchanges, past the layers of mitmproxy",
    "recorder/watching": "who looks on while a recording runs: /metrics, /healthz, the service manager, the terminal",
    "replayer": "capture to a new build, dependencies stubbed, to a run; pins and the pytest plugin",
    "replayer/pinning": "pins cared for: which exchanges deserve one, bringing them up to date, what is wrong",
    "replayer/tiers": "the fewest exchanges that show everything, those at most risk first",
    "replayer/stubbing": "a call of the build answered from the recording: whose it is, which stub, in what time",
    "replayer/review": "`retape review`: the report on loopback, where a person decides: who may ask, what is answered",
    "replayer/wire": "connections to the build: dialling, HTTP/1.x and HTTP/2, and which takes the next request",
    "retape_pytest": "the pytest plugin, under a name nobody else has; imports pytest and the standard library only",
    "replayer/demo": "`retape demo`: a shop in two builds, its customers, and the steps of the tour",
    "diffing": "two captures to findings, groups, a verdict",
    "diffing/walk": "two JSON-like values walked together: alignment, renames, moves, order, the exact patch",
    "diffing/values": "one value against another: what is made anew, and what must hold of it all the same",
    "diffing/contract": "what the recording as a whole says of each place, and the exact class of a difference there",
    "diffing/messages": "the parts of a message: bodies, headers, cookies, texts, and the calls made meanwhile",
    "diffing/rulebook": "rules: what they demand, where they fail to look, and the file they stand in",
    "diffing/learning": "what repeating one build shows, and the rules it justifies",
    "diffing/baseline": "the recorded build beside the new one: whose drift it is, and whether it became slower",
    "diffing/outcome": "from findings to groups, causes and a verdict",
    "diffing/review": "decisions on drift: what people accepted, rejected or gave a rule, and the file it stands in",
    "diffing/reports": "a verdict as pages people and machines read",
    "diffing/history": "what earlier runs came to, noted after each verdict, and what they say together",
    "diffing/reports/trends": "the history of runs as people and machines read it",
}


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


def classes_by_kind() -> str:
    """Every class of drift: what a body can do once for both sides, the rest kind by kind."""
    from diffing.classes import all_classes

    answers, calls = "response.body.", "outbound.request.body."
    by_id = {entry.id: entry for entry in all_classes()}
    rows = ["| in a body | in an answer | in a call | what it says |", "|---|---|---|---|"]
    for name, entry in by_id.items():
        sent = by_id.get(name.replace(answers, calls)) if name.startswith(answers) else None
        if sent is not None:
            change = name.removeprefix(answers)
            rows.append(f"| `{change}` | {entry.level.value} | {sent.level.value} | {entry.meaning} |")
    parts = [f"A change in a body is `{answers}…` or `{calls}…`.", "\n".join(rows)]
    rest = [one for name, one in by_id.items() if not name.startswith(calls) and name.replace(answers, calls) == name]
    rest += [
        one for name, one in by_id.items() if name.startswith(answers) and name.replace(answers, calls) not in by_id
    ]
    for kind in dict.fromkeys(sorted((entry.kind for entry in rest), key=list(type(rest[0].kind)).index)):
        rows = [f"| {kind.value} | level | what it says |", "|---|---|---|"]
        rows += [f"| `{one.id}` | {one.level.value} | {one.meaning} |" for one in rest if one.kind is kind]
        parts.append("\n".join(rows))
    return "\n\n".join([f"{len(by_id)} classes, by kind, with their level; `retape rules classes` lists them.", *parts])


def between(page: str, name: str, text: str) -> str:
    """``page`` with ``text`` between its markers called ``name``."""
    start, end = f"<!-- {name}: made by `make docs` -->\n", f"<!-- /{name} -->"
    head, found, rest = page.partition(start)
    return f"{head}{start}{text}{end}{rest.partition(end)[2]}" if found else page


def with_example(page: str) -> str:
    """The configuration page with the example that has every key."""
    return between(page, "example", f"```toml\n{example()}```\n")


def configuration_keys() -> str:
    """Every table of the configuration with its keys."""
    return "\n\n".join(f"### `{title_of(table)}`\n\n{table.meaning}.\n\n{table_of(table)}" for table in EVERY)


def variables() -> str:
    """Every variable of the environment that is read or set, in Markdown."""
    rows = ["| variable | what it does |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{one.name}` | {one.meaning} |" for one in VARIABLES)])


def rule_words() -> str:
    """What may stand after ``expect``, and what each word goes with."""
    from diffing.rulebook.demands import PARAMETERS, fitting
    from diffing.rulebook.matchers import WORDS

    rows = ["| `expect` | what must hold |", "|---|---|"]
    rows += [f"| `{word}` | {meaning} |" for word, meaning in WORDS.items()]
    more = ["| beside it | goes with |", "|---|---|"]
    more += [f"| `{name}` | {', '.join(f'`{word}`' for word in fitting(name))} |" for name in PARAMETERS]
    return "\n".join(rows) + "\n\n" + "\n".join(more)


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
    parts += ["## Configuration", configuration_keys(), "## Environment variables", variables()]
    parts += ["## Words of rules", rule_words(), "## Classes of drift", classes_by_kind()]
    return "\n\n".join(parts) + "\n"


def _docstring(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if text.startswith('"""'):
        text = text[: text.find('"""', 3) + 3]  # to parse all that follows takes a second
    return ast.get_docstring(ast.parse(text)) or ""


def rooms() -> str:
    """Every module with the first sentence of its docstring, room by room."""
    parts = []
    for room, purpose in ROOMS.items():
        parts.append(f"### `{room}/`: {purpose}")
        rows = []
        for path in sorted((ROOT / room).glob("*.py")):
            text = _docstring(path)
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


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    MAP.write_text(with_rooms(MAP.read_text(encoding="utf-8")), encoding="utf-8")
    CONFIGURATION_PAGE.write_text(with_example(CONFIGURATION_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    for path, table in SCHEMAS.items():
        path.write_text(schema_text(table), encoding="utf-8")
    print(f"wrote {REFERENCE.relative_to(ROOT)} and the rooms of {MAP.relative_to(ROOT)}")
