"""Check sums that stand for values in what is learnt: the same on every machine and in every process.

Python's own ``hash`` of a text differs from process to process, so what one process noted would say nothing in
another, and profiles of two machines would merge into nonsense.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any
from zlib import crc32


def checksum(*parts: object) -> int:
    """64 bits that stand for ``parts``: texts, bytes, numbers, None and tuples or lists of those."""
    return of_text(repr(parts))


def of_text(text: str) -> int:
    """64 bits that stand for ``text``."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def brief_checksum(scalar: Any) -> int:
    """32 bits that stand for a scalar of JSON: where mistaking one value for another in 2**32 does no harm."""
    return crc32(repr(scalar).encode("utf-8", "surrogatepass"))


class Contents:
    """Texts that stand for values, objects regardless of the order of their keys: 128 bits of each container.

    A container inside another is read once. ``leaf(scalar, name)`` says what stands for a scalar; ``name`` is that of
    the member it is, or is in an array of. There is no recursion. The values have to outlive this.
    """

    def __init__(self, leaf: Callable[[Any, str], str]) -> None:
        self.looked = 0
        self._leaf = leaf
        self._known: dict[int, str] = {}  # by the id() of the container

    def of(self, value: Any) -> str:
        """The text that stands for ``value``."""
        if type(value) is not dict and type(value) is not list:
            self.looked += 1
            return self._leaf(value, "")
        if id(value) not in self._known:
            self._read(value)
        return self._known[id(value)]

    def _read(self, value: Any) -> None:
        known, leaf = self._known, self._leaf
        order: list[tuple[Any, str]] = [(value, "")]
        for item, name in order:  # grows as it goes: what is inside of a container stands behind it
            for key, child in item.items() if type(item) is dict else ((name, child) for child in item):
                if (type(child) is dict or type(child) is list) and id(child) not in known:
                    order.append((child, key))
        for item, name in reversed(order):
            self.looked += len(item)
            if type(item) is dict:
                parts = [f"{key!r}:{known.get(id(item[key])) or leaf(item[key], key)}" for key in sorted(item)]
                text = f"{{{','.join(parts)}"
            else:
                text = f"[{','.join([known.get(id(child)) or leaf(child, name) for child in item])}"
            digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
            known[id(item)] = f"#{digest.hexdigest()}"
