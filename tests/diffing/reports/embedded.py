"""What the chunks of a page say, read back the way its script reads them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from typing import Any


def read(data: str) -> Any:
    """One chunk."""
    return json.loads(gzip.decompress(base64.b64decode(data)))


def exchanges(chunks: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Every exchange's detail by its key, looked up as groups point to it."""
    data = {name: read(text) for name, text in chunks}
    groups = [group for name, pack in data.items() if name.startswith("g-") for group in pack.values()]
    examples = [example for group in groups for example in group["examples"] if example["in"]]
    return {example["key"]: data[example["in"]][example["key"]] for example in examples}
