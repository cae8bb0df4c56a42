"""Pins: exchanges kept in the user's repository as readable test files. The words, and the file's format.

A pin is one YAML file with one recorded inbound exchange. It is meant to be read in a pull request and edited by
hand; what is not in it is not compared::

    pin: 1                                   # the format's version; before anything but comments
    name: GET /orders/{id} 200
    source:                                  # where it comes from; never compared
      capture: shop.sqlite
      exchange: 12
      recorded: '2026-11-21T07:50:12Z'
    setup:                                   # what must have happened before, as few steps as do
    - request:
        line: POST /orders
        headers:
          content-type: application/json
        json:
          sku: A-1
      status: 201
      bind:
        order_id: json $.id                  # a name for a value of this answer
    request:
      line: GET /orders/«the order_id»       # … which later requests and expectations use
      headers:
        authorization: ${RETAPE_AUTHORIZATION:-Bearer 3kX9...}
    expect:
      status: 200
      headers:
        content-type: application/json
      json:
        id: «the order_id»
        created_at: «timestamp iso8601»
        total: 18.40
    stubs:                                   # what the dependencies answered; no other call gets out
    - dependency: inventory
      request:
        line: GET http://inventory:8001/items/A-1
      response:
        status: 200
        json: {sku: A-1, stock: 3}
    dependencies:                            # those the build is told of in a variable, not through a proxy
      inventory: {url: "http://inventory:8001", env: INVENTORY_URL}

**Bodies** are decoded (``content-encoding`` is applied again when one is sent) and given under exactly one of
``json:`` (JSON as YAML; numbers keep their digits), ``text:`` (a block of text), ``base64:`` (anything else) or, in
``expect`` only, ``sha256:`` (a large binary by its digest). None of them: an empty body. ``layout:`` beside a
request's ``json:`` says how it was spelled (``spaced``, ``ascii``, ``indent 2``); without it, without blanks.

**Matchers** stand in guillemets, as a whole value or inside a string: ``«uuid»``, ``/orders/«integer»``. A matcher
asserts what it says, and nothing else may stand there. A kind also fixes the JSON type: ``«integer»`` is a number,
``«digits»`` a string. ``«uuid as order»`` gives the value a name: every place of the pin with that name must hold one
and the same value, in the response and in the calls to dependencies. A literal ``«`` is written ``««``. The kinds are
in ``replayer.pin_notation``. What is not a matcher must be equal, also where a replay would let it vary by itself.

**References**, ``«the NAME»``, stand for a value bound earlier: by ``bind:`` of a setup step (``json $.id``,
``header location /orders/(.+)``, ``cookie sid``, in a page ``text value="(.+?)"``), or, in a stub's answer, by a
matcher of a call's request.

**What no matcher can say** stands in ``varies:`` of ``expect``: a JSON path of the body and a word of a rule (see
``diffing.rulebook.matchers``): ``$.sizes: unordered``, ``$.promotion: optional``.

**New**: a pin without ``expect:`` fails until ``retape pin update`` has written what the build answers.

**Headers**: of the request all are sent; of the expected response only those given are compared, each by its value.
A header that occurs more than once has a list of values.

**Environment**: ``${NAME:-text}`` in a header's value is the variable's value, or ``text`` when it is not set.
Credentials are written so: what is in the file is only the capture's pseudonym. A literal ``${`` is written ``$${``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FORMAT = 1
FIRST_LINE = f"pin: {FORMAT}"
"""What every pin file begins with (comments and blank lines aside): the cheap way to know one."""

BodyForm = Literal["empty", "json", "text", "base64", "sha256"]

Lines = tuple[tuple[str, str], ...]
"""Headers as written in the file: names and values in order, duplicates kept, latin-1, notation not yet resolved."""


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded body as written in the file, notation not yet resolved."""

    form: BodyForm = "empty"
    value: Any = None  # json: the value; text: str; base64: the bytes; sha256: hex digest
    layout: str = ""  # json in a request: how it is spelled


@dataclass(frozen=True, slots=True)
class PinRequest:
    """``target`` is origin-form for the service (``/orders``), an absolute URL for a dependency."""

    method: str
    target: str
    headers: Lines = ()
    body: Body = Body()


@dataclass(frozen=True, slots=True)
class PinResponse:
    """An expected response (``headers`` are the compared ones) or a stub's answer (``headers`` are sent)."""

    status: int
    headers: Lines = ()
    body: Body = Body()
    varies: tuple[tuple[str, str], ...] = ()  # of an expected one: JSON path of the body -> word of a rule


@dataclass(frozen=True, slots=True)
class PinStub:
    """A dependency's recorded answer: a response, or the failure it broke with."""

    dependency: str
    request: PinRequest
    response: PinResponse | None = None
    failure: str = ""  # a captures.model.FailureKind; with a response for a truncated one


@dataclass(frozen=True, slots=True)
class Step:
    """A setup step: sent before the pinned request; only its status is checked."""

    request: PinRequest
    status: int
    bind: tuple[tuple[str, str], ...] = ()  # name -> where: "json $.id", "header location /orders/(.+)"
    stubs: tuple[PinStub, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin file."""

    name: str
    request: PinRequest
    expect: PinResponse | None  # None: a new pin, whose answer is still to be looked at
    source: Mapping[str, Any] = field(default_factory=dict)
    setup: tuple[Step, ...] = ()
    stubs: tuple[PinStub, ...] = ()
    tags: tuple[str, ...] = ()
    dependencies: tuple[tuple[str, str, str], ...] = ()  # name, base URL, variable the build takes it from
    path: Path | None = None  # the file it was read from
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # part of the file -> its line
