"""``make bench``: every benchmark, each ratio against a peer or a limit measured in the same run.

``--quick`` is the smoke run the tests use: tiny sizes, figures that mean nothing. One benchmark alone takes its own
options, too: ``python -m benchmarks scale --exchanges 1000000``, ``python -m benchmarks octokit --explain 20``;
``python -m benchmarks octokit`` alone prints its whole table.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.table import Ratio, render

NAMES = (
    "recording",
    "stalls",
    "replaying",
    "diffing",
    "reporting",
    "octokit",
    "scale",
    "endurance",
    "tiers",
    "soak",
    "storing",
    "stubbing",
    "linking",
    "redacting",
    "reviewing",
)
OWN_OPTIONS = tuple(name for name in NAMES if name not in ("diffing", "storing"))


def main() -> int:
    """Run the benchmarks named (default: all) and print one table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only shows that they run")
    first, *rest = sys.argv[1:] or [""]
    if first in OWN_OPTIONS and (rest or first == "octokit") and not {"--quick", *NAMES} & set(rest):
        alone: int | None = importlib.import_module(f"benchmarks.{first}").main(rest)
        return alone or 0
    arguments = parser.parse_args()
    rows: list[Ratio] = []
    for name in arguments.names or NAMES:
        print(f"{name} …", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{name}").measure(quick=arguments.quick)
    print(render(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
