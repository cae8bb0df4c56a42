"""A small service that knows who asks, standard library only: ``python vault.py PORT [MODE]``.

Ids and tokens are new on every run; numbers of tables begin at 5. MODE ``refuse``: orders fail with 500; ``mute``: the
answer to an order no longer shows its id. JWTs count when VAULT_KEY signed them and they have not expired.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODE = sys.argv[2] if len(sys.argv) > 2 else ""
KEY = os.environ.get("VAULT_KEY", "").encode()
ORDERS: dict[str, dict[str, object]] = {}
TABLES: dict[int, dict[str, object]] = {}
TOKENS: set[str] = set()


def jwt_claims(token: str) -> dict[str, object] | None:
    head, claims, signature = token.split(".")
    digest = hmac.digest(KEY, f"{head}.{claims}".encode(), hashlib.sha256)
    if base64.urlsafe_b64encode(digest).decode().rstrip("=") != signature:
        return None
    said: dict[str, object] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return said if int(str(said["exp"])) > time.time() else None


class Vault(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def knows(self) -> bool:
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in TOKENS

    def do_GET(self) -> None:
        kind, _, name = self.path[1:].partition("/")
        if kind == "whoami":
            claims = jwt_claims(self.headers.get("Authorization", "").removeprefix("Bearer "))
            return self.reply(200, {"sub": claims["sub"]}) if claims else self.reply(401, {"error": "no"})
        if kind == "tables":
            table = TABLES.get(int(name))
            return self.reply(200, table) if table else self.reply(404, {"error": "no such table"})
        if not self.knows():
            return self.reply(401, {"error": "who are you"})
        order = ORDERS.get(name)
        return self.reply(200, order) if order else self.reply(404, {"error": "no such order"})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/login":
            if sent.get("password") != "right-password":
                return self.reply(401, {"error": "wrong password"})
            token = uuid.uuid4().hex
            TOKENS.add(token)
            return self.reply(200, {"token": token})
        if self.path == "/tables":
            number = 5 + len(TABLES)
            TABLES[number] = {"seats": 4}
            return self.reply(201, {"place": number})
        if not self.knows():
            return self.reply(401, {"error": "who are you"})
        if MODE == "refuse":
            return self.reply(500, {"error": "out of order"})
        identity = str(uuid.uuid4())
        ORDERS[identity] = {"id": identity, "total": 25}
        return self.reply(201, {"total": 25} if MODE == "mute" else ORDERS[identity])


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Vault).serve_forever()
