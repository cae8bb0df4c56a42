"""What runs inside a network namespace for :mod:`replayer.isolation`, as a script: ``hold`` and ``enter``.

Standard library only, and no threads: a process that has some cannot join a user namespace (setns(2)).

``hold CONTROL``: makes the namespace (network_namespaces(7)), brings its loopback up, and then makes sockets in it for
whoever is at the other end of the socket CONTROL. When that end closes, however it came to that, every process of the
namespace is killed; with the last of them and its last socket the kernel removes the namespace.

``enter PARENT NET USER CMD...``: joins the namespace behind the descriptor NET (of the user namespace USER, or -1) and
becomes CMD. A PARENT that is gone by then has left nobody to end CMD, so it is not started.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CLONE_NEWUSER = 0x1000_0000  # linux/sched.h
CLONE_NEWNET = 0x4000_0000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914  # netdevice(7)
IFF_UP = 1

READY, MADE, FAILED = b"ready", b"made", b"failed "
FAMILIES = {b"4": socket.AF_INET, b"6": socket.AF_INET6}
BATCH = 16  # sockets made at once: on a busy machine it is the change of processes that takes time
QUIET = 0.1  # seconds without a process to kill before the namespace counts as empty: one may be starting another


def hold(control: socket.socket) -> int:
    """Be the namespace's first process; returns the exit code."""
    try:
        own_user = _unshare()
        _raise_loopback()
    except OSError as error:
        control.send(FAILED + str(error.errno or 0).encode())
        return 1
    kinds = ("net", "user") if own_user else ("net",)
    descriptors = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in kinds]
    socket.send_fds(control, [READY], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(ConnectionError):  # the other end was killed: the same as its close
        while asked := control.recv(1):
            _make(control, FAMILIES[asked])
    _kill_everyone()
    return 0


def enter(parent: int, net: int, user: int, command: list[str]) -> None:
    """Become ``command`` inside the namespace. Returns only when there is nobody to start it for."""
    for descriptor, kind in ((user, CLONE_NEWUSER), (net, CLONE_NEWNET)):  # the one gives the right to the other
        if descriptor >= 0:
            _call("setns", descriptor, kind)
            os.close(descriptor)
    if os.getppid() == parent:
        os.execvp(command[0], command)  # noqa: S606 - no shell is the point


def _make(control: socket.socket, family: socket.AddressFamily) -> None:
    made: list[socket.socket] = []
    try:
        made.extend(socket.socket(family, socket.SOCK_STREAM) for _ in range(BATCH))
        socket.send_fds(control, [MADE], [one.fileno() for one in made])
    except OSError as error:
        control.send(FAILED + str(error.errno or 0).encode())
    finally:
        for one in made:
            one.close()


def _unshare() -> bool:
    """Leave the machine's network; whether that took a user namespace of our own (who is not root needs one)."""
    try:
        _call("unshare", CLONE_NEWNET)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
    else:
        return False
    user, group = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNET)
    Path("/proc/self/setgroups").write_text("deny")  # user_namespaces(7): without it no gid_map for who is not root
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh22x", b"lo", 0)  # struct ifreq: name, flags
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags | IFF_UP))


def _kill_everyone() -> None:
    empty_since = time.monotonic()
    while time.monotonic() - empty_since < QUIET:
        for process in _others():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            empty_since = time.monotonic()
        time.sleep(0.005)


def _others() -> Iterator[int]:
    """The processes in our network namespace but for ourselves; a zombie is in none any more."""
    ours = Path("/proc/self/ns/net").stat().st_ino
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):  # ended meanwhile, or not ours to look at
                if (entry / "ns" / "net").stat().st_ino == ours:
                    yield int(entry.name)


def _call(name: str, *arguments: int) -> None:
    """A system call by its C name. Raises ``OSError``. (``os.setns`` came with Python 3.12.)"""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main(arguments: list[str]) -> int:
    """Run as ``arguments`` say; the exit code."""
    if arguments[0] == "hold":
        with socket.socket(fileno=int(arguments[1])) as control:
            return hold(control)
    enter(int(arguments[1]), int(arguments[2]), int(arguments[3]), arguments[4:])
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
