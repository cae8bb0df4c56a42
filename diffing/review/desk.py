"""Where drift is decided: one run, its groups, and the rules file that the decisions are written into.

The same verbs for the command line and for the page in the browser. Nothing is compared again for an acceptance or a
rejection; a rule has to be tried on the run.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from captures.config import Config, load
from captures.errors import UsageError
from captures.settings.finding import RULES_FILE
from captures.state import project_root
from captures.store import Capture
from diffing.baseline.beside import runs_beside
from diffing.comparison import DiffOptions
from diffing.engine import compare_captures
from diffing.model import Decision, Group, Level, Result
from diffing.options import options_from
from diffing.review.approvals import approval_of
from diffing.review.approvalsfile import RULE_PREFIX, undecided, with_approvals
from diffing.review.standing import redecided
from diffing.rulebook.tomlfile import Rewritten, parsed, rewrite

if TYPE_CHECKING:
    from diffing.review.hiding import Preview

ACCEPT, REJECT, IGNORE, UNDECIDE, UNDO = "accept", "reject", "ignore", "undecide", "undo"

SHORTEST = 4
"""Digits that name a group, at least."""

Edit = Callable[[str], tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a decision did to the rules file, or would do."""

    verb: str
    fingerprints: tuple[str, ...]  # of the groups decided
    groups: tuple[Group, ...] = field(repr=False)  # the same, as they were before
    path: Path
    diff: str  # unified, empty where the file said so already
    written: bool
    unsaid: tuple[tuple[str, str], ...] = ()  # (fingerprint, sentence): of what was to be ignored, what no rule can say
    undecide: tuple[str, ...] = ()  # what ``retape undecide`` is to be told to take it out again
    rewritten: Rewritten = field(repr=False, compare=False, kw_only=True)


