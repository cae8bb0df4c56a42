"""Which of the many calls behind one path a request is: GraphQL by operation, JSON-RPC by method, SOAP by action.

Told from content and headers, strictly: an ordinary POST whose JSON has a ``method`` or a ``query`` is no operation.
Sources: GraphQL over HTTP (draft 2024; the query document after the spec of October 2021, 2.2-2.3), JSON-RPC 2.0
(4, 6) and 1.0, SOAP 1.1 (6.1.1) and 1.2 part 2 (6.5.3), XML-RPC, the query and JSON protocols of AWS.

Bodies may be hostile: at most :data:`HEAD` bytes are looked at, nothing recurses, nothing raises. A body whose head
does not say what it is has no operation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import parse_qsl, unquote_plus

from captures.formats.codings import content_codings, content_decoded
from captures.formats.mediatypes import is_json, media_type
from captures.model import Request, header
from captures.routes.graphql import operation_in

HEAD = 256 * 1024
"""Bytes of a body that are looked at."""

NAMED = 8
"""Different operations of a batch that are named."""

_LONGEST = 120
_BATCHED = 200  # entries of a batch that are looked at
_DECODED = 4 * 1024 * 1024  # a compressed request may come to this much before it is left alone

_JSON_HINT = re.compile(rb'"(?:jsonrpc|query|method|operationName|documentId|doc_id|persistedQuery)"')
_QUERY_HINT = re.compile(rb"[?&](?:query|operationName|documentId|extensions|[Aa]ction)=")
_FORM_HINT = re.compile(rb"(?:^|&)(?:query|operationName|documentId|extensions|[Aa]ction)=")
_SCRIPT = re.compile(r"\.(?:php|cgi|pl|asp|aspx|ashx|jsp|do)\Z", re.IGNORECASE)
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,80}")

_GRAPHQL_KEYS = frozenset("query operationName variables extensions id documentId doc_id onError".split())


def operation_of(request: Request) -> str | None:
    """``query GetOrder``, ``eth_call``, ``[eth_call, eth_chainId]``, ``GetOrder`` (SOAP), or None.

    Cheap for what cannot be one: a look at method, media type and a few bytes. Never raises.
    """
    if _QUERY_HINT.search(request.target):
        found = _in_fields(request.target.partition(b"?")[2], request.target)
        if found:
            return _shown(found)
    if request.method.upper() in ("GET", "HEAD", "OPTIONS", "DELETE"):
        return None
    kind = media_type(request.headers)
    amazon = header(request.headers, "x-amz-target") if kind.startswith("application/x-amz-json") else None
    if amazon:
        return _shown(amazon.decode("latin-1"))
    if not request.body:
        return None
    found = None
    if is_json(kind):
        head = _head(request)
        found = _in_json(_text(head)) if _JSON_HINT.search(head) else None
    elif kind == "application/graphql":
        found = operation_in(_text(_head(request)), "")
    elif kind == "application/x-www-form-urlencoded":
        head = _head(request)
        found = _in_fields(head, request.target) if _FORM_HINT.search(head) else None
    elif kind == "multipart/form-data":
        found = _in_multipart(_head(request))
    elif kind in ("text/xml", "application/xml", "application/soap+xml", "multipart/related"):
        found = _in_xml(request, kind)
    return _shown(found) if found else None


def _head(request: Request) -> bytes:
    if not content_codings(request.headers):
        return request.body[:HEAD]
    try:
        return content_decoded(request.body, request.headers, _DECODED)[:HEAD]
    except ValueError:
        return b""  # damaged, or a bomb


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    return head.decode("utf-8-sig", "replace")


def _shown(name: str) -> str | None:
    """Fit for one line, a selection and a file of rules; None when nothing is left."""
    printable = (character if character.isprintable() else " " for character in name[:1_000])
    name = " ".join("".join(printable).split())
    return (name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…") or None


# -- JSON -------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?P<closed>"?)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


@dataclass(slots=True)
class _Object:
    """One JSON object. ``members``: of a string the decoded text behind a ``"``, of others the first sign or word."""

    members: dict[str, str] = field(default_factory=dict)
    extensions: list[str] = field(default_factory=list)  # names and strings in its member of that name


