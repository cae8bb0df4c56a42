"""What kind of service a folder holds, and how it is started: a guess, with the file that it was made from.

Only well-known places are looked at, nothing is run, and a file that is not what its name says is passed over. The
first that says something wins, the most explicit first.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 200_000  # bytes of a file that is looked into
_MODULES = ("main.py", "app.py", "app/main.py", "app/app.py", "app/__init__.py", "src/main.py", "src/app.py")
_WEB = re.compile(
    r"^(?P<name>[A-Za-z_]\w*)(?:\s*:\s*[\w.]+)?\s*=\s*(?:\w+\.)?(?P<kind>FastAPI|Starlette|Flask)\(", re.MULTILINE
)
_ONE_LINE = re.compile(r"[\x20-\x7e]{1,400}")


@dataclass(frozen=True, slots=True)
class Service:
    """A guess. ``command`` holds ``{port}``, or takes the port from ``$PORT``, which Retape sets."""

    command: str
    told_by: str  # the file it comes from; empty: nothing was recognised
    language: str = "python"  # "python", "node", "go" or "" for another
    build: str = ""  # what makes it ready to start


def service_in(folder: Path) -> Service:
    """The service of ``folder``; one that says it is a placeholder where nothing is recognised."""
    for look in _LOOKS:
        found = look(folder)
        if found is not None and _ONE_LINE.fullmatch(found.command) and "${{" not in found.command:
            return found
    return Service("python app.py --port {port}", "", _language(folder), _build(folder))


def _procfile(folder: Path) -> Service | None:
    web = re.search(r"(?m)^web:[ \t]*(\S.*?)[ \t]*$", _text(folder / "Procfile"))
    if web is None:
        return None
    command = re.sub(r"\$\{PORT(?::-\d+)?\}|\$PORT\b", "{port}", web[1])
    if re.search(r"[|&;<>`]|\$[({A-Za-z_]", command):  # what only a shell understands
        command = f"sh -c '{web[1]}'" if "'" not in web[1] else ""
    return Service(command, "Procfile", _language(folder), _build(folder))


def _manage(folder: Path) -> Service | None:
    if "django" not in _text(folder / "manage.py").lower():
        return None
    return Service("python manage.py runserver --noreload {port}", "manage.py", "python", _build(folder))


def _web_framework(folder: Path) -> Service | None:
    for name in _MODULES:
        match = _WEB.search(_text(folder / name))
        if match is None:
            continue
        module = name.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
        where = ""
        if module.startswith("src."):
            module, where = module.removeprefix("src."), " --app-dir src"
        if match["kind"] == "Flask":
            module = f"src/{module}" if where else module
            command = f"flask --app {module}:{match['name']} run --port {{port}}"
        else:
            command = f"uvicorn{where} {module}:{match['name']} --port {{port}}"
        return Service(command, f"{name} ({match['kind']})", "python", _build(folder))
    return None


def _package(folder: Path) -> Service | None:
    scripts = _mapping(_json(folder / "package.json").get("scripts"))
    if not isinstance(scripts.get("start"), str):
        return None
    return Service("npm start", "package.json (scripts.start)", "node", _build(folder))


def _scripts(folder: Path) -> Service | None:
    project = _mapping(_toml(folder / "pyproject.toml").get("project"))
    names = [name for name in _mapping(project.get("scripts")) if re.fullmatch(r"[\w.-]+", name)]
    if not names:
        return None
    return Service(f"{names[0]} --port {{port}}", "pyproject.toml (project.scripts)", "python", _build(folder))


def _script(folder: Path) -> Service | None:
    name = next((name for name in ("app.py", "main.py", "server.py") if (folder / name).is_file()), None)
    return Service(f"python {name} --port {{port}}", name, "python", _build(folder)) if name else None


def _go(folder: Path) -> Service | None:
    return Service("go run .", "go.mod", "go", "go build ./...") if (folder / "go.mod").is_file() else None


_LOOKS: tuple[Callable[[Path], Service | None], ...] = (
    _procfile,
    _manage,
    _web_framework,
    _package,
    _scripts,
    _script,
    _go,
)


def _language(folder: Path) -> str:
    named = {"python": ("requirements.txt", "pyproject.toml"), "node": ("package.json",), "go": ("go.mod",)}
    return next((name for name, files in named.items() if any((folder / file).is_file() for file in files)), "")


def _build(folder: Path) -> str:
    """What installs the service: in CI nothing is there yet."""
    ways = (
        ("package-lock.json", "npm ci"),
        ("package.json", "npm install"),
        ("uv.lock", "pip install uv && uv pip install --system ."),
        ("requirements.txt", "pip install -r requirements.txt"),
        ("pyproject.toml", "pip install ."),
    )
    return next((command for name, command in ways if (folder / name).is_file()), "")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST).decode("utf-8")
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(_text(path) or "{}"))
    except (ValueError, RecursionError):
        return {}


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def has_table(path: Path, *names: str) -> bool:
    """Whether the TOML file ``path`` has the table ``[names…]``."""
    found: object = _toml(path)
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found is not None
