"""What makes mitmproxy faster changes nothing of what it does."""

from __future__ import annotations

import os

import pytest
from hpack import Decoder, Encoder, HPACKDecodingError, NeverIndexedHeaderTuple
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman

from recorder import shortcuts


@pytest.mark.parametrize("length", [0, 1, 20, shortcuts.LONGEST, shortcuts.LONGEST + 1, 3 * shortcuts.LONGEST])
def test_texts_of_headers_are_the_same_however_often_they_come(length: int) -> None:
    text = os.urandom(length)
    shortcuts.take()
    for _ in range(3):
        assert Decoder().decode(Encoder().encode([NeverIndexedHeaderTuple(b"x-a", text)]), raw=True) == [(b"x-a", text)]
        assert decode_huffman(HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode(text)) == text  # hpack's own


def test_a_text_that_is_none_is_refused_each_time() -> None:
    shortcuts.take()
    for _ in range(2):
        with pytest.raises(HPACKDecodingError):
            Decoder().decode(b"\x10\x83\xff\xff\xff\x81\xff", raw=True)
