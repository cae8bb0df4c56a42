"""Whole captures with one defect: a run against the restored data of the recording, in which one thing went wrong.

Everything is equal but for what the defect touches; so nothing excuses a new value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.diffing.probes.defects import (
    DAY,
    SHA256,
    UUIDS,
    account,
    agent,
    answer_header,
    at_once,
    balance,
    call_header,
    call_query,
    calls,
    created,
    customer,
    digits,
    documents,
    each,
    export,
    export_of,
    file,
    header,
    house,
    known_users,
    late_login,
    login,
    long_digits,
    new_order,
    next_account,
    next_house,
    number,
    one_file,
    one_other,
    order,
    other_account,
    paged,
    paying,
    plain,
    plan,
    prefixed,
    pull,
    record,
    reserving,
    role,
    rotated,
    said,
    sandbox,
    session,
    shifted,
    shop_rows,
    short_login,
    signed_role,
    status,
    ticket,
    uuid,
    voucher,
    wrong_header,
)
from tests.diffing.probes.recordings import Row, Shop

_ANOTHER = "It is another user's, who stands elsewhere in the recording under the same id."
_SHIFTED = "Each belongs to the next one, while every user kept their id."
_KEY = ("Authorization", "Bearer tenant18-secret-key")
_BASIC = {"$joined": ["Basic ", {"$base64": "a:b"}]}
_NINE = [UUIDS[0]] * 9 + [UUIDS[1]]
_KEYS = [f"{n * 7_919 + 99_999_999:08x}-7c1d-4e57-9a70-3f1d2b8c9e01" for n in range(10)]
_ONE_KEY = ("Idempotency-Key", _KEYS, ["c4d3e2f1-0a9b-4c8d-9e7f-6a5b4c3d2e11"] * 10)
_ONE_HEX_KEY = ("Idempotency-Key", [rotated(SHA256[0], n) for n in range(10)], [SHA256[1]] * 10)
_OTHERS = call_query(["1001", "1002"] * 5, ["2001", "2002"] * 5, asked="user_id")


def _shops() -> list[Shop]:
    made: list[Shop] = []

    def add(owner: str, topic: str, name: str, why: str, rows: Callable[[int], list[Row]], **more: Any) -> None:
        made.append(Shop(name, why, rows, owner, f"captures, {topic}", **more))

    quiet = {"expect": "quiet", "severity": "noise"}
    add("A", "control", "equal data", "Nothing differs but the port.", shop_rows(), **quiet)
    topic = "data"
    for name, why, defect in (
        ("house number of one order", "One order goes to another house.", order(house("99"), only=3)),
        ("house numbers of all orders one up", "Every order goes next door.", order(next_house)),
        ("house numbers of all orders 00", "No order arrives.", order(house("00"))),
        ("duration_ms in seconds", "The unit changed.", order(lambda n, o: {"duration_ms": o["duration_ms"] // 1000})),
        (
            "voucher of one order",
            "SAVE90 is another discount.",
            order(lambda n, o: {"voucher_code": "SAVE90"}, only=3),
        ),
        ("one voucher is another everywhere", "SAVE99 is another discount.", order(voucher)),
        (
            "moments of all orders two hours later",
            "A zone was lost; the users' moments are right.",
            order(created(7200)),
        ),
        ("moment of one order a day later", "Nine orders prove the data are the same.", order(created(DAY), only=3)),
        ("next step of payments", "The client shows another form.", said("pay", lambda o: {"next": "collect_card"})),
    ):
        add("A", topic, name, why, shop_rows(defect))
    add("A", topic, "addresses of a zone", "Eight names point elsewhere.", each(8, record))
    add("A", topic, "digests of all files", "Eight files have their size and another digest.", each(8, file))
    add("A", topic, "digest of one file", "Seven files prove the data are the same.", each(8, one_file))
    add("A", topic, "head of one pull request", "It shows another pull request's head.", each(8, pull))
    add("A", topic, "account numbers in XML", "Eight accounts have another number.", each(8, account))
    add("A", topic, "closed list of status ids in a run", "A status nobody ever had.", each(12, status))
    add("A", topic, "closed list of plans", "A plan nobody ever had.", each(12, plan))
    two_days = {"lasting": 2.0 * DAY}
    add("A", "lifetimes", "logins live a day", "A token lives 24 times as long.", each(10, login), **two_days)
    add("A", "lifetimes", "one login late in two days", "A token lives 24 times as long.", late_login, **two_days)
    add(
        "A",
        "lifetimes",
        "logins live five minutes",
        "Users are logged out six times as often.",
        each(10, short_login),
    )
    add("A", "lifetimes", "session tokens are one", "Whoever knows one session has them all.", each(10, session))

    topic = "identity"
    for name, why, rows in (
        ("customer of one order, three digits", _ANOTHER, shop_rows(customer("102"))),
        ("customer of one order, four digits", _ANOTHER, shop_rows(customer("1002"), lambda n: f"{1000 + n}")),
        ("customer of one order, five digits", _ANOTHER, shop_rows(customer("10002"), long_digits)),
        ("customer of one order, numbers", _ANOTHER, shop_rows(customer(10_002), number)),
        ("customer of one order, uuids", _ANOTHER, shop_rows(customer(uuid(2)), uuid)),
        ("customer of one order, prefixed", _ANOTHER, shop_rows(customer("cus_a1b2c3d02"), prefixed)),
        ("customer of one order was never seen", "Nobody has that id.", shop_rows(customer("cus_a1b2c3d99"), prefixed)),
        ("next customer in every order, three digits", _SHIFTED, shop_rows(shifted(digits))),
        ("next customer in every order, five digits", _SHIFTED, shop_rows(shifted(long_digits), long_digits)),
        ("next customer in every order, numbers", _SHIFTED, shop_rows(shifted(number), number)),
        ("next customer in every order, prefixed", _SHIFTED, shop_rows(shifted(prefixed), prefixed)),
        (
            "customer is the order itself",
            "The wrong id is written.",
            shop_rows(order(lambda n, o: {"customer_id": o["id"]})),
        ),
        (
            "owner of one document, asked twice",
            _ANOTHER,
            documents("owner_id", lambda n: 44 if n == 2 else 41 + n % 4),
        ),
        ("next owner of every document", _SHIFTED, documents("owner_id", lambda n: 41 + (n + 1) % 4)),
        ("every document is the administrator's", "They belong to four users.", documents("owner_id", lambda n: 1)),
        ("next user of every document", _SHIFTED, documents("user_id", lambda n: 41 + (n + 1) % 4)),
        ("agent of every ticket", "The data are the same, and the agent is another.", each(5, agent)),
        ("customer of one ticket", "The data are the same, and the customer is another.", each(5, ticket(one=True))),
        (
            "customers of all tickets",
            "The data are the same, and the customers are others.",
            each(5, ticket(one=False)),
        ),
    ):
        add("A", topic, name, why, rows)
    for name, why, rows in (
        ("user of one call's header, uuids", _ANOTHER, known_users(uuid, paying("X-Customer-Id"))),
        ("user of one call's header, digits", _ANOTHER, known_users(long_digits, paying("X-Customer-Id"))),
        ("user of one call's header, numbers in bodies", _ANOTHER, known_users(number, paying("X-User-Id"))),
        ("user of one call's query, numbers in bodies", _ANOTHER, known_users(number, balance)),
        ("customer header of one call of the shop", _ANOTHER, shop_rows(wrong_header, uuid)),
        ("customer of one line of an export", _ANOTHER, export),
        (
            "customer of one line of an export, three digits",
            _ANOTHER,
            export_of(lambda n: 102 if n == 3 else 100 + n % 4),
        ),
        ("customers of an export one up", _SHIFTED, export_of(lambda n: 201 + n, lambda n: 200 + n)),
        ("tenant header of one call of ten", _ANOTHER, call_header("X-Tenant-Id", [UUIDS[0]] * 10, _NINE)),
        ("tenant header of one call of two tenants", _ANOTHER, call_header("X-Tenant-Id", *one_other(UUIDS))),
        ("tenant header of one answer of two tenants", _ANOTHER, answer_header("X-Tenant-Id", *one_other(UUIDS))),
        ("user header of one answer, digits", _ANOTHER, answer_header("X-User-Id", *one_other(("1001", "1002")))),
        ("user of one call's query of two users, digits", _ANOTHER, call_query(*one_other(("1001", "1002")))),
        ("user of one call's query of two users, uuids", _ANOTHER, call_query(*one_other(UUIDS))),
        ("calls for users nobody asked for", "The request names a user and the call another.", _OTHERS),
    ):
        add("B", topic, name, why, rows)

    topic = "calls"
    for name, why, rows in (
        ("tenant of every call", "Another tenant's data.", shop_rows(header("X-Tenant-Id", "18"))),
        ("tenant of one call", "Another tenant's data.", shop_rows(header("X-Tenant-Id", "18", 3))),
        ("credential of one call", "Nine calls act as one tenant, the tenth as another.", shop_rows(header(*_KEY, 3))),
        ("Basic instead of Bearer in every call", "Another scheme.", shop_rows(header("Authorization", _BASIC))),
        (
            "Bearer null in every call",
            "The token was lost and written out.",
            shop_rows(header("Authorization", "Bearer null")),
        ),
        ("version accepted by every call", "Another format.", shop_rows(header("Accept", "application/vnd.v2+json"))),
        ("account of one call", "The money goes to another account.", shop_rows(calls("body", other_account, 3))),
        ("accounts of all calls", "The money goes to other accounts.", shop_rows(calls("body", next_account))),
        (
            "customer of one call",
            "Another customer is charged.",
            shop_rows(calls("body", lambda b: {"customer_id": "102"}, 3)),
        ),
        (
            "unseen customer of one call",
            "Nobody has that id.",
            shop_rows(calls("body", lambda b: {"customer_id": "999"}, 3)),
        ),
        ("keys of all calls are one, uuid", "Nine charges are swallowed.", call_header(*_ONE_KEY)),
        ("keys of all calls are one, hex", "Nine charges are swallowed.", call_header(*_ONE_HEX_KEY)),
        ("every charge before its reserve", "Money is taken for what may not be in stock.", each(5, reserving)),
        ("every call in plain HTTP", "Charges are readable on the way.", each(5, plain)),
        ("every call to the sandbox", "Nobody pays.", each(5, sandbox)),
        ("role of the JWT of every call", "The call acts as an administrator.", each(5, role)),
        ("role in every session cookie", "Every user became admin.", each(5, signed_role)),
    ):
        add("B", topic, name, why, rows)
    other_key = shop_rows(header(*_KEY))
    add("B", topic, "other credential in every call", "Each environment has its own key.", other_key, **quiet)
    add("B", topic, "charge and reserve at once", "Neither waits for the other.", each(5, at_once), **quiet)
    add("B", topic, "calls with a new id in their path", "Each order is new.", each(6, new_order), **quiet)
    for name, old, new in (("offset", "offset=20", "offset=40"), ("limit", "limit=20", "limit=10")):
        add(
            "C",
            "paging",
            f"{name} of the list's next page",
            "Entries are skipped or shown twice.",
            shop_rows(paged(old, new)),
        )
    return made


SHOPS = tuple(_shops())
