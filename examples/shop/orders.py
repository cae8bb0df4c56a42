"""Orders: checkout, looking back, refunds, and the export."""

from __future__ import annotations

import csv
import io
import secrets
import uuid
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

import catalog
from builds import euros, percent
from carts import cart_of, discount_percent
from database import Line
from dependencies import DependencyDown, OutOfStock, PaymentDeclined
from http_edge import ShopError, customer_of, now, shop_of, trace_of
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

ORDER_ROW = "insert into placed_order values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ITEM_ROW = "insert into order_item values (?, ?, ?, ?, ?)"


def _order_number() -> str:
    return f"ORD-{datetime.now(UTC).year}-{secrets.randbelow(900_000) + 100_000}"


def _sums(lines: list[Line], coupon: str | None) -> dict[str, int]:
    subtotal = sum(line.total for line in lines)
    discount = percent(subtotal, discount_percent(coupon))
    shipping = 0 if subtotal >= catalog.FREE_SHIPPING_FROM else catalog.SHIPPING
    tax = percent(subtotal - discount, catalog.TAX_PERCENT)
    total = subtotal - discount + tax + shipping
    return {"subtotal": subtotal, "discount": discount, "shipping": shipping, "tax": tax, "total": total}


def checkout(request: Request, body: dict[str, Any]) -> Response:
    """``POST /orders``: reserve the stock at inventory, take the money at payments, empty the cart."""
    shop, trace = shop_of(request), trace_of(request)
    cart = cart_of(request, str(body.get("cart_id")))
    lines = shop.database.cart_lines(cart["id"])
    if not lines:
        raise ShopError(409, "empty_cart", "There is nothing in this cart.")
    number, made, sums = _order_number(), str(uuid.uuid4()), _sums(lines, cart["coupon"])
    shop.build.before_reservation(shop.inventory, [line.sku for line in lines], trace)
    try:
        reservation = shop.inventory.reserve(number, lines, trace)
    except OutOfStock as error:
        raise ShopError(409, "out_of_stock", f"There is not enough of {error.sku}.") from error
    except DependencyDown as error:
        raise ShopError(503, "try_again", "Stock cannot be reserved at the moment.") from error
    try:
        charge = shop.payments.charge(sums["total"], number, str(body.get("payment_method")), trace)
    except (PaymentDeclined, DependencyDown) as error:
        shop.inventory.release(reservation, trace)
        if isinstance(error, PaymentDeclined):
            raise ShopError(402, str(error), "The payment was declined.") from error
        raise ShopError(503, "try_again", "Payments cannot be taken at the moment.") from error
    order: tuple[object, ...] = (made, number, cart["customer"], "paid", now(), *sums.values(), charge.id, reservation)
    items = [(ITEM_ROW, (made, line.sku, line.name, line.quantity, line.unit_price)) for line in lines]
    emptied = ("delete from cart_item where cart = ?", (cart["id"],))
    shop.database.change_all([(ORDER_ROW, order), *items, emptied])
    return JSONResponse(_detail(request, made), 201, headers={"Location": f"/orders/{made}"})


def _order_of(request: Request) -> Row:
    customer = customer_of(request)
    sql = "select * from placed_order where id = ? and customer = ?"
    found = shop_of(request).database.row(sql, request.path_params["id"], customer["id"])
    if found is None:
        raise ShopError(404, "unknown_order", "There is no such order.")
    return found


def _detail(request: Request, order_id: str) -> dict[str, Any]:
    database = shop_of(request).database
    order = database.row("select * from placed_order where id = ?", order_id)
    assert order is not None
    items = [
        {"sku": line.sku, "name": line.name, "quantity": line.quantity, "unit_price": euros(line.unit_price)}
        for line in database.order_lines(order_id)
    ]
    sums = {name: euros(order[name]) for name in ("subtotal", "discount", "shipping", "tax", "total")}
    head = {name: order[name] for name in ("id", "number", "status", "created_at")}
    return head | {"currency": "EUR", "items": items} | sums


def own(request: Request) -> Response:
    """``GET /orders``: one's own, newest first."""
    customer = customer_of(request)
    sql = "select * from placed_order where customer = ? order by rowid desc"
    found = [
        {name: row[name] for name in ("id", "number", "status", "created_at")} | {"total": euros(row["total"])}
        for row in shop_of(request).database.rows(sql, customer["id"])
    ]
    return JSONResponse({"count": len(found), "orders": found})


def show(request: Request) -> Response:
    """``GET /orders/{id}``, with the state of its payment."""
    order = _order_of(request)
    status = shop_of(request).payments.charge_status(order["charge"], trace_of(request))
    return JSONResponse(_detail(request, order["id"]) | {"payment": {"status": status}})


def refund(request: Request) -> Response:
    """``POST /orders/{id}/refund``: everything but the fee goes back, as soon as payments has settled it."""
    shop, order = shop_of(request), _order_of(request)
    if order["status"] != "paid":
        raise ShopError(409, "not_refundable", f"An order that is {order['status']} cannot be refunded.")
    instructed = shop.build.refund_instruction(order["total"], catalog.REFUND_FEE)
    shop.payments.refund(order["charge"], instructed, order["number"], trace_of(request))
    shop.database.change("update placed_order set status = 'refunding' where id = ?", order["id"])
    answer = {
        "order": order["number"],
        "status": "refunding",
        "amount": euros(order["total"] - catalog.REFUND_FEE),
        "fee": euros(catalog.REFUND_FEE),
        "requested_at": now(),
    }
    return JSONResponse(answer, 202)


def export(request: Request) -> Response:
    """``GET /export.csv``: one's own orders, oldest first."""
    shop, customer = shop_of(request), customer_of(request)
    sql = "select number, created_at, status, total from placed_order where customer = ? order by rowid"
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["number", "created_at", "status", "total"])
    for row in shop.database.rows(sql, customer["id"]):
        writer.writerow([row["number"], row["created_at"], row["status"], f"{row['total'] / 100:.2f}"])
    return PlainTextResponse(text.getvalue(), media_type="text/csv", headers=shop.build.export_headers())
