"""``[endpoints]``, ``[[rules]]`` and ``[[approvals]]``: every key, as a table, in the order of the documentation."""

from __future__ import annotations

from captures.settings.composed import Either, Many
from captures.settings.kinds import Anything, Choice, Day, Number, Text
from captures.settings.tables import Key, Table

ENDPOINTS = Table(
    (Key("templates", Many(), "path templates, where inference cannot know", '["GET /products/{slug}"]',
         otherwise="inferred"),),
    "endpoints",
    "What an endpoint is",
)  # fmt: skip

WORDS = (
    "uuid", "ulid", "timestamp", "date", "integer", "number", "string", "boolean", "id", "opaque", "digest", "jwt",
    "url", "equal", "type", "same-shape", "any", "optional", "unordered", "one-of",
    "any-of",
)  # fmt: skip
"""What may stand after ``expect``, beside ``regex:PATTERN``; ``diffing.rulebook.matchers`` says what each means."""

_NUMBER = Number()
_COUNT = Number(least=0, whole=True)
_TOLERANCE = Either(
    (
        Number(least=0),
        Text('a percentage such as "1%"', r"\s*([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\s*%?\s*"),
    )
)
_PATH = Text("a JSON path", least=1)

RULES = Table(
    (
        Key("id", Text("a string"), "how reports call it", '"total-rounding"', otherwise="the number of the entry"),
        Key("endpoint", Text("a string"), "a glob over method and path template", '"GET /orders/*"',
            otherwise="every endpoint"),
        Key("location", Text("a string", least=1), "the place in a message", '"response.body $.items[*].price"',
            needed=True),
        Key("expect", Choice(WORDS, "regex:"), "what must hold there", '"number"',
            otherwise="by what stands beside it"),
        Key("values", Many(Anything(), least=1), "with one-of", '["queued", "running", "done"]'),
        Key("types", Many(Text("a string"), least=1), "with any-of: null, array, object or words of expect",
            '["null", "uuid"]'),
        Key("tolerance", _TOLERANCE, 'how far from the recorded number; or "1%"', "0.01"),
        Key("min", _NUMBER, "of a number", "0"),
        Key("max", _NUMBER, "of a number", "5000"),
        Key("prefix", Text("a string with something in it", least=1), "of a text", '"ORD-"'),
        Key("length", Either((_COUNT, Many(_COUNT, least=2, most=2)), says="a count or a range such as [20, 40]"),
            "of a text or an array; or [10, 14]", "12"),
        Key("format", Text("a string", least=1), "of a timestamp, UUID or digest", '"rfc3339 s Z"'),
        Key("after", _PATH, "another place of the same body", '"$.created_at"'),
        Key("before", _PATH, "another place of the same body", '"$.delivery.to"'),
        Key("within", Number(least=0), "by how much at most: seconds, or units of numbers", "86400"),
        Key("reason", Text("a string"), "why it may differ", '"the tax service rounds"'),
        Key("author", Text("a string"), "who says so", '"dana"'),
        Key("evidence", Text("a string"), "what was seen; written by tools",
            '"12 of 40 replays differed, at most by 0.01"'),
        Key("created", Day(), "when it was written", "2026-11-21"),
        Key("expires", Day(), "the last day that it applies", "2027-01-01", otherwise="it applies for good"),
    ),
    "rules",
    "What must hold at a place instead of equality",
)  # fmt: skip

_FINGERPRINT = Text("the 12 hex digits that a report shows", "[0-9a-f]{12}")

APPROVALS = Table(
    (
        Key("fingerprint", _FINGERPRINT, "of a drift group",
            '"a3f8c21b9d04"', needed=True),
        Key("places", Many(_FINGERPRINT), "of what else it covers", '["71be02c9aa10"]', otherwise="nothing else"),
        Key("decision", Choice(("accepted", "rejected")), "this is the new truth, or it goes on failing",
            '"accepted"', needed=True),
        Key("change", Text("a string"), "what changed, in one line for whoever reads the file",
            '"GET /orders/{id} response.body $.price: number -> string"'),
        Key("reason", Text("a string"), "why", '"ORD-1182: money as decimal string"'),
        Key("author", Text("a string"), "who decided", '"dana"'),
        Key("created", Day(), "when", "2026-11-30"),
        Key("until", Either((Day(), Choice(("re-recorded",)))), 'a date, or "re-recorded"', "2026-12-31",
            otherwise="for good"),
        Key("recording", Text("a string"), 'which recording it is about, with until = "re-recorded"', '"…"'),
    ),
    "approvals",
    "What was decided about drift: written by retape accept and retape reject",
)  # fmt: skip
