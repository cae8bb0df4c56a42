"""A command line as it is shown and kept: without the secrets in its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from captures.redacting.detectors import Detectors

_VALUED = re.compile(
    r"(?i)((?:^|[\s'\"])-{0,2}[\w.-]*(?:pass|pwd|secret|token|key|credential|auth|cookie)[\w.-]*(?:=|:[ ]?))"
    r"(?!//)(?:(?:Bearer|Basic)[ ]+)?(?:\"[^\"]+\"|'[^']+'|[^\s'\"]+)"
)
"""``--api-token=…``, ``DB_PASSWORD=…``, ``X-Api-Key: …``, also in the script of ``sh -c``."""
_NAME = r"--?[\w-]*(?:password|passwd|secret|token|api-?key|credentials?)"
_OPTION = re.compile(f"(?i){_NAME}")
_SPACED = re.compile(rf"(?i)((?:^|\s){_NAME}\s+)(?:\"[^\"]+\"|'[^']+'|[^\s'\"-]\S*)")


def shown_command(command: Sequence[str]) -> list[str]:
    """``command`` for captures, logs and reports: what stands under the name of a secret as ``***``, and what is secret
    by its form as the name of that (``<bearer>``)."""
    detectors = Detectors()
    shown: list[str] = []
    for index, word in enumerate(command):
        if index and _OPTION.fullmatch(command[index - 1]) and word[:1] != "-":
            shown.append("***")
            continue
        word = _VALUED.sub(r"\1***", _SPACED.sub(r"\1***", word))
        shown.append(detectors.replaced(word, lambda kind, _: f"<{kind}>"))
    return shown
