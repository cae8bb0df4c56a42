"""A call of the build as matching sees it, each form of it made when it is first asked for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from captures.model import Headers, Request
from replayer.stubbing.keys import canonical_key, exact_key, place, volatile_key

Window = tuple[float, float]
"""When a recorded request began and ended, Unix seconds."""


class Call:
    """A call of the build, with its keys made once however many pools are looked through.

    ``plain`` is the same call in recorded terms (``rewriting.in_recorded_terms``), ``headers`` are its headers as the
    capture would hold them; both cost something and are asked for only where the bytes are not the recorded ones.
    ``windows``: when the requests that may have made it were open in the recording; nothing where that is not known.
    """

    __slots__ = (
        "_canonical",
        "_exact",
        "_headers",
        "_place",
        "_plain",
        "_plain_canonical",
        "_volatile",
        "_windows",
        "at",
        "request",
    )

    def __init__(
        self,
        request: Request,
        plain: Callable[[], Request],
        at: float,
        headers: Callable[[], Headers] | None = None,
        windows: Callable[[], Sequence[Window]] | None = None,
    ) -> None:
        self.request = request
        self.at = at
        self._plain: Request | Callable[[], Request] = plain
        self._headers: Headers | Callable[[], Headers] = headers if headers is not None else request.headers
        self._windows: Sequence[Window] | Callable[[], Sequence[Window]] = windows if windows is not None else ()
        self._exact: Hashable = None
        self._canonical: Hashable = None
        self._plain_canonical: Hashable = None
        self._volatile: Hashable = None
        self._place: Hashable = None

    @property
    def plain(self) -> Request:
        """The call in recorded terms."""
        if not isinstance(self._plain, Request):
            self._plain = self._plain()
            if self._plain == self.request:
                self._plain = self.request
        return self._plain

    @property
    def translated(self) -> bool:
        """Whether the call speaks of ids that were recorded otherwise."""
        return self.plain is not self.request

    def headers(self) -> Headers:
        """The call's headers, redacted like the recorded ones."""
        if not isinstance(self._headers, tuple):
            self._headers = self._headers()
        return self._headers

    def windows(self) -> Sequence[Window]:
        """When the requests that may have made it were open in the recording."""
        if callable(self._windows):
            self._windows = self._windows()
        return self._windows

    @property
    def exact(self) -> Hashable:
        """:func:`keys.exact_key`."""
        if self._exact is None:
            self._exact = exact_key(self.request)
        return self._exact

    @property
    def canonical(self) -> Hashable:
        """:func:`keys.canonical_key`."""
        if self._canonical is None:
            self._canonical = canonical_key(self.request)
        return self._canonical

    @property
    def plain_canonical(self) -> Hashable:
        """The same of the call in recorded terms."""
        if self._plain_canonical is None:
            self._plain_canonical = canonical_key(self.plain) if self.translated else self.canonical
        return self._plain_canonical

    @property
    def volatile(self) -> Hashable:
        """:func:`keys.volatile_key` in recorded terms."""
        if self._volatile is None:
            self._volatile = volatile_key(self.plain, self.at)
        return self._volatile

    @property
    def place(self) -> Hashable:
        """:func:`keys.place` in recorded terms."""
        if self._place is None:
            self._place = place(self.plain, self.at)
        return self._place
