"""The commands by which a person answers a drift group, as the reports of a CI print them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from diffing.model import Group, Result
from diffing.outcome.reproduce import decision_command
from diffing.reports.sections import Commands
from diffing.reports.wording import rule_snippet


def commands_of(result: Result, group: Group, given: Sequence[str] = ()) -> Commands:
    """``given``: the options the run was compared with."""
    if not result.replayed_path or not group.open:
        return Commands()
    accept = decision_command("accept", result, group.fingerprint, given)
    ignore = decision_command("ignore", result, group.fingerprint, given) if rule_snippet(group) else ""
    return Commands(accept, ignore)
