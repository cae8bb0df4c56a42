"""What deciding costs where very much drifted: one and all of 10,000 groups accepted over HTTP, against one comparison.

A review that compared the run again for each decision would take that long for each. What is timed is the whole: the
request, the file written and read back, the verdict and every group's state, as JSON.

    python -m benchmarks.reviewing --groups 10000
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.table import Ratio, render
from captures.model import Direction, Exchange, Headers, Request, Response, Timing
from captures.writer import CaptureWriter
from diffing.engine import compare_captures
from replayer.review.api import Api
from replayer.review.guard import Guard
from replayer.review.server import ReviewServer
from replayer.review.sitting import Paths, Sitting

FIELDS = 50  # of one answer, each a group of its own
HOST: Headers = ((b"Host", b"shop"),)
JSON: Headers = ((b"Content-Type", b"application/json"),)


def word(number: int) -> str:
    """A word of letters, as endpoints and fields have names."""
    text = ""
    number += 26
    while number:
        number, letter = divmod(number, 26)
        text += chr(97 + letter)
    return text


def write(path: Path, groups: int, *, replayed: bool) -> None:
    """Two exchanges for each :data:`FIELDS` groups: texts in the recording, numbers in the run of it."""
    with CaptureWriter(path, mode="replay" if replayed else "record", now=lambda: 1.0) as writer:
        for number in range(2 * max(1, groups // FIELDS)):
            endpoint = number // 2
            values = {f"field_{word(at)}": endpoint * FIELDS + at for at in range(FIELDS)}
            body = values if replayed else {name: f"text {word(value)}" for name, value in values.items()}
            identity = writer.reserve_id()
            request = Request("GET", "http", "shop", 80, f"/{word(endpoint)}/list".encode(), HOST)
            timing = Timing(number, number, number + 0.1, number + 0.1)
            response = Response(200, JSON, json.dumps(body).encode())
            replay_of = identity if replayed else None
            writer.put(Exchange(identity, Direction.INBOUND, request, timing, response, replay_of=replay_of))


@contextmanager
def served(folder: Path) -> Iterator[tuple[Sitting, Callable[..., float]]]:
    """A review, and how many seconds one of its requests takes."""
    sitting = Sitting(Paths(folder / "run.sqlite", folder / "shop.sqlite", config=folder / "retape.toml"))
    with ReviewServer("127.0.0.1", 0) as server:
        guard = Guard.of("127.0.0.1", server.port)
        server.application = Api(guard, sitting)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        headers = {
            "Cookie": f"{guard.cookie_name}={guard.session}",
            "X-Retape-Review": guard.key,
            "Origin": f"http://127.0.0.1:{server.port}",
            "Content-Type": "application/json",
        }

        def ask(verb: str, groups: Sequence[str] = ()) -> float:
            started = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
            connection.request("POST", f"/api/{verb}", json.dumps({"groups": groups, "reason": "meant"}), headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            assert answer.status == 200
            return time.perf_counter() - started

        yield sitting, ask
        server.shutdown()


def measure(*, quick: bool = False, groups: int = 10_000) -> list[Ratio]:
    """The rows of this benchmark. ``quick``: few groups."""
    wanted = 100 if quick else groups
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "retape.toml").touch()
        for file in ("shop", "run"):
            write(folder / f"{file}.sqlite", wanted, replayed=file == "run")
        with served(folder) as (sitting, ask):
            every = [group.fingerprint for group in sitting.result.groups]
            started = time.perf_counter()
            compare_captures(folder / "shop.sqlite", folder / "run.sqlite")
            compared = time.perf_counter() - started
            one = statistics.median(ask("accept", [every[at]]) for at in range(3 if quick else 9))
            rest = ask("accept", every)
            late = statistics.median(ask("reject", [every[at]]) for at in range(3))
            for _ in range(3):
                ask("undo")
            back = ask("undo")
    peer = f"comparing the run, {len(every):,} groups"
    single, whole = f"{one:.2f} s against {compared:.1f} s", f"{rest:.1f} s, undone in {back:.1f} s"
    return [
        Ratio("review: accepting one more group", peer, one / compared, "at most 0.1 x", single),
        Ratio("review: one more in a file that decides all", peer, late / compared, "at most 0.5 x", f"{late:.2f} s"),
        Ratio("review: accepting all of them at once", peer, rest / compared, "at most 2 x", whole),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--groups", type=int, default=10_000)
    print(render(measure(groups=parser.parse_args(arguments).groups)))


if __name__ == "__main__":
    main()
