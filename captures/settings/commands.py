"""``retape config``: what holds and where it comes from, whether it is right, and its schema for editors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from captures.commands.options import FORMAT

if TYPE_CHECKING:
    from captures.config import Config
    from captures.settings.effective import Setting

WRONG = 2

_CONFIG = click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Instead of the nearest one."
)
_RULES = click.option(
    "--rules", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Further rules, beside retape.rules.toml.",
)  # fmt: skip


@click.command()
@click.argument("words", nargs=-1, metavar="[-- COMMAND OPTIONS...]")
@click.option("--origin", is_flag=True, help="Say of each value where it comes from.")
@_CONFIG
@_RULES
@FORMAT
def show(words: tuple[str, ...], origin: bool, config: Path | None, rules: Path | None, form: str) -> int:
    """Show the value that each setting has here: from the files, the environment, the options, or by default.

    The text is TOML that could stand in retape.toml. Secrets are never shown, only the variables that hold them. With
    the words of a command after --, what its options say is in it. Exit code 2: a file is wrong.

    \b
    retape config show --origin
    retape config show --origin -- replay shop.sqlite --timeout 5s
    retape config show --format json
    """
    import json
    import os

    from captures.config import load
    from captures.redacting.redaction import Redactor
    from captures.settings.effective import Seen

    loaded = load(explicit=config, rules=rules)
    veil = Redactor(b"only to see what looks like a secret").shown
    command, options = _options(words)
    seen = list(Seen(loaded, os.environ, options, command, veil).settings())
    if form == "json":
        click.echo(json.dumps([_as_json(one) for one in seen], indent=2, ensure_ascii=False, default=str))
    else:
        for line in _as_toml(seen, origin=origin):
            click.echo(line)
    return 0


@click.command()
@click.option("--rules", is_flag=True, help="That of retape.rules.toml instead of retape.toml.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
def schema(rules: bool, output: Path | None) -> int:
    """Print the JSON Schema of retape.toml, for editors that complete and check TOML.

    The first line of retape.toml names it: #:schema .retape/retape.schema.json (retape init writes that line).

    \b
    retape config schema -o .retape/retape.schema.json
    """
    from captures.settings.keys import ROOT, RULES_FILE
    from captures.settings.schema import schema_text

    text = schema_text(RULES_FILE if rules else ROOT)
    if output is None:
        click.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    return 0


def config_with(readers: Callable[[], Sequence[Callable[[Config], None]]]) -> click.Group:
    """``retape config``. ``readers``: who tries values that it alone can read, and raises ``UsageError``."""

    @click.group()
    def config() -> None:
        """Look at the configuration: what holds and why, whether it is right, its schema.

        \b
        retape config show --origin
        retape config check
        """

    @config.command()
    @_CONFIG
    @_RULES
    @FORMAT
    def check(config: Path | None, rules: Path | None, form: str) -> int:
        """Check every key and value of the configuration, as every command does, and say all that is wrong.

        What only one command reads (filter expressions, templates, rules) is tried as well. Exit code 2: something is
        wrong.

        \b
        retape config check
        retape config check --config ci/retape.toml --format json
        """
        import json

        from captures.config import read

        loaded = read(explicit=config, rules=rules)
        found = list(_complaints(loaded, readers()))
        if form == "json":
            click.echo(json.dumps(found, indent=2, ensure_ascii=False))
            return WRONG if found else 0
        for one in found:
            click.echo(one["says"])
            if one["hint"]:
                click.echo(f"  {one['hint']}")
        if not loaded.sources:
            click.echo("No configuration here: every setting has its default.")
        elif not found:
            click.echo(f"{' and '.join(source.name for source in loaded.sources)}: nothing is wrong.")
        return WRONG if found else 0

    config.add_command(show)
    config.add_command(schema)
    return config


def _complaints(config: Config, deeper: Iterable[Callable[[Config], None]]) -> Iterator[dict[str, str]]:
    """All that is wrong with keys and values; where that is nothing, what is wrong deeper inside of them."""
    from captures.config import faults_of, refusal
    from captures.errors import UsageError
    from captures.visible import visible

    errors: list[UsageError] = [refusal(fault, source) for source, fault in faults_of(config)]
    for check in deeper if not errors else ():
        try:
            check(config)
        except UsageError as error:
            errors.append(error)
    for one in errors:
        yield {"says": visible(one.message), "hint": visible(one.hint)}


def _options(words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The command that ``words`` call, and the options given to it, by their names."""
    from captures.errors import UsageError

    if not words:
        return "", {}
    outer = click.get_current_context().find_root()
    front = outer.command
    command = front.get_command(outer, words[0]) if isinstance(front, click.Group) else None
    if command is None:
        raise UsageError(f"There is no command {words[0]!r}.", hint="Like: retape config show -- replay --timeout 5s")
    with command.make_context(words[0], list(words[1:]), resilient_parsing=True) as context:
        given = click.core.ParameterSource.COMMANDLINE
        return words[0], {
            name: context.params[parameter.name]
            for parameter in command.params
            if parameter.name in context.params and context.get_parameter_source(parameter.name) is given
            for name in parameter.opts
        }


def _as_toml(settings: Iterable[Setting], *, origin: bool) -> Iterator[str]:
    from captures.settings.keys import LISTED
    from captures.settings.tables import Tables
    from captures.visible import visible

    table = ""
    seen: set[str] = set()
    for one in settings:
        if one.table != table:
            name, many, _ = one.table.partition("[")
            yield from ([""] if table else [])
            yield f"[[{name}]]" if many else f"[{name}]"
            table = one.table
        seen.add(one.table.partition("[")[0].partition(".")[0])
        line = visible(one.line)
        yield f"{line:<48}  # {one.origin}" if origin and one.value is not None else line
    for name, key in LISTED:
        if name not in seen:
            yield from ("", f"# [[{name}]]: none" if isinstance(key.kind, Tables) else f"# [{name}]: none")


def _as_json(one: Setting) -> dict[str, Any]:
    return {
        "key": f"{one.table}.{one.key}",
        "value": one.value,
        "otherwise": one.otherwise if one.value is None else None,
        "origin": {"kind": one.origin.kind, "where": one.origin.where or None},
    }
