"""What every endpoint of the shop shares: the shop's parts, request ids, errors, JSON bodies, who is asking."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Any

from builds import Build
from database import Database
from dependencies import Inventory, Payments
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_COOKIE = "shop_session"


def now() -> str:
    """The time as the shop's JSON shows it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Shop:
    """The parts of a running shop."""

    build: Build
    database: Database
    payments: Payments
    inventory: Inventory
    catalogue_etag: str
    started_at: str = field(default_factory=now)

    def close(self) -> None:
        """Give everything back."""
        self.payments.close()
        self.inventory.close()
        self.database.close()


class ShopError(Exception):
    """An error the client is told about."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


def shop_error(request: Request, error: Exception) -> Response:
    """A ShopError as a response."""
    assert isinstance(error, ShopError)
    return JSONResponse({"error": error.code, "detail": error.detail}, error.status)


def shop_of(request: Request) -> Shop:
    """The shop that this request came to."""
    shop: Shop = request.app.state.shop
    return shop


def trace_of(request: Request) -> dict[str, str]:
    """The headers that let a dependency's log be read beside the shop's: the request id, and the trace going on."""
    trace: dict[str, str] = request.state.trace
    return trace


def customer_of(request: Request) -> Row:
    """Who is asking, by bearer token or by cookie. Raises ShopError (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token if scheme.lower() == "bearer" else request.cookies.get(SESSION_COOKIE, "")
    sql = "select customer.*, expires_at, token from session join customer on customer.id = customer where token = ?"
    found = shop_of(request).database.row(sql, token)
    if found is None:
        raise ShopError(401, "not_logged_in", "Log in first.")
    return found


def with_json(handler: Callable[[Request, dict[str, Any]], Response]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint out of a handler that takes a JSON object. The handler runs on the thread pool, as all of them do."""

    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise ShopError(400, "not_json", "The body is not JSON.") from error
        if not isinstance(body, dict):
            raise ShopError(400, "not_an_object", "The body is not a JSON object.")
        return await run_in_threadpool(handler, request, body)

    return endpoint


class RequestIdentity:
    """ASGI middleware: each request has an id (the client's, else a new one), which the response repeats.

    ``request.state.trace`` holds what dependencies are sent: the id, and a ``traceparent`` with the client's trace
    and a span of our own where the client sent one (W3C Trace Context, section 3.2).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = headers.get("x-request-id") or str(uuid.uuid4())
        trace = {"X-Request-ID": request_id}
        parent = headers.get("traceparent", "").split("-")
        if len(parent) == 4:
            trace["traceparent"] = f"{parent[0]}-{parent[1]}-{secrets.token_hex(8)}-{parent[3]}"
        scope.setdefault("state", {})["trace"] = trace

        async def send_identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        await self._app(scope, receive, send_identified)
