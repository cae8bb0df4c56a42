"""What a comparison says: findings, the ledger they come from, the groups and the verdict made of them.

Locations name a place in an exchange in a *generalised* form, so that one cause is one location::

    response.status · response.reason · response.header content-type · response.cookie sid · response.trailer x
    response.body $.items[*].price        (JSON; ``*`` stands for any array index or dynamic key)
    response.body                         (text, binary, or the whole of it)
    outbound payments POST /charges       (a call as a whole: missing, extra, repeated)
    outbound payments POST /charges request.body $.amount

``Finding.path`` is the exact place in that one exchange (``$.items[2].price``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffing.baseline.measured import Measured
    from diffing.contract.profile import Profile


class Kind(StrEnum):
    """What sort of statement a class of drift makes."""

    CONTRACT = "contract"  # shape: status class, fields, types, media types
    BEHAVIOUR = "behaviour"  # values
    OUTBOUND = "outbound"  # what the service asks of its dependencies
    SECURITY = "security"
    PERFORMANCE = "performance"


class Level(StrEnum):
    """How bad: *error*, a client relying on the recording can break; *warning*, behaviour changed; *info*, additive."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for info, 2 for error."""
        return {"info": 0, "warning": 1, "error": 2}[self.value]


class Column(StrEnum):
    """The ledger: every recorded inbound exchange ends in exactly one of these."""

    SAME = "same"
    SAME_BY_RULE = "same_by_rule"
    DRIFTED = "drifted"
    FAILED = "failed"  # the new build gave no complete response where the recording has one
    NOT_REPLAYED = "not_replayed"


class Decision(StrEnum):
    """What a person said of a group."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REJECTED = "rejected"


RE_RECORDED = "re-recorded"
"""``Approval.until``: as long as the recording is no newer one."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What a person decided of a drift group: an ``[[approvals]]`` entry of ``retape.rules.toml``."""

    fingerprint: str  # Group.fingerprint
    decision: Decision  # ACCEPTED or REJECTED: what is ignored has a rule
    change: str = ""  # one line for who reviews the file; never a captured value
    reason: str = ""
    author: str = ""
    created: date | None = None
    until: date | str | None = None  # the last day it holds, RE_RECORDED, or None: for good
    recording: str = ""  # identity of the recording, only with RE_RECORDED
    places: tuple[str, ...] = ()  # fingerprints of further places that the group stood at

    @property
    def names(self) -> tuple[str, ...]:
        """Every fingerprint that it decides about."""
        return (self.fingerprint, *self.places)


class ApprovalState(StrEnum):
    """What became of an approval in one run."""

    USED = "used"
    EXPIRED = "expired"  # its last day is over
    SUPERSEDED = "superseded"  # it held until the capture was recorded again, which it was
    UNMATCHED = "unmatched"  # no drift of this run is what it speaks of; not said of a part of a run


@dataclass(frozen=True, slots=True)
class ApprovalUse:
    """An approval beside one run. ``groups``: fingerprints of those it decides, or would if it still held."""

    approval: Approval
    state: ApprovalState
    groups: tuple[str, ...] = ()
    near: str = ""  # of an unmatched one: an open group with the same change at another endpoint


class Origin(StrEnum):
    """Whose drift it is, where the recorded build was replayed beside the new one (a *baseline*)."""

    REGRESSION = "regression"  # the new build differs from the recording and from the baseline
    STALE = "stale capture"  # both builds differ from the recording, alike
    FLAKY = "flaky"  # the baseline differs from itself


