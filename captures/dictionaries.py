"""Compression dictionaries: what the bodies of a capture have in common, said once. No I/O.

Trained with zstd's own trainer after :data:`DUE` different bodies and again later, since what comes first (start-up,
health checks) is not what comes most. A new dictionary is taken where it packs the newest bodies clearly better.
"""

from __future__ import annotations

from collections import deque

import zstandard

LONGEST = 65_536
"""Longer bodies find their repetitions in themselves."""

DUE = (200, 2_000, 20_000, 200_000)
"""After how many different bodies one is trained: at most so many dictionaries for one writer."""

SAMPLES, SAMPLE_BYTES, SAMPLE = 1_000, 1_000_000, 16_384
"""How many bodies are kept for training, their bytes in all, and of each the first so many."""

LEAST, LARGEST = 4_096, 65_536
"""Bytes of a dictionary: an eighth of the samples, within these."""

HELD_OUT = 8
"""Every so manieth sample judges instead of teaching."""

BETTER = 0.95


class Trainer:
    """Sees each different body once and says when there is a better dictionary."""

    def __init__(self, level: int) -> None:
        self._level = level
        self._samples: deque[bytes] = deque(maxlen=SAMPLES)
        self._bytes = 0
        self._seen = 0
        self._present: bytes | None = None

    def begin_with(self, dictionary: bytes | None) -> None:
        """``dictionary`` is the one in use."""
        self._present = dictionary

    def seen(self, body: bytes) -> bytes | None:
        """A new dictionary, where ``body`` was the one to make it due and it is better than the present one."""
        if len(self._samples) == SAMPLES:
            self._bytes -= len(self._samples[0])  # the deque drops it
        self._samples.append(body[:SAMPLE])
        self._bytes += len(self._samples[-1])
        while self._bytes > SAMPLE_BYTES:
            self._bytes -= len(self._samples.popleft())
        self._seen += 1
        if self._seen not in DUE:
            return None
        made = trained(list(self._samples), self._level, self._present)
        if made is not None:
            self._present = made
        return made


def trained(samples: list[bytes], level: int, present: bytes | None) -> bytes | None:
    """A dictionary out of ``samples``; None where none can be made or ``present`` is about as good."""
    judges, teachers = samples[::HELD_OUT], [body for at, body in enumerate(samples) if at % HELD_OUT]
    size = max(LEAST, min(LARGEST, sum(map(len, teachers)) // 8))
    try:
        made = zstandard.train_dictionary(size, list(teachers)).as_bytes()
    except zstandard.ZstdError:  # too little, or nothing in common
        return None
    before = compressor(present, level) if present else zstandard.ZstdCompressor(level=level, write_content_size=False)
    return made if _packed(judges, compressor(made, level)) < BETTER * _packed(judges, before) else None


def compressor(dictionary: bytes, level: int) -> zstandard.ZstdCompressor:
    """Packs with ``dictionary``; frames name neither it nor the size, which the row of a body does."""
    known = zstandard.ZstdCompressionDict(dictionary)
    known.precompute_compress(level=level)
    return zstandard.ZstdCompressor(level=level, dict_data=known, write_dict_id=False, write_content_size=False)


def _packed(bodies: list[bytes], pack: zstandard.ZstdCompressor) -> int:
    return sum(len(pack.compress(body)) for body in bodies)
