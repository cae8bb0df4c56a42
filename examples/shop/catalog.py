"""What the demo shop sells, to whom, and with which coupons: the same seed at every start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale. Money is in euro cents everywhere inside the shop."""

    sku: str
    name: str
    category: str
    price: int
    weight_g: int
    on_hand: int  # what the inventory service starts with


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who can log in."""

    id: int
    email: str
    password: str
    name: str
    loyalty_points: int


PRODUCTS = (
    Product("TEA-101", "Assam second flush, loose", "tea", 749, 250, 400),
    Product("TEA-102", "Sencha from Shizuoka", "tea", 1233, 100, 380),
    Product("TEA-103", "Rooibos with orange peel", "tea", 567, 200, 410),
    Product("TEA-104", "Darjeeling, autumn", "tea", 1581, 100, 390),
    Product("MUG-201", "Stoneware mug, blue", "mug", 1425, 380, 120),
    Product("MUG-202", "Stoneware mug, sand", "mug", 1425, 380, 130),
    Product("MUG-203", "Travel mug, steel", "mug", 2639, 310, 90),
    Product("POT-301", "Cast iron teapot", "pot", 5917, 1600, 60),
    Product("POT-302", "Glass teapot with strainer", "pot", 3253, 720, 70),
    Product("KIT-401", "Tasting kit, five teas", "kit", 2189, 420, 80),
    Product("KIT-402", "Matcha whisk and bowl", "kit", 4471, 640, 75),
    Product("FIL-501", "Paper filters, 100", "filter", 413, 90, 900),
    Product("FIL-502", "Cotton filter", "filter", 881, 60, 300),
    Product("JAR-601", "Tea jar, cherry bark", "jar", 6347, 280, 1),  # the last one: two of it cannot be had
)

CUSTOMERS = (
    Customer(1, "ada@example.com", "analytical-engine", "Ada Lovelace", 120),
    Customer(2, "grace@example.com", "nanoseconds", "Grace Hopper", 905),
    Customer(3, "karen@example.com", "inverse-document", "Karen Spärck Jones", 0),
    Customer(4, "barbara@example.com", "substitution", "Barbara Liskov", 42),
)

COUPONS = {"WELCOME10": 10, "TEATIME5": 5}
"""Code to percent off."""

TAX_PERCENT = 19
SHIPPING = 490
FREE_SHIPPING_FROM = 7500
REFUND_FEE = 250
"""Kept by the shop when an order is refunded."""

PAYMENTS_API_KEY = "sk_demo_4f8a1c02b7d94e5fa3"
"""No secret: the demo's own. The shop shows it to payments as a bearer token, so a recording has one to redact."""
