"""libfaketime as it is installed here: where, whether it works, whom it does not reach, and what it leaves behind.

Version 0.9.10, the one of Debian 12 and Ubuntu 22.04 and 24.04, spoils ``clock_nanosleep`` to a moment of the monotonic
clock when that clock is to stay real (libfaketime pull request 426), and Python's ``time.sleep`` is that call. Such a
library is used as a copy that does not offer ``clock_nanosleep``, so that programs find the C library's own.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from captures.errors import UsageError

LIBRARY = "libfaketimeMT.so.1"  # the one for programs with threads
FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where glibc keeps it: shm_overview(7)

SPOILT, HIDDEN = b"\0clock_nanosleep\0", b"\0clock_nanosleeq\0"
PROBE = "import time; time.sleep(0.001); print(time.time())"
PROBE_SHIFT = -86_400  # seconds
PATIENCE = 20.0  # seconds for the probe

GO_MARK = b"\xff Go buildinf:"  # debug/buildinfo of Go's standard library
GO_ALIGNMENT = 16  # bytes
PT_INTERP = 3  # elf(5): the program is started by the dynamic linker, which is what preloads
SHT_STRTAB, SHF_ALLOC = 3, 2


def required_library(command: Sequence[str], path: str | None, keep: Path) -> Path:
    """A libfaketime that works for ``command``, looked up in ``path``; a mended copy is kept in the folder ``keep``.

    Raises :class:`UsageError` where there is none, or ``command`` would not heed it.
    """
    if not command:
        raise UsageError(
            "--clock recorded sets the clock of a build that retape starts; another's cannot be set.",
            hint="Let retape start it: -- CMD",
        )
    library = find_library()
    if library is None:
        raise UsageError(
            "--clock recorded needs libfaketime, which is not installed.",
            hint="Install it (Debian, Ubuntu: apt-get install faketime), or leave --clock out.",
        )
    why = deaf(Path(shutil.which(command[0], path=path) or command[0]))
    if why is not None:
        raise UsageError(
            f"--clock recorded does not reach {command[0]}: it is {why}, which asks the kernel for the time.",
            hint="Leave --clock out, or give the service a clock of its own that can be set.",
        )
    return working(library, keep)


def find_library(folders: Sequence[str] = FOLDERS) -> Path | None:
    """Where libfaketime is installed, the one of our own architecture first; None when it is not."""
    own = sysconfig.get_config_var("MULTIARCH")
    for pattern in ([f"/usr/lib/{own}/faketime"] if own and folders is FOLDERS else []) + list(folders):
        for folder in sorted(Path("/").glob(pattern.removeprefix("/"))):
            if (folder / LIBRARY).is_file():
                return folder / LIBRARY
    return None


def working(library: Path, keep: Path) -> Path:
    """``library`` or, where that spoils sleeping, a mended copy of it in ``keep``. Raises :class:`UsageError`."""
    wrong = complaint(library)
    if wrong is None:
        return library
    copy = mended(library, keep)
    if copy is None or complaint(copy) is not None:
        raise UsageError(
            f"libfaketime ({library}) does not work here: {wrong}.",
            hint="Install another version, or leave --clock out.",
        )
    return copy


def variables(library: Path, shift: int, base: Mapping[str, str]) -> dict[str, str]:
    """``base`` with the clock of the wall ``shift`` seconds ahead, and every other one real."""
    result = {name: value for name, value in base.items() if not name.startswith("FAKETIME")}
    others = base.get("LD_PRELOAD", "")
    result["LD_PRELOAD"] = f"{library}:{others}" if others else str(library)
    result["FAKETIME"] = f"{shift:+d}"
    result["FAKETIME_DONT_FAKE_MONOTONIC"] = result["DONT_FAKE_MONOTONIC"] = "1"
    result["NO_FAKE_STAT"] = "1"
    return result


def complaint(library: Path) -> str | None:
    """What goes wrong in a program that sleeps and looks at the clock under ``library``, or None."""
    try:
        seen = subprocess.run(
            [sys.executable, "-I", "-S", "-c", PROBE],
            env=variables(library, PROBE_SHIFT, os.environ),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "a program that sleeps under it does not wake up"
    if seen.returncode:
        return (seen.stderr.splitlines() or ["a program under it fails"])[-1]
    if abs(float(seen.stdout) - (time.time() + PROBE_SHIFT)) > PATIENCE:
        return "a program under it sees the real time"
    return None


def mended(library: Path, keep: Path) -> Path | None:
    """A copy of ``library`` in ``keep`` that does not offer ``clock_nanosleep``; None when that is not in it.

    The dynamic linker looks a symbol up by its name's hash and then by its name (ELF gABI, "Hash Table"): one whose
    name in the table of strings was changed is not found any more, and the next library is asked.
    """
    image = bytearray(library.read_bytes())
    for start, end in _dynamic_strings(image):
        at = image.find(SPOILT, start, end)
        if at >= 0:
            image[at : at + len(SPOILT)] = HIDDEN
            keep.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy = keep / f"libfaketime-{hashlib.sha256(image).hexdigest()[:12]}.so"
            temporary = copy.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(image)
            temporary.replace(copy)
            return copy
    return None


def deaf(program: Path) -> str | None:
    """What a program is that no preloaded library reaches, or None. Scripts are as their interpreter: not looked at."""
    try:
        with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            elf = _Elf.of(image)
            if elf is None:
                return None
            if _has_go_mark(image):
                return "a Go program"
            return None if PT_INTERP in elf.segments(image) else "linked statically"
    except (OSError, ValueError, struct.error):  # not there, empty, not readable, damaged: starting it will tell
        return None


def tidy(process: int, folder: Path = SHARED_MEMORY) -> None:
    """Remove what libfaketime leaves in shared memory when the process that began it is ended by a signal."""
    for name in (f"faketime_shm_{process}", f"sem.faketime_sem_{process}"):
        with suppress(OSError):  # it ended by itself and took them along
            (folder / name).unlink()


@dataclass(frozen=True, slots=True)
class _Elf:
    """How the numbers of an ELF file are written: elf(5)."""

    order: str  # of the bytes, for struct
    wide: bool  # 64 bit

    @classmethod
    def of(cls, image: mmap.mmap | bytearray) -> _Elf | None:
        """None when ``image`` is none."""
        return cls("<" if image[5] == 1 else ">", image[4] == 2) if image[:4] == b"\x7fELF" else None

    def segments(self, image: mmap.mmap) -> Iterator[int]:
        """The types of the program headers."""
        (offset,) = struct.unpack_from(f"{self.order}{'Q' if self.wide else 'I'}", image, 32 if self.wide else 28)
        size, count = struct.unpack_from(f"{self.order}HH", image, 54 if self.wide else 42)
        for index in range(count):
            yield struct.unpack_from(f"{self.order}I", image, offset + index * size)[0]

    def sections(self, image: bytearray) -> Iterator[tuple[int, int, int, int]]:
        """Type, flags, offset and size of each section."""
        (offset,) = struct.unpack_from(f"{self.order}{'Q' if self.wide else 'I'}", image, 40 if self.wide else 32)
        size, count = struct.unpack_from(f"{self.order}HH", image, 58 if self.wide else 46)
        for index in range(count):
            form = f"{self.order}4xIQ8xQQ" if self.wide else f"{self.order}4xII4xII"
            kind, flags, start, length = struct.unpack_from(form, image, offset + index * size)
            yield kind, flags, start, length


def _dynamic_strings(image: bytearray) -> list[tuple[int, int]]:
    """Where the names of dynamic symbols stand: the table of strings that is loaded. None in half a library."""
    elf = _Elf.of(image)
    try:
        sections = list(elf.sections(image)) if elf is not None else []
    except struct.error:
        return []
    return [(at, at + size) for kind, flags, at, size in sections if kind == SHT_STRTAB and flags & SHF_ALLOC]


def _has_go_mark(image: mmap.mmap) -> bool:
    """Whether Go's mark stands where Go puts it, and not only inside a program that looks for it."""
    at = image.find(GO_MARK)
    while at >= 0 and at % GO_ALIGNMENT:
        at = image.find(GO_MARK, at + 1)
    return at >= 0
