"""What kind of structure a decoded body is, by its type, its media type and, where that says little, its beginning."""

from __future__ import annotations

from captures.formats.decoding import BinaryBody, Decoded, EmptyBody, FormBody, JsonBody, MultipartBody, TextBody

_MESSAGEPACK = ("application/msgpack", "application/x-msgpack", "application/vnd.msgpack")
_PROTOBUF = (
    "application/protobuf",
    "application/x-protobuf",
    "application/vnd.google.protobuf",
    "application/x-google-protobuf",
)
_JSON_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_TABLES = ("text/csv", "application/csv", "text/tab-separated-values")
_HTML = ("text/html", "application/xhtml+xml")


def name_of(body: Decoded) -> str:
    """What kind of body it is, for people."""
    kind = kind_of(body)
    if kind and not isinstance(body, JsonBody | FormBody | MultipartBody):
        return kind
    names = {JsonBody: "JSON", FormBody: "a form", EmptyBody: "nothing", TextBody: "text", BinaryBody: "bytes"}
    return names.get(type(body), type(body).__name__.removesuffix("Body").lower())


def kind_of(body: Decoded) -> str:
    """The kind of value that ``body`` may be read as; "" where it has no members (plain text, bytes, nothing)."""
    match body:
        case JsonBody():
            return "JSON"
        case FormBody():
            return "form"
        case MultipartBody():
            return "multipart"
        case TextBody(text=text, media_type=kind):
            return _text_kind(text, kind)
        case BinaryBody(media_type=kind):
            if kind.startswith("application/grpc"):
                return "gRPC"
            if kind in _PROTOBUF or kind.endswith("+protobuf"):
                return "protobuf"
            if kind in _MESSAGEPACK or kind.endswith("+msgpack"):
                return "MessagePack"
            return "image" if _is_image(body) else ""
    return ""


def _text_kind(text: str, kind: str) -> str:
    if kind == "text/event-stream":
        return "events"
    if kind in _JSON_LINES or "json" in kind:
        return "JSON lines"
    if kind in _HTML:
        return "HTML"
    if kind in ("application/xml", "text/xml") or kind.endswith("+xml"):
        return "XML"
    if kind in _TABLES:
        return "table"
    return "JSON" if kind in ("text/plain", "") and text.lstrip()[:1] in ("{", "[") else ""


def _is_image(body: BinaryBody) -> bool:
    from captures.formats.images import image_type

    return (body.media_type.startswith("image/") or not body.media_type) and image_type(body.data) is not None
