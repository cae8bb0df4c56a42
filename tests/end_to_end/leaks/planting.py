"""Secrets to plant, each in one place only, and the search for them in the raw bytes of every file there is."""

from __future__ import annotations

import base64
import gzip
import random
import re
import string
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import zstandard

from captures.errors import CaptureError
from captures.formats.codings import content_decoded
from captures.model import Exchange
from captures.store import Capture
from tests.captures.test_redaction_carriers import SECRETS

MANY = 400_000  # bytes of a file in which base64 is looked into
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}|[A-Za-z0-9_-]{24,}={0,2}")


class Garden:
    """The secrets of one test. Equal seeds plant equal ones."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self.planted: dict[str, str] = {}  # place -> secret

    def password(self, place: str) -> str:
        """A secret without a form: only its name, or what was configured, tells that it is one."""
        letters = self._draw.choices(string.ascii_letters + string.digits, k=14)
        return self._plant(place, "pW" + "".join(letters))

    def formed(self, kind: str, place: str) -> str:
        """One of a form that a detector knows."""
        return self._plant(f"{place} ({kind})", SECRETS[kind](self._draw))

    def matching(self, place: str) -> str:
        """One that a configured pattern knows."""
        return self._plant(place, "ACME-" + "".join(self._draw.choices(string.digits, k=9)))

    def _plant(self, place: str, secret: str) -> str:
        assert place not in self.planted, place
        self.planted[place] = secret
        return secret


def forms(secret: str) -> Iterator[bytes]:
    """How ``secret`` may stand in a file: plain, percent-encoded, in UTF-16, hex, base64 (behind up to two bytes)."""
    raw = secret.encode()
    yield from (raw, quote(secret, safe="").encode(), secret.encode("utf-16-le"), raw.hex().encode())
    for shift in range(3):
        packed = base64.b64encode(b"\0" * shift + raw)[(0, 2, 3)[shift] : -4]
        yield packed
        yield packed.translate(bytes.maketrans(b"+/", b"-_"))


def leaks(folder: Path, planted: dict[str, str]) -> list[str]:
    """Where a secret stands in a file under ``folder``, or in what can be unpacked of it."""
    wanted = [(place, form) for place, secret in planted.items() for form in set(forms(secret)) if len(form) > 5]
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()):
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            continue  # a log of a file that was completed meanwhile
        texts = [*_unpacked(raw), *(_captured(path) if path.suffix == ".sqlite" else ())]
        for place, form in wanted:
            if any(form in text for text in texts):
                found.append(f"{path.relative_to(folder)}: {place}")
    return sorted(set(found))


def _unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """``data``, and what stands in it compressed or in base64."""
    yield data
    if depth > 2:
        return
    for mark, unpack in ((b"\x1f\x8b\x08", _gunzipped), (b"\x28\xb5\x2f\xfd", _unzstd), (b"\x78\x9c", _inflated)):
        at = data.find(mark)
        while at >= 0:
            with suppress(zlib.error, zstandard.ZstdError, EOFError, OSError):
                yield from _unpacked(unpack(data[at:]), depth + 1)
            at = data.find(mark, at + 1)
    for match in _BASE64.finditer(data[:MANY]):
        run = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        with suppress(ValueError):
            yield from _unpacked(base64.b64decode(run + b"=" * (-len(run) % 4)), depth + 1)


def _gunzipped(data: bytes) -> bytes:
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data)


def _inflated(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data)


def _unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def _captured(path: Path) -> Iterator[bytes]:
    """Everything in a capture, whatever it is compressed with."""
    with suppress(CaptureError), Capture.open(path) as opened:
        for session in opened.sessions():
            yield repr(session).encode()
        for one in opened.exchanges():
            yield from _of_exchange(one)
            for message in opened.messages(one.id):
                yield message.body


def _of_exchange(one: Exchange) -> Iterator[bytes]:
    yield repr(one).encode()
    for side in (one.request, one.response):
        if side is not None:
            yield from (side.body, repr((side.headers, side.trailers)).encode())
            yield b"\n".join(part for pair in (*side.headers, *side.trailers) for part in pair)
            with suppress(ValueError):
                yield from _unpacked(content_decoded(side.body, side.headers), 1)
    yield one.request.target


def packed(text: str) -> bytes:
    """``text``, compressed by gzip."""
    return gzip.compress(text.encode(), mtime=0)
