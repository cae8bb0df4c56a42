"""Running all checks at once, none of them for ever: a disk that hangs must not hang the doctor."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence

from captures.doctor.findings import Check, Finding, problem, warning
from captures.errors import RetapeError


def look_at_all(checks: Sequence[Check], patience: float) -> list[Finding]:
    """What every check says, in their order, after ``patience`` seconds at the latest."""
    results: queue.SimpleQueue[tuple[int, list[Finding]]] = queue.SimpleQueue()
    for index, check in enumerate(checks):
        threading.Thread(target=_look, args=(index, check, results), name=check.name, daemon=True).start()
    deadline = time.monotonic() + patience
    found: dict[int, list[Finding]] = {}
    while len(found) < len(checks):
        try:
            index, findings = results.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[index] = findings
    late = f"did not come to an end within {patience:g} s"
    return [one for index, check in enumerate(checks) for one in found.get(index, [warning(check.name, late)])]


def _look(index: int, check: Check, results: queue.SimpleQueue[tuple[int, list[Finding]]]) -> None:
    try:
        findings = list(check.look())
    except RetapeError as error:
        findings = [problem(check.name, error.message)]
    except Exception as error:  # noqa: BLE001 - one check that fails must not take the others along
        findings = [problem(check.name, f"could not be checked ({type(error).__name__}: {error})")]
    results.put((index, findings))
