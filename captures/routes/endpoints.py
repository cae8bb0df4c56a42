"""The endpoints of a whole capture: the one place that ``ls``, ``show``, ``stats``, ``replay``, ``pin`` and ``diff``
ask, so that what one of them shows is what another selects by.

Learnt from every target of a side of the capture (each dependency on its own), and from as few answers as can settle
what targets alone leave open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from captures.model import Direction, Exchange, Request
from captures.routes.echoes import Answer, answer_of
from captures.routes.passing import said_in
from captures.routes.pathtree import Question, Tree
from captures.routes.templates import Evidence, Templates, parse_template, segments_of
from captures.rows import raw
from captures.store import Capture, reading

ANSWERS = 600
"""Answers read for evidence on one side of a capture."""

_ANSWERS_PER_WORD = 3
_ANSWERS_PER_PLACE = 90


def _says(side: str, *words: str) -> str:
    """SQL: whether the headers of one side of exchange ``e``, with its head ``h``, say one of ``words``."""
    likes = (f"h.lines LIKE '%{word}%' OR e.{side}_headers LIKE '%{word}%'" for word in words)
    return f"({' OR '.join(likes)})"


_HINTED = (
    "(e.method NOT IN ('GET', 'HEAD', 'OPTIONS', 'DELETE') AND "
    f"{_says('request', 'json', 'xml', 'graphql', 'form', 'multipart')})"
)
_TELLING_HEADERS = _says("request", "soapaction", "x-amz-target")


@dataclass(frozen=True, slots=True)
class Counted:
    """Inbound exchanges of one endpoint that ended alike."""

    endpoint: str
    outcome: str  # status or kind of failure
    count: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The templates of both sides of a capture."""

    inbound: Templates = field(default_factory=Templates)
    outbound: Mapping[str, Templates] = field(default_factory=dict)  # by dependency, or host where it has no name

    @classmethod
    def of(cls, capture: Capture, explicit: Sequence[str] = ()) -> Self:
        """What ``capture`` as a whole tells. Raises :class:`captures.errors.ConfigError` for a malformed template."""
        for template in explicit:
            parse_template(template)
        inbound = _learnt(capture, Direction.INBOUND, explicit).get("", Templates.infer((), explicit))
        return cls(inbound, _learnt(capture, Direction.OUTBOUND, explicit))

    def templates_for(self, exchange: Exchange) -> Templates:
        """The templates of its side, or of its dependency."""
        if exchange.direction is Direction.INBOUND:
            return self.inbound
        return self.outbound.get(dependency_of(exchange)) or Templates()

    def endpoint_of(self, exchange: Exchange) -> str:
        """``GET /orders/{id}``, ``POST /graphql query GetOrder``: the endpoint of an exchange of any side."""
        return self.templates_for(exchange).endpoint_of(exchange.request)

    def evidence(self, endpoint: str) -> tuple[Evidence, ...]:
        """Why each parameter of an inbound endpoint is one."""
        return self.inbound.evidence(endpoint)

    def complaints(self) -> list[str]:
        """What is wrong with the user's templates, as sentences. One that a dependency's requests fit is in use."""
        used = frozenset[str]().union(*(templates.used for templates in self.outbound.values()))
        return self.inbound.complaints(used)


def dependency_of(call: Exchange) -> str:
    """The name that an outbound exchange goes by."""
    return call.dependency or call.request.host


def counted(capture: Capture, endpoints: Endpoints) -> Iterator[Counted]:
    """Every inbound exchange, counted. Of bodies only those are read that may hold an operation, each once."""
    rows = capture.rows(
        f"SELECT e.method, e.target, COALESCE(e.failure, e.status, '-'), COUNT(*), MIN(e.id), "
        f"e.request_head AS head, e.request_headers AS headers, "
        f"CASE WHEN {_HINTED} THEN q.data END AS data, q.codec AS codec, q.size AS size "
        f"FROM exchange e LEFT JOIN head h ON h.id = e.request_head "
        f"LEFT JOIN body q ON q.id = e.request_body WHERE e.direction = 'inbound' "
        f"GROUP BY 1, 2, 3, CASE WHEN {_HINTED} THEN e.request_body END, "
        f"CASE WHEN {_TELLING_HEADERS} THEN COALESCE(e.request_head, '') || e.request_headers END"
    )
    bodies, heads = capture.body_reader(), capture.head_reader()
    with reading(capture.path):
        for method, target, outcome, count, _, head, text, data, codec, size in rows:
            body = bodies.unpack(codec, data, size) if data is not None else b""
            request = Request(method, "http", "", 0, raw("target", target), heads.read(head, text), body)
            yield Counted(endpoints.inbound.endpoint_of(request), str(outcome), count)


