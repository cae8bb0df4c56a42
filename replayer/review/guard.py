"""Who may ask the review server for what. Pure: a request's head in, a refusal out, or none.

Listening on loopback alone protects nothing: any page in the same browser can send requests there, and a name of its
own can be made to resolve there (DNS rebinding; mitmweb was circumvented both ways). So each of these must hold:

* **Host** is an address the server was opened under, so another site's name that resolves to us is of no use;
* a **cookie** (``HttpOnly``, ``SameSite=Strict``) that only the printed address hands out, for 256 random bits;
* for everything but the page itself, the **key** in a header of our own. Cookies go to every port of a host, so what
  another program on this machine is sent does not open the review; and other sites cannot send the header at all;
* for what writes, ``Origin`` is our own, ``Sec-Fetch-Site`` says the same where a browser sends it, and the body is
  JSON of a stated, bounded length.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import parse_qs

LIMIT = 2 * 1024 * 1024  # bytes of a body: the fingerprints of 100,000 groups
KEY_HEADER = "x-retape-review"
ASK_AGAIN = "Open the address that retape review printed: this browser has not been let in."
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one request. Header names are in lower case, in their order, with duplicates."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    owners: frozenset[int] = frozenset()  # users who may have sent it, where that is known and asked for

    @property
    def path(self) -> str:
        """The target without its query, as it was sent."""
        return self.target.partition("?")[0]

    def query(self, name: str) -> str:
        """The value of ``name`` in the query, or nothing."""
        return (parse_qs(self.target.partition("?")[2]).get(name) or [""])[0]

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for given, value in self.headers if given == name]

    def one(self, name: str) -> str:
        """The value of a header that is there once; nothing where it is missing or doubtful."""
        values = self.values(name)
        return values[0].strip() if len(values) == 1 else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: HTTPStatus
    why: str


@dataclass(frozen=True, slots=True)
class Guard:
    """The secrets of one review and the names it may be opened under."""

    hosts: frozenset[str]  # "127.0.0.1:8000"; values of the Host header
    port: int
    anywhere: bool = False  # listening on every address: any IP literal will do, as no site can claim one by DNS
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @classmethod
    def of(cls, host: str, port: int) -> Guard:
        """For a server that was asked to listen on ``host`` and does so on ``port``."""
        shown = f"[{host}]" if ":" in host else host.lower()
        names = {*LOOPBACK, shown} if is_loopback(host) or is_everywhere(host) else {shown}
        return cls(frozenset(f"{name}:{port}" for name in names), port, is_everywhere(host))

    @property
    def cookie_name(self) -> str:
        """One for each port: the browser keeps the cookies of two reviews apart by name alone."""
        return f"retape-review-{self.port}"

    @property
    def cookie(self) -> str:
        """The ``Set-Cookie`` header of who came with the token."""
        return f"{self.cookie_name}={self.session}; Path=/; HttpOnly; SameSite=Strict"

    def invited(self, head: Head) -> bool:
        """Whether a request brings the token of the printed address."""
        return head.method == "GET" and head.path == "/" and same(head.query("token"), self.token)

    def misled(self, head: Head) -> Refusal | None:
        """Why nothing of this sort is answered, whatever secrets it has."""
        if not self._named(head):
            return Refusal(HTTPStatus.FORBIDDEN, "The review is not served under this name.")
        if head.method not in ("GET", "HEAD", "POST"):
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "There is GET and POST.")
        return None

    def refusal(self, head: Head) -> Refusal | None:
        """Why ``head`` is not answered; None where it may be. Says nothing about what exists to who may not ask."""
        wrong = self.misled(head)
        if wrong is not None or self.invited(head):
            return wrong
        if not same(self._cookie_of(head), self.session):
            return Refusal(HTTPStatus.FORBIDDEN, ASK_AGAIN)
        if head.path == "/" and head.method != "POST":
            return None
        if not same(head.one(KEY_HEADER), self.key):
            return Refusal(HTTPStatus.FORBIDDEN, ASK_AGAIN)
        site = head.values("sec-fetch-site")
        if site and site != ["same-origin"]:
            return Refusal(HTTPStatus.FORBIDDEN, "Another site asked for this.")
        return _write_refused(head) if head.method == "POST" else None

    def _named(self, head: Head) -> bool:
        host = head.one("host").lower()
        if host in self.hosts:
            return True
        name, _, port = host.rpartition(":")
        return self.anywhere and port == str(self.port) and _address(name)

    def _cookie_of(self, head: Head) -> str:
        """Not by ``http.cookies``, which finds none at all beside one that another program of this host set oddly."""
        for pair in ";".join(head.values("cookie")).split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self.cookie_name:
                return value
        return ""


def _write_refused(head: Head) -> Refusal | None:
    if head.one("origin").lower() != f"http://{head.one('host').lower()}":
        return Refusal(HTTPStatus.FORBIDDEN, "Another site asked for this.")
    if head.one("content-type").partition(";")[0].strip().lower() != "application/json":
        return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.")
    length = head.one("content-length")
    if head.values("transfer-encoding") or not (length.isascii() and length.isdigit()):
        return Refusal(HTTPStatus.LENGTH_REQUIRED, "Say the length of the body.")
    if len(length) > 12 or int(length) > LIMIT:
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {LIMIT:,} bytes.")
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach who listens on ``host``."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_everywhere(host: str) -> bool:
    """Whether ``host`` means every address of this machine."""
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return host == ""


def _address(text: str) -> bool:
    try:
        ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def same(given: str, wanted: str) -> bool:
    """Whether a secret was given, compared in constant time."""
    return bool(given) and compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode("ascii"))


def headers_of(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Header lines as a :class:`Head` holds them."""
    return tuple((name.lower(), value) for name, value in pairs)