class _Absent:
    """The side of a finding where there is nothing (not even null)."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference in one exchange."""

    class_id: str  # out of diffing.classes
    endpoint: str  # "GET /orders/{id}"
    location: str  # generalised, see the module docstring
    path: str  # exact
    recorded: Any  # JSON-able value, or ABSENT
    replayed: Any
    exchange: int  # recorded inbound exchange id; for an extra exchange the replayed id
    evidence: str = ""  # why this counts: "412/412 recorded samples have it"
    outbound_recorded: int | None = None  # the outbound exchanges concerned, where it is about a call
    outbound_replayed: int | None = None
    follows: str = (
        ""  # "GET /a response.body $.name": the place whose change this one repeats (see diffing.values.following)
    )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One unequal place that rules accepted, as an explanation shows it."""

    rules: tuple[str, ...]
    location: str  # generalised
    path: str  # exact
    recorded: Any
    replayed: Any
    why: str = ""  # the signals that spoke for it: "uuid v4; named id"
    outbound: tuple[int | None, int | None] = (None, None)  # the call it is about: recorded id, replayed id


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the comparison of one exchange took for what: which item of an array is which, or where a value went."""

    where: str  # "response.body", "outbound payments POST /charges request.body"
    recorded: tuple[str | int, ...]  # the exact place of the array, or of the value, in the recorded document
    replayed: tuple[str | int, ...]
    pairs: tuple[tuple[int, int], ...] | None = None  # of an array: (recorded position, replayed position); None: moved
    outbound: tuple[int | None, int | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One recorded inbound exchange, judged."""

    exchange: int
    replayed: int | None  # id in the run
    endpoint: str
    column: Column
    findings: tuple[Finding, ...] = ()
    rules: Mapping[str, int] = field(default_factory=dict)  # rule id -> how many unequal places it accepted
    reason: str = ""  # for failed and not replayed
    inconclusive: tuple[str, ...] = ()  # what could not be judged about it
    places: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (rule id, generalised location) -> how many
    accepted: tuple[Acceptance, ...] = ()  # every accepted place, where the context asked for a trace
    arranged: tuple[Arrangement, ...] = ()  # likewise


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts over all recorded inbound exchanges (of the selection). The last five add up to ``recorded``."""

    recorded: int = 0
    replayed: int = 0
    same: int = 0
    same_by_rule: int = 0
    drifted: int = 0
    failed: int = 0
    not_replayed: int = 0


@dataclass(frozen=True, slots=True)
class EndpointTally:
    """The ledger of one endpoint."""

    endpoint: str
    columns: Mapping[Column, int]
    seconds: float | None = None  # median time to a complete answer of the new build; None: there was none

    @property
    def recorded(self) -> int:
        """How many recorded exchanges were judged, or could not be."""
        return sum(self.columns.values())

    @property
    def replayed(self) -> int:
        """How many of them were sent."""
        return self.recorded - self.columns[Column.NOT_REPLAYED]


@dataclass(frozen=True, slots=True)
class Standing:
    """One of several places at which the change of a group stands."""

    fingerprint: str  # that it had as a group of its own
    class_id: str
    endpoint: str
    location: str
    count: int  # findings
    exchanges: int
    pairs: tuple[tuple[Any, Any], ...]  # the (recorded, replayed) values of its examples


@dataclass(frozen=True, slots=True)
class Part:
    """One of the groups that a group was made of, which it would be by itself where the others are missing."""

    names: tuple[str, ...]  # its own fingerprint, then those of wider groups that it can be a part of
    place: str  # endpoint and location


@dataclass(frozen=True, slots=True)
class Group:
    """Findings with one cause: same class, endpoint, generalised location and shape of change."""

    fingerprint: str  # 12 hex: sha256 over class, endpoint, location, shape of the change; never over values
    class_id: str
    kind: Kind
    level: Level
    endpoint: str
    location: str
    recorded: Any  # of the first finding
    replayed: Any
    evidence: str
    count: int  # findings
    exchanges: tuple[int, ...]  # recorded exchange ids, ascending; of very many the first
    examples: tuple[Finding, ...] = ()  # up to five, differing in shape where they can
    decision: Decision | None = None
    curl: str = ""  # reproduces the first example by hand
    command: str = ""  # replays just the first example
    spread: int = 0  # exchanges in all, where they are more than are listed
    because: str | None = None  # fingerprint of the outbound group that this one follows from
    origin: Origin | None = None  # only where a baseline ran beside the new build
    origin_evidence: str = ""
    places: tuple[Standing, ...] = ()  # where the same change stands at several: each of them, the group's own first
    parts: tuple[Part, ...] = ()  # what it is made of; a decision about all of them is one about it
    approval: Approval | None = None  # the entry that decided it
    reopened: str = ""  # why it counts although an approval speaks of it: expired, recorded again, new at a place

    @property
    def open(self) -> bool:
        """Whether it still speaks against the new build: nobody let it pass, and the baseline has no part in it."""
        return not self.passed and self.origin not in (Origin.STALE, Origin.FLAKY)

    @property
    def passed(self) -> bool:
        """Whether a person let it pass."""
        return self.decision in (Decision.ACCEPTED, Decision.IGNORED)


@dataclass(frozen=True, slots=True)
class Stubs:
    """How the recorded dependency answers were used."""

    served: int = 0
    missed: int = 0
    unused: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """Everything the reports render."""

    verdict: str  # "clean", "drift", "inconclusive"
    exit_code: int
    ledger: Ledger
    reasons: tuple[str, ...]  # why inconclusive, or what could not be judged beside the drift
    groups: tuple[Group, ...]  # worst first
    rules: tuple[tuple[str, int], ...]  # (rule id, places it accepted), most used first
    stubs: Stubs
    judgements: tuple[Judgement, ...] = ()
    notes: tuple[
        str, ...
    ] = ()  # statements about the run: what was enforced, redaction, snapshot taken while recording
    recorded_path: str = ""
    replayed_path: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)  # labels, builds, times for the report's identity line
    rule_places: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (rule id, endpoint, location) -> n
    rule_examples: Mapping[tuple[str, str, str], tuple[tuple[int, Acceptance], ...]] = field(
        default_factory=dict
    )  # of some of these places: (recorded exchange, what was accepted there)
    tier: Mapping[str, Any] = field(default_factory=dict)  # what a tier left out, as the run says it; empty: nothing
    endpoints: tuple[EndpointTally, ...] = ()  # the ledger of each endpoint that was judged, by name
    recording: tuple[int, int] = (0, 0)  # inbound exchanges and endpoints of the whole recording, whatever was selected
    latency: tuple[Measured, ...] | None = None  # None: no baseline ran beside the new build
    profile: Profile | None = field(default=None, repr=False, compare=False)  # what the recording says of each place
    approvals: tuple[ApprovalUse, ...] = ()  # in the order of the file
    recording_id: str = ""  # which recording it is: diffing.review.approvals.recording_of
    partial: bool = False  # a part of the recording, or a run that was cut short: what is not there says nothing
