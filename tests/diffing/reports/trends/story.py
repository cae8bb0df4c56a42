"""A made-up history in which everything happens that the page has a place for."""

from __future__ import annotations

from diffing.history.entry import Build
from diffing.history.trend import Trend, trend_of
from tests.diffing.history.making import BEGAN, HOUR, endpoint, entry, group

HOSTILE = "GET /\x1b[2J\u202e<script>alert(1)</script>/{{ 7 * 7 }}"
NAMES = ("GET /orders/{id}", "POST /orders", "GET /products/{id}", "POST /carts/{id}/coupon", HOSTILE)
GROUPS = (
    group("4019027138c3", "GET /products/{id}", level="error", location="response.body $.shipping.weight_g"),
    group("2f609056310a", "POST /orders", level="error", location="outbound inventory GET /stock/{id}"),
    group("13b1fff0c609", level="info", decision="rejected"),
    group("86128a2be03a", "POST /carts/{id}/coupon", origin="flaky", open=False),
    group("bad0bad0bad0", HOSTILE, location='" onload="alert(1)', class_id="response.<b>"),
)


def history() -> Trend:
    """Twelve runs: builds that change, smoke runs, one whose end is not known, one of a part."""
    made = []
    for number in range(12):
        groups = [GROUPS[0]] if number > 3 else []
        groups += [GROUPS[1]] if number % 4 == 2 else []
        groups += [GROUPS[2], GROUPS[4]] if number > 7 else []
        groups += [GROUPS[3]] if number % 3 == 0 else []
        smoke = number % 5 == 1
        made.append(
            entry(
                number,
                *groups,
                at=BEGAN + number * HOUR * 7,
                build=Build("<b>nightly</b>" if number == 5 else "", f"{number // 3:02x}" * 20, started="x"),
                tier="smoke" if smoke else "full",
                part="--only path:/orders/*" if number == 7 else "",
                verdict="inconclusive" if number == 6 else "drift" if groups else "clean",
                capture_name="shop<i>.sqlite",
                ledger={"recorded": 300, "replayed": 53 if smoke else 300},
                recording=(300, len(NAMES)),
                seconds=None if number == 9 else 3.0 + number,
                endpoints=tuple(endpoint(name, replayed=0 if number == 7 and at > 2 else 10)
                                for at, name in enumerate(NAMES)),
            )
        )  # fmt: skip
    return trend_of(made, 57)
