"""What replaying can have of this machine, for ``retape doctor``: a network of its own, and a clock that can be set."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from captures.doctor.findings import Check, Finding, fine, warning
from captures.errors import UsageError

SWITCHES = {  # files of /proc/sys, the value that forbids namespaces, and the one that permits them
    "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
    "kernel/unprivileged_userns_clone": ("0", "1"),
    "user/max_user_namespaces": ("0", "15000"),
}
IN_A_CONTAINER = "docker run --cap-add SYS_ADMIN …"


def checks(state: Path) -> list[Check]:
    """What to look at; a mended libfaketime is kept in the folder ``state``, as a replay keeps it."""
    return [Check("isolate", isolation), Check("faketime", partial(faketime, state))]


def isolation() -> Iterator[Finding]:
    """Whether ``--isolate`` works: a namespace is made, and let go."""
    from replayer.isolation import Namespace

    try:
        Namespace.open().close()
    except UsageError as error:
        says = f"--isolate does not work: {error.message[0].lower()}{error.message[1:].rstrip('.')}"
        yield warning("isolate", says, permission())
    else:
        yield fine("isolate", "network namespaces can be made: replay --isolate works")


def permission(settings: Path = Path("/proc/sys")) -> str:
    """The command that permits namespaces: the kernel's switch that is off, else how a container must be started."""
    for name, (closed, open_) in SWITCHES.items():
        switch = settings / name
        if switch.exists() and switch.read_text().strip() == closed:
            return f"sudo sysctl {name.replace('/', '.')}={open_}"
    return IN_A_CONTAINER


def faketime(keep: Path) -> Iterator[Finding]:
    """Whether ``--clock recorded`` works; a mended copy of the library may be put into ``keep``, as a replay does."""
    from replayer.faketime import find_library, working

    library = find_library()
    if library is None:
        yield warning(
            "faketime", "libfaketime is not here: replay --clock recorded does not work", "apt-get install faketime"
        )
        return
    try:
        used = working(library, keep)
    except UsageError as error:
        yield warning("faketime", error.message.rstrip("."), "apt-get install --reinstall faketime")
    else:
        mended = "" if used == library else ", mended by a copy in the state folder"
        yield fine("faketime", f"{library} works{mended}: replay --clock recorded works")
