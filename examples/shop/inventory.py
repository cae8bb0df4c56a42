"""The inventory service: stock levels and reservations, over plain HTTP, in memory.

python inventory.py --port 0
"""

from __future__ import annotations

import argparse
import secrets
import threading
from typing import Any

import catalog
from serving import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Warehouse:
    """What lies on the shelves, and what of it is reserved."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on_hand = {product.sku: product.on_hand for product in catalog.PRODUCTS}
        self._reserved: dict[str, list[dict[str, Any]]] = {}

    def level(self, sku: str) -> int | None:
        """How many are on hand; None for what is not kept here."""
        return self._on_hand.get(sku)

    def reserve(self, lines: list[dict[str, Any]]) -> tuple[str | None, str | None]:
        """(reservation id, None), or (None, the SKU there is too little of)."""
        with self._lock:
            for line in lines:
                if self._on_hand.get(line["sku"], 0) < line["quantity"]:
                    return None, line["sku"]
            for line in lines:
                self._on_hand[line["sku"]] -= line["quantity"]
            reservation = f"rsv_{secrets.token_hex(8)}"
            self._reserved[reservation] = lines
            return reservation, None

    def release(self, reservation: str) -> bool:
        """Put a reservation back; False when there is none of that id."""
        with self._lock:
            lines = self._reserved.pop(reservation, None)
            for line in lines or ():
                self._on_hand[line["sku"]] += line["quantity"]
            return lines is not None


def application() -> Starlette:
    """The ASGI application."""
    warehouse = Warehouse()

    async def stock(request: Request) -> Response:
        sku = request.path_params["sku"]
        level = warehouse.level(sku)
        if level is None:
            return JSONResponse({"error": "unknown_sku", "sku": sku}, 404)
        return JSONResponse({"sku": sku, "on_hand": level, "warehouse": "HAM-2"})

    async def query(request: Request) -> Response:
        skus = (await request.json())["skus"]
        return JSONResponse({"stock": [{"sku": sku, "on_hand": warehouse.level(sku) or 0} for sku in skus]})

    async def reserve(request: Request) -> Response:
        body = await request.json()
        reservation, short = warehouse.reserve(body["lines"])
        if reservation is None:
            return JSONResponse({"error": "out_of_stock", "sku": short}, 409)
        return JSONResponse({"reservation_id": reservation, "order": body["order"]}, 201)

    async def release(request: Request) -> Response:
        return Response(status_code=204 if warehouse.release(request.path_params["id"]) else 404)

    return Starlette(
        routes=[
            Route("/stock/query", query, methods=["POST"]),
            Route("/stock/{sku}", stock),
            Route("/reservations", reserve, methods=["POST"]),
            Route("/reservations/{id}", release, methods=["DELETE"]),
        ]
    )


def main() -> None:
    """Serve until a signal."""
    arguments = argparse.ArgumentParser(description="The demo shop's inventory service.")
    arguments.add_argument("--port", type=int, default=0)
    serve(application(), arguments.parse_args().port)


if __name__ == "__main__":
    main()
