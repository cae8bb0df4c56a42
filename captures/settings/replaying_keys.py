"""``[replay]`` with ``[replay.auth]``, and ``[[chain]]``: every key, as a table, in the order of the documentation."""

from __future__ import annotations

from functools import partial

from captures.settings.composed import Many, Names
from captures.settings.kinds import Anything, Choice, Flag, Number, Text
from captures.settings.measures import Duration
from captures.settings.tables import Key, Table, Tables

_secret = partial(Key, secret=True)
_HEADERS = Names(Text("a string"))
_COOKIE = Text('text: "name=value; name=value"')
_BASIC = Text('text: "user:password"')

LOGIN = Table(
    (
        Key("method", Text("a word", "[A-Za-z]+"), "of the request", default="POST"),
        Key("path", Text("a path of the service", r"/[^\s]*"), "of the request", '"/login"', needed=True),
        _secret("headers", _HEADERS, "of the request", '{ X-Client = "ci" }', otherwise="none"),
        _secret("json", Anything(), "its body; or form = { … }", '{ user = "ci", password = "${CI_PASSWORD}" }',
                otherwise="no body"),
        _secret("form", _HEADERS, "its body as a form", '{ user = "ci" }', otherwise="no body"),
        Key("token", Text("a JSON path", least=1), "where the answer has the token", '"$.access_token"',
            otherwise="only cookies are taken"),
        Key("header", Text("a header with {token} in it", r"[^:\r\n]*[^:\s][^:\r\n]*:[^\r\n]*\{token\}[^\r\n]*"),
            "that later requests carry", default="Authorization: Bearer {token}"),
        Key("cookies", Flag(), "its cookies go into later requests, too", default=True),
    ),
    "replay.auth.login",
    "Sent first; its token and its cookies go into later requests",
)  # fmt: skip

AS = Table(
    (
        Key("recorded", Text('a recorded header and a glob over its value, for example "x-user: ann*"', least=1),
            "whose requests these are: a header and what it held", '"x-user: ann*"', needed=True),
        _secret("headers", _HEADERS, "put in place of theirs", '{ Authorization = "Bearer ${ANN_TOKEN}" }',
                otherwise="none"),
        _secret("cookie", _COOKIE, "put in place of theirs", '"sid=${ANN_SESSION}"', otherwise="none"),
        _secret("basic", _BASIC, "put in place of theirs", '"ann:${ANN_PASSWORD}"', otherwise="none"),
        Key("login", LOGIN, "a log-in of their own", '{ path = "/login", token = "$.access_token" }',
            otherwise="none", secret=True),
    ),
    "replay.auth.as",
    "Requests that were recorded as somebody else, by a recorded header",
)  # fmt: skip

AUTH = Table(
    (
        _secret("headers", _HEADERS, "put where a request was recorded with such a credential",
                '{ Authorization = "Bearer ${API_TOKEN}" }', otherwise="none"),
        _secret("cookie", _COOKIE, "likewise", '"sid=${SESSION}"', otherwise="none"),
        _secret("basic", _BASIC, "likewise", '"ci:${CI_PASSWORD}"', otherwise="none"),
        _secret("jwt_key", Text("a string"),
                "recorded JWTs (HS256, HS384, HS512) are signed again, valid now, unless redaction replaced claims",
                '"${JWT_KEY}"', otherwise="they are sent as recorded"),
        _secret("login", LOGIN, "a log-in before the replay", otherwise="none"),
        _secret("as", Tables(AS), "the same for requests of somebody else", otherwise="none"),
    ),
    "replay.auth",
    "Fresh credentials in place of recorded ones; ${…} is filled in from the environment",
)  # fmt: skip

_key = partial(Key, command="replay")

REPLAY = Table(
    (
        _key("target", Text("a URL", least=1), "where the build listens, unless CMD is started",
             '"http://127.0.0.1:8000"', otherwise="CMD", option="--target"),
        _key("headers", Many(Text('a header, for example "X-Env: test"', r"[^:\r\n]*[^:\s][^:\r\n]*:[^\r\n]*")),
             "sent in place of recorded ones", '["X-Environment: ci"]', otherwise="none", option="--header",
             secret=True),
        _key("host", Choice(("recorded", "target")), "which Host header is sent", default="recorded",
             option="--host"),
        _key("ready", Text("a path or a URL", least=1), "the build is ready when this answers below 500",
             '"/healthz"', otherwise="when it listens", option="--ready"),
        _key("ready_timeout", Duration(), "CMD may take this long to be ready", default="60s",
             option="--ready-timeout"),
        _key("timeout", Duration(least=0.01), "for each exchange", default="30s", option="--timeout"),
        _key("on_miss", Choice(("nearest", "strict")),
             '"strict": 502 also for a call to a recorded place that asks otherwise', default="nearest",
             option="--on-miss"),
        _key("exhausted", Choice(("last", "miss")), '"miss": a call made more often than recorded gets 502',
             default="last", option="--exhausted"),
        _key("fail_on", Choice(("error", "warning", "info")), "exit 1 from this level", default="warning",
             option="--fail-on"),
        _key("tier", Choice(("full", "smoke")), '"smoke": the fewest exchanges that show everything', default="full",
             option="--tier"),
        _key("concurrency", Number(least=1, whole=True), "requests under way at once", default=1,
             option="--concurrency"),
        _key("order", Choice(("recorded", "session", "independent")), "what may overtake what", default="recorded",
             option="--order"),
        _key("pacing", Text('"none", "recorded", "recorded*FACTOR" or "N/s"',
                            r"none|recorded(\*[0-9]{1,9}(\.[0-9]{1,9})?)?|[0-9]{1,9}(\.[0-9]{1,9})?/s"),
             'or "recorded", "recorded*4", "50/s"', default="none", option="--pacing"),
        _key("connections", Choice(("recorded", "pooled")), "as many as were recorded, or as are needed",
             default="recorded", option="--connections"),
        _key("http_version", Choice(("auto", "1.1", "2")), "towards the build", default="auto",
             option="--http-version"),
        _key("stub_latency", Number(least=0), "answer stubbed calls after this times the recorded time", default=0.0,
             option="--stub-latency"),
        _key("isolate", Flag(), "CMD in a network namespace of its own (Linux)", default=False, option="--isolate"),
        _key("clock", Choice(("real", "recorded")), '"recorded": CMD sees the recorded date', default="real",
             option="--clock"),
        _key("baseline_cmd", Text("a command line"), "the recorded build, replayed side by side",
             '"python old.py {port}"', otherwise="none", option="--baseline-cmd"),
        _key("baseline_target", Text("a URL", least=1), "the same, for one that runs already",
             '"http://127.0.0.1:8001"', otherwise="none", option="--baseline-target"),
        _key("auth", AUTH, "fresh credentials", otherwise="none", secret=True),
    ),
    "replay",
    "What retape replay does",
)  # fmt: skip

CHAIN = Table(
    (
        Key("name", Text("a string"), "what the value is", '"table number"', otherwise="the number of the entry"),
        Key("from", Text("a string"), "json, header, cookie or text, as in a pin's bind:",
            '"POST /tables json $.number"', otherwise="nowhere, with never"),
        Key("to", Text("a string"),
            "or: path 2, query NAME, header NAME, cookie NAME, json PATH, form NAME, text PATTERN",
            '"GET /tables/{number}"', otherwise="nowhere, with never"),
        Key("never", Flag(), "what stands there is sent as recorded (from: nothing is learnt there)", "true",
            default=False),
    ),
    "chain",
    "A flow that inference cannot see: a value that neither name nor place tells",
)  # fmt: skip
