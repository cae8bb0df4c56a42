"""Carts: filling them, and what they would cost."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from sqlite3 import Row
from typing import Any

import catalog
from builds import euros, percent
from database import Line
from http_edge import ShopError, customer_of, now, shop_of, trace_of
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def cart_of(request: Request, cart_id: str) -> Row:
    """The asking customer's cart of that id. Raises ShopError (401, 404)."""
    customer = customer_of(request)
    sql = "select * from cart where id = ? and customer = ?"
    found = shop_of(request).database.row(sql, cart_id, customer["id"])
    if found is None:
        raise ShopError(404, "unknown_cart", "There is no such cart.")
    return found


def discount_percent(coupon: str | None) -> int:
    """What a redeemed coupon takes off."""
    return catalog.COUPONS[coupon] if coupon else 0


def _contents(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "sku": line.sku,
            "name": line.name,
            "quantity": line.quantity,
            "unit_price": euros(line.unit_price),
            "line_total": euros(line.total),
        }
        for line in lines
    ]


def create(request: Request) -> Response:
    """``POST /carts``: an empty cart."""
    customer, made, at = customer_of(request), str(uuid.uuid4()), now()
    shop_of(request).database.change("insert into cart values (?, ?, null, ?, ?)", made, customer["id"], at, at)
    body = {"id": made, "items": [], "created_at": at}
    return JSONResponse(body, 201, headers={"Location": f"/carts/{made}"})


def show(request: Request) -> Response:
    """``GET /carts/{id}``: what it holds and would cost, with stock levels from inventory in one call."""
    shop, cart = shop_of(request), cart_of(request, request.path_params["id"])
    lines = shop.database.cart_lines(cart["id"])
    on_hand = shop.inventory.stock_of_all([line.sku for line in lines], trace_of(request)) if lines else {}
    items = [item | {"available": on_hand.get(item["sku"], 0) >= item["quantity"]} for item in _contents(lines)]
    subtotal, off = sum(line.total for line in lines), discount_percent(cart["coupon"])
    body = {
        "id": cart["id"],
        "items": items,
        "coupon": cart["coupon"],
        "currency": "EUR",
        "subtotal": euros(subtotal),
        "discount": euros(percent(subtotal, off)),
        "tax_estimate": euros(shop.build.tax_estimate([line.total for line in lines], off)),
        "updated_at": cart["updated_at"],
    }
    version = hashlib.sha256(f"{cart['id']} {cart['updated_at']}".encode()).hexdigest()[:16]
    return JSONResponse(body, headers={"ETag": f'W/"{version}"', "Cache-Control": "private, no-cache"})


def add_item(request: Request, body: dict[str, Any]) -> Response:
    """``POST /carts/{id}/items``: so many more of one product."""
    shop, cart = shop_of(request), cart_of(request, request.path_params["id"])
    sku, quantity = str(body.get("sku")), body.get("quantity", 1)
    if not isinstance(quantity, int) or not 0 < quantity < 100:
        raise ShopError(400, "bad_quantity", "The quantity is a whole number from 1 to 99.")
    if shop.database.row("select 1 from product where sku = ?", sku) is None:
        raise ShopError(404, "unknown_product", f"There is no product {sku}.")
    upsert = """insert into cart_item values (?, ?, ?)
                on conflict (cart, sku) do update set quantity = quantity + excluded.quantity"""
    touched = "update cart set updated_at = ? where id = ?"
    shop.database.change_all([(upsert, (cart["id"], sku, quantity)), (touched, (now(), cart["id"]))])
    lines = shop.database.cart_lines(cart["id"])
    answer = {"id": cart["id"], "items": _contents(lines), "subtotal": euros(sum(line.total for line in lines))}
    return JSONResponse(answer, 201)


def remove_item(request: Request) -> Response:
    """``DELETE /carts/{id}/items/{sku}``."""
    shop, cart = shop_of(request), cart_of(request, request.path_params["id"])
    sku = request.path_params["sku"]
    if not shop.database.change("delete from cart_item where cart = ? and sku = ?", cart["id"], sku):
        raise ShopError(404, "not_in_cart", f"There is no {sku} in this cart.")
    shop.database.change("update cart set updated_at = ? where id = ?", now(), cart["id"])
    return Response(status_code=204)


def redeem_coupon(request: Request, body: dict[str, Any]) -> Response:
    """``POST /carts/{id}/coupon``."""
    shop, cart = shop_of(request), cart_of(request, request.path_params["id"])
    code = str(body.get("code"))
    if code not in catalog.COUPONS:
        raise ShopError(shop.build.invalid_coupon_status(), "invalid_coupon", f"{code} is not a valid coupon.")
    shop.database.change("update cart set coupon = ?, updated_at = ? where id = ?", code, now(), cart["id"])
    return JSONResponse({"coupon": code, "percent": discount_percent(code)})
