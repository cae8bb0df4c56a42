from __future__ import annotations

import json
from dataclasses import replace

from diffing.baseline.measured import measured
from diffing.reports import latency
from tests.diffing.baseline.test_latency import times
from tests.diffing.reports.conftest import Story


def test_without_a_baseline_the_page_says_that_latency_was_not_compared(story: Story) -> None:
    assert latency.view(replace(story.result, latency=None)) == {"why": latency.NOT_COMPARED, "rows": []}
    assert latency.view(replace(story.result, latency=()))["why"] == latency.NONE_ALIKE


def test_each_endpoint_has_both_distributions_and_the_link_to_its_group(story: Story) -> None:
    found = measured({"GET /slow": (times(1, 0.02), times(2, 0.01), ())})
    group = replace(story.result.groups[0], endpoint="GET /slow", location="performance", fingerprint="abc")
    view = latency.view(replace(story.result, latency=found, groups=(group,)))
    (row,) = view["rows"]
    assert (row["conclusion"], row["group"], row["new"]["n"], row["control"]) == ("slower", "abc", 60, None)
    assert row["new"]["median"] > row["baseline"]["median"]
    json.dumps(view)


def test_many_endpoints_are_cut(story: Story) -> None:
    sides = ([0.1] * 20, [0.1] * 20, ())
    found = measured({f"GET /{number}": sides for number in range(latency.ENDPOINTS + 3)})
    view = latency.view(replace(story.result, latency=found))
    assert (len(view["rows"]), view["more"]) == (latency.ENDPOINTS, 3)
