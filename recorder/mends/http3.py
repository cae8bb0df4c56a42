"""HTTP/3: mitmproxy's parser of QUIC's first packet reads a byte inside an ``assert``.

The recorder runs with ``python -O``, which leaves asserts out; the parser gets its own back.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from mitmproxy.proxy.layers.quic import _client_hello_parser as parser

NAME = "quic_parse_client_hello_from_datagrams"


def keep_asserts() -> None:
    """Where asserts are left out, put a parser that has its own in place of mitmproxy's, wherever that is known."""
    if __debug__ or not hasattr(parser, NAME):
        return
    original = getattr(parser, NAME)
    mended = _with_asserts(parser)
    for name, module in list(sys.modules.items()):
        if name.startswith("mitmproxy.") and getattr(module, NAME, None) is original:
            setattr(module, NAME, mended)


def _with_asserts(module: ModuleType) -> Any:
    path = Path(module.__file__ or "")
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True, optimize=0)
    copy = ModuleType(module.__name__)
    # Its dataclasses look themselves up by their module's name, where they find the original: it has the same imports.
    exec(code, copy.__dict__)  # noqa: S102 - mitmproxy's own source, compiled as its authors test it
    return getattr(copy, NAME)
