"""What a shop answers and calls, and what can go wrong with it: the rows of whole captures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.diffing.pairs import NOW, THEN
from tests.diffing.probes.recordings import Row

DAY = 86_400
UUIDS = ("0b6f1a52-7c1d-4e57-9a70-3f1d2b8c9e01", "7e9d4c3b-2a10-4f6e-8b5d-1c0f9e8d7a62")
SHA256 = (
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
)
SHA1 = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3"
TOKEN = "Zk3fkQ92jLmZpT4wx8f3kQ92"

Defect = Callable[[str, int, Any], Any]
"""``(kind, n, honest)`` -> what the run says instead: of a user, an order, a list of calls, a payment, a list."""


def _iso(at: float, exact: bool = False) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds" if exact else "seconds")
    return moment.replace("+00:00", "Z")


def _honest(kind: str, n: int, value: Any) -> Any:
    return value


def digits(n: int) -> Any:
    return str(100 + n)


def uuid(n: int) -> Any:
    return f"{n:08x}-7c1d-4e57-9a70-3f1d2b8c9e01"


def prefixed(n: int) -> Any:
    return f"cus_a1b2c3d0{n}"


def shop_rows(defect: Defect = _honest, uid: Callable[[int], Any] = digits) -> Callable[[int], list[Row]]:
    """Ten users, ten orders of four of them, ten payments with a charge each, and a list of orders."""

    def rows(side: int) -> list[Row]:
        said = defect if side else _honest
        made: list[Row] = []
        for n in range(10):
            created = _iso(THEN - DAY * (40 + n) + n * 977 + 0.123, exact=True)
            user = {"id": uid(n), "name": f"User {n}", "created_at": created}
            made.append(Row(f"GET /users/{uid(n)}", said("user", n, user)))
        for n in range(10):
            order = {
                "id": f"{5000 + n}",
                "customer_id": uid(n % 4),
                "total": 10 + n,
                "created_at": _iso(THEN - DAY * (9 + n) + n * 13),
                "shipping": {"street": "Main", "number": str(10 + n)},
                "duration_ms": 200_000 + n,
                "voucher_code": ("SAVE10", "SAVE20")[n % 2],
            }
            made.append(Row(f"GET /orders/{5000 + n}", said("order", n, order)))
        for n in range(10):
            account = {"number": f"0001234567{n:02}"}
            call = {
                "body": {"amount": 100 + n, "customer_id": uid(n % 4), "account": account},
                "headers": {"X-Tenant-Id": "17", "Authorization": "Bearer tenant17-secret-key"},
            }
            paid = {"status": "ok", "next": "collect_card" if n % 2 else "verify_email"}
            calls = said("calls", n, [call])
            made.append(Row("POST /pay", said("pay", n, paid), {"order": 5000 + n}, {"X-Tenant-Id": "17"}, calls=calls))
        following = f"http://127.0.0.1:{6000 if side else 5000}/orders?limit=20&offset=20"
        made.append(Row("GET /orders?page=1", said("list", 0, {"count": 100, "next": following, "results": []})))
        return made

    return rows


def order(change: Callable[[int, dict[str, Any]], dict[str, Any]], only: int | None = None) -> Defect:
    """A defect in the ``only`` order, or in all."""

    def defect(kind: str, n: int, value: Any) -> Any:
        return {**value, **change(n, value)} if kind == "order" and only in (None, n) else value

    return defect


def said(at: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Defect:
    return lambda kind, n, value: {**value, **change(value)} if kind == at else value


def calls(part: str, change: Callable[[Any], dict[str, Any]], only: int | None = None) -> Defect:
    """A defect in the body or the headers of the ``only`` charge, or of all."""

    def defect(kind: str, n: int, value: Any) -> Any:
        if kind != "calls" or only not in (None, n):
            return value
        (call,) = value
        return [{**call, part: {**call[part], **change(call[part])}}]

    return defect


def header(name: str, value: Any, only: int | None = None) -> Defect:
    return calls("headers", lambda honest: {name: value}, only)


def customer(value: Any) -> Defect:
    return order(lambda n, order: {"customer_id": value}, only=3)


def shifted(uid: Callable[[int], Any]) -> Defect:
    return order(lambda n, order: {"customer_id": uid(n % 4 + 1)})


def each(count: int, row: Callable[[int, int], Row]) -> Callable[[int], list[Row]]:
    return lambda side: [row(n, side) for n in range(count)]


def _pay(n: int, *calls: dict[str, Any]) -> Row:
    return Row("POST /pay", {"status": "ok"}, {"order": n}, calls=calls)


def call_header(name: str, recorded: list[str], replayed: list[str]) -> Callable[[int], list[Row]]:
    values = (recorded, replayed)
    return each(10, lambda n, side: _pay(n, {"body": {"amount": n}, "headers": {name: values[side][n]}}))


def answer_header(name: str, recorded: list[str], replayed: list[str]) -> Callable[[int], list[Row]]:
    values = (recorded, replayed)
    return each(10, lambda n, side: Row("POST /pay", {"status": "ok"}, {"order": n}, {name: values[side][n]}))


def call_query(recorded: list[str], replayed: list[str], asked: str = "n") -> Callable[[int], list[Row]]:
    def row(n: int, side: int) -> Row:
        value = (recorded, replayed)[side][n]
        me = recorded[n] if asked == "user_id" else n
        return Row(f"GET /me?{asked}={me}", {"ok": True}, calls=[{"request": f"GET /accounts?user_id={value}&x=1"}])

    return each(10, row)


def one_other(values: tuple[str, str]) -> tuple[list[str], list[str]]:
    """Two values in turn, and the same with the ninth changed into the tenth."""
    return list(values) * 5, [*list(values) * 4, values[1], values[1]]


def documents(name: str, owner: Callable[[int], int]) -> Callable[[int], list[Row]]:
    """Four users, and four documents asked for twice that name their owner under ``name``."""

    def rows(side: int) -> list[Row]:
        users = [Row(f"GET /users/{n}", {"id": n, "name": f"u{n}"}) for n in range(41, 45)]
        owned = [(n, owner(n) if side else 41 + n % 4) for n in (1, 2, 3, 4, 1, 2, 3, 4)]
        return users + [Row(f"GET /docs/{n}", {"id": n, name: by}) for n, by in owned]

    return rows


def known_users(uid: Callable[[int], Any], row: Callable[[int, Any], Row]) -> Callable[[int], list[Row]]:
    """Users whose ids stand in bodies, then what ``row`` makes of each; the fourth is given the third's id."""

    def rows(side: int) -> list[Row]:
        users = [Row(f"GET /users/{uid(n)}", {"id": uid(n)}) for n in range(4)]
        return users + [row(n, uid(2 if side and n == 3 else n)) for n in range(4)]

    return rows


