"""Room, permission, file systems, and who else may read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from captures.doctor import places
from captures.doctor.findings import Outcome

MOUNTINFO = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:35 / /mnt/share rw,relatime - nfs4 server:/export rw
41 22 0:36 / /mnt/a\\040b rw,relatime - 9p share rw
42 40 8:2 / /mnt/share/local rw - xfs /dev/sdb1 rw
43 22 8:3 / /mnt/sharep rw - btrfs /dev/sdc1 rw
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTINFO)
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"), ("/var/lib", "ext4"), ("/mnt/share", "nfs4"), ("/mnt/share/deep/er", "nfs4"),
        ("/mnt/a b/c", "9p"), ("/mnt/share/local/x", "xfs"), ("/mnt/sharep/x", "btrfs"), ("/mnt/shareholder", "ext4"),
    ],
)  # fmt: skip
def test_the_nearest_mount_counts(mounts: Path, folder: str, kind: str) -> None:
    assert places.file_system(Path(folder), mounts) == kind
    assert places.file_system(Path(folder), mounts / "gone") == ""


def test_the_kernel_says_it_as_findmnt_does(tmp_path: Path) -> None:
    said = subprocess.run(
        ["findmnt", "-n", "-o", "FSTYPE", "-T", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert places.file_system(tmp_path) == said.stdout.split()[-1]


def test_a_file_system_over_a_network_keeps_no_log(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {tmp_path.resolve()} rw - nfs4 x rw\n")
    (one,) = places.room("capture", tmp_path, mounts)
    assert one.outcome is Outcome.PROBLEM
    assert "nfs4" in one.says
    assert one.command.startswith("retape record -o ")


@pytest.mark.parametrize(
    ("free", "outcome"), [(1 << 40, Outcome.OK), (500 << 20, Outcome.WARNING), (50 << 20, Outcome.PROBLEM)]
)
def test_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, outcome: Outcome) -> None:
    disk = SimpleNamespace(f_flag=0, f_bavail=free // 4096, f_frsize=4096, f_files=0, f_favail=0)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    (one,) = places.room("capture", tmp_path / "not" / "there yet")
    assert one.outcome is outcome
    assert bool(one.command) is (outcome is not Outcome.OK)


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (one,) = places.room("capture", tmp_path / "file" / "below")
    assert (one.outcome, "no folder" in one.says) == (Outcome.PROBLEM, True)


def test_a_disk_that_cannot_be_written_to() -> None:
    """/proc and /sys: the kernel refuses whoever asks."""
    (one,) = places.room("capture", Path("/proc/self"))
    assert one.outcome is Outcome.PROBLEM
    assert one.command


def test_what_others_may_read_is_named(tmp_path: Path) -> None:
    state = tmp_path / "state of mine"
    state.mkdir(mode=0o700)
    capture = tmp_path / "x.sqlite"
    for path, mode in ((state / "redaction.key", 0o600), (capture, 0o600), (tmp_path / "x.sqlite-wal", 0o600)):
        path.write_text("")
        path.chmod(mode)
    assert [one.outcome for one in places.privacy(state, [capture])] == [Outcome.OK]
    state.chmod(0o755)
    (tmp_path / "x.sqlite-wal").chmod(0o640)
    found = list(places.privacy(state, [capture]))
    assert [one.outcome for one in found] == [Outcome.PROBLEM, Outcome.PROBLEM]
    for one in found:
        subprocess.run(one.command, shell=True, check=True)
    assert [one.outcome for one in places.privacy(state, [capture])] == [Outcome.OK]