def _in_json(text: str) -> str | None:
    objects, batch = _objects(text)
    if not objects:
        return None
    found = [_of_object(one) for one in objects]
    if not batch:
        return found[0]
    return None if None in found else _joined(name for name in found if name is not None)


def _joined(names: Iterable[str]) -> str:
    """A batch: sorted and each once, so that a longer batch of the same calls is the same endpoint."""
    different = sorted(set(names))
    return f"[{', '.join(different[:NAMED])}{', …' if len(different) > NAMED else ''}]"


def _of_object(one: _Object) -> str | None:
    method = one.members.get("method", "")
    if method.startswith('"') and _is_rpc(one.members):
        return method[1:] or None
    return _graphql(one)


def _is_rpc(members: Mapping[str, str]) -> bool:
    if members.get("jsonrpc") in ('"2.0', '"1.0', '"1.1'):
        return True
    # JSON-RPC 1.0 has no marker: exactly these three, the parameters in an array.
    return set(members) == {"method", "params", "id"} and members["params"] == "["


def _graphql(one: _Object) -> str | None:
    members = one.members
    name = members.get("operationName", "")
    name = name[1:] if name.startswith('"') else ""
    query = members.get("query", "")
    if query.startswith('"') and len(query) > 1:
        return operation_in(query[1:], name)
    if not members.keys() <= _GRAPHQL_KEYS:
        return None
    hashes = [two for key, two in pairwise(one.extensions) if key == "sha256Hash"]
    if "persistedQuery" in one.extensions or (name and "variables" in members):
        return _persisted(name, hashes[0] if hashes else "")
    for key in ("documentId", "doc_id"):
        if members.get(key, "").startswith('"'):
            return _persisted(name, members[key][1:])
    return None


def _persisted(name: str, document: str) -> str | None:
    """By name, else by the beginning of the hash; nothing says whether it is a query or a mutation."""
    if name:
        return f"operation {name}"
    document = document.removeprefix("sha256:")
    return f"persisted {document[:12]}" if document else None


def _objects(text: str) -> tuple[list[_Object], bool]:
    """The top-level object, or those of a top-level array (True); none for anything else. Linear, no recursion.

    Stops at the end of ``text`` wherever that is: the head of a long document is enough.
    """
    objects: list[_Object] = []
    depth = level = 0  # of the token; of the members asked for
    key = ""
    awaited = False  # a value of ``key``
    for token in _TOKEN.finditer(text):
        piece = token[0]
        opens = piece in ("{", "[")
        if depth == 0 and (level or not opens):
            return objects, level == 2  # something behind the end, or no object at all
        if opens:
            if depth == 0:
                level = 1 if piece == "{" else 2
            if depth == level - 1 and piece == "{":
                if len(objects) >= _BATCHED:
                    return objects, True
                objects.append(_Object())
                key, awaited = "", False
            elif depth == level - 1 and depth:
                return [], True  # a batch holds nothing but objects
            elif depth == level and awaited:
                objects[-1].members[key] = piece
                awaited = False
            depth += 1
        elif piece in ("}", "]"):
            depth -= 1
        elif depth == level:
            if piece == ":":
                awaited = True
            elif piece == ",":
                key, awaited = "", False
            elif awaited:
                objects[-1].members[key] = '"' + _string(piece) if piece[0] == '"' else piece[:20]
                awaited = False
            elif piece[0] == '"':
                key = _string(piece)
        elif depth < level:
            if piece != ",":
                return [], True
        elif key == "extensions" and piece[0] == '"' and len(objects[-1].extensions) < 50:
            objects[-1].extensions.append(_string(piece))
    if depth and level == 2 and len(objects) > 1:
        objects.pop()  # cut off by the end of the head
    return objects, level == 2


