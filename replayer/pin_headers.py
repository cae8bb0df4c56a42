"""Which headers of a message say something about the exchange, and which only about the connection or the library."""

from __future__ import annotations

import re

from captures.formats.decoding import content_decoded
from captures.model import Response, header

HOP_BY_HOP = frozenset(
    "connection content-length expect keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer "
    "transfer-encoding upgrade via forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip".split()
)
TRACING = frozenset(
    "traceparent tracestate b3 x-b3-traceid x-b3-spanid x-b3-parentspanid x-b3-sampled uber-trace-id baggage "
    "x-datadog-trace-id x-datadog-parent-id x-amzn-trace-id x-cloud-trace-context".split()
)
CREDENTIALS = frozenset("authorization cookie x-api-key api-key x-auth-token x-csrf-token x-xsrf-token".split())
NOT_COMPARED = frozenset(
    "date server age x-request-id x-correlation-id request-id x-runtime x-response-time x-process-time server-timing "
    "x-served-by x-amzn-requestid cf-ray report-to nel alt-svc".split()
)
REQUEST_IDS = frozenset("x-request-id x-correlation-id request-id correlation-id x-amzn-requestid".split())
LIBRARY = re.compile(
    r"(?i)(python-|curl/|wget/|go-http-client|node|undici|axios|got |okhttp|java|apache-httpclient|aiohttp|postman|"
    r"ruby|faraday|guzzle|dart|reqwest|libwww|httpie)"
)
"""User agents that say which library sent it, not which client: nothing answers differently to them."""
OF_EVERY_CLIENT = frozenset("user-agent accept accept-encoding accept-language host".split())


def of_a_library(name: str, value: str, response: Response | None) -> bool:
    """Whether a header is one that HTTP libraries add by themselves and that changed nothing here."""
    if name == "user-agent":
        return LIBRARY.match(value) is not None
    if name == "accept-encoding":
        return response is None or header(response.headers, "content-encoding") is None
    return name == "accept" and value == "*/*"


def echoed(response: Response | None, host: bytes) -> bool:
    """Whether the answer repeats a header's value: the Host in absolute links, a user agent told back."""
    if response is None:
        return False
    try:
        body = content_decoded(response.body, response.headers)
    except ValueError:
        body = b""
    return host in body or any(host in value for _, value in response.headers)
