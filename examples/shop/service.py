"""The demo shop: sixteen endpoints over SQLite, with payments and inventory behind it.

    python service.py --port 8000 [--build b] [--payments https://127.0.0.1:9443] [--inventory http://127.0.0.1:9080]

State lives in a temporary SQLite file, fresh at every start. Session tokens, ids, order numbers, request ids, ETags
and times are new on every run, as in any real service.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import accounts
import carts
import catalog
import orders
from builds import Build, euros
from database import Database
from dependencies import Inventory, Payments
from drifts import BuildB
from http_edge import RequestIdentity, Shop, ShopError, shop_error, shop_of, trace_of, with_json
from serving import serve
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def healthz(request: Request) -> Response:
    """``GET /healthz``."""
    return JSONResponse({"status": "ok", "started_at": shop_of(request).started_at})


def products(request: Request) -> Response:
    """``GET /products``, with an ETag that is as old as the process."""
    shop = shop_of(request)
    headers = {"ETag": shop.catalogue_etag, "Cache-Control": "max-age=60"}
    if request.headers.get("if-none-match") == shop.catalogue_etag:
        return Response(status_code=304, headers=headers)
    found = [
        {"sku": row["sku"], "name": row["name"], "category": row["category"], "price": euros(row["price"])}
        for row in shop.database.rows("select * from product order by sku")
    ]
    return JSONResponse({"count": len(found), "currency": "EUR", "products": found}, headers=headers)


def product(request: Request) -> Response:
    """``GET /products/{sku}``: the page of one product, with the stock level from inventory."""
    shop, sku = shop_of(request), request.path_params["sku"]
    row = shop.database.row("select * from product where sku = ?", sku)
    if row is None:
        raise ShopError(404, "unknown_product", f"There is no product {sku}.")
    return JSONResponse(shop.build.product_page(dict(row), shop.inventory.stock(sku, trace_of(request))))


def search(request: Request) -> Response:
    """``GET /search?q=``."""
    shop, query = shop_of(request), request.query_params.get("q", "").strip()
    if not query:
        raise ShopError(400, "missing_query", "Say what to search for with q.")
    rows = shop.database.rows(
        "select * from product where name like ? or category = ? order by sku", f"%{query}%", query
    )
    hits = [{"sku": row["sku"], "name": row["name"], "price": shop.build.search_price(row["price"])} for row in rows]
    return JSONResponse({"query": query, "total": len(hits), "results": hits})


def application(build: Build, payments_url: str, inventory_url: str, api_key: str) -> Starlette:
    """The ASGI application of one build."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(prefix="demo-shop-") as directory:
            shop = Shop(
                build=build,
                database=Database(Path(directory, "shop.sqlite")),
                payments=Payments(payments_url, api_key),
                inventory=Inventory(inventory_url),
                catalogue_etag=f'"{secrets.token_hex(8)}"',
            )
            app.state.shop = shop
            yield
            shop.close()

    def route(path: str, method: str, handler: Callable[[Request], Response | Awaitable[Response]]) -> Route:
        return Route(path, handler, methods=[method])

    return Starlette(
        lifespan=lifespan,
        middleware=[Middleware(RequestIdentity)],
        exception_handlers={ShopError: shop_error},
        routes=[
            route("/healthz", "GET", healthz),
            route("/login", "POST", with_json(accounts.login)),
            route("/me", "GET", accounts.me),
            route("/products", "GET", products),
            route("/products/{sku}", "GET", product),
            route("/search", "GET", search),
            route("/carts", "POST", carts.create),
            route("/carts/{id}", "GET", carts.show),
            route("/carts/{id}/items", "POST", with_json(carts.add_item)),
            route("/carts/{id}/items/{sku}", "DELETE", carts.remove_item),
            route("/carts/{id}/coupon", "POST", with_json(carts.redeem_coupon)),
            route("/orders", "POST", with_json(orders.checkout)),
            route("/orders", "GET", orders.own),
            route("/orders/{id}", "GET", orders.show),
            route("/orders/{id}/refund", "POST", orders.refund),
            route("/export.csv", "GET", orders.export),
        ],
    )


def main() -> None:
    """Serve until a signal."""
    arguments = argparse.ArgumentParser(description="The demo shop.")
    arguments.add_argument("--port", type=int, default=int(os.environ.get("PORT", "0")))
    arguments.add_argument("--build", choices=["a", "b"], default="a")
    arguments.add_argument(
        "--payments", metavar="URL", default=os.environ.get("PAYMENTS_URL", "https://127.0.0.1:9443")
    )
    arguments.add_argument(
        "--inventory", metavar="URL", default=os.environ.get("INVENTORY_URL", "http://127.0.0.1:9080")
    )
    given = arguments.parse_args()
    build = BuildB() if given.build == "b" else Build()
    api_key = os.environ.get("PAYMENTS_API_KEY", catalog.PAYMENTS_API_KEY)
    serve(application(build, given.payments, given.inventory, api_key), given.port)


if __name__ == "__main__":
    main()