def _string(token: str) -> str:
    if token[-1] != '"' or len(token) == 1:
        token += '"'  # cut off by the end of the head
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token[1:-1]


# -- forms, queries, multipart ----------------------------------------------------------------------------------------


def _in_fields(encoded: bytes, target: bytes) -> str | None:
    """GraphQL's ``?query=``; ``Action=…&Version=2012-10-17`` of AWS; ``action=`` of a script (``/ajax.php``)."""
    try:
        fields = dict(parse_qsl(encoded[:HEAD].decode("latin-1"), keep_blank_values=True, max_num_fields=500))
    except ValueError:
        return None
    fields = {name: _utf8(value) for name, value in fields.items()}
    if fields.get("query") or "documentId" in fields or "operationName" in fields or "extensions" in fields:
        one = _Object({name: '"' + value for name, value in fields.items() if name in _GRAPHQL_KEYS})
        inner, _ = _objects('{"extensions":' + fields.get("extensions", "")[:10_000])
        if inner:
            one.extensions = inner[0].extensions
        found = _graphql(one)
        if found:
            return found
    action = fields.get("Action", "")
    if _WORD.fullmatch(action) and _VERSION.fullmatch(fields.get("Version", "")):
        return action
    action = action or fields.get("action", "")
    if _WORD.fullmatch(action) and _SCRIPT.search(unquote_plus(target.split(b"?", 1)[0].decode("latin-1"))):
        return action
    return None


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8", "replace")


def _in_multipart(head: bytes) -> str | None:
    """The part ``operations`` of a GraphQL upload (graphql-multipart-request-spec), which is to be the first."""
    named = head.find(b'name="operations"', 0, 4_000)
    start = head.find(b"\r\n\r\n", named, named + 2_000) if named >= 0 else -1
    return _in_json(_text(head[start:])) if start >= 0 else None


# -- XML --------------------------------------------------------------------------------------------------------------

_ACTION = re.compile(rb';\s*action\s*=\s*"?([^";]+)', re.IGNORECASE)
_SOAP = re.compile(r"http://(?:schemas\.xmlsoap\.org/soap/|www\.w3\.org/2003/05/soap-)envelope/?[\"']")
_ROOT = re.compile(r"<([A-Za-z_][\w.-]*:)?(Envelope|methodCall)[\s>]")
_BODY = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?Body(?:\s[^<>]*+)?>\s*+<(?:[A-Za-z_][\w.-]*:)?(?P<name>[A-Za-z_][\w.-]*)")
_METHOD_NAME = re.compile(r"<methodCall\b[^<>]*+>\s*+<methodName>\s*+(?P<name>[^<\s]++)\s*+</methodName>")


def _in_xml(request: Request, kind: str) -> str | None:
    action = header(request.headers, "soapaction")
    if kind in ("application/soap+xml", "multipart/related") and not action:
        match = _ACTION.search(header(request.headers, "content-type") or b"")
        action = match[1] if match else action
    if action is not None and (name := _action_name(action.decode("latin-1"))):
        return name
    text = _without_comments(_text(_head(request)[: HEAD // 4]))
    root = _ROOT.search(text)
    if root is None:
        return None
    if root[2] == "methodCall":
        match_name = _METHOD_NAME.match(text, root.start())
        return match_name["name"] if match_name else None
    if not _SOAP.search(text, root.start()):
        return None
    body = _BODY.search(text, root.start())
    return body["name"] if body else None


def _without_comments(text: str) -> str:
    kept: list[str] = []
    start = 0
    while (at := text.find("<!--", start)) >= 0:
        kept.append(text[start:at])
        end = text.find("-->", at + 4)
        if end < 0:
            return "".join(kept)
        start = end + 3
    return "".join((*kept, text[start:]))


def _action_name(action: str) -> str:
    """``GetOrder`` of ``"http://shop.example/orders/GetOrder"``; "" when the value is empty."""
    action = action.strip().strip('"').strip()
    last = re.split(r"[/#:]", action.rstrip("/#:"))[-1]
    return last if re.match(r"[A-Za-z_]", last) else action