def _learnt(capture: Capture, direction: Direction, explicit: Sequence[str]) -> dict[str, Templates]:
    trees: dict[str, Tree] = {}
    used: dict[str, set[str]] = {}
    known = Templates.infer((), explicit)
    for name, method, segments, _ in _targets(capture, direction):
        trees.setdefault(name, Tree()).add(method, segments)
        given = known.given(method, segments)
        if given is not None:
            used.setdefault(name, set()).add(given.text)
    for name, answer in _answers(capture, direction, trees):
        trees[name].answered(answer)
    if direction is Direction.OUTBOUND:
        _passed_on(capture, trees)
    return {name: Templates.of(tree, explicit, frozenset(used.get(name, ()))) for name, tree in trees.items()}


def _targets(capture: Capture, direction: Direction) -> Iterator[tuple[str, str, tuple[str, ...], int | None]]:
    """Dependency, method, segments, and the id of an exchange with a good answer, of each different target."""
    rows = capture.rows(
        "SELECT CASE WHEN direction = 'inbound' THEN '' ELSE COALESCE(NULLIF(dependency, ''), host) END AS name, "
        "method, target, MIN(CASE WHEN status BETWEEN 200 AND 299 AND response_body IS NOT NULL "
        f"AND {_says('response', 'json')} AND NOT body_truncated THEN e.id END) AS answer "
        "FROM exchange e LEFT JOIN head h ON h.id = e.response_head WHERE direction = ? GROUP BY 1, 2, 3",
        [direction.value],
    )
    with reading(capture.path):
        for name, method, target, answer in rows:
            yield name, method, segments_of(raw("target", target)), answer


def _answers(capture: Capture, direction: Direction, trees: Mapping[str, Tree]) -> Iterator[tuple[str, Answer]]:
    questions = {name: tree.questions() for name, tree in trees.items()}
    if not any(questions.values()):
        return
    wanted: dict[int, tuple[str, tuple[str, ...]]] = {}
    heard: dict[Question, int] = {}
    for name, _, segments, identity in _targets(capture, direction):
        if identity is None or len(wanted) >= ANSWERS:
            continue
        asked = trees[name].asked(segments, questions[name])
        if _hear(asked, heard):
            wanted[identity] = name, segments
    yield from _read(capture, wanted)


def _passed_on(capture: Capture, trees: Mapping[str, Tree]) -> None:
    """Show ``trees`` what the requests said that made the calls: of every place the first few."""
    questions = {name: tree.questions() for name, tree in trees.items()}
    if not any(questions.values()):
        return
    wanted: dict[int, list[tuple[str, tuple[str, ...]]]] = {}
    heard: dict[Question, int] = {}
    rows = capture.query(
        "SELECT COALESCE(NULLIF(dependency, ''), host) AS name, target, MIN(caused_by) AS cause FROM exchange "
        "WHERE direction = 'outbound' AND caused_by IS NOT NULL GROUP BY 1, 2"
    )
    for row in rows:
        with reading(capture.path):
            segments = segments_of(raw("target", row["target"]))
        asked = [question for question in trees[row["name"]].asked(segments, questions[row["name"]]) if question[1]]
        if len(wanted) < ANSWERS and _hear(asked, heard):
            wanted.setdefault(row["cause"], []).append((row["name"], segments))
    for exchange in capture.exchanges(ids=wanted):
        said = said_in(exchange.request)
        for name, segments in wanted[exchange.id]:
            trees[name].caused(segments, said)


def _hear(asked: Sequence[Question], heard: dict[Question, int]) -> bool:
    """Whether there is room for an answer to one of the questions ``asked``: then it counts for all of them."""
    if not any(_room(question, heard) for question in asked):
        return False
    for question in asked:
        heard[question] = heard.get(question, 0) + 1
        heard[(question[0], "*")] = heard.get((question[0], "*"), 0) + 1
    return True


def _room(question: Question, heard: Mapping[Question, int]) -> bool:
    place, _ = question
    return heard.get(question, 0) < _ANSWERS_PER_WORD and heard.get((place, "*"), 0) < _ANSWERS_PER_PLACE


def _read(capture: Capture, wanted: Mapping[int, tuple[str, tuple[str, ...]]]) -> Iterable[tuple[str, Answer]]:
    for exchange in capture.exchanges(ids=wanted):
        name, segments = wanted[exchange.id]
        answer = answer_of(segments, exchange.response)
        if answer is not None:
            yield name, answer
