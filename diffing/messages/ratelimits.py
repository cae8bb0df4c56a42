"""Rate limits in headers: what is left, and when counting starts anew, vary with every request; the limit does not.

What is left of a limit of 60 is never 4,987: then the service told another client from ours, or took it for one that
has paid. Both families are known: one header per number (``X-RateLimit-Remaining``), and the fields of RFC drafts,
``RateLimit: limit=60, remaining=58, reset=30`` or ``RateLimit: "default";r=58;t=30``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from diffing.place import Accepted, Drift, Outcome
from diffing.rulebook import builtins
from diffing.values import hosts, moments
from diffing.values.moments import Clock

_WHOLE = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
_FIELD = re.compile(r"(?<![\w-])(remaining|reset|used|r|t)=([0-9]+)")
_USED = re.compile(r"([0-9]+)/([0-9]+)")
_RULE = ("builtin.rate-limit",)
_DAY = 86_400.0
_PAST = 60.0  # seconds that clocks may disagree
_FAR = 100  # times as far away as recorded: another window, for the recorded moment lay anywhere in its own


def judge_rate(
    name: str, recorded: str, replayed: str, headers: Mapping[str, Sequence[str]], then: Clock, now: Clock
) -> Outcome | None:
    """Judge two unequal values of header ``name``; None: it is no counter of a rate limit.

    ``headers``: all of the recorded response, by lower-case name.
    """
    if name == "ratelimit":
        return _fields(recorded, replayed, headers, then, now)
    if _USED.fullmatch(recorded) and re.fullmatch(r"(?:.*-)?(?:call-limit|rate-?limit|api-usage|api-limit)", name):
        return _share(recorded, replayed)
    match = builtins.RATE_LIMIT.fullmatch(name)
    if match is None:
        return None
    what = match["what"]
    if what == "reset":
        return _reset(recorded, replayed, then, now)
    sibling = f"{name[: match.start('what')]}limit{name[match.end('what') :]}"
    limits = _numbers(headers.get(sibling) or headers.get("ratelimit-limit") or ())
    if not limits:
        limits = [int(one) for one in re.findall(r"(?:limit|q)=([0-9]+)", ",".join(headers.get("ratelimit", ())))]
    old, new = (value.split(",") for value in (recorded, replayed))
    if len(old) != len(new):
        return Drift("format-changed", f"{len(old)} counts became {len(new)}")
    for at, (one, other) in enumerate(zip(old, new, strict=True)):
        limit = limits[at] if len(limits) == len(old) else limits[0] if limits else None
        outcome = _count(one.strip(), other.strip(), limit)
        if not isinstance(outcome, Accepted):
            return outcome
    return Accepted(_RULE, f"at most {limits[0]:,}, as recorded" if limits else "no limit is recorded beside it")


def _share(recorded: str, replayed: str) -> Outcome:
    """``32/40``: how many of how many are used."""
    old, new = _USED.fullmatch(recorded), _USED.fullmatch(replayed)
    if old is None or new is None:
        return Drift("format-changed", "no longer how many of how many")
    if old[2] != new[2]:
        return Drift("value-changed", f"of {int(old[2]):,} became of {int(new[2]):,}")
    if int(new[1]) > int(new[2]) >= int(old[1]):
        return Drift("value-changed", "more than there are")
    return Accepted(_RULE, f"at most {int(old[2]):,}, as recorded")


def _count(recorded: str, replayed: str, limit: int | None) -> Outcome | None:
    if _WHOLE.fullmatch(recorded) is None:
        return None
    if _WHOLE.fullmatch(replayed) is None:
        return Drift("format-changed", "a whole number became something else")
    old, new = int(recorded), int(replayed)
    if new < 0 <= old:
        return Drift("value-changed", "a count below zero")
    if limit is not None and old <= limit < new:
        return Drift("value-changed", f"{new:,} of a limit that was {limit:,} when it was recorded")
    return Accepted(_RULE)


def _reset(recorded: str, replayed: str, then: Clock, now: Clock) -> Outcome | None:
    old, new = _form(recorded), _form(replayed)
    if old is None:
        return None
    if old != new:
        return Drift("format-changed", f"{_said(old)} became {_said(new) if new else 'something else'}")
    before, after = _seconds(recorded, then), _seconds(replayed, now)
    if before is None or after is None:
        return Accepted(_RULE, _said(old))
    if before >= -_PAST and after < -_PAST:
        return Drift(
            "value-changed", f"counting starts anew {-after:,.0f} s before the answer, in the recording after it"
        )
    if after > max(_DAY, _FAR * abs(before)):
        return Drift("value-changed", f"counting starts anew in {after:,.0f} s, in the recording in {before:,.0f} s")
    return Accepted(_RULE, _said(old))


def _fields(
    recorded: str, replayed: str, headers: Mapping[str, Sequence[str]], then: Clock, now: Clock
) -> Outcome | None:
    old, new = _FIELD.findall(recorded), _FIELD.findall(replayed)
    if not old or _FIELD.sub(r"\1=", recorded) != _FIELD.sub(r"\1=", replayed):
        return None
    policy = ", ".join(headers.get("ratelimit-policy", ()))
    numbers = iter(zip(old, new, strict=True))
    for item in recorded.split(",") if "limit=" not in recorded else [recorded]:
        limit = _limit(item, policy)
        for _ in _FIELD.findall(item):
            (key, one), (_, other) = next(numbers)
            timed = key in ("reset", "t")
            outcome = _reset(one, other, then, now) if timed else _count(one, other, limit)
            if not isinstance(outcome, Accepted):
                return outcome
    return Accepted(_RULE, "what is left, and for how long")


def _limit(item: str, policy: str) -> int | None:
    """The limit that ``item`` of a RateLimit field counts down from: its own, or that of the policy of its name."""
    own = re.search(r"\blimit=([0-9]+)", item)
    if own is not None:
        return int(own[1])
    name = item.partition(";")[0].strip()
    for one in policy.split(","):
        found = re.search(r"\bq=([0-9]+)", one)
        if found is not None and one.partition(";")[0].strip() == name:
            return int(found[1])
    return None


def _form(text: str) -> tuple[object, ...] | None:
    if _WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text):
        epoch = moments.read_epoch(float(text)) if float(text) >= moments.EARLIEST else None
        return ("epoch", *epoch.facets, "." in text) if epoch is not None else ("seconds", "." in text)
    if hosts.duration(text) is not None:
        return ("a duration",)
    moment = moments.read(text)
    return (moment.kind, *moment.facets) if moment is not None else None


def _seconds(text: str, clock: Clock) -> float | None:
    """How long after the answer that is; None for durations with units."""
    if _WHOLE.fullmatch(text) or _DECIMAL.fullmatch(text):
        epoch = moments.read_epoch(float(text)) if float(text) >= moments.EARLIEST else None
        return float(text) if epoch is None else epoch.seconds - clock.now
    moment = moments.read(text)
    return moment.seconds - clock.now if moment is not None else None


def _said(form: tuple[object, ...]) -> str:
    return f"epoch {form[1]}" if form[0] == "epoch" else str(form[0])


def _numbers(values: Sequence[str]) -> list[int]:
    """The first number of each member: ``100, 100;w=60`` is 100 and 100."""
    found = (re.match(r"\s*([0-9]+)", one) for one in ",".join(values).split(","))
    return [int(match[1]) for match in found if match is not None]
