"""Which files are pins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from captures.errors import UsageError

SNIFFED = 4096  # bytes
_REQUEST = re.compile(rb"^request:(?:\s|$)", re.MULTILINE)
_EXPECT = re.compile(rb"^expect:(?:\s|$)", re.MULTILINE)


def files_under(path: Path) -> tuple[Path, ...]:
    """``path``, or the YAML files below it in order. Raises :class:`UsageError` when it is not there."""
    if path.is_dir():
        found = (file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
        return tuple(sorted(found))
    if not path.exists():
        raise UsageError(f"{path} does not exist.", hint="Name a pin, or a folder of pins.")
    return (path,)


def pins_under(paths: Iterable[Path]) -> list[Path]:
    """The pins among ``paths`` and below them, each once; a file that is named is taken for one."""
    return list(dict.fromkeys(_pins(paths)))


def _pins(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        for file in files_under(path):
            if file == path or is_pin(file):
                yield file


def is_pin(file: Path) -> bool:
    """Whether the first line that says something is ``pin: …``, as the pytest plugin sees it."""
    lines = (line.strip() for line in _start(file).splitlines())
    said = next((line for line in lines if line and not line.startswith((b"#", b"---", b"%"))), b"")
    return said.startswith(b"pin:")


def reads_like_pin(file: Path) -> bool:
    """Whether somebody forgot the first line."""
    start = _start(file)
    return bool(_REQUEST.search(start) and _EXPECT.search(start))


def _start(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(SNIFFED).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return b""
