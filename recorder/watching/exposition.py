"""A recording's numbers for Prometheus: its text exposition format, version 0.0.4. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text) and /docs/practices/naming/ (names: base units,
``_total`` for counters). A dozen numbers need no client library; a test has its parser read them. There is nothing
about traffic in here: no host, no path, no name of a dependency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from captures.faults import REASONS
from recorder.watching.board import Phase, View

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COUNTERS = {
    "seen": ("retape_exchanges_seen_total", "Exchanges that came to their end, with an answer or a failure."),
    "written": ("retape_exchanges_written_total", "Exchanges committed to the capture."),
    "truncated": ("retape_exchanges_truncated_total", "Exchanges written without the whole of a body."),
    "redacted": ("retape_redacted_values_total", "Values replaced by pseudonyms before the write."),
    "refused": ("retape_requests_refused_total", "Requests that were not HTTP the proxy could pass on."),
    "held_back": ("retape_requests_held_back_total", "Requests that waited for room (--on-overload block)."),
    "faults": ("retape_proxy_faults_total", "Errors inside the proxy; an exchange may be incomplete for each."),
}
GAUGES = {
    "open": ("retape_exchanges_open", "Exchanges under way."),
    "left_out": ("retape_requests_left_out", "Requests that the filters left out."),
    "left_out_calls": ("retape_calls_left_out", "Outbound calls that the filters left out, or with their request."),
    "sampled_out": ("retape_requests_sampled_out", "Requests that are not in the sample; fewer when some are needed."),
    "sampled_out_calls": ("retape_calls_sampled_out", "Outbound calls of these."),
    "queued": ("retape_queue_exchanges", "Exchanges that wait to be written."),
    "queued_bytes": ("retape_queue_bytes", "Bytes of the exchanges that wait to be written."),
    "lag": ("retape_lag_seconds", "Age of the oldest exchange that is not committed yet."),
}


def exposition(view: View, build: Mapping[str, str]) -> str:
    """``view`` as a scrape; ``build`` are the labels of ``retape_build_info``."""
    return "".join(f"{line}\n" for line in _lines(view, build))


def _lines(view: View, build: Mapping[str, str]) -> Iterator[str]:
    recording, dropped = int(view.phase is Phase.RECORDING), _dropped(view.counters)
    yield from _gauge("retape_build_info", "What records.", 1, _labels(build))
    yield from _gauge("retape_recording", "1 while traffic is recorded, 0 before and after.", recording)
    yield from _gauge("retape_start_time_seconds", "Unix time at which the recording was started.", view.started)
    yield from _gauge("retape_counters_age_seconds", "Time since the proxy process reported.", round(view.age, 3))
    for key, (name, what) in COUNTERS.items():
        yield from _metric(name, "counter", what, {"": view.counters.get(key, 0)})
    by_reason = {_labels({"reason": reason}): number for reason, number in dropped.items()}
    yield from _metric("retape_exchanges_dropped_total", "counter", "Exchanges that were lost, by reason.", by_reason)
    for key, (name, what) in GAUGES.items():
        yield from _gauge(name, what, view.counters.get(key, 0))
    stuck = int(bool(view.counters.get("trouble")))
    yield from _gauge("retape_write_trouble", "1 while nothing can be written and exchanges wait in memory.", stuck)
    if view.capture_bytes is not None:  # what is not known is absent, not 0
        yield from _gauge(
            "retape_capture_size_bytes", "All files of this recording with their logs.", view.capture_bytes
        )
    if view.free_bytes is not None:
        yield from _gauge("retape_disk_free_bytes", "Room left on the disk of the capture.", view.free_bytes)


def _dropped(counters: Mapping[str, Any]) -> dict[str, int]:
    """Each reason with its count, known ones from the start: a rate needs the 0 before the first loss."""
    named = dict.fromkeys(REASONS, 0) | dict(counters.get("dropped_by", {}))
    rest = counters.get("dropped", 0) - sum(named.values())
    return named | ({"other": rest} if rest > 0 else {})


def _gauge(name: str, what: str, value: float, labels: str = "") -> Iterator[str]:
    return _metric(name, "gauge", what, {labels: value})


def _metric(name: str, kind: str, what: str, samples: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples.items():
        yield f"{name}{labels} {value!r}"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
