"""A network of its own for the build: loopback, and nothing else. Its only way out are sockets that we hold.

A socket belongs to the network namespace it was made in, wherever its descriptor goes afterwards. So a process inside
(:mod:`replayer.enclosed`) makes sockets and passes them to us over a Unix socket: the stub server listens on ones from
inside, and requests to the build go out on ones from inside. No relay copies a byte, addresses are what they seem, and
a refused or reset connection looks as it always does. There is no route and no resolver: any other address fails at
once with ENETUNREACH, which the kernel reports to the build alone, so attempts cannot be counted.

A Unix socket with a path is a file and no network: what the build can open there it can still reach.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from captures.errors import UsageError
from captures.service import Doorway
from replayer import enclosed

PATIENCE = 10.0  # seconds for each answer of the process inside

WITHOUT = "Or leave --isolate out: proxy variables are set all the same, and the report says what was not enforced."


class Namespace:
    """A network namespace. Close it: all processes in it are killed then, also when we are."""

    def __init__(self, holder: subprocess.Popen[bytes], control: socket.socket, net: int, user: int | None) -> None:
        self._holder = holder
        self._control = control
        self._descriptors = [net] if user is None else [net, user]
        self._turn = threading.Lock()
        self._stock: dict[int, list[socket.socket]] = {}  # made and not yet used, by address family

    @classmethod
    def open(cls) -> Self:
        """Make one. Raises :class:`UsageError` where that is not possible or not permitted."""
        if sys.platform != "linux":
            raise UsageError("--isolate needs the network namespaces of Linux.", hint=WITHOUT)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        with theirs:
            # Its own session: a Ctrl-C in the terminal is for us, and ours to pass on by closing the socket.
            holder = subprocess.Popen(
                [*_SCRIPT, "hold", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            answer, descriptors, _, _ = socket.recv_fds(ours, 64, 2, socket.MSG_CMSG_CLOEXEC)
        except BaseException:
            ours.close()
            raise
        if answer != enclosed.READY:
            ours.close()
            holder.wait(PATIENCE)
            number = int(answer.removeprefix(enclosed.FAILED) or 0)
            raise UsageError(
                f"A network namespace cannot be made here: {os.strerror(number) if number else 'no answer'}.",
                hint="Run as root, or allow user namespaces (sysctl user.max_user_namespaces and "
                f"kernel.apparmor_restrict_unprivileged_userns=0; docker run --cap-add SYS_ADMIN). {WITHOUT}",
            )
        net, user = (*descriptors, None)[:2]
        assert net is not None
        return cls(holder, ours, net, user)

    @property
    def doorway(self) -> Doorway:
        """How a command is started inside, and reached."""
        net, user = (*self._descriptors, -1)[:2]
        words = (*_SCRIPT, "enter", str(os.getpid()), str(net), str(user))
        return Doorway(words, tuple(self._descriptors), self.connect)

    def make(self, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """A new TCP socket of the namespace. Raises ``OSError``."""
        with self._turn:
            stock = self._stock.setdefault(family, [])
            if not stock:
                self._control.send(b"6" if family == socket.AF_INET6 else b"4")
                answer, descriptors, _, _ = socket.recv_fds(self._control, 64, enclosed.BATCH, socket.MSG_CMSG_CLOEXEC)
                if not descriptors:
                    number = int(answer.removeprefix(enclosed.FAILED) or 0)
                    raise OSError(number, os.strerror(number) if number else "the network namespace is gone")
                stock.extend(socket.socket(fileno=descriptor) for descriptor in descriptors)
            return stock.pop()

    def listen(self, host: str, port: int) -> socket.socket:
        """A socket bound to ``host`` (an address) and ``port`` in the namespace. Raises ``OSError``."""
        made = self.make(_family(host))
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((host, port))
        except OSError:
            made.close()
            raise
        return made

    def free_port(self) -> int:
        """A TCP port of its loopback that nobody listens on right now."""
        with self.listen("127.0.0.1", 0) as probe:
            return int(probe.getsockname()[1])

    def connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        """A connection to ``address`` in the namespace, blocking. Raises ``OSError``."""
        made = self.make(_family(address[0]))
        try:
            made.settimeout(timeout)
            made.connect((_numeric(address[0]), address[1]))
        except OSError:
            made.close()
            raise
        return made

    async def dial(self, host: str, port: int) -> socket.socket:
        """The same on the event loop."""
        made = self.make(_family(host))
        try:
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, (_numeric(host), port))
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Kill what still runs in it, and let it go. Idempotent."""
        self._control.close()
        for stock in self._stock.values():
            while stock:
                stock.pop().close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        try:
            self._holder.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # something cannot be killed, in a system call that does not end
            self._holder.kill()
            self._holder.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_SCRIPT = (sys.executable, "-I", "-S", str(Path(enclosed.__file__).resolve()))


def _numeric(host: str) -> str:
    """``localhost`` as an address: names are looked up outside, where it may mean another one first."""
    return "127.0.0.1" if host == "localhost" else host


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