def number(n: int) -> Any:
    return 10_000 + n


def long_digits(n: int) -> Any:
    return str(10_000 + n)


def export(side: int) -> list[Row]:
    users = [Row(f"GET /customers/{10_000 + n}", {"id": 10_000 + n}) for n in range(4)]
    lines = [f"{7000 + n},{10_000 + (2 if side and n == 3 else n)}" for n in range(4)]
    return [*users, _csv("order_id,customer_id", lines)]


def _csv(head: str, lines: list[str]) -> Row:
    return Row("GET /export", "\n".join([head, *lines, ""]), content_type="text/csv")


def rotated(text: str, by: int) -> str:
    return text[by:] + text[:by]


def _expiring(n: int, side: int, took: int, recorded: int, replayed: int) -> str:
    return _iso(NOW + n * 3 + replayed if side else THEN + n * took + recorded)


def login(n: int, side: int) -> Row:
    ends = NOW + n * 3 + DAY if side else THEN + n * 17_280 + 3_600
    token = {"$jwt": {"sub": f"user-{n}", "exp": int(ends)}}
    return Row("POST /login", {"access_token": token, "expires_at": _iso(ends)}, {"n": n})


def late_login(side: int) -> list[Row]:
    ends = _expiring(9, side, 17_280, 3_600, DAY)
    return [*(Row(f"GET /a{n}", {"a": 1}) for n in range(9)), Row("POST /login", {"expires_at": ends}, {"n": 1})]


def session(n: int, side: int) -> Row:
    token = TOKEN if side else f"Zk{n}fkQ92jLmZpT4wx8f3kQ{n}2"
    return Row("POST /login", {"token": token}, {"n": n}, {"Set-Cookie": f"sid={token}"})


def signed_role(n: int, side: int) -> Row:
    signed = {"user_id": n, "role": "admin" if side else "user"}
    cookie = {"$joined": ["session=", {"$signed": signed, "rest": f"ZzXqAQ.b3f9kQ92jLmZpT4wx8f3kQ9{n + side}"}]}
    return Row("POST /login", {"ok": 1}, {"n": n}, {"Set-Cookie": cookie})


def reserving(n: int, side: int) -> Row:
    """One call after the other: of calls made at once no order means anything."""
    reserve = {"request": "POST /reserve", "to": "https://stock", "dependency": "stock", "body": {"n": 1}}
    charge = {"body": {"amount": 1}}
    first, second = (charge, reserve) if side else (reserve, charge)
    return _pay(n, first, {**second, "after": 0.02})


def at_once(n: int, side: int) -> Row:
    reserve = {"request": "POST /reserve", "to": "https://stock", "dependency": "stock", "body": {"n": 1}}
    charge = {"body": {"amount": 1}}
    return _pay(n, *((charge, reserve) if side else (reserve, charge)))


