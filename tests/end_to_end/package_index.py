"""A small package index of real wheels and one sdist, made on the spot, and the devpi mirror of it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

from captures.service import free_port
from tests.end_to_end.processes import Bench, Finished, Running, clean_environment

EPOCH = (2024, 1, 2, 3, 4, 6)
ADMIN = "root"

# A build backend inside the sdist itself: preparing its metadata needs nothing from any index.
BACKEND = '''
import os
def get_requires_for_build_wheel(config_settings=None):
    return []
def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = "{name}-{version}.dist-info"
    os.makedirs(os.path.join(metadata_directory, folder))
    with open(os.path.join(metadata_directory, folder, "METADATA"), "w") as file:
        file.write("""{metadata}""")
    return folder
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    raise SystemExit("only ever downloaded")
'''


def publish(folder: Path) -> None:
    """Fill ``folder`` with what the tests download: a chain of dependencies, several versions, and an sdist."""
    folder.mkdir()
    _wheel(folder, "alpha", "1.0", requires=["beta>=1"])
    _wheel(folder, "alpha", "2.0", requires=["beta>=2"])
    _wheel(folder, "beta", "1.5")
    _wheel(folder, "beta", "2.1", requires=["gamma_tools"], padding=300_000)
    _wheel(folder, "gamma_tools", "0.3")
    _sdist(folder, "delta", "4.0")


def serve(bench: Bench, tools: Path, packages: Path, port: int) -> Running:
    """pypiserver over ``packages`` on ``port``."""
    return bench.start(
        tools / "pypi-server", "run", "--interface", "127.0.0.1", "--port", port, "--disable-fallback",
        "--hash-algo", "sha256", packages,
    ).wait_port(port)  # fmt: skip


def make_mirror(bench: Bench, tools: Path, upstream: str) -> Path:
    """An initialised devpi server folder with an empty mirror index ``root/mirror`` of ``upstream``."""
    folder = bench.folder / "devpi-empty"
    bench.start(tools / "devpi-init", "--serverdir", folder, "--no-root-pypi").finished().expect(0)
    (folder / "secret").touch(mode=0o600)
    (folder / "secret").write_text(base64.b64encode(bytes(range(32))).decode())
    port = free_port()
    devpi = bench.start(*devpi_command(tools, folder, port)).wait_port(port)
    index = {"type": "mirror", "mirror_url": upstream, "volatile": False}
    token = _call(port, "POST", "/+login", {"user": ADMIN, "password": ""})["result"]["password"]
    _call(port, "PUT", f"/{ADMIN}/mirror", index, token)
    devpi.stop()
    return folder


def devpi_command(tools: Path, folder: Path, port: object) -> list[str]:
    """The command line of a devpi server over ``folder``."""
    return [
        str(tools / "devpi-server"), "--serverdir", str(folder), "--host", "127.0.0.1", "--port", str(port),
        "--threads", "4", "--secretfile", str(folder / "secret"),
        # A key derivation that takes its recommended four seconds proves nothing here.
        "--argon2-time-cost", "1", "--argon2-memory-cost", "8", "--argon2-parallelism", "1",
    ]  # fmt: skip


def download(bench: Bench, tools: Path, index: str, into: Path, requirements: Sequence[str]) -> Finished:
    """The real ``pip download`` of ``requirements`` from ``index`` and nowhere else."""
    environment = {**clean_environment(), "PIP_CONFIG_FILE": os.devnull}
    return bench.start(
        tools / "python", "-m", "pip", "--isolated", "download", "--disable-pip-version-check", "--no-cache-dir",
        "--no-build-isolation", "--retries", "0", "--index-url", index, "--dest", into, *requirements,
        env=environment,
    ).finished(90)  # fmt: skip


def _call(port: int, method: str, path: str, body: dict[str, object], token: str = "") -> dict[str, dict[str, str]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        method=method,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    if token:
        request.add_header("X-Devpi-Auth", base64.b64encode(f"{ADMIN}:{token}".encode()).decode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        value: dict[str, dict[str, str]] = json.load(answer)
    return value


def _metadata(name: str, version: str, requires: Sequence[str]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    return "\n".join(lines + [f"Requires-Dist: {one}" for one in requires]) + "\n"


def _wheel(folder: Path, name: str, version: str, *, requires: Sequence[str] = (), padding: int = 0) -> None:
    info = f"{name}-{version}.dist-info"
    # Text that does not compress: a body of this size crosses many TCP segments and both proxies' buffers.
    noise = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(padding // 64))
    files = {
        f"{name}/__init__.py": f'__version__ = "{version}"\nNOISE = "{noise}"\n',
        f"{info}/METADATA": _metadata(name, version, requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: retape-tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, EPOCH), text)


def _sdist(folder: Path, name: str, version: str) -> None:
    metadata = _metadata(name, version, [])
    root = f"{name}-{version}"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {
        f"{root}/pyproject.toml": project,
        f"{root}/backend.py": BACKEND.format(name=name, version=version, metadata=metadata),
        f"{root}/PKG-INFO": metadata,
        f"{root}/{name}.py": f'__version__ = "{version}"\n',
    }
    with tarfile.open(folder / f"{root}.tar.gz", "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            entry.mtime = 1_704_164_646
            archive.addfile(entry, io.BytesIO(text.encode()))
