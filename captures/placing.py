"""A file of the user's repository: written whole or not at all, and never outside of it by way of a link.

A repository is other people's as well. A link that it brings along (``tests/pins``, ``.github``) must not make a
command that writes tests, rules or a workflow write into a home.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from captures.errors import UsageError


def check_inside(path: Path) -> None:
    """Raise :class:`UsageError` where ``path`` is spelled as one of the project and a link leads it out of there.

    A path that is plainly elsewhere is its user's choice.
    """
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    try:
        spelled = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the link
        if not spelled.is_relative_to(root) or path.resolve().is_relative_to(root):
            return
        leads = f"leads out of {root} by a link, to {path.resolve()}"
    except (OSError, RuntimeError):
        leads = "is a link that leads in a circle"
    raise UsageError(
        f"{path} {leads}: nothing was written there.", hint="Name the other place itself, where it is meant."
    )


def put(path: Path, text: str, errors: str = "strict") -> None:
    """Write ``text`` as UTF-8 in one step; a link, and the file's permissions, stay.

    Raises what :func:`check_inside` raises, and ``OSError``; the file is then as it was.
    """
    check_inside(path)
    real = path.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else None
    if mode is not None and not os.access(real, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    young = real.with_name(f".retape-{os.getpid()}.new")
    young.unlink(missing_ok=True)  # of one that was killed; a link that somebody laid there is not followed
    try:
        with young.open("x", encoding="utf-8", errors=errors, newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            young.chmod(mode)
        young.replace(real)
    finally:
        young.unlink(missing_ok=True)
