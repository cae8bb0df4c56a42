"""What every page has in common: its frame, its style sheet, and the policy under which nothing captured can run."""

from __future__ import annotations

import base64
from hashlib import sha256
from importlib.resources import files
from typing import Any


def asset(name: str) -> str:
    """The text of one of the files that pages are made of."""
    return files("diffing.reports").joinpath("assets", name).read_text(encoding="utf-8")


def rendered(template: str, **values: Any) -> str:
    """The page that ``template`` makes of ``values``; whatever is not marked as safe in it is escaped."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(asset),
    )
    return environment.get_template(template).render(**values)


def policy(style: str, script: str = "", *, review: bool = False) -> str:
    """The Content-Security-Policy of a page with that style sheet and that script alone.

    ``review``: it may ask the server it came from.
    """
    return "; ".join(
        (
            "default-src 'none'",
            *(["connect-src 'self'"] if review else []),
            *([f"script-src '{_digest(script)}'"] if script else []),
            f"style-src '{_digest(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")
