"""What a report says of where it was made: the commit, the job, the run before. Read once, at the edge."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captures.errors import UsageError
from captures.visible import visible

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LINK = re.compile(r"https?://[\w.:/~%+-]+")
LARGEST_EVENT = 10_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Nothing of it is captured text."""

    commit: str = ""  # hexadecimal
    job: str = ""  # a link to the CI job
    actions: bool = False  # whether a GitHub runner reads what we print
    output: Path | None = None  # where a GitHub job takes values from
    since: Mapping[str, Any] | None = None  # the JSON report of an earlier run


def surroundings(environ: Mapping[str, str] | None = None, since: Path | None = None) -> Surroundings:
    """Out of the CI's variables and ``--since FILE``. Raises :class:`UsageError` where FILE is no JSON report."""
    environ = os.environ if environ is None else environ
    output = environ.get("GITHUB_OUTPUT")
    return Surroundings(
        commit=_commit(environ),
        job=_job(environ),
        actions=environ.get("GITHUB_ACTIONS") == "true",
        output=Path(output) if output and os.access(Path(output).parent, os.W_OK) else None,
        since=earlier(since) if since is not None else None,
    )


def earlier(path: Path) -> Mapping[str, Any]:
    """The JSON report in ``path``. Raises :class:`UsageError`."""
    hint = "Give --since the file that --report json=PATH wrote."
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{visible(str(path))} cannot be read: {error.strerror}.", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{visible(str(path))} is not a JSON report.", hint=hint) from error
    groups = said.get("groups") if isinstance(said, dict) else None
    if not isinstance(groups, list) or not all(
        isinstance(group, dict) and isinstance(group.get("fingerprint"), str) for group in groups
    ):
        raise UsageError(f"{visible(str(path))} is not a JSON report.", hint=hint)
    return dict(said)


def _commit(environ: Mapping[str, str]) -> str:
    """Of a pull request its own last commit: ``GITHUB_SHA`` is of a merge that nobody has seen."""
    for commit in (_head(environ.get("GITHUB_EVENT_PATH")), environ.get("GITHUB_SHA"), environ.get("CI_COMMIT_SHA")):
        if isinstance(commit, str) and _COMMIT.fullmatch(commit):
            return commit
    return ""


def _head(event: str | None) -> object:
    if not event:
        return None
    try:
        path = Path(event)
        if path.stat().st_size > LARGEST_EVENT:
            return None
        said = json.loads(path.read_text(encoding="utf-8"))
        return said["pull_request"]["head"]["sha"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # another kind of event


def _job(environ: Mapping[str, str]) -> str:
    server, repository, run = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    link = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""
    link = link or environ.get("CI_JOB_URL", "")
    return link if _LINK.fullmatch(link) else ""