@dataclass(slots=True)
class Desk:
    """The decisions about one run. Made by :meth:`open`."""

    run: Path
    recorded: Path
    file: Path  # that is written
    options: DiffOptions
    today: date
    _baselines: tuple[Path, ...]
    _reload: Callable[[], Config] = field(repr=False)
    _compared: Result = field(repr=False)  # without the approvals of any file
    _result: Result = field(repr=False)
    _done: list[Change] = field(default_factory=list, repr=False)

    @classmethod
    def open(
        cls,
        run: Path,
        recorded: Path | None = None,
        rules: Path | None = None,
        config: Path | None = None,
        *,
        baselines: Sequence[Path] = (),
        only: str | None = None,
        fail_on: str | None = None,
        today: date | None = None,
    ) -> Desk:
        """Compare ``run`` with its recording, under the rules and approvals that are there.

        ``baselines``: runs of the recorded build; by default those that were made beside ``run``.
        ``rules``: the file to write to, in place of ``retape.rules.toml`` beside the configuration; it may be missing.
        Raises what :func:`captures.config.load` and :func:`diffing.engine.compare_captures` raise.
        """
        file = rules_path(rules, config)

        def reload() -> Config:
            return load(explicit=config, rules=rules if rules is not None and rules.exists() else None)

        now = today or date.today()  # noqa: DTZ011 - the user's own calendar
        loaded = reload()
        line = str(fail_on or loaded.section("replay").get("fail_on") or Level.WARNING.value)
        options = options_from(loaded, fail_on=line, only=only, today=now)
        source = recorded or recording_behind(run)
        baselines = tuple(baselines) or runs_beside(run)
        compared = _compare(source, run, options, baselines)
        result = redecided(compared, options.approvals, now, options.fail_on)
        return cls(run, source, file, options, now, baselines, reload, compared, result)

    @property
    def result(self) -> Result:
        """The run with the decisions that stand now."""
        return self._result

    def group(self, fingerprint: str) -> Group:
        """The group called ``fingerprint``, or by its first digits. Raises :class:`UsageError`."""
        return named(self._result.groups, fingerprint, self.run)

    def accept(
        self,
        fingerprints: Iterable[str],
        *,
        reason: str = "",
        author: str = "",
        until: date | str | None = None,
        dry: bool = False,
    ) -> Change:
        """This is the new truth: for good, up to a date, or while the recording is no newer one (``RE_RECORDED``)."""
        return self._decide(Decision.ACCEPTED, fingerprints, reason, author, until, dry=dry)

    def reject(self, fingerprints: Iterable[str], *, reason: str = "", author: str = "", dry: bool = False) -> Change:
        """It stays failing, and each report says why."""
        return self._decide(Decision.REJECTED, fingerprints, reason, author, None, dry=dry)

    def preview(self, fingerprints: Iterable[str]) -> Preview:
        """The rules that :meth:`ignore` would write for these groups, and what they would hide besides."""
        from diffing.review.hiding import preview

        groups = self._chosen(fingerprints)
        bare = replace(self.options, approvals=())
        return preview(self.recorded, self.run, bare, self._compared, groups, self.today)

    def ignore(
        self,
        fingerprints: Iterable[str],
        *,
        reason: str = "",
        author: str = "",
        dry: bool = False,
        seen: Preview | None = None,
    ) -> Change:
        """Write rules that let the groups pass and still assert something. ``seen``: the :meth:`preview` of them.

        Raises :class:`UsageError` where no rule can say any of it.
        """
        from diffing.review.hiding import signed
        from diffing.rulebook.rulesfile import added

        found = seen or self.preview(fingerprints)
        if not found.drafts:
            said = found.unsaid[0][1] if found.unsaid else "nothing of it drifts."
            raise UsageError(f"No rule was made: {said}", hint="A change that is meant is accepted: retape accept")
        drafts = signed(found, reason, author)
        unsaid = {name for name, _ in found.unsaid}
        names = tuple(name for name in found.fingerprints if name not in unsaid)
        change = self._write(IGNORE, names, lambda before: added(before, drafts, self.file)[:2], dry=dry)
        taken = tuple(draft.id.removeprefix(RULE_PREFIX) for draft in drafts)
        return replace(change, unsaid=found.unsaid, undecide=taken)

    def undecide(self, fingerprints: Iterable[str], *, dry: bool = False) -> Change:
        """Take the approvals of these groups out, and the rules that :meth:`ignore` made for them."""
        names = tuple(dict.fromkeys(name for one in fingerprints for name in self._all_names(one)))
        return self._write(UNDECIDE, names, lambda before: undecided(before, names, self.file)[:2], dry=dry)

    def undo(self) -> Change:
        """Put back what the last decision of this desk changed. Raises :class:`UsageError` when there is none, or when
        the file was changed since by somebody else.
        """
        if not self._done:
            raise UsageError("Nothing was decided here that could be undone.")
        last = self._done[-1]
        done = _put_back(last)
        self._done.pop()
        self.refresh()
        return Change(UNDO, last.fingerprints, last.groups, last.path, unified(done), written=True, rewritten=done)

    def _decide(
        self,
        decision: Decision,
        fingerprints: Iterable[str],
        reason: str,
        author: str,
        until: date | str | None,
        *,
        dry: bool,
    ) -> Change:
        groups = self._chosen(fingerprints)
        approvals = [
            approval_of(
                group,
                decision,
                reason=reason,
                author=author,
                today=self.today,
                until=until,
                recording=self._result.recording_id,
            )
            for group in groups
        ]
        over = (
            {name for group in groups for part in group.parts for name in part.names}
            if decision is Decision.ACCEPTED
            else set()
        )
        verb = ACCEPT if decision is Decision.ACCEPTED else REJECT
        names = tuple(group.fingerprint for group in groups)
        return self._write(verb, names, lambda before: with_approvals(before, approvals, self.file, over), dry=dry)

    def _chosen(self, fingerprints: Iterable[str]) -> list[Group]:
        known = {group.fingerprint: group for group in self._result.groups}
        chosen = (known.get(one) or self.group(one) for one in fingerprints)
        return list({group.fingerprint: group for group in chosen}.values())

    def _all_names(self, fingerprint: str) -> list[str]:
        group = next((one for one in self._result.groups if one.fingerprint == fingerprint), None)
        parts = group.parts if group is not None else ()
        return [fingerprint, *(name for part in parts for name in part.names)]

    def _write(self, verb: str, names: tuple[str, ...], edit: Edit, *, dry: bool) -> Change:
        done = rewrite(self.file, edit, dry=dry)
        known = {group.fingerprint: group for group in self._result.groups}
        groups = tuple(known[name] for name in names if name in known)
        change = Change(verb, names, groups, self.file, unified(done), written=not dry, undecide=names, rewritten=done)
        if not dry and done.after != done.before:
            self._done.append(change)
            self.refresh()
        return change

    def refresh(self) -> None:
        """Read the files again, which others may have changed as well. Other rules: the run is compared again."""
        config = self._reload()
        asked = options_from(config, fail_on=self.options.fail_on.value, only=self.options.only, today=self.today)
        if replace(asked, approvals=()) != replace(self.options, approvals=()):
            self._compared = _compare(self.recorded, self.run, asked, self._baselines)
        self.options = asked
        self._result = redecided(self._compared, asked.approvals, self.today, asked.fail_on)


