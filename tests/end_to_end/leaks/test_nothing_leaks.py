"""Some sixty secrets in real traffic of every sort, each in one place; then every file is searched, byte by byte."""

from __future__ import annotations

import base64
import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from tests.end_to_end.leaks.origin import Origin
from tests.end_to_end.leaks.planting import Garden, leaks, packed
from tests.end_to_end.leaks.traffic import answer, archives, ask, broken, grpc, http1, websocket
from tests.end_to_end.processes import Bench, Finished
from tests.recorder.conftest import Loop

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

CONFIG = """[redact]
headers = ["X-Tenant"]
query = ["badge"]
json = ["$.patient.record"]
paths = ["/invites/{token}"]
patterns = ['ACME-[0-9]{9}']
"""


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


PARTS: list[Callable[[int, Origin, Garden], None]] = [http1, broken, grpc, websocket]


@pytest.mark.parametrize("seed", [1])
def test_no_file_holds_a_secret_in_any_form(
    bench: Bench, loop: Loop, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    garden, origin = Garden(seed), Origin({})
    target = loop.origin(origin.serve)
    given = archives(tmp_path_factory.mktemp("outside"), garden)
    temporary = bench.folder / "temporary"
    temporary.mkdir()
    (bench.work / "retape.toml").write_text(CONFIG)
    environment = {"TMPDIR": str(temporary)}
    capture = bench.work / "shop.sqlite"
    recording = bench.record(
        capture, "--inbound", f"0=http://127.0.0.1:{target}", "--max-body", "64KB", "--workers", "2", "--rotate", "1MB",
        "--metrics", "0", env=environment,
    )  # fmt: skip
    port = int(recording.inbound.rpartition(":")[2])
    for part in PARTS:
        part(port, origin, garden)
        for _ in range(20):  # so that there are several files
            origin.script[b"/bulk"] = [answer(json.dumps({"a": os.urandom(20_000).hex()}).encode())]
            ask(port, "GET /bulk")
    assert len(garden.planted) >= 60
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{recording.ports['metrics']}/metrics", timeout=60).read()
    (bench.work / "metrics.txt").write_bytes(metrics)
    assert not "\n".join(leaks(bench.work, garden.planted))  # while it records, write-ahead logs among the files
    said = [told(recording.process.stop())]

    captures = sorted(bench.work.glob("shop*.sqlite"))
    assert len(captures) > 1
    whole = bench.work / "all.sqlite"
    bench.run("capture", "merge", *captures, "-o", whole, env=environment).expect(0)
    sources = [whole]
    for one, options in zip(given, ((), ("--inbound", "address")), strict=True):
        sources.append(bench.work / f"{one.name}.sqlite")
        imported = bench.run("capture", "import", one, "-o", sources[-1], *options, env=environment).expect(0)
        said.append(told(imported))
    for number, one in enumerate(sources):
        said += used(bench, one, number, f"http://127.0.0.1:{target}", environment)
    (bench.work / "said.txt").write_text("\n".join(said))
    for kind in ("yaml", *KINDS):
        assert len(list(bench.work.glob(f"made-*/**/*.{kind}"))) >= len(sources), kind
    assert not "\n".join(leaks(bench.folder, garden.planted))


KINDS = ("html", "json", "junit", "markdown", "gitlab", "har", "flows")


def used(bench: Bench, capture: Path, number: int, target: str, environment: dict[str, str]) -> Iterator[str]:
    """Everything that is done with a capture; what the commands say."""
    made = bench.work / f"made-{number}"
    made.mkdir()
    bench.run("capture", "verify", capture, "--secrets", env=environment).expect(0)
    reports = [word for kind in KINDS[:5] for word in ("--report", f"{kind}={made / f'x.{kind}'}")]
    for words in (
        ("capture", "stats", capture), ("capture", "show", capture, "1"),
        ("capture", "ls", capture, "--format", "json"),
        ("capture", "redact", capture, "--dry-run", "--format", "json"),
        *(("capture", "export", capture, "-o", made / f"x.{kind}") for kind in KINDS[5:]),
        ("pin", capture, "-o", made / "pins"),
    ):  # fmt: skip
        yield told(bench.run(*words, env=environment).expect(0))
    replayed = bench.run(
        "replay", capture, "--target", target, "-o", made / "run.sqlite", *reports, env=environment, seconds=300
    )
    assert replayed.code in (1, 3), str(replayed)  # the secrets of a build are its own, and drift
    yield told(replayed)


def told(done: Finished) -> str:
    return done.stdout + done.stderr


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    garden = Garden(2)
    for number, write in enumerate(WAYS):
        secret = garden.password(f"way {number}")
        (tmp_path / f"{number}.bin").write_bytes(b"\0\xff some " + write(secret.encode()) + b" more\0")
        garden.planted[f"not in {number}"] = secret[::-1] + "x"
    assert leaks(tmp_path, garden.planted) == [f"{number}.bin: way {number}" for number in range(len(WAYS))]


WAYS: list[Callable[[bytes], bytes]] = [
    bytes,
    lambda raw: base64.b64encode(b"a" + raw + b"bc"),
    lambda raw: base64.urlsafe_b64encode(b"ab" + raw + b"cd"),
    lambda raw: packed('{"a": "' + raw.decode() + '"}'),
    lambda raw: base64.b64encode(packed('{"a": "' + raw.decode() + '"}')),
    lambda raw: zstandard.compress(b"some text with " + raw),
    lambda raw: raw.decode().encode("utf-16-le"),
]
