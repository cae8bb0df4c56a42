"""Where Retape keeps what is neither yours to review nor safe to share: the CA, the redaction key, run files.

One folder per project, ``.retape/`` beside its configuration or ``.git``, mode 0700 with a ``.gitignore`` of its own;
``RETAPE_STATE_DIR`` moves it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from captures.errors import UsageError
from captures.settings.finding import configured_folder

MARKERS = (".git", "pyproject.toml")
KEY_VARIABLE = "RETAPE_REDACT_KEY"
STATE_VARIABLE = "RETAPE_STATE_DIR"


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above ``start`` (default: the working directory) that configures Retape.

    Where there is none up to the repository's root, the nearest that looks like a project's root. Raises
    :class:`captures.errors.ConfigError` for a ``pyproject.toml`` that speaks of Retape and cannot be read.
    """
    here = (start or Path.cwd()).resolve()
    configured = configured_folder(here)
    if configured is not None:
        return configured
    for folder in (here, *here.parents):
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return here


def state_dir(start: Path | None = None) -> Path:
    """The state folder, made when missing. Raises :class:`UsageError` when it cannot be."""
    given = os.environ.get(STATE_VARIABLE)
    folder = Path(given) if given else project_root(start) / ".retape"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise UsageError(
            f"The state folder {folder} cannot be made: {error.strerror}.",
            hint=f"Set {STATE_VARIABLE} to a folder you may write to.",
        ) from error
    return folder


def existing_state_dir(start: Path | None = None) -> Path | None:
    """The state folder, for what is only kept where there is a project: None where nothing says that there is one."""
    given = os.environ.get(STATE_VARIABLE)
    if given:
        return Path(given) if Path(given).is_dir() else None
    root = project_root(start)
    known = (root / ".retape").is_dir() or any((root / marker).exists() for marker in MARKERS)
    return state_dir(start) if known or configured_folder(root) is not None else None


def redaction_key(configured: str | None = None, *, start: Path | None = None) -> bytes:
    """The key pseudonyms are made with: ``RETAPE_REDACT_KEY``, else ``configured``, else one kept in the state folder.

    Captures recorded with one key can be matched with each other; share it (as a secret) between machines that replay
    captures made elsewhere, if live values are to be compared with recorded pseudonyms.
    """
    given = os.environ.get(KEY_VARIABLE) or configured
    if given:
        if len(given) < 16:
            raise UsageError(
                "The redaction key is shorter than 16 characters.",
                hint=f"Put the output of `python -c 'import secrets; print(secrets.token_hex(32))'` in {KEY_VARIABLE}.",
            )
        return given.encode()
    path = state_dir(start) / "redaction.key"
    if not path.exists():
        fresh = secrets.token_hex(32)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            pass  # another process was quicker; its key is as good
        else:
            with os.fdopen(descriptor, "w") as file:
                file.write(fresh + "\n")
    key = path.read_text().strip()
    if len(key) < 16:
        raise UsageError(f"The redaction key in {path} is damaged.", hint="Delete the file; a new key is made.")
    return key.encode()


def run_path(name: str, *, start: Path | None = None) -> Path:
    """The path of a run file called ``name`` in the state folder."""
    folder = state_dir(start) / "runs"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder / f"{name}.sqlite"