def rules_path(rules: Path | None, config: Path | None) -> Path:
    """The file that decisions are written to."""
    return rules or (config.parent if config else project_root()) / RULES_FILE


def named(groups: Sequence[Group], wanted: str, run: Path) -> Group:
    """The group whose fingerprint begins with ``wanted``. Raises :class:`UsageError` naming near ones."""
    name = fitting([group.fingerprint for group in groups], wanted, f"a drift group of {run}")
    return next(group for group in groups if group.fingerprint == name)


def fitting(known: Sequence[str], wanted: str, what: str) -> str:
    """The one of ``known`` that begins with ``wanted``. Raises :class:`UsageError` saying that it is not ``what``."""
    if len(wanted) < SHORTEST:
        raise UsageError(f'"{wanted}" is too short for a fingerprint.', hint=f"Give {SHORTEST} of its digits, or more.")
    found = [name for name in known if name.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{wanted} is the beginning of several.", hint=f"Which of {', '.join(found[:5])}?")
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6) or known[:5]
    more = ", …" if len(known) > len(near) else ""
    raise UsageError(f"{wanted} is not {what}.", hint=f"Known: {', '.join(near)}{more}" if near else "There is none.")


def recording_behind(run: Path) -> Path:
    """The recording that ``run`` was made from, as the run says. Raises :class:`UsageError` where that is unknown."""
    with Capture.open(run) as opened:
        replays = [session for session in opened.sessions() if session.mode == "replay"]
    source = replays[-1].meta.get("source") if replays else None
    if source:
        for path in (Path(str(source)), run.parent / Path(str(source)).name):
            if path.exists():
                return path
    raise UsageError(
        f"{run} does not say where its recording is." if not source else f"The recording {source} is not there.",
        hint="Name it: --recorded shop.sqlite"
        if replays
        else f"It is no run: make one (retape replay {run} -- CMD), or "
        "name what it is compared with: --recorded shop.sqlite",
    )


def _compare(recorded: Path, run: Path, options: DiffOptions, baselines: Sequence[Path]) -> Result:
    bare = replace(options, approvals=())
    if baselines:
        from diffing.baseline.threeway import compare_beside

        return compare_beside(recorded, run, baselines, bare)
    return compare_captures(recorded, run, bare)


def _put_back(change: Change) -> Rewritten:
    was = change.rewritten

    def back(current: str) -> tuple[str, Mapping[str, Any]]:
        if current != was.after:
            raise UsageError(
                f"{change.path} was changed since: nothing was undone.",
                hint=f"retape undecide {' '.join(change.fingerprints)} takes the decisions out.",
            )
        return was.before, parsed(was.before, change.path)

    done = rewrite(change.path, back)
    if was.made:
        change.path.unlink(missing_ok=True)
    return done


def unified(done: Rewritten) -> str:
    """The change of a file as a unified diff that ``git apply`` takes, from the working directory."""
    here = Path.cwd()
    name = done.path.relative_to(here).as_posix() if done.path.is_relative_to(here) else done.path.name
    lines = difflib.unified_diff(
        done.before.splitlines(keepends=True),
        done.after.splitlines(keepends=True),
        "/dev/null" if done.made else f"a/{name}",
        f"b/{name}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