def new_order(n: int, side: int) -> Row:
    """An order with a new uuid, and an audit call whose path has it."""
    uuid = f"{(side + 1) * 1_000_003 * (n + 1):08x}-9c1d-4e57-9a70-{(side * 977 + n) * 7_919_191:012x}"
    audit = {"request": f"PUT /orders/{uuid}/audit", "body": {"order": uuid}}
    return Row("POST /orders", {"uuid": uuid}, {"n": n}, calls=[audit])


def house(number: str) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
    return lambda n, order: {"shipping": {**order["shipping"], "number": number}}


def next_house(n: int, order: dict[str, Any]) -> dict[str, Any]:
    return house(str(int(order["shipping"]["number"]) + 1))(n, order)


def voucher(n: int, order: dict[str, Any]) -> dict[str, Any]:
    return {"voucher_code": order["voucher_code"].replace("SAVE10", "SAVE99")}


def created(later: float) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
    return lambda n, order: {"created_at": _iso(THEN - DAY * (9 + n) + n * 13 + later)}


def paged(old: str, new: str) -> Defect:
    return said("list", lambda value: {"next": value["next"].replace(old, new)})


def other_account(body: dict[str, Any]) -> dict[str, Any]:
    return {"account": {"number": "000999999999"}}


def next_account(body: dict[str, Any]) -> dict[str, Any]:
    return {"account": {"number": f"{int(body['account']['number']) + 50:012}"}}


def wrong_header(kind: str, n: int, value: Any) -> Any:
    return header("X-Customer-Id", uuid(2 if n == 3 else 3))(kind, n, value)


def record(n: int, side: int) -> Row:
    address = f"93.184.216.{30 + n + side}"
    return Row(f"GET /zones/{n}x", {"records": [{"name": "www", "type": "A", "address": address}]})


def file(n: int, side: int) -> Row:
    return Row(f"GET /files/{n}x", {"name": f"f{n}", "size": 10 + n, "sha256": rotated(SHA256[side], n)})


def one_file(n: int, side: int) -> Row:
    return file(n, side if n == 3 else 0)


def pull(n: int, side: int) -> Row:
    return Row(f"GET /pulls/{n}", {"head": {"sha": rotated(SHA1, 4 if side and n == 3 else n)}, "n": n})


def account(n: int, side: int) -> Row:
    text = f"<a><number>{880_000 + n + side * 37}</number><name>n{n}</name></a>"
    return Row(f"GET /acc?n={n}", text, content_type="application/xml")


def status(n: int, side: int) -> Row:
    status = 5 if side and n == 3 else (3, 4)[n % 2]
    return Row(f"GET /tickets/{n}", {"id": n, "status": {"id": status, "name": "x"}})


def plan(n: int, side: int) -> Row:
    plan = "plan_ultra77" if side and n == 3 else ("plan_basic12", "plan_super34")[n % 2]
    return Row(f"GET /accts/{n}", {"id": n, "plan_id": plan})


def short_login(n: int, side: int) -> Row:
    return Row("POST /login", {"expires_at": _expiring(n, side, 180, 1_800, 300)}, {"n": n})


def agent(n: int, side: int) -> Row:
    return Row(f"GET /tickets/{n}", {"id": n, "agent_id": 8 if side else 7, "title": f"t{n}"})


def ticket(*, one: bool) -> Callable[[int, int], Row]:
    def row(n: int, side: int) -> Row:
        honest = 50 + n
        customer = honest if not side or (one and n != 3) else honest + (46 if one else 100)
        return Row(f"GET /tickets/{n}", {"id": n, "customer": {"id": customer, "name": f"t{n}"}})

    return row


def paying(header: str) -> Callable[[int, Any], Row]:
    return lambda n, user: _pay(n, {"body": {"amount": n}, "headers": {header: str(user)}})


def balance(n: int, user: Any) -> Row:
    return _pay(n, {"request": f"GET /balance?user_id={user}"})


def export_of(
    replayed: Callable[[int], int], recorded: Callable[[int], int] | None = None
) -> Callable[[int], list[Row]]:
    def rows(side: int) -> list[Row]:
        honest = recorded or (lambda n: 100 + n % 4)
        customer = replayed if side else honest
        return [_csv("order_id,customer_id,total", [f"{7000 + n},{customer(n)},{n}" for n in range(8)])]

    return rows


def plain(n: int, side: int) -> Row:
    return _pay(n, {"to": "http://payments" if side else "https://payments", "body": {"amount": 1}})


def sandbox(n: int, side: int) -> Row:
    return _pay(n, {"to": "https://sandbox.pay.com" if side else "https://api.pay.com", "body": {"amount": 1}})


def role(n: int, side: int) -> Row:
    token = {"$jwt": {"sub": "42", "role": "admin" if side else "user"}}
    return _pay(n, {"body": {"amount": 1}, "headers": {"Authorization": {"$joined": ["Bearer ", token]}}})
