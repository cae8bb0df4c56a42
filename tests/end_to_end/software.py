"""Third-party software for the end-to-end tests, installed once on demand below the virtual environment.

``python -m tests.end_to_end.software`` does it ahead of the tests. A registry that cannot be reached fails the tests
that need it: a skipped test would say nothing about real software.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
INSTALL_SECONDS = 300


class InstallFailed(Exception):
    """The third-party software could not be installed; holds the installer's last lines."""


TOOLS = {
    "third-party": "requirements.txt",
    "kinto-20": "kinto/release20.txt",
    "kinto-26": "kinto/release26.txt",
    "wire": "wire/requirements.txt",
    "frameworks": "frameworks.txt",
    "pipelines": "pipelines/requirements.txt",  # its YAML library is another than mitmproxy's
}
"""Virtual environments, each with what its file of requirements names."""


def python_tools(root: Path | None = None, name: str = "third-party") -> Path:
    """The ``bin`` folder of the virtual environment ``name`` (of :data:`TOOLS`), made when missing.

    ``root`` is where it is kept (default: inside the running virtual environment). Safe for several processes at
    once. Raises :class:`InstallFailed`.
    """
    folder = (root or Path(sys.prefix)) / name
    wanted = HERE / TOOLS[name]
    with _installing(folder, wanted) as missing:
        if missing:
            _run([sys.executable, "-m", "venv", str(folder)])
            pip = [str(folder / "bin" / "python"), "-m", "pip"]
            _run([*pip, "install", "--quiet", "--disable-pip-version-check", "--requirement", str(wanted)])
    return folder / "bin"


def node_modules(root: Path | None = None) -> Path:
    """The ``node_modules`` folder with the packages of ``node/package-lock.json``, installed when missing.

    Raises :class:`InstallFailed`, also when there is no ``npm``.
    """
    folder = (root or Path(sys.prefix)) / "third-party-node"
    with _installing(folder, HERE / "node" / "package-lock.json") as missing:
        if missing:
            npm = shutil.which("npm")
            if npm is None:
                raise InstallFailed("node is here and npm is not: install npm (Debian: apt-get install npm).")
            folder.mkdir(parents=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / "node" / name, folder)
            # json-server-auth asks for a peer of one release or the other, and two of its releases stand side by side.
            _run([npm, "ci", "--legacy-peer-deps", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder)
    return folder / "node_modules"


@contextmanager
def _installing(folder: Path, wanted: Path) -> Iterator[bool]:
    """Hold the lock of ``folder``; True when what it holds is not what ``wanted`` asks for (it is then removed)."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp = folder / ".installed"
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    with folder.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = not stamp.exists() or stamp.read_text() != digest
        if missing:
            shutil.rmtree(folder, ignore_errors=True)
        yield missing
        if missing:
            stamp.write_text(digest)


def _run(argv: Sequence[str], cwd: Path | None = None) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=environment, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InstallFailed(f"{' '.join(argv)} took more than {INSTALL_SECONDS} s.") from error
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise InstallFailed(f"{' '.join(argv)} ended with {done.returncode}:\n{tail}")


if __name__ == "__main__":
    for tool in TOOLS:
        print(python_tools(name=tool))
    if shutil.which("node"):
        print(node_modules())
