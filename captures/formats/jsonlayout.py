"""Whether two JSON texts say the same and are only laid out differently: proven fast, or left to the exact comparison.

A parse that keeps every digit costs five times orjson's. Most bodies that differ in bytes and not in what they say
differ in blanks, in the order of keys, or in whether letters are escaped; for these two proofs rest on orjson alone.
orjson drops all but the last of a repeated key and rounds numbers, so what it reads is never taken at its word.

Write ``q(t)`` for ``t`` without blanks, those in strings too, ``v(t)`` for what orjson reads, ``d(v)`` for its text.
A JSON text cannot have blanks inside a token other than a string, nor after a backslash; so ``q(t)`` has the tokens of
``t``, its strings without their blanks.

1. *Blanks only.* ``q(a) == q(b)``: the same tokens in the same order, up to blanks in strings. ``d(v(a)) == d(v(b))``:
   the strings that were kept are equal. And all were kept: as under 2 for ``a``; or every key ends in ``":``, and
   ``q(a)`` has that as often as ``d(v(a))``, which has at most those of what was kept, unless a quote was escaped as
   ``\\u0022`` (then no proof).
   Or, with no need to read ``b``: ``d(v(a)) == b`` says at once that all tokens were kept, and which strings they are.
2. *Order of keys.* ``q(d(v(t))) == q(t)`` for both: nothing was dropped (dropping shortens) and every number is written
   as orjson writes it, which is another way for another number. Then ``d`` with sorted keys decides.
   ``\\u00e9`` for é is undone first; escapes of ASCII characters are not, nor is any other escape, so tokens stay.
"""

from __future__ import annotations

import re
from zlib import adler32

_BLANKS = b" \t\r\n"
_ASCII_ESCAPE = re.compile(rb"\\u00[0-7]")


def same_but_layout(left: bytes, right: bytes) -> bool:
    """Whether both are JSON texts (UTF-8) of one value. True is proven; False says nothing."""
    import orjson

    if len(left) < len(right):
        left, right = right, left  # the shorter one is the likelier to be as orjson writes: then it need not be read
    try:
        bare, other_bare = left.translate(None, _BLANKS), right.translate(None, _BLANKS)
        if bare != other_bare and b"\\u" not in bare and b"\\u" not in other_bare and _sum(bare) != _sum(other_bare):
            return False  # other bytes, whatever their order: by far the most that differ
        one = orjson.loads(left)
        if bare == other_bare:
            written = orjson.dumps(one)
            if written == right:
                return True
            kept = written.translate(None, _BLANKS) == bare or (
                b"\\u0022" not in bare and bare.count(b'":') == written.count(b'":')
            )
            return kept and written == orjson.dumps(orjson.loads(right))
        other = orjson.loads(right)
        if not (_as_written(one, left, bare) and _as_written(other, right, other_bare)):
            return False
        return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, UnicodeError):  # the last: surrogates alone
        return False


def _sum(data: bytes) -> tuple[int, int]:
    """Equal for the same bytes in any order."""
    return len(data), adler32(data) & 0xFFFF  # whose lower half is the sum of all bytes (RFC 1950, 8.2)


def _as_written(value: object, text: bytes, bare: bytes) -> bool:
    import orjson

    written = orjson.dumps(value).translate(None, _BLANKS)
    if written == bare:
        return True
    if b"\\u" not in text or not text.isascii() or _ASCII_ESCAPE.search(text):
        return False
    plain = bare.decode("raw_unicode_escape")
    if max(plain) >= "\ud800" and b"\\ud" in bare.lower():
        plain = plain.encode("utf-16", "surrogatepass").decode("utf-16")
    return plain.encode() == written
