"""Build B of the shop: build A with seven drifts seeded, each at one endpoint. ``expected.json`` is the same list for
the demo to check, ``README.md`` the one for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import catalog
from builds import Build, StockLookup, percent


class BuildB(Build):
    """Looks finished. Its own tests would pass."""

    name = "b"

    # 1. A field is gone: nobody here reads shipping.weight_g, the carrier's label printer does.
    def product_page(self, product: Mapping[str, Any], stock: int | None) -> dict[str, Any]:
        page = super().product_page(product, stock)
        del page["shipping"]["weight_g"]
        return page

    # 2. A type changed: 7.49 became "7.49".
    def search_price(self, cents: int) -> float | str:
        return f"{cents / 100:.2f}"

    # 3. Rounding: each line is rounded, then summed. The shop's total differs by a cent now and then.
    def tax_estimate(self, line_totals: Sequence[int], discount_percent: int) -> int:
        discounted = [line - percent(line, discount_percent) for line in line_totals]
        return sum(percent(line, catalog.TAX_PERCENT) for line in discounted)

    # 4. One error path answers another status, with the same body.
    def invalid_coupon_status(self) -> int:
        return 400

    # 5. A security header is lost, where the browser would need it most.
    def export_headers(self) -> dict[str, str]:
        return {name: value for name, value in super().export_headers().items() if name != "X-Content-Type-Options"}

    # 6. N+1: one more call to inventory for every item of the order. The response shows nothing of it.
    def before_reservation(self, inventory: StockLookup, skus: Sequence[str], trace: Mapping[str, str]) -> None:
        for sku in skus:
            inventory.stock(sku, trace)

    # 7. The refund fee is forgotten towards payments. The response still shows the right amount.
    def refund_instruction(self, total: int, fee: int) -> int:
        return total
