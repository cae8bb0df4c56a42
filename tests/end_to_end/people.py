"""A service that takes customers and checks what they say of themselves: addresses, cards, accounts, phone numbers.

``POST /customers`` (JSON), ``GET /customers/ADDRESS`` (JSON, or XML when asked), ``GET /customers?mail=ADDRESS``,
``GET /about``. Each answer has an ETag of what it says. What has not the form it should have is refused with 422, so a
replay with pseudonyms that lost theirs would show.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

customers: dict[str, dict[str, Any]] = {}


def luhn(number: str) -> bool:
    digits = [int(one) for one in reversed(number.replace(" ", ""))]
    return sum(one if place % 2 == 0 else sum(divmod(one * 2, 10)) for place, one in enumerate(digits)) % 10 == 0


def mod97(account: str) -> bool:
    plain = account.replace(" ", "")
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


CHECKS = {
    "mail": lambda value: re.fullmatch(r"[^@\s]+@([a-z0-9-]+\.)+[a-z]{2,}", value) and not value.endswith(".invalid"),
    "card": lambda value: value[0] == "4" and len(value) == 16 and luhn(value),
    "iban": lambda value: value[:2] == "DE" and len(value) == 22 and mod97(value),
    "phone": lambda value: re.fullmatch(r"\+[1-9][0-9]{7,14}", value),
}


class People(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wrong = [name for name, check in CHECKS.items() if not check(asked[name])]
        if wrong:
            return self.answer(422, {"wrong": wrong})
        customers[asked["mail"]] = asked
        return self.answer(201, {**asked, "note": f"Mail goes to {asked['mail']}, calls to {asked['phone']}."})

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/about":
            return self.answer(200, {"service": "people", "version": 1})
        mail = unquote(url.path.removeprefix("/customers/")) if "/" in url.path[1:] else parse_qs(url.query)["mail"][0]
        known = customers.get(mail)
        if known is None:
            return self.answer(404, {"unknown": mail})
        if self.headers["Accept"] == "text/xml":
            items = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in known.items())
            return self.send(200, f"<customer>{items}</customer>", "text/xml")
        return self.answer(200, known)

    def answer(self, status: int, value: dict[str, Any]) -> None:
        self.send(status, json.dumps(value), "application/json")

    def send(self, status: int, text: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("ETag", f'"{hashlib.md5(text.encode()).hexdigest()}"')
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), People).serve_forever()
