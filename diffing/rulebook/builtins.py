"""The rules that every comparison has, by name: each use is counted and shown, none is silent.

``builtin.*`` are about HTTP itself, with the RFC that says why; ``volatile.*`` about values made anew on every run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuiltinRule:
    """A named rule: what it accepts, and what it still asserts."""

    id: str
    accepts: str
    asserts: str


BUILTIN_RULES = (
    BuiltinRule("builtin.hop-by-hop", "headers of one connection (RFC 9110, 7.6.1) differ", "nothing: they end here"),
    BuiltinRule(
        "builtin.content-length", "Content-Length differs with the body", "that the body's difference is judged"
    ),
    BuiltinRule("builtin.http-version", "the protocol version differs", "nothing: it belongs to the connection"),
    BuiltinRule("builtin.header-form", "names' case or lines' order differ", "the same values in order per name"),
    BuiltinRule("builtin.date", "Date differs", "presence, format, and a moment of the run"),
    BuiltinRule("builtin.timing", "Age, Server-Timing and such differ", "presence, a number where it was one"),
    BuiltinRule(
        "builtin.request-id",
        "request and trace ids differ",
        "presence, format, the echo of a sent one, identity where a body has it too",
    ),
    BuiltinRule(
        "builtin.echo",
        "a header echoes what the request sent, or the answer what the replay put into it",
        "that it still does",
    ),
    BuiltinRule(
        "builtin.validator", "ETag or Last-Modified differ", "presence, form (weak or strong), a moment that has been"
    ),
    BuiltinRule(
        "builtin.rate-limit", "counters of a rate limit differ", "form, and that no count exceeds the recorded limit"
    ),
    BuiltinRule(
        "builtin.relay",
        "machines and moments of a CDN differ (Via, X-Served-By, X-Timer, Report-To)",
        "the rest of the header",
    ),
    BuiltinRule(
        "builtin.list-order", "Allow, Vary, … list the same in another order (RFC 9110, 5.6.1)", "the same members"
    ),
    BuiltinRule("builtin.csp-nonce", "nonces in Content-Security-Policy differ", "the rest of the policy"),
    BuiltinRule(
        "builtin.cookie-value",
        "a session cookie's value differs",
        "the name, a token's form, what can be read in it, and every attribute",
    ),
    BuiltinRule("builtin.cookie-lifetime", "a cookie's Expires differs", "the same distance from now"),
    BuiltinRule("builtin.boundary", "multipart boundaries differ", "the parts"),
    BuiltinRule(
        "builtin.own-host",
        "the service's own authority differs in URLs, or that of a listener it was given for a dependency",
        "the rest of the URL",
    ),
    BuiltinRule(
        "builtin.unordered-array",
        "items stand in another order where the recording itself shows the same ones in two orders",
        "the same items, each compared as ever",
    ),
    BuiltinRule("builtin.layout", "the same JSON or form is laid out differently", "the same values"),
    BuiltinRule(
        "builtin.content-coding", "the same content is compressed, escaped or encoded to other bytes", "the content"
    ),
    BuiltinRule("builtin.client-header", "an HTTP client library's own headers differ", "nothing: User-Agent and such"),
    BuiltinRule("volatile.binding", "the replay itself put the new value in the old one's place", "identity"),
    BuiltinRule("volatile.uuid", "UUIDs made anew", "version, case, form (dashes, braces, urn), identity"),
    BuiltinRule("volatile.nanoid", "nanoids made anew", "form, identity"),
    BuiltinRule("volatile.snowflake", "snowflakes made anew", "17 to 19 digits, identity"),
    BuiltinRule("volatile.global-id", "base64 of a kind of object and its id", "the kind of object, identity"),
    BuiltinRule("volatile.etag", "entity tags in bodies", "weak or strong"),
    BuiltinRule("volatile.cursor", "cursors that can be read", "what they say, member by member"),
    BuiltinRule(
        "volatile.signed-url",
        "URLs signed anew (SigV4, GCS, SAS, CloudFront, ...)",
        "the place, the set of parameters, what is permitted, how long it is good for",
    ),
    BuiltinRule("volatile.host", "addresses, pods and containers that answer", "version and reach, the workload"),
    BuiltinRule("volatile.build", "commits and build ids", "form and length"),
    BuiltinRule("volatile.temp-path", "temporary files", "directory, depth, fixed words, extension"),
    BuiltinRule("volatile.memory-address", "addresses in memory", "form, and the words around"),
    BuiltinRule("volatile.ulid", "ULIDs made anew", "form, identity"),
    BuiltinRule("volatile.ksuid", "KSUIDs made anew", "form, identity"),
    BuiltinRule("volatile.objectid", "ObjectIds made anew", "form, identity"),
    BuiltinRule("volatile.prefixed-id", "ids such as ord_8fk2b1 made anew", "prefix, length, identity"),
    BuiltinRule("volatile.reference", "references such as ORD-2026-000123 made anew", "pattern, identity"),
    BuiltinRule("volatile.code", "codes such as 7H2K9Q made anew", "length, identity"),
    BuiltinRule("volatile.hex", "hexadecimal ids made anew", "length, case, identity"),
    BuiltinRule("volatile.digits", "ids of digits made anew", "padding, identity"),
    BuiltinRule("volatile.integer-id", "integer ids made anew", "type, identity per kind of object"),
    BuiltinRule("volatile.password-hash", "salted hashes of passwords with another salt", "method, cost, length"),
    BuiltinRule("volatile.digest", "digests of volatile content", "length, case"),
    BuiltinRule(
        "volatile.token",
        "tokens and signatures made anew",
        "form; of a call's credentials also scheme, prefix, user, and that each stands wherever its recorded one stood",
    ),
    BuiltinRule("volatile.jwt", "JWTs made anew", "algorithm, type, names of the claims, lifetime, every stable claim"),
    BuiltinRule(
        "volatile.timestamp", "moments of this run", "format, precision, zone, the same relation to the run's clock"
    ),
    BuiltinRule("volatile.duration", "how long something took", "a number that is not negative"),
    BuiltinRule("volatile.metric", "counters and metrics of the process (Prometheus)", "name, labels, sign"),
    BuiltinRule("volatile.member-name", "members named by ids made anew", "their values, identity"),
    BuiltinRule("volatile.sort-key", "an array is sorted by ids made anew", "that it is sorted the same way"),
)

HOP_BY_HOP = frozenset("connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split())
TIMING = frozenset(
    "age server-timing x-runtime x-runtime-rack x-response-time x-process-time x-request-duration x-duration "
    "x-envoy-upstream-service-time x-elapsed-time".split()
)
REQUEST_ID = re.compile(
    r"(?:.*[-_])?(?:request|trace|correlation|transaction|span|operation|invocation|activity)[-_]?id|request-id|original-request"
    r"|traceparent|tracestate|b3|x-b3-.*|x-amzn-trace-id|x-amz-id-2|cf-ray|x-cloud-trace-context|x-datadog-.*"
    r"|uber-trace-id|x-trace"
)
RATE_LIMIT = re.compile(r"(?:.*-)?rate-?limit-(?:.*-)?(?P<what>remaining|reset|used)(?:-.*)?")
LISTS = frozenset(
    "allow vary access-control-allow-methods access-control-allow-headers access-control-expose-headers "
    "accept-ranges".split()
)
SECURITY = frozenset(
    "strict-transport-security content-security-policy x-content-type-options x-frame-options referrer-policy "
    "permissions-policy cross-origin-opener-policy cross-origin-embedder-policy cross-origin-resource-policy "
    "x-xss-protection x-permitted-cross-domain-policies".split()
)
UNTOLD = (
    TIMING
    | LISTS
    | SECURITY
    | frozenset(
        "date etag last-modified content-type content-length content-encoding cache-control expires server vary via "
        "retry-after".split()
    )
)
"""Headers of a response that name no object."""
CLIENT = frozenset(
    "user-agent accept-encoding connection content-length te expect "
    "proxy-authorization proxy-connection transfer-encoding keep-alive".split()
)
"""Headers of an outbound call that the HTTP library decides, not the service."""
CREDENTIALS = frozenset("authorization x-api-key api-key x-auth-token cookie".split())
