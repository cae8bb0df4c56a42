"""An archive made a session of a capture: sides, order, causes, redaction, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from captures.archives.entries import Broken, Entry, Losses
from captures.archives.importing import Imported, Sides, import_archive
from captures.errors import CaptureError, EmptyCapture, UsageError
from captures.model import CauseHow, Direction, Exchange, Request, Timing
from captures.store import Capture
from tests.captures.making import capture, exchange


@dataclass
class Made:
    """An archive of what it is given."""

    found: list[Entry]
    broken: str = ""
    format: str = "har"
    creator: str = "test"
    passes: list[int] = field(default_factory=list)

    def entries(self, losses: Losses) -> Iterator[Entry]:
        self.passes.append(1)
        yield from self.found
        if self.broken:
            raise Broken(self.broken)


def one(host: str, started: float, ended: float, told: Direction | None = None, trace: bytes = b"") -> Entry:
    headers = ((b"X-Request-Id", trace),) if trace else ()
    request = Request("GET", "http", host, 80, b"/", headers)
    return Entry(replace(exchange(0), request=request, timing=Timing(started, ended=ended)), told)


def bring_in(path: Path, archive: Made, sides: Sides | None = None) -> Imported:
    return import_archive(
        archive,
        path,
        sides or Sides(),
        redact=lambda found: replace(found, notes={"redacted": {}}),
        key="print",
        dependencies={"pay.test:80": "payments"},
        meta={"label": "x"},
    )


def stored(path: Path) -> list[Exchange]:
    with Capture.open(path) as opened:
        return list(opened.exchanges())


def test_ids_follow_the_start_and_causes_are_linked(tmp_path: Path) -> None:
    """A flow file holds exchanges in the order of their end: a call stands before what caused it."""
    out, come = Direction.OUTBOUND, Direction.INBOUND
    archive = Made([
        one("pay.test", 11.0, 12.0, out),
        one("shop.test", 10.0, 13.0, come),
        one("pay.test", 20.5, 20.6, out, b"second"),
        one("mail.test", 20.7, 20.8, out),
        one("shop.test", 20.1, 21.0, come, b"second"),
        one("shop.test", 20.0, 21.0, come),
        one("mail.test", 30.0, 30.1, out),
    ])  # fmt: skip
    done = bring_in(tmp_path / "x.sqlite", archive)
    assert (done.inbound, done.outbound, done.broken, done.losses) == (3, 4, "", ())
    found = stored(done.capture)
    assert [(found.id, found.request.host, found.dependency) for found in found] == [
        (1, "shop.test", None), (2, "pay.test", "payments"), (3, "shop.test", None), (4, "shop.test", None),
        (5, "pay.test", "payments"), (6, "mail.test", "mail.test:80"), (7, "mail.test", "mail.test:80"),
    ]  # fmt: skip
    causes = {found.id: found.cause for found in found if found.cause}
    assert {key: (cause.how, cause.exchange) for key, cause in causes.items()} == {
        2: (CauseHow.WINDOW, 1),
        5: (CauseHow.TRACE_HEADER, 4),
        6: (CauseHow.AMBIGUOUS, None),
        7: (CauseHow.NONE, None),
    }
    assert all("redacted" in found.notes for found in found)
    with Capture.open(done.capture) as opened:
        (session,) = opened.sessions()
    assert (session.mode, session.redaction_key, session.meta["label"]) == ("import", "print", "x")


def test_what_was_asked_for_goes_before_what_the_file_tells(tmp_path: Path) -> None:
    told = Direction.OUTBOUND
    archive = Made([one("Shop.test", 1, 2, told), one("pay.test", 1.5, 1.6, told), one("cdn.test", 3, 4, told)])
    archive.found[0] = replace(archive.found[0], exchange=replace(
        archive.found[0].exchange, request=replace(archive.found[0].exchange.request, host="shop.test")))  # fmt: skip
    done = bring_in(tmp_path / "x.sqlite", archive, Sides(("SHOP.*",), ("pay.test:80",)))
    assert (done.inbound, done.outbound) == (1, 1)
    assert done.losses == ("1 exchange: left out: neither --inbound nor --outbound names its host",)


def test_a_file_of_one_host_is_the_services(tmp_path: Path) -> None:
    done = bring_in(tmp_path / "x.sqlite", Made([one("shop.test", 1, 2), one("shop.test", 3, 4)]))
    assert (done.inbound, done.outbound) == (2, 0)
    done = bring_in(tmp_path / "y.sqlite", Made([one("shop.test", 1, 2), one("pay.test", 3, 4)]), Sides((), ("pay.*",)))
    assert (done.inbound, done.outbound) == (1, 1)


@pytest.mark.parametrize(
    ("found", "sides", "said"),
    [
        (
            [*(2 * [one("a.test", 1, 2)]), one("b.test", 3, 4)],
            Sides(),
            "--inbound HOST (there are: a.test:80 (2), b.test:80 (1)",
        ),
        ([one("a.test", 1, 2, Direction.OUTBOUND)], Sides(), "Name the service: --inbound HOST (there are: a.test:80"),
        ([one("a.test", 1, 2)], Sides(("shop.test",)), "There are: a.test:80 (1)"),
    ],
)
def test_a_file_that_does_not_say_which_is_the_service(
    tmp_path: Path, found: list[Entry], sides: Sides, said: str
) -> None:
    with pytest.raises(UsageError) as error:
        bring_in(tmp_path / "x.sqlite", Made(found), sides)
    assert said in error.value.hint
    assert not (tmp_path / "x.sqlite").exists()


def test_a_broken_file_keeps_what_was_whole(tmp_path: Path) -> None:
    done = bring_in(tmp_path / "x.sqlite", Made([one("a.test", 1, 2)], broken="is cut off after 1 flow"))
    assert (done.inbound, done.broken) == (1, "is cut off after 1 flow")
    with Capture.open(done.capture) as opened:
        assert opened.sessions()[0].meta["inconclusive"] == ["the imported file is cut off after 1 flow"]
    with pytest.raises(EmptyCapture, match="it is damaged after 0 flows"):
        bring_in(tmp_path / "y.sqlite", Made([], broken="is damaged after 0 flows"))
    assert not (tmp_path / "y.sqlite").exists()


def test_a_further_session_and_never_into_a_run(tmp_path: Path) -> None:
    path = capture(tmp_path / "x.sqlite", exchange(1))
    assert bring_in(path, Made([one("a.test", 1, 2)])).session == 2
    assert [found.id for found in stored(path)] == [1, 2]
    run = capture(tmp_path / "run.sqlite", replace(exchange(1), replay_of=1), mode="replay")
    with pytest.raises(CaptureError, match="is a run"):
        bring_in(run, Made([one("a.test", 1, 2)]))
