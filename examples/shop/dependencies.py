"""The two services the shop calls. Both clients honour the proxy and CA variables of the environment.

``payments`` (HTTPS) goes through requests, ``inventory`` (HTTP) through httpx: two clients that read those variables
each in their own way, as a grown service has them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
import requests
from database import Line

TIMEOUT = 10.0


class DependencyDown(Exception):
    """A dependency gave no usable answer."""


class OutOfStock(Exception):
    """Inventory cannot reserve this SKU."""

    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


class PaymentDeclined(Exception):
    """Payments refused the charge; the text is its code."""


class Inventory:
    """Stock levels and reservations."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def stock(self, sku: str, trace: Mapping[str, str]) -> int | None:
        """How many are on hand; None when inventory does not say (the page is shown anyway)."""
        try:
            answer = self._client.get(f"/stock/{sku}", headers=dict(trace))
        except httpx.HTTPError:
            return None
        return int(answer.json()["on_hand"]) if answer.status_code == 200 else None

    def stock_of_all(self, skus: Sequence[str], trace: Mapping[str, str]) -> dict[str, int]:
        """The same for several, in one call."""
        try:
            answer = self._client.post("/stock/query", json={"skus": list(skus)}, headers=dict(trace))
        except httpx.HTTPError:
            return {}
        return {entry["sku"]: entry["on_hand"] for entry in answer.json()["stock"]} if answer.status_code == 200 else {}

    def reserve(self, order_number: str, lines: Sequence[Line], trace: Mapping[str, str]) -> str:
        """Reserve everything of an order or nothing; the reservation's id. Raises OutOfStock, DependencyDown."""
        wanted = [{"sku": line.sku, "quantity": line.quantity} for line in lines]
        try:
            answer = self._client.post(
                "/reservations", json={"order": order_number, "lines": wanted}, headers=dict(trace)
            )
        except httpx.HTTPError as error:
            raise DependencyDown("inventory") from error
        if answer.status_code == 409:
            raise OutOfStock(str(answer.json()["sku"]))
        if answer.status_code != 201:
            raise DependencyDown("inventory")
        return str(answer.json()["reservation_id"])

    def release(self, reservation: str, trace: Mapping[str, str]) -> None:
        """Give a reservation back. Reservations run out by themselves, so a failure does no harm."""
        try:
            self._client.delete(f"/reservations/{reservation}", headers=dict(trace))
        except httpx.HTTPError:
            return


@dataclass(frozen=True, slots=True)
class Charge:
    """What payments took."""

    id: str
    status: str


class Payments:
    """Charges and refunds. Amounts are in cents."""

    def __init__(self, url: str, api_key: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {api_key}"

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def _send(
        self, method: str, path: str, trace: Mapping[str, str], body: dict[str, str | int] | None = None
    ) -> requests.Response:
        headers = dict(trace)
        if body is not None:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        try:
            return self._session.request(method, self._url + path, json=body, headers=headers, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise DependencyDown("payments") from error

    def charge(self, amount: int, order_number: str, method: str, trace: Mapping[str, str]) -> Charge:
        """Take the money. Raises PaymentDeclined, DependencyDown."""
        body: dict[str, str | int] = {"amount": amount, "currency": "EUR", "reference": order_number, "method": method}
        answer = self._send("POST", "/charges", trace, body)
        if answer.status_code == 402:
            raise PaymentDeclined(str(answer.json()["code"]))
        if answer.status_code != 201:
            raise DependencyDown("payments")
        return Charge(str(answer.json()["id"]), str(answer.json()["status"]))

    def charge_status(self, charge: str, trace: Mapping[str, str]) -> str:
        """Where a charge stands; "unknown" when payments does not say."""
        try:
            answer = self._send("GET", f"/charges/{charge}", trace)
        except DependencyDown:
            return "unknown"
        return str(answer.json()["status"]) if answer.status_code == 200 else "unknown"

    def refund(self, charge: str, amount: int, order_number: str, trace: Mapping[str, str]) -> None:
        """Instruct a refund. Payments settles it days later; what it answers now decides nothing."""
        body: dict[str, str | int] = {"charge": charge, "amount": amount, "currency": "EUR", "reference": order_number}
        try:
            self._send("POST", "/refunds", trace, body)
        except DependencyDown:
            return
