"""The process that does the work for the plugin, and how it finds Retape's packages whatever else bears their names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent
PATIENCE = 30.0
"""Seconds that the builds may take to stop."""

# ``-P`` keeps the working directory off the path, but PYTHONPATH may still name a folder with a `captures.py`: so these
# names, and no others, are looked for beside the plugin. It is also where an editable install has them.
START = """
import json, sys
from importlib.machinery import PathFinder
class Ours:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ("captures", "diffing", "replayer"):
            return PathFinder.find_spec(name, [sys.argv[1]])
sys.meta_path.insert(0, Ours)
try:
    from replayer.pinning.companion import serve
except BaseException as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
    raise SystemExit(1)
serve()
"""


class CompanionFailed(Exception):
    """What was asked cannot be done; the message is for people."""


class Companion:
    """Started with the first question."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, do: str, **what: Any) -> Mapping[str, Any]:
        """The answer. Raises :class:`CompanionFailed`."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise CompanionFailed(f"Retape's own process ended (exit code {process.wait()}); it said why on stderr.")
        said: Mapping[str, Any] = json.loads(line)
        if "error" in said and "hint" not in said:
            raise CompanionFailed(
                f"Retape's own process cannot start in this environment: {said['error']}\n"
                "Look at PYTHONPATH for modules that bear the name of a library, or install again: "
                "pip install --force-reinstall retape"
            )
        if "error" in said:
            raise CompanionFailed("\n".join(filter(None, (said["error"], said["hint"]))))
        return said

    def close(self) -> None:
        """Stop it with all the builds it started."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return
        self._process = None
        with suppress(OSError):  # it is gone already
            process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            if not (HOME / "replayer" / "pinning").is_dir():
                raise CompanionFailed(f"Retape is not complete: there is no replayer/ beside the plugin in {HOME}.")
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, str(HOME)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            )  # fmt: skip
        return self._process
