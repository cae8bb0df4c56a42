"""httpx: ``python httpx_client.py BASE WAY HTTP-VERSION [CA|-] [PROXY]``. Prints what it saw, as JSON."""

import asyncio
import base64
import json
import sys

import httpx

BASE, WAY, VERSION, CA, PROXY = (*sys.argv[1:], *("-", "")[len(sys.argv) - 4 :])
REQUESTS = {
    "hello": ("GET", "/hello/%7Ea%2Fb?x=1&x=1&y=", None),
    "echo": ("POST", "/echo?a=b%20c", b"\x00\xff some bytes" * 100),
    "streamed": ("POST", "/echo", [b"one ", b"two ", b"three"]),
    "head": ("HEAD", "/hello", None),
    "large": ("GET", "/large", None),
    "nothing": ("GET", "/nothing", None),
    "unchanged": ("GET", "/unchanged", None),
    "early": ("GET", "/early", None),
    "trailing": ("GET", "/trailing", None),
    "broken": ("GET", "/broken", None),
    "put": ("PUT", "/echo", b"x" * 300_000),
    "options": ("OPTIONS", "/echo", None),
}


async def pieces(parts):
    for part in parts:
        yield part


def shown(response, body, error=""):
    return {
        "version": response.http_version,
        "status": response.status_code,
        "reason": response.reason_phrase,
        "headers": [
            [name.decode("latin-1"), value.decode("latin-1")]
            for name, value in response.headers.raw
            if name.lower() != b"date"
        ],
        "body": base64.b64encode(body).decode(),
        "error": error,
    }


async def ask(client, name):
    method, path, content = REQUESTS[name]
    headers = {b"X-Case": f"{WAY}-{name}".encode(), b"X-Sent": "caf\u00e9".encode()}
    content = pieces(content) if isinstance(content, list) else content
    async with client.stream(method, BASE + path, headers=headers, content=content) as response:
        body = b""
        try:
            async for piece in response.aiter_raw():
                body += piece
        except httpx.HTTPError as error:
            return shown(response, body, type(error).__name__)
        return shown(response, body)


async def follow(client, other):
    """Every event is acknowledged when it has come."""
    name = f"{WAY}-events"
    body = b""
    async with client.stream("GET", f"{BASE}/events?{name}", headers={"X-Case": name}) as response:
        async for piece in response.aiter_raw():
            body += piece
            if piece.endswith(b"more\n\n"):
                await other.get(f"{BASE}/acknowledge?{name}")
    return shown(response, body)


async def main():
    options = {
        "http1": VERSION == "1",
        "http2": VERSION == "2",
        "verify": CA if CA != "-" else False,
        "trust_env": False,
        "timeout": 20,
        "proxy": PROXY or None,
    }
    async with httpx.AsyncClient(**options) as client, httpx.AsyncClient(**options) as other:
        # Over HTTP/2 hypercorn only ends a broken answer with its idle connection, seconds later.
        names = [name for name in REQUESTS if (VERSION, name) != ("2", "broken")]
        results = {name: await ask(client, name) for name in names}
        results["events"] = await follow(client, other)
        try:
            await client.get(f"{BASE}/silent", headers={"X-Case": f"{WAY}-silent"}, timeout=0.3)
        except httpx.HTTPError as error:
            results["silent"] = {"error": type(error).__name__}
    print(json.dumps(results))


asyncio.run(main())
