"""A small real service, standard library only, for replay tests: ``python shop.py PORT [MODE]``.

Ids are new on every run. It calls ``http://inventory.test/stock/SKU`` and ``https://payments.test/charges`` through
the proxy variables. MODE seeds a drift: ``n+1``, ``amount``, ``die``, ``new-call``; ``no-trace`` loses traces.
"""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from contextvars import ContextVar, copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = sys.argv[2] if len(sys.argv) > 2 else ""
ORDERS: dict[str, dict[str, object]] = {}
SESSIONS: set[str] = set()
GATHERED = threading.Barrier(4)
TRACE: ContextVar[str] = ContextVar("TRACE", default="")  # passed on, as a service does that knows of traces


def call(method: str, url: str, body: object = None) -> tuple[int, object]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **({"traceparent": TRACE.get()} if TRACE.get() else {})}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")
    except OSError as error:
        return 0, type(error).__name__


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def parse_request(self) -> bool:
        parsed = super().parse_request()
        if MODE == "no-trace":  # answers when four are open, so that nothing else tells whose a call is
            GATHERED.wait(5)
        elif parsed:
            TRACE.set(self.headers.get("traceparent", ""))
        return parsed

    def reply(self, status: int, value: object, **headers: str) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/raw":
            return self.reply(200, {"line": self.raw_requestline.decode("latin-1"), "headers": self.headers.items()})
        if self.path == "/login":
            session = uuid.uuid4().hex
            SESSIONS.add(session)
            return self.reply(200, {}, Set_Cookie=f"sid={session}; Path=/; HttpOnly")
        if self.path == "/me":
            known = any(f"sid={session}" in self.headers.get("Cookie", "") for session in SESSIONS)
            return self.reply(200 if known else 401, {"known": known})
        if self.path.startswith("/stock/"):
            return self.reply(*call("GET", "http://inventory.test" + self.path))
        if self.path == "/later":
            context = copy_context()
            late = ("POST", "http://audit.test/events", {"a": 1})
            threading.Timer(0.1, lambda: context.run(call, *late)).start()
            return self.reply(202, {})
        order = ORDERS.get(self.path.removeprefix("/orders/"))
        return self.reply(200, order) if order else self.reply(404, {"error": "no such order"})

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if MODE == "die":
            self.server.server_close()
            import os

            os._exit(7)
        identity = str(uuid.uuid4())
        total = 0
        for item in wanted["items"]:
            for _ in range(2 if MODE == "n+1" else 1):
                _, stock = call("GET", f"http://inventory.test/stock/{item['sku']}")
            total += int(stock["price"]) * item["quantity"]  # type: ignore[index,call-overload]
        if MODE == "new-call":
            call("POST", "http://fraud.test/checks", {"total": total})
        charge = {"order_id": identity, "amount": total + (1 if MODE == "amount" else 0), "at": time.time()}
        status, paid = call("POST", "https://payments.test/charges", charge)
        ORDERS[identity] = {"id": identity, "total": total, "payment": paid}
        self.reply(201 if status == 200 else 502, ORDERS[identity], Location=f"/orders/{identity}")


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
