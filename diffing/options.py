"""Options of a comparison out of the configuration files."""

from __future__ import annotations

from datetime import date

from captures.config import Config
from captures.routes.templates import explicit_templates
from diffing.engine import DiffOptions
from diffing.model import Approval, Level
from diffing.review.approvals import parse_approvals
from diffing.rulebook.rules import Rule, parse_rules


def rules_from(config: Config) -> tuple[Rule, ...]:
    """The user's rules. Raises :class:`ConfigError` for an unknown key or word."""
    where = " and ".join(path.name for path in config.files) or "rules"
    return parse_rules(config.rules(), where)


def approvals_from(config: Config) -> tuple[Approval, ...]:
    """What was decided of drift. Raises :class:`ConfigError` for an unknown key or word."""
    return parse_approvals(config.approvals(), " and ".join(path.name for path in config.files) or "approvals")


def options_from(config: Config, *, fail_on: str = "warning", only: str | None = None, today: date) -> DiffOptions:
    """What ``diff`` and ``replay`` compare by. ``[endpoints] templates`` are explicit path templates."""
    endpoints = explicit_templates(config.section("endpoints"))
    return DiffOptions(
        rules=rules_from(config),
        approvals=approvals_from(config),
        fail_on=Level(fail_on),
        only=only,
        endpoints=endpoints,
        today=today,
    )


def examine(config: Config) -> None:
    """Read rules, approvals and templates as a comparison does. Raises :class:`ConfigError`."""
    options_from(config, today=date.min)
