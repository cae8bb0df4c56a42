"""Where Retape writes: room, permission, the kind of file system, and who else may read it."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from captures.doctor.findings import Finding, fine, problem, warning
from captures.wording import sized

LITTLE, TOO_LITTLE = 1 << 30, 100 << 20  # bytes of room: a warning, a problem
FEW_FILES = 1000
NETWORKED = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs")
"""SQLite's write-ahead log needs memory that all its users share (sqlite.org/wal.html): not over a network."""

MOUNTS = Path("/proc/self/mountinfo")
SECRET_NAMES = ("mitmproxy-ca.pem", "redaction.key")


def room(what: str, folder: Path, mounts: Path = MOUNTS) -> Iterator[Finding]:
    """Whether ``folder`` can be written to, and how much. Nothing is written."""
    shown, quoted = f"{what} {folder}", shlex.quote(str(folder))
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not there.is_dir():
        yield problem("disk", f"{shown}: {there} is no folder", f"ls -ld {shlex.quote(str(there))}")
        return
    disk = os.statvfs(there)
    if disk.f_flag & os.ST_RDONLY:
        yield problem("disk", f"{shown} is on a disk that cannot be written to", f"findmnt -T {quoted}")
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield problem("disk", f"{shown} cannot be written to by this user", f"ls -ld {shlex.quote(str(there))}")
        return
    kind = file_system(there, mounts)
    if kind in NETWORKED:
        elsewhere = "retape record -o " if what == "capture" else "export RETAPE_STATE_DIR="
        says = f"{shown} is on {kind}, a file system over a network, where SQLite's write-ahead log does not work"
        yield problem("disk", says, f"{elsewhere}/a/local/disk")
        return
    free = disk.f_bavail * disk.f_frsize
    if free < LITTLE:
        say = problem if free < TOO_LITTLE else warning
        yield say("disk", f"{shown} has {sized(free, 1024)} left", f"df -h {quoted}")
    elif disk.f_files and disk.f_favail < FEW_FILES:
        yield warning("disk", f"{shown} has room for {disk.f_favail} more files only", f"df -i {quoted}")
    else:
        yield fine("disk", f"{shown} has {sized(free, 1024)} left{f' ({kind})' if kind else ''}")


def privacy(state: Path, captures: Iterable[Path]) -> Iterator[Finding]:
    """Whether others may read the CA's key, the redaction key, or what was recorded."""
    wanted = [(state, 0o700), *((state / name, 0o600) for name in SECRET_NAMES)]
    for capture in captures:
        wanted += [(capture.with_name(capture.name + end), 0o600) for end in ("", "-wal", "-shm", ".lock")]
    there = [(path, mode) for path, mode in wanted if path.exists()]
    open_to_others = [path for path, mode in there if stat.S_IMODE(path.stat().st_mode) & ~mode]
    for path in open_to_others:
        mode = stat.S_IMODE(path.stat().st_mode)
        yield problem(
            "privacy", f"{path} may be used by others (mode {mode:04o})", f"chmod go-rwx {shlex.quote(str(path))}"
        )
    if not open_to_others:
        yield fine(
            "privacy", f"nobody else may read the keys in {state}" + (" or the capture" if len(there) > 3 else "")
        )


def file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that ``folder`` is on (proc(5), mountinfo); empty where that is not told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    path = str(folder.resolve())
    for line in lines:
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = fields[4].encode().decode("unicode_escape")  # blanks are written as \040
        inside = point == "/" or path == point or path.startswith(point + "/")
        if inside and len(point) >= len(best):  # of mounts on one place the last one counts
            best, kind = point, right.split()[0]
    return kind
