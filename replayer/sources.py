"""Whether what a request needs was made in this replay, too: a vanished source fails its dependents with that reason.

``GET /orders/8fk2`` needs the id that ``POST /orders`` made. Where the new build's POST failed, or shows no such id any
more, sending the GET would only add a 404 to the report: it is not sent, and says which exchange it waits for in vain.

Only for certain flows: a value that is unmistakable by its looks (or a number that its place names), first shown by the
answer of a request that changes something, not out of a list, and brought back where it decides what is asked (path,
query, body) or who asks. Anything else is sent, and shows what comes of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterator
from dataclasses import dataclass

from captures.flows.mentions import VALIDATOR, Key, Mention, asked, asked_in_headers, endpoint_noun, shown
from captures.formats.codings import content_codings, content_decoded
from captures.model import Exchange, Failure, Request, Response, header
from captures.telling import is_told
from captures.tokens import is_counter, is_idish, is_weak_id, noun_of
from captures.visible import visible
from diffing.messages.credentials import asked_again
from replayer.bindings import Bindings, Seen
from replayer.prerequisites import SAFE
from replayer.rewriting import plain_body
from replayer.substitution import runs_of

LIMIT = 50_000  # vanished values remembered, oldest forgotten first
SCANNED = 65_536  # bytes of a body whose words count as said before
HEARD, LONGEST = 512, 16_384  # bodies remembered as heard, and bytes of each
WIDTH = 80  # characters of a path or a name in a reason
IDENTITY = frozenset({"header authorization", "header x-api-key", "header x-auth-token", "header x-access-token"})
"""Request headers that say who asks."""


Heard = tuple[bytes, tuple[str, ...]]
"""A body as it came, and its content codings."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A value that its source did not make in this replay. ``root``: the exchange that went wrong, maybe before it."""

    root: int
    reason: str  # "needs the id that exchange 12 (POST /orders) did not make: it answered 500 instead of 201"
    after: str  # for what that one's dependents made: "needs what follows from exchange 12 (POST /orders): it …"
    failed: bool  # the source failed as a whole, rather than left the value out
    unsent: bool = False  # it was not even asked


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why an exchange is not sent."""

    root: int  # the exchange that it follows from
    reason: str
    after: str  # the reason of what in turn needs this one


class Sources:
    """Fed with every exchange of a replay in turn; says which later ones need what was not made."""

    def __init__(self, bindings: Bindings, limit: int = LIMIT, supplied: Container[str] = ()) -> None:
        # ``supplied``: places of requests where somebody else puts a value ([replay.auth])
        self._bindings = bindings
        self._supplied = supplied
        self._limit = limit
        self._gone: OrderedDict[Key, Gone] = OrderedDict()
        self._unsent = False  # some of it is of exchanges that were not sent
        self._said = Seen()  # by either side of the recording
        self._heard: set[Heard] = set()  # bodies whose words are there: services answer the same again and again
        self._generation = 0  # of what was said, when these were heard

    def vanished(self, recorded: Exchange) -> Withheld | None:
        """Why ``recorded`` cannot be sent: it needs a value that its source did not make. None: it can."""
        chains = self._bindings.chains
        if not self._gone or chains.forbids(recorded.request):
            return None
        for key in chains.brought(recorded.request, plain_body(recorded.request)) if chains else ():
            gone = self._gone.get(key)
            if gone is not None and not chains.knows(key):
                return Withheld(gone.root, gone.reason, gone.after)
        at = recorded.timing.started
        for mention in (*asked(recorded.request, at), *asked_in_headers(recorded.request, at)):
            gone = self._gone.get(mention.key)
            if gone is None or mention.place in self._supplied:
                continue
            if _decides(mention, gone) and not self._known(mention.key):
                return Withheld(gone.root, gone.reason, gone.after)
        return self._shows_unsent(recorded) if recorded.request.method in SAFE else None

    def _shows_unsent(self, recorded: Exchange) -> Withheld | None:
        """A read whose answer showed what nobody asked the new build to make: what is missing there is no drift."""
        if not self._unsent or recorded.response is None or recorded.response.status >= 400:
            return None
        for mention in shown(recorded):
            gone = self._gone.get(mention.key)
            if gone is not None and gone.unsent and mention.key[1] != VALIDATOR and not self._known(mention.key):
                return Withheld(gone.root, gone.reason.replace("needs", "its answer showed", 1), gone.after)
        return None

    def answered(self, recorded: Exchange, live: Response | None, failure: Failure | None = None) -> None:
        """What came for ``recorded`` in this replay. Call it after :func:`replayer.chaining.absorb`."""
        if self._gone and live is not None:
            for mention in shown(_answer(recorded, live)):
                self._gone.pop(mention.key, None)  # made after all, by another
        if recorded.response is not None and recorded.response.status < 400:
            why = _why(recorded, live, failure)
            if why is not None or not _alike(recorded.response, live):
                self._look(recorded, live, why)
        self._hear(recorded)

    def withheld(self, recorded: Exchange, because: Withheld) -> None:
        """``recorded`` was not sent: what it made when it was recorded is not there either."""
        if recorded.response is not None and recorded.response.status < 400:
            lost = self._bindings.chains.lost(recorded.request, recorded.response, None)
            for key in (*(key for key, _ in self._made(recorded)), *lost):
                self._forget(key, Gone(because.root, because.after, because.after, failed=True, unsent=True))
                self._unsent = True
        self._hear(recorded)

    def _look(self, recorded: Exchange, live: Response | None, why: str | None) -> None:
        made = [(key, name) for key, name in self._made(recorded) if not self._known(key)]
        chains = self._bindings.chains
        if chains and recorded.response is not None:
            lost = chains.lost(recorded.request, recorded.response, live)
            made += [(key, f"value of {key[1]}") for key in lost if not chains.knows(key)]
        if not made:
            return
        there = frozenset(mention.key for mention in shown(_answer(recorded, live)))
        title = _title(recorded)
        for key, name in made:
            if key in there:
                continue
            what = f"did not make: it {why}" if why else "no longer shows"
            after = f"needs what follows from {title}: it {why or 'no longer shows all that it made'}"
            reason = f"needs {_called(name)} that {title} {what}"
            self._forget(key, Gone(recorded.id, reason, after, failed=why is not None))

    def _made(self, recorded: Exchange) -> Iterator[tuple[Key, str]]:
        """What the recorded answer certainly made: new there, and not out of a list."""
        response = recorded.response
        if recorded.request.method in SAFE:
            wanted = {"cookie"}  # a page that is read may begin a session; all else it shows was there before
            if response is None or header(response.headers, "set-cookie") is None:
                return
        else:
            wanted = {"cookie", "header", "json", "text"}
        brought = _keys(recorded.request, recorded.timing.started)
        own = endpoint_noun(recorded.request.target)
        seen: set[Key] = set()
        for mention in shown(recorded, listed=False):
            key, kind = mention.key, mention.place.partition(" ")[0]
            if key in seen or key in brought or kind not in wanted:
                continue
            seen.add(key)
            if key[1]:  # a number: its own id, no reference to something else, and no validator
                if is_told(key[1]):
                    if key[0] in self._said:
                        continue
                elif key[1] != own or not (is_weak_id(key[0]) or is_counter(key[0]) or not key[0].isdigit()):
                    continue
            elif key[0] in self._said or _refers(mention, own):
                continue
            yield key, "the cookie " + mention.name if kind == "cookie" else mention.name

    def _known(self, key: Key) -> bool:
        if key[1]:
            return self._bindings.weak(*key) is not None or self._bindings.suggested(*key) is not None
        return self._bindings.live(key[0]) is not None

    def _forget(self, key: Key, gone: Gone) -> None:
        self._gone.setdefault(key, gone)
        if len(self._gone) > self._limit:
            self._gone.popitem(last=False)

    def _hear(self, recorded: Exchange) -> None:
        texts = [recorded.request.target]
        if self._generation != self._said.generation:
            self._generation = self._said.generation
            self._heard.clear()
        for message in (recorded.request, recorded.response):
            if message is None:
                continue
            texts += [value for _, value in message.headers]
            if message.body:
                self._hear_body(message)
        self._said.add(runs_of(b"\n".join(texts).decode("latin-1")))

    def _hear_body(self, message: Request | Response) -> None:
        key = message.body, content_codings(message.headers)
        if key in self._heard:
            return
        try:
            text = content_decoded(message.body, message.headers)[:SCANNED]
        except ValueError:
            text = message.body[:SCANNED]
        self._said.add(runs_of(text.decode("latin-1")))
        if len(message.body) <= LONGEST:
            if len(self._heard) >= HEARD:
                self._heard.clear()
            self._heard.add(key)


def _decides(mention: Mention, gone: Gone) -> bool:
    """Whether a value at this place decides what is asked, or who asks."""
    kind = mention.place.partition(" ")[0]
    if kind == "cookie":
        return gone.failed  # a cookie that is no longer set may not be needed any more
    return kind != "header" or mention.place in IDENTITY


def _refers(mention: Mention, own: str) -> bool:
    """Whether a field points at another thing: ``user_id`` in the answer of ``POST /orders``."""
    return is_idish(mention.name) and noun_of(mention.name) not in ("", own)


def _why(recorded: Exchange, live: Response | None, failure: Failure | None) -> str | None:
    """How ``recorded`` failed in this replay; None when it did not."""
    if live is None:
        return f"failed ({failure.kind.value})" if failure else "got no answer"
    then = recorded.response.status if recorded.response else 0
    if asked_again(recorded, live):
        return "asked for the password again"
    return f"answered {live.status} instead of {then}" if live.status >= 400 else None


def _alike(recorded: Response, live: Response | None) -> bool:
    return live is not None and recorded.body == live.body and recorded.headers == live.headers


def _answer(recorded: Exchange, live: Response | None) -> Exchange:
    return Exchange(recorded.id, recorded.direction, recorded.request, recorded.timing, live)


def _keys(request: Request, at: float) -> frozenset[Key]:
    return frozenset(mention.key for mention in (*asked(request, at), *asked_in_headers(request, at)))


def _title(recorded: Exchange) -> str:
    path = visible(recorded.request.target.partition(b"?")[0].decode("latin-1"))
    path = path if len(path) <= WIDTH else f"{path[: WIDTH - 1]}…"
    return f"exchange {recorded.id} ({visible(recorded.request.method)} {path})"


def _called(name: str) -> str:
    name = visible(name[:WIDTH])
    if name.startswith("the cookie "):
        return name
    return "the id" if name in ("", "id") else f"the {name}"
