"""``[record]``, ``[dependencies]`` and ``[redact]``: every key, as a table, in the order of the documentation."""

from __future__ import annotations

from functools import partial

from captures.settings.composed import Either, Many, Names
from captures.settings.kinds import Choice, Flag, Number, Text
from captures.settings.measures import SIZE, TIME, Duration, Size
from captures.settings.tables import Key, Table

_key = partial(Key, command="record")
_PORT = r"(.+:)?[0-9]{1,5}"
_LISTEN = Text('[HOST:]PORT, for example "8081"', _PORT)
_PORT_NUMBER = Number(least=0, most=65_535, whole=True)
_BOUND = rf"({SIZE}|{TIME})"
_KEPT = rf"({SIZE}|{TIME}|\s*[1-9][0-9]*\s*)"
_ROTATE = Text('a size, a time or both, for example "1GB|6h"', rf"{_BOUND}([|,]{_BOUND})*")
_KEEP = Text('a number of files, a time or a size, for example "20GB"', rf"{_KEPT}([|,]{_KEPT})*")
_LISTENS = Text('[HOST:]PORT=TARGET, for example "8080=http://127.0.0.1:8000"', rf"{_PORT}(=.+)?")
_FILTER = Text("a filter expression", least=1)

RECORD = Table(
    (
        _key("inbound", Many(Either((_LISTENS, _PORT_NUMBER)), alone=True),
             "where clients come in, and where that leads", '["8080=http://127.0.0.1:8000"]',
             otherwise="no such listener", option="--inbound"),
        _key("outbound", Either((_LISTEN, _PORT_NUMBER, Many(_LISTEN, least=1, most=1))),
             "the forward proxy for the service's own calls", '"8081"', otherwise="none; with CMD a free port",
             option="--outbound"),
        _key("label", Text(), "a name for the recorded build", '"staging"', otherwise="none", option="--label"),
        _key("upstream_ca", Text("the path of a PEM file", least=1),
             "roots the recorder accepts dependencies' certificates by", '"company-ca.pem"',
             otherwise="the public ones", option="--upstream-ca", path=True),
        _key("insecure_upstream", Flag(), "accept any certificate of a dependency", default=False,
             option="--insecure-upstream"),
        _key("max_body", Size(), "of one body that is kept, also on replay; longer ones are marked", default="64MiB",
             option="--max-body"),
        _key("max_messages", Number(least=0, whole=True),
             "of one WebSocket or stream that are kept one by one; more are counted", default=100_000),
        _key("metrics", Either((_LISTEN, _PORT_NUMBER)),
             '/metrics and /healthz on this port, loopback unless "HOST:PORT"', '"9180"', otherwise="off",
             option="--metrics"),
        _key("max_queue", Size(least=1_000_000), "of exchanges that wait to be written", default="256MiB"),
        _key("rotate", _ROTATE, "go on in a new file at this size or age", '"1GB|6h"', otherwise="never",
             option="--rotate"),
        _key("keep", Either((_KEEP, Number(least=1, whole=True))),
             'of the files of a recording that rotates; or "10" (files), "7d"', '"20GB"', otherwise="all",
             option="--keep"),
        _key("on_overload", Choice(("drop", "block")),
             'what does not fit there is dropped and counted; or "block": new requests wait', default="drop",
             option="--on-overload"),
        _key("workers", Number(least=1, most=64, whole=True), "proxy processes that share the listeners", default=1,
             option="--workers"),
        _key("drain", Duration(), "open requests get this long when recording stops", default="5s"),
        _key("ready_timeout", Duration(above=True), "CMD may take this long to listen", default="60s",
             option="--ready-timeout"),
        _key("only", _FILTER, "requests that are recorded, with their calls; exclude leaves out", '"~u /api/"',
             otherwise="all", option="--only"),
        _key("exclude", _FILTER, "requests that are left out, with the calls they cause",
             '"~u /healthz | ~t ^image/"', otherwise="none", option="--exclude"),
        _key("only_calls", _FILTER, "of the service's own calls", '"!~d telemetry"', otherwise="all",
             option="--only-calls"),
        _key("exclude_calls", _FILTER, "of the service's own calls", '"~u /v1/traces"', otherwise="none",
             option="--exclude-calls"),
        _key("sample", Either((Text('a share such as "10%"', r"[0-9]+(\.[0-9]+)?(%|/[0-9]+)?"),
                               Number(least=0, most=1, above=True))),
             'of the sessions of clients; or "1/10"', '"10%"', otherwise="all of them", option="--sample"),
        _key("inject_trace", Flag(), "give a request without a trace a traceparent", default=False,
             option="--inject-trace"),
    ),
    "record",
    "What retape record does",
)  # fmt: skip

_URL = Text('a URL, for example "https://api.test"', least=1)
DEPENDENCY = Table(
    (
        Key("url", _URL, "where it is", '"http://search.internal:9200"', needed=True),
        Key("env", Text(), "the variable that hands over a listener of its own, on replay too", '"SEARCH_URL"',
            otherwise="no listener of its own"),
    ),
    meaning="A dependency with a listener of its own",
)  # fmt: skip
DEPENDENCIES = Names(Either((_URL, DEPENDENCY), says='a URL, or { url = "…", env = "VARIABLE" }'))

DETECTORS = (
    "jwt", "bearer", "basic", "url-password", "token", "private-key", "card", "iban", "email", "phone", "entropy",
)  # fmt: skip
"""What is found by its form, and at last by its randomness under a suspicious name."""

REDACT = Table(
    (
        Key("headers", Many(), "names of headers", '["x-partner-id"]', otherwise="those known as secret"),
        Key("query", Many(), "names of query and form fields", '["sig"]', otherwise="those known as secret"),
        Key("json", Many(), "places in JSON bodies", '["$.card.number", "$..iban"]',
            otherwise="those known as secret"),
        Key("paths", Many(), 'segments of paths; "*" stands for any other', '["/invites/{token}"]', otherwise="none"),
        Key("patterns", Many(), "regular expressions for what is secret anywhere: their group 1, or all of it",
            "['ACME-[0-9]{8}']", otherwise="none"),
        Key("detectors", Many(Choice(DETECTORS)),
            "what is known by its form; [] switches all of them off", default=list(DETECTORS)),
        Key("keep", Many(), 'a test account\'s: a replay cannot log in with a pseudonym ("email": nor look one up)',
            '["password"]', otherwise="nothing"),
        Key("key", Text("a text of 16 characters or more", least=16), "better: the variable RETAPE_REDACT_KEY",
            '"at least sixteen characters"', otherwise="one is made in .retape/", variable="RETAPE_REDACT_KEY",
            secret=True),
    ),
    "redact",
    "Secrets, added to what is always replaced",
)  # fmt: skip
