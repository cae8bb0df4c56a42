"""The payments service: charges and refunds, over HTTPS, in memory.

    python payments.py --port 0 --ca demo-ca.pem

Its certificate is made at every start, under a demo CA made with it; ``--ca`` says where to leave the CA's
certificate for those who are to trust it. Neither private key outlives the process.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import catalog
from certificates import demo_certificates
from serving import serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def application() -> Starlette:
    """The ASGI application."""
    charges: dict[str, dict[str, Any]] = {}

    def denied(request: Request) -> bool:
        return request.headers.get("authorization") != f"Bearer {catalog.PAYMENTS_API_KEY}"

    async def charge(request: Request) -> Response:
        if denied(request):
            return JSONResponse({"code": "unauthorised"}, 401)
        body = await request.json()
        if body["method"] == "pm_card_declined":
            return JSONResponse({"code": "card_declined", "reference": body["reference"]}, 402)
        made = {
            "id": f"ch_{secrets.token_hex(10)}",
            "status": "captured",
            "amount": body["amount"],
            "currency": body["currency"],
            "reference": body["reference"],
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        charges[made["id"]] = made
        return JSONResponse(made, 201)

    async def show(request: Request) -> Response:
        if denied(request):
            return JSONResponse({"code": "unauthorised"}, 401)
        found = charges.get(request.path_params["id"])
        return JSONResponse(found) if found else JSONResponse({"code": "no_such_charge"}, 404)

    async def refund(request: Request) -> Response:
        if denied(request):
            return JSONResponse({"code": "unauthorised"}, 401)
        body = await request.json()
        if body["charge"] not in charges:
            return JSONResponse({"code": "no_such_charge"}, 404)
        made = {"id": f"re_{secrets.token_hex(10)}", "charge": body["charge"], "amount": body["amount"]}
        return JSONResponse(made | {"status": "accepted"}, 202)

    return Starlette(
        routes=[
            Route("/charges", charge, methods=["POST"]),
            Route("/charges/{id}", show),
            Route("/refunds", refund, methods=["POST"]),
        ]
    )


def main() -> None:
    """Serve until a signal."""
    arguments = argparse.ArgumentParser(description="The demo shop's payments service.")
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--ca", type=Path, required=True, help="where to leave the demo CA's certificate")
    given = arguments.parse_args()
    authority, certificate, key = demo_certificates()
    given.ca.write_bytes(authority)
    with tempfile.TemporaryDirectory(prefix="demo-payments-") as private:
        certificate_file, key_file = Path(private, "certificate.pem"), Path(private, "key.pem")
        certificate_file.write_bytes(certificate)
        key_file.touch(0o600)
        key_file.write_bytes(key)
        serve(application(), given.port, key=key_file, certificate=certificate_file)


if __name__ == "__main__":
    main()
