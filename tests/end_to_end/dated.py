"""A WSGI service that lets in by JSON Web Token, for gunicorn: several processes, several threads, one clock.

``GET /me`` wants ``Authorization: Bearer`` with a token that PyJWT finds valid *now* (``exp``, ``nbf``, ``iat``).
``GET /time`` says what time it is, in this worker and in a program that it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import jwt

KEY = "a key that only the tests know, and that is long enough"
NOW = "import time; time.sleep(0.001); print(time.time())"


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    status, value = "404 Not Found", {"error": "no such page"}
    if environ["PATH_INFO"] == "/me":
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, KEY, algorithms=["HS256"], options={"require": ["exp", "iat", "nbf"]})
            status, value = "200 OK", {"user": claims["sub"], "plan": "large"}
        except jwt.InvalidTokenError as error:
            status, value = "401 Unauthorized", {"error": str(error)}
    elif environ["PATH_INFO"] == "/time":
        now = time.time()
        child = subprocess.run([sys.executable, "-c", NOW], capture_output=True, text=True, check=True)
        value = {"worker": os.getpid(), "now": now, "child": float(child.stdout)}
        status = "200 OK"
    body = json.dumps(value).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
