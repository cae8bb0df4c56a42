"""Protocol buffers without a schema: field numbers and what their wire types allow, and the frames of gRPC.

The wire format (protobuf.dev, "Encoding") tells a varint from fixed widths and from a length-delimited run of bytes,
which may be a message, a text, or bytes. Which it is, is decided per field for all documents that are read together,
so that a value never changes its kind because another one stands in it: a message where every value of that field
parses as one and some looks like no text, else a text where all are printable UTF-8, else bytes.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from captures.formats.binaryvalues import bytes_value
from captures.formats.messagepack import number_of

MAX_DEPTH = 50
"""Messages in messages; deeper ones stay bytes."""

_VARINT, _FIXED64, _BYTES, _GROUP, _GROUP_END, _FIXED32 = range(6)
Fields = dict[int, list[tuple[int, Any]]]  # number -> (wire type, int or bytes or Fields), in order


def read_protobuf(messages: Sequence[bytes]) -> list[dict[str, Any]]:
    """Each message as an object of its fields, ``f1`` for number 1, read alike. One repeated in any is an array.

    Varints are integers (as unsigned), ``{"#fixed32": …}``, ``{"#fixed64": …}`` the other widths (``{"#double": …}``
    where all values read well as one), ``{"#group": …}`` a group. Raises ``ValueError`` for what is no message.
    """
    parsed = [_fields(message, 0) for message in messages]
    return _objects(parsed, 0)


def read_grpc(bodies: Sequence[bytes], media_type: str) -> list[list[Any]]:
    """The messages of each body (gRPC over HTTP/2, "Length-Prefixed-Message"), and trailers of gRPC-Web among them.

    Raises ``ValueError`` for broken frames. A compressed message is taken for gzip, the only coding all speak.
    """
    import base64
    import binascii

    framed: list[list[bytes | dict[str, str]]] = []
    for body in bodies:
        data = body
        if media_type.startswith("application/grpc-web-text"):
            try:
                data = base64.b64decode(body, validate=True)
            except binascii.Error as error:
                raise ValueError("no base64 in gRPC-Web text") from error
        framed.append(_frames(data))
    messages = [frame for frames in framed for frame in frames if isinstance(frame, bytes)]
    values: list[Any]
    if media_type.endswith("+json"):
        from captures.formats import jsontext

        values = [jsontext.parse(message.decode("utf-8"))[0] for message in messages]
    else:
        values = list(read_protobuf(messages))
    following = iter(values)
    return [[next(following) if isinstance(frame, bytes) else frame for frame in frames] for frames in framed]


def _frames(data: bytes) -> list[bytes | dict[str, str]]:
    found: list[bytes | dict[str, str]] = []
    position = 0
    while position < len(data):
        if position + 5 > len(data):
            raise ValueError("a gRPC frame is cut off")
        flag, length = data[position], int.from_bytes(data[position + 1 : position + 5], "big")
        frame = data[position + 5 : position + 5 + length]
        if len(frame) < length:
            raise ValueError("a gRPC frame is cut off")
        position += 5 + length
        if flag & 1:
            unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                frame = unpacker.decompress(frame, 64 * 1024 * 1024)
            except zlib.error as error:
                raise ValueError("a gRPC message is compressed otherwise than by gzip") from error
            if not unpacker.eof:
                raise ValueError("a gRPC message decodes to more than 64 MiB, or is cut off")
        if flag & 0x80:
            lines = (line.partition(":") for line in frame.decode("latin-1").split("\r\n") if line)
            found.append({f"@{name.lower()}": value.strip() for name, _, value in lines})
        else:
            found.append(frame)
    return found


def _fields(data: bytes, depth: int) -> Fields:
    """The fields of one message. Raises ``ValueError``."""
    fields, end = _fields_until(data, 0, None, depth)
    assert end == len(data)
    return fields


def _fields_until(data: bytes, position: int, group: int | None, depth: int) -> tuple[Fields, int]:
    fields: Fields = {}
    size = len(data)
    while position < size:
        tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError("no protobuf: a field number out of range")
        value: Any
        if wire == _VARINT:
            value, position = _varint(data, position)
        elif wire in (_FIXED64, _FIXED32):
            width = 8 if wire == _FIXED64 else 4
            value, position = data[position : position + width], position + width
        elif wire == _BYTES:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        elif wire == _GROUP and depth < MAX_DEPTH:
            value, position = _fields_until(data, position, number, depth + 1)
        elif wire == _GROUP_END and number == group:
            return fields, position
        else:
            raise ValueError("no protobuf: an unknown wire type")
        if position > size:
            raise ValueError("no protobuf: it is cut off")
        fields.setdefault(number, []).append((wire, value))
    if group is not None:
        raise ValueError("no protobuf: a group without an end")
    return fields, position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, position
        shift += 7
        if shift > 63:
            break
    raise ValueError("no protobuf: a number is cut off or too long")


def _objects(messages: list[Fields], depth: int) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = [{} for _ in messages]
    for number in sorted({number for message in messages for number in message}):
        repeated = any(len(message.get(number, ())) > 1 for message in messages)
        values = [entry for message in messages for entry in message.get(number, ())]
        shown = iter(_values(values, depth))
        for message, target in zip(messages, out, strict=True):
            own = [next(shown) for _ in message.get(number, ())]
            if own:
                target[f"f{number}"] = own if repeated else own[0]
    return out


def _values(entries: list[tuple[int, Any]], depth: int) -> list[Any]:
    """All values of one field, in order, shown alike."""
    out: list[Any] = [None] * len(entries)
    of: dict[int, list[int]] = {}
    for at, (wire, value) in enumerate(entries):
        of.setdefault(wire, []).append(at)
        if wire == _VARINT:
            out[at] = value
        elif wire == _FIXED32:
            out[at] = {"#fixed32": int.from_bytes(value, "little")}
    wide = [entries[at][1] for at in of.get(_FIXED64, ())]
    doubles = all(_is_double(value) for value in wide)
    for at, value in zip(of.get(_FIXED64, ()), wide, strict=True):
        if doubles:
            out[at] = {"#double": number_of(struct.unpack("<d", value)[0])}
        else:
            out[at] = {"#fixed64": int.from_bytes(value, "little")}
    for at, group in zip(
        of.get(_GROUP, ()), _objects([entries[at][1] for at in of.get(_GROUP, ())], depth + 1), strict=True
    ):
        out[at] = {"#group": group}
    runs = [entries[at][1] for at in of.get(_BYTES, ())]
    for at, value in zip(of.get(_BYTES, ()), _runs(runs, depth), strict=True):
        out[at] = value
    return out


def _runs(runs: list[bytes], depth: int) -> list[Any]:
    texts = [_text(run) for run in runs]
    printable = all(text is not None for text in texts)
    if not printable or any(run[:1] < b" " for run in runs if run):
        messages = _messages(runs, depth + 1)
        if messages is not None:
            return list(_objects(messages, depth + 1))
    return list(texts) if printable else [bytes_value(run) for run in runs]


def _messages(runs: list[bytes], depth: int) -> list[Fields] | None:
    if depth > MAX_DEPTH:
        return None
    try:
        return [_fields(run, depth) for run in runs]
    except ValueError:
        return None


def _text(run: bytes) -> str | None:
    try:
        text = run.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(character >= " " or character in "\t\r\n" for character in text) and "\x7f" not in text else None


def _is_double(value: bytes) -> bool:
    number = float(struct.unpack("<d", value)[0])
    return value == bytes(8) or (math.isfinite(number) and 1e-9 < abs(number) < 1e15)
