"""Build A of the shop, where it differs from build B: every behaviour that ``drifts.py`` overrides stands here.

The rest of the shop, ``service.py``, is the same code in both builds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Protocol

import catalog


class StockLookup(Protocol):
    """The part of the inventory client that a build may use."""

    def stock(self, sku: str, trace: Mapping[str, str]) -> int | None: ...


def euros(cents: int) -> float:
    """Money as the shop's JSON shows it."""
    return cents / 100


def percent(cents: int, rate: int) -> int:
    """``rate`` percent of an amount, half a cent rounded up."""
    return int((Decimal(cents) * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))


class Build:
    """Build A."""

    name = "a"

    def product_page(self, product: Mapping[str, Any], stock: int | None) -> dict[str, Any]:
        """``GET /products/{sku}``."""
        return {
            "sku": product["sku"],
            "name": product["name"],
            "category": product["category"],
            "price": euros(product["price"]),
            "currency": "EUR",
            "shipping": {"weight_g": product["weight_g"], "class": "parcel" if product["weight_g"] > 500 else "letter"},
            "stock": stock,
        }

    def search_price(self, cents: int) -> float | str:
        """``GET /search``: the price of a hit."""
        return euros(cents)

    def tax_estimate(self, line_totals: Sequence[int], discount_percent: int) -> int:
        """``GET /carts/{id}``: the tax on a cart, in cents. One sum, rounded once."""
        subtotal = sum(line_totals)
        return percent(subtotal - percent(subtotal, discount_percent), catalog.TAX_PERCENT)

    def invalid_coupon_status(self) -> int:
        """``POST /carts/{id}/coupon`` with a code that does not exist."""
        return 422

    def export_headers(self) -> dict[str, str]:
        """``GET /export.csv``."""
        return {"X-Content-Type-Options": "nosniff", "Content-Disposition": 'attachment; filename="orders.csv"'}

    def before_reservation(self, inventory: StockLookup, skus: Sequence[str], trace: Mapping[str, str]) -> None:
        """``POST /orders``, before the stock is reserved. Nothing: one reservation call covers every item."""

    def refund_instruction(self, total: int, fee: int) -> int:
        """``POST /orders/{id}/refund``: the cents that payments is told to pay back."""
        return total - fee
