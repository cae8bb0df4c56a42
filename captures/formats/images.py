"""Images by what can be said without drawing them: the type their bytes show, and their size in pixels."""

from __future__ import annotations

import io
import struct
from typing import Any

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
)
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"heix": "image/heic"}
_ALIASES = {"image/jpg": "image/jpeg", "image/vnd.microsoft.icon": "image/x-icon", "image/x-ms-bmp": "image/bmp"}


def image_type(data: bytes) -> str | None:
    """The media type that the first bytes show, or None."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None


def read_image(data: bytes, declared: str) -> dict[str, Any] | None:
    """``{"type", "width", "height"}``, and ``declared-as`` where that is another type; None for what is no image.

    Sizes in pixels, None where the header does not tell. The pixels are no part of it.
    """
    kind = image_type(data)
    if kind is None:
        return None
    import imagesize

    try:
        width, height = imagesize.get(io.BytesIO(data))
    except (ValueError, OSError, struct.error):  # before 2.0 it raised for damaged headers
        width = height = -1
    value: dict[str, Any] = {
        "type": kind,
        "width": int(width) if width >= 0 else None,
        "height": int(height) if height >= 0 else None,
    }
    if _ALIASES.get(declared, declared) != kind:
        value["declared-as"] = declared
    return value
