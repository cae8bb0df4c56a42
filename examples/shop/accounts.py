"""Logging in, and who one is then."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from http_edge import SESSION_COOKIE, ShopError, customer_of, shop_of
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

SESSION_HOURS = 8


def login(request: Request, body: dict[str, Any]) -> Response:
    """``POST /login``: a session token, in the body for API clients and as a cookie for browsers."""
    database = shop_of(request).database
    sql = "select * from customer where email = ? and password = ?"
    customer = database.row(sql, str(body.get("email")), str(body.get("password")))
    if customer is None:
        raise ShopError(401, "wrong_credentials", "No such e-mail address, or not that password.")
    token = secrets.token_urlsafe(24)
    expires = (datetime.now(UTC) + timedelta(hours=SESSION_HOURS)).isoformat(timespec="seconds")
    database.change("insert into session values (?, ?, ?)", token, customer["id"], expires)
    answer = {
        "token": token,
        "issued_at": int(time.time()),
        "expires_at": expires,
        "customer": {"id": customer["id"], "name": customer["name"]},
    }
    response = JSONResponse(answer, headers={"Cache-Control": "no-store"})
    response.set_cookie(SESSION_COOKIE, token, max_age=SESSION_HOURS * 3600, httponly=True, samesite="lax")
    return response


def me(request: Request) -> Response:
    """``GET /me``."""
    customer = customer_of(request)
    shown = {name: customer[name] for name in ("id", "email", "name", "loyalty_points")}
    session = {"expires_at": customer["expires_at"]}
    return JSONResponse(shown | {"session": session}, headers={"Cache-Control": "no-store"})
