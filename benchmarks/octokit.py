"""How right the diff is on real traffic: recordings of one API made again and again, labelled by people.

    python benchmarks/octokit.py FOLDER [--explain 20]

FOLDER holds files as :mod:`benchmarks.recordings` describes them; nothing here knows the API. Each pair of recordings
is turned into a recording and a run and judged alone: Retape learns from nothing but that pair. *Noise* pairs are
recordings of one build, so a perfect diff reports nothing; *drift* pairs are of two builds. How it is counted stands
in :mod:`benchmarks.scoring`, what the peers are in :mod:`benchmarks.peers`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

if __name__ == "__main__" and not __package__:  # run as a file: beside it lies a diffing.py that must not stand first
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks import peers
from benchmarks.labels import MISSING
from benchmarks.recordings import Pair, Scenario, scenarios
from benchmarks.scoring import Example, Reported, Tally
from benchmarks.table import Ratio
from captures.errors import UsageError
from captures.model import Exchange
from diffing.classes import class_of
from diffing.exchange import Context, compare_exchange, learn_pair, learn_recorded
from diffing.model import ABSENT, Finding, Level

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "octokit"
LIMIT = 5.0
"""Seconds a peer may take for one pair."""

Compare = Callable[[Scenario, Pair], list[list[Reported]]]


def retape(scenario: Scenario, pair: Pair) -> list[list[Reported]]:
    """What the diff reports of each interaction, knowing this pair only."""
    starts = [
        min((side.timing.started for side in sides), default=0.0)
        for sides in zip(*((one.recorded, one.replayed) for one in pair.interactions), strict=True)
    ] or [0.0, 0.0]
    endpoints = {id(one.recorded): one.endpoint for one in pair.interactions}

    def endpoint_of(exchange: Exchange) -> str:
        return endpoints[id(exchange)]

    context = Context(
        endpoint_of=endpoint_of, recorded_started=lambda _: starts[0], replayed_started=lambda _: starts[1]
    )
    for one in pair.interactions:
        learn_recorded(one.recorded, context)
    for one in pair.interactions:
        learn_pair(one.recorded, one.replayed, context)
    return [
        [_reported(finding) for finding in compare_exchange(one.recorded, one.replayed, context).findings]
        for one in pair.interactions
    ]


def _reported(finding: Finding) -> Reported:
    place = finding.path if finding.path.startswith("$") else finding.location
    return Reported(
        "$" if place == "response.body" else place,
        finding.class_id,
        class_of(finding.class_id).level is not Level.INFO,
        finding.recorded,
        finding.replayed,
    )


def _deepdiff(scenario: Scenario, pair: Pair) -> list[list[Reported]]:
    return peers.deepdiff(pair)


def _diffy(scenario: Scenario, pair: Pair) -> list[list[Reported]]:
    return peers.diffy(pair, peers.noise_run(scenario, pair))


METHODS: dict[str, Compare] = {"Retape": retape, "deepdiff": _deepdiff, "Diffy's rule": _diffy}
Tallies = dict[str, dict[bool, Tally]]
"""By method; then of the noise pairs (True) and of the drift pairs."""


def score(found: Sequence[Scenario], methods: Sequence[str] = tuple(METHODS), limit: float = LIMIT) -> Tallies:
    """Every pair by every method. A peer that takes longer than ``limit`` seconds for a pair is cut, and that said.

    Raises :class:`UsageError` naming the file when an interaction cannot be read.
    """
    tallies: Tallies = {name: {True: Tally(), False: Tally()} for name in methods}
    for scenario in found:
        for pair in scenario.pairs():
            for name in methods:
                tally = tallies[name][pair.noise]
                if name == "Retape":
                    tally.add(pair, METHODS[name](scenario, pair))
                    continue
                try:
                    with peers.limited(limit):
                        reported = METHODS[name](scenario, pair)
                except peers.CutError:
                    tally.cut.append(pair.name)
                else:
                    tally.add(pair, reported)
    return tallies


def report(tallies: Tallies) -> str:
    """The table: methods beside each other."""
    rows: list[tuple[str, str, Callable[[dict[bool, Tally]], str]]] = [
        ("noise pairs: error or warning in a body", "<= 15 %", lambda of: _share(of[True].alarmed, of[True].pairs)),
        ("… that people normalized", "", lambda of: _share(of[True].alarmed_labelled, of[True].pairs)),
        ("noise pairs: error or warning anywhere", "", lambda of: _share(of[True].alarmed_anywhere, of[True].pairs)),
        ("noise pairs: nothing reported", "", lambda of: _share(of[True].clean, of[True].pairs)),
        ("noise pairs: false alarms by leaf", "", lambda of: _share(of[True].false_alarms, of[True].noisy_leaves)),
        ("drift pairs: recall by location", ">= 95 %", lambda of: _share(of[False].found, of[False].locations)),
        ("… whose label is in no doubt", "", lambda of: _share(*_sure(of[False]))),
        ("drift pairs: recall by leaf", "", lambda of: _share(of[False].found_leaves, of[False].drifted_leaves)),
        ("drift pairs: precision by location", "", lambda of: _share(*_precise(of[False]))),
        ("drift pairs: false alarms by leaf", "", lambda of: _share(of[False].false_alarms, of[False].noisy_leaves)),
        ("pairs cut for their time", "", lambda of: str(len(of[True].cut) + len(of[False].cut))),
    ]
    lines = [f"| what | goal | {' | '.join(tallies)} |", "|---|---|" + "---|" * len(tallies)]
    for what, goal, cell in rows:
        lines.append(f"| {what} | {goal} | {' | '.join(cell(of) for of in tallies.values())} |")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part:,}/{whole:,})" if whole else "0 of 0"


def _sure(tally: Tally) -> tuple[int, int]:
    return tally.found - tally.found_doubtful, tally.locations - tally.doubtful


def _precise(tally: Tally) -> tuple[int, int]:
    return tally.true_reports, tally.true_reports + tally.false_reports


def remarks(found: Sequence[Scenario], tallies: Tallies) -> list[str]:
    """What has to be known to read the table."""
    lines = []
    if "Diffy's rule" in tallies:
        runs = [peers.noise_run(one, pair) for one in found for pair in one.pairs()]
        own = sum(run is not None and run.own for run in runs)
        none = sum(run is None for run in runs)
        lines.append(
            f"Diffy's noise run: a noise partner of the pair itself for {own} pairs, the scenario's nearest noise pair "
            f"for {len(runs) - own - none}, none for {none}. Retape judges each pair without any."
        )
    first = next(iter(tallies.values()))
    lines.append(
        f"{first[False].unseen} places differ only in what people made of them; nothing that was sent shows them, "
        f"and they are not counted. {first[False].doubtful} drifted locations are in doubt: people masked one side "
        "only, or a number by another number, or they differ just as the two requests do."
    )
    for name, of in tallies.items():
        cut = [*of[True].cut, *of[False].cut]
        if cut:
            lines.append(f"{name} was cut, and not counted, at: {', '.join(cut[:20])}{' …' if len(cut) > 20 else ''}.")
    return lines


def explain(tallies: Tallies, most: int, method: str = "Retape") -> str:
    """The most frequent false alarms and misses: how often, class, location, where, one example."""
    gathered: dict[tuple[str, str, str], list[Example]] = {}
    for tally in tallies[method].values():
        for example in tally.examples:
            gathered.setdefault((example.sort, example.kind, example.location), []).append(example)
    lines: list[str] = []
    for sort in ("noise pair, body", "noise pair, elsewhere", "drift pair, alarm", "drift pair, miss"):
        some = sorted((item for item in gathered.items() if item[0][0] == sort), key=lambda item: -len(item[1]))
        times = sum(len(examples) for _, examples in some)
        lines += ["", f"{method}, {sort}: {times} of {len(some)} sorts"]
        for (_, kind, location), examples in some[:most]:
            one = examples[0]
            note = f"  [{one.remark}]" if one.remark else ""
            lines.append(f"{len(examples):>5} x  {kind or 'not reported'}  {location}{note}")
            lines.append(f"         {_brief(one.recorded)}  ->  {_brief(one.replayed)}")
            lines.append(f"         {_few(example.endpoint for example in examples)}")
            lines.append(f"         {_few(example.pair for example in examples)}")
    return "\n".join(lines).lstrip("\n")


def _few(names: Iterable[str], most: int = 3) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - most} more" if len(different) > most else ""
    return f"{', '.join(different[:most])}{more}"


def _brief(value: object, room: int = 110) -> str:
    text = "absent" if value is ABSENT or value is MISSING else repr(value)
    return text if len(text) <= room else f"{text[:room]}…"


def measure(*, quick: bool = False, folder: Path = FOLDER) -> list[Ratio]:
    """The two goals as rows; a row without a figure where the recordings are not at hand."""
    if not folder.is_dir():
        return [
            Ratio("recordings of a real API", "people's labels", None, "", f"{folder.name} is not beside this tree")
        ]
    found = scenarios(folder)
    tallies = score(found[-1:] if quick else found)
    ours, others = tallies.pop("Retape"), tallies
    noise = "; ".join(f"{name} {of[True].alarm_share:.1%}" for name, of in others.items())
    drift = "; ".join(
        f"{name} {of[False].recall:.1%} with {of[False].precision:.1%} of what it reports true"
        for name, of in others.items()
    )
    pairs = f"{ours[True].pairs} noise pairs", f"{ours[False].pairs} drift pairs"
    return [
        Ratio(f"{pairs[0]} of a real API with an error or warning in a body", "people's labels", ours[True].alarm_share,
              "at most 15 %", noise, share=True),
        Ratio(f"{pairs[1]}: drifted locations found", "people's labels", ours[False].recall, "at least 95 %",
              f"{ours[False].sure_recall:.1%} of those whose label is in no doubt; {ours[False].precision:.1%} of its "
              f"reports true; {drift}", share=True),
    ]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table. Exit code 2 with one sentence for a folder that cannot be measured."""
    parser = argparse.ArgumentParser(
        prog="octokit.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="(default: %(default)s)")
    parser.add_argument(
        "--explain", type=int, metavar="N", default=0, help="list the N most frequent errors of each sort"
    )
    parser.add_argument("--method", choices=tuple(METHODS), default="Retape", help="whose errors --explain lists")
    parser.add_argument("--only-retape", action="store_true", help="without the peers")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds a peer may take for one pair")
    options = parser.parse_args(argv)
    try:
        found = scenarios(options.folder)
        tallies = score(found, ("Retape",) if options.only_retape else tuple(METHODS), options.limit)
        lines = [report(tallies), "", *remarks(found, tallies)]
    except UsageError as error:
        print(f"octokit: {error.message} {error.hint}".rstrip(), file=sys.stderr)
        return 2
    if options.explain and options.method in tallies:
        lines += ["", explain(tallies, options.explain, options.method)]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
