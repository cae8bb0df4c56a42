"""The shop's state, in SQLite: sessions, carts and orders. A fresh file at every start."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import catalog

SCHEMA = """
create table product (sku text primary key, name text, category text, price integer, weight_g integer);
create table customer (id integer primary key, email text unique, password text, name text, loyalty_points integer);
create table session (token text primary key, customer integer references customer, expires_at text);
create table cart (id text primary key, customer integer references customer, coupon text,
                   created_at text, updated_at text);
create table cart_item (cart text references cart, sku text references product, quantity integer,
                        primary key (cart, sku));
create table placed_order (id text primary key, number text unique, customer integer references customer,
                           status text, created_at text, subtotal integer, discount integer, shipping integer,
                           tax integer, total integer, charge text, reservation text);
create table order_item (placed_order text references placed_order, sku text, name text, quantity integer,
                         unit_price integer);
"""


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one product, in a cart or in an order."""

    sku: str
    name: str
    quantity: int
    unit_price: int

    @property
    def total(self) -> int:
        """In cents."""
        return self.quantity * self.unit_price


class Database:
    """One connection behind a lock: the shop's handlers run on a thread pool."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(SCHEMA)
        self._connection.executemany(
            "insert into product values (?, ?, ?, ?, ?)",
            [(p.sku, p.name, p.category, p.price, p.weight_g) for p in catalog.PRODUCTS],
        )
        self._connection.executemany(
            "insert into customer values (?, ?, ?, ?, ?)",
            [(c.id, c.email, c.password, c.name, c.loyalty_points) for c in catalog.CUSTOMERS],
        )

    def close(self) -> None:
        """No use afterwards."""
        self._connection.close()

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Every row of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def change(self, sql: str, *values: object) -> int:
        """Run one statement; how many rows it touched."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def change_all(self, statements: Sequence[tuple[str, tuple[object, ...]]]) -> None:
        """Run statements in one transaction."""
        with self._lock:
            self._connection.execute("begin")
            try:
                for sql, values in statements:
                    self._connection.execute(sql, values)
            except sqlite3.Error:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def cart_lines(self, cart: str) -> list[Line]:
        """What lies in a cart, by SKU."""
        sql = """select sku, name, quantity, price from cart_item join product using (sku)
                 where cart = ? order by sku"""
        return [Line(*row) for row in self.rows(sql, cart)]

    def order_lines(self, order: str) -> list[Line]:
        """What was ordered, by SKU."""
        sql = "select sku, name, quantity, unit_price from order_item where placed_order = ? order by sku"
        return [Line(*row) for row in self.rows(sql, order)]
