"""The closed list of classes of drift: ``retape rules classes`` prints it, reports and other people's CI rely on it.

A class is ``<side>.<part>.<change>``. What one JSON body can do is the same for a response and for the request of an
outbound call, so those classes exist twice, with a level of their own: a dependency *acts* on what it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffing.model import Kind, Level


@dataclass(frozen=True, slots=True)
class DriftClass:
    """One kind of difference. ``meaning`` is one sentence for people; ``id`` never changes once released."""

    id: str
    kind: Kind
    level: Level
    meaning: str


_C, _B, _O, _S, _P = Kind.CONTRACT, Kind.BEHAVIOUR, Kind.OUTBOUND, Kind.SECURITY, Kind.PERFORMANCE
_E, _W, _I = Level.ERROR, Level.WARNING, Level.INFO

_BODY = (
    # change, kind in a response, level in a response, level in an outbound request, meaning
    ("field-removed", _C, _E, _E, "A field that every recorded sample has is gone."),
    ("optional-field-removed", _C, _W, _W, "A field that some recorded samples lack is gone here."),
    ("field-added", _C, _I, _W, "A field that no recorded sample has."),
    ("field-renamed", _C, _E, _E, "A field has another name and the value it had."),
    ("field-moved", _C, _E, _E, "A value stands elsewhere in the document: wrapped, unwrapped, under another parent."),
    ("null-left-out", _C, _W, _W, "A field that is null in the recording is left out, or one left out is null."),
    ("number-widened", _C, _W, _W, "A place that only ever held whole numbers holds a fraction."),
    ("number-unsafe", _C, _W, _W, "An integer beyond 2^53, where none was recorded: JavaScript readers lose digits."),
    ("enum-value-added", _C, _W, _E, "A value outside of the few that every recorded sample has there."),
    ("constant-changed", _B, _W, _E, "A value that is the same in every recorded sample is another one."),
    ("out-of-range", _B, _W, _E, "A number, a length or a form outside of what all recorded samples have."),
    ("string-form", _B, _W, _W, "The same text in another case, Unicode form or escaping, or with other blanks."),
    ("relation-broken", _B, _E, _E, "Two values no longer stand in the relation they have in every recorded sample."),
    ("order-lost", _C, _E, _E, "An array that is sorted in every recorded sample no longer is."),
    ("array-emptied", _B, _W, _E, "An array that has items in every recorded sample has none."),
    ("map-key-removed", _B, _W, _E, "An entry of a map (an object whose keys are data) is gone."),
    ("map-key-added", _B, _W, _E, "A map (an object whose keys are data) has more entries."),
    ("invalid-literal", _C, _E, _E, "NaN or Infinity stands where JSON has no such thing."),
    ("charset-changed", _C, _W, _W, "The same text in another charset, or with or without a byte order mark."),
    ("type-changed", _C, _E, _E, "The JSON type changed: a string became a number, an object an array."),
    ("became-null", _C, _E, _E, "A value that is never null in the recording is null."),
    ("null-changed", _B, _W, _W, "A value that is null in some recorded samples became null, or null became a value."),
    ("format-changed", _C, _E, _E, "A value keeps its type and changes its format: UUID to digits, Z to +00:00."),
    ("number-form", _C, _W, _W, "The same number is written differently: 1 and 1.0, 1.10 and 1.1."),
    ("value-changed", _B, _W, _E, "A value that does not vary by itself is another one."),
    ("rule-broken", _C, _E, _E, "A value does not satisfy the rule that stands for it."),
    ("array-item-removed", _B, _W, _E, "Items of an array are gone."),
    ("array-item-added", _B, _W, _E, "An array has more items."),
    ("array-order", _B, _W, _W, "The same items stand in another order."),
    ("array-multiplicity", _B, _W, _E, "The same items stand there more or less often."),
    ("text-changed", _B, _W, _E, "Lines of a text differ."),
    ("binary-changed", _B, _W, _E, "Bytes differ (by SHA-256 and size)."),
    ("part-changed", _C, _E, _E, "Parts of a multipart body are missing, new or reordered."),
    ("duplicate-keys", _C, _W, _W, "An object has a key twice; readers disagree on which one counts."),
    ("undecodable", _C, _E, _E, "The body is no longer what its Content-Type says."),
    ("emptied", _C, _E, _E, "There is no body where the recording has one."),
    ("appeared", _C, _W, _W, "There is a body where the recording has none."),
    ("kind-changed", _C, _E, _E, "Another kind of body: JSON became text, text became bytes."),
    ("changed", _B, _W, _E, "The body differs in a way that no other class describes."),
)

_OTHER = (
    DriftClass("response.failed", _C, _E, "The new build gave no complete response where the recording has one."),
    DriftClass("response.recovered", _B, _I, "The new build answers where the recording has a failure."),
    DriftClass("response.failed-differently", _B, _W, "Both failed, in different ways."),
    DriftClass("response.status.class", _C, _E, "Another status class: 2xx became 5xx."),
    DriftClass(
        "response.status.code", _C, _E, "Another status code of the same class: clients switch on the exact code."
    ),
    DriftClass("response.status.error-to-success", _S, _E, "A refusal (401, 403, 404 …) became a success."),
    DriftClass(
        "response.request-rejected", _C, _E, "A request that the recorded build accepted is refused as invalid."
    ),
    DriftClass("response.error-shape", _C, _E, "The shape of an error's body changed: fields gone, or of other types."),
    DriftClass("response.error-message", _B, _I, "A sentence for people in an error's body is worded differently."),
    DriftClass("response.redirect", _C, _W, "A redirect leads elsewhere."),
    DriftClass(
        "response.body.secret-exposed", _S, _E, "A new field or value looks like a credential or a personal secret."
    ),
    DriftClass(
        "response.body.internals-exposed", _S, _W, "A stack trace, a query or a path of the server's disk appears."
    ),
    DriftClass("response.header.cors-widened", _S, _E, "More origins than recorded may read the answer."),
    DriftClass(
        "response.header.cache-exposed", _S, _E, "What only one client or nobody might store now may be stored."
    ),
    DriftClass("response.reason", _B, _I, "Another reason phrase."),
    DriftClass("response.media-type", _C, _E, "Another media type."),
    DriftClass(
        "response.media-type-parameter", _C, _I, "Another parameter of the media type (charset, boundary aside)."
    ),
    DriftClass("response.content-encoding", _B, _I, "Another content coding of an equal body."),
    DriftClass("response.header.removed", _C, _E, "A header that every recorded sample has is gone."),
    DriftClass("response.header.optional-removed", _C, _W, "A header that some recorded samples lack is gone here."),
    DriftClass("response.header.added", _C, _I, "A header that no recorded sample has."),
    DriftClass("response.header.changed", _B, _W, "Another value of a header."),
    DriftClass("response.header.format-changed", _C, _W, "A volatile header changed its format."),
    DriftClass("response.header.validator-changed", _B, _I, "An equal body has another ETag: caches fetch it again."),
    DriftClass("response.header.validator-kept", _B, _W, "Another body, the same ETag: caches keep what is outdated."),
    DriftClass("response.header.security-lost", _S, _E, "A header that protects the client is gone."),
    DriftClass("response.header.security-changed", _S, _W, "A header that protects the client says something else."),
    DriftClass("response.cookie.removed", _C, _E, "A cookie is no longer set."),
    DriftClass("response.cookie.added", _C, _I, "A cookie that the recording does not set."),
    DriftClass(
        "response.cookie.value-changed", _B, _W, "A cookie whose value does not vary by itself has another one."
    ),
    DriftClass("response.cookie.attribute-changed", _B, _W, "Path, Domain, Max-Age or lifetime of a cookie changed."),
    DriftClass("response.cookie.security-lost", _S, _E, "A cookie lost Secure, HttpOnly or a strict SameSite."),
    DriftClass("response.trailer.removed", _C, _W, "A trailer is gone."),
    DriftClass("response.trailer.added", _C, _I, "A trailer that the recording does not have."),
    DriftClass("response.trailer.changed", _B, _W, "Another value of a trailer."),
    DriftClass("response.identity", _B, _E, "An identifier stands for another object here than elsewhere in the run."),
    DriftClass("exchange.missing", _C, _E, "A recorded exchange has no partner in the other capture."),
    DriftClass("exchange.extra", _B, _W, "The other capture has an exchange that the recording has not."),
    DriftClass("performance.slower", _P, _W, "Answers take longer than the baseline's, measured side by side."),
    DriftClass("performance.faster", _P, _I, "Answers take less time than the baseline's, measured side by side."),
    DriftClass("outbound.missing", _O, _E, "The build no longer makes a call that the recorded one made."),
    DriftClass("outbound.extra", _O, _E, "The build makes a call that the recorded one did not."),
    DriftClass("outbound.repeated", _O, _W, "The build makes a recorded call more often."),
    DriftClass(
        "outbound.n-plus-one", _O, _W, "Where one call was recorded, the build makes one for each of many things."
    ),
    DriftClass("outbound.retried", _O, _W, "The build makes a recorded call again after it failed."),
    DriftClass("outbound.fewer", _O, _W, "The build makes a recorded call less often, not never."),
    DriftClass("outbound.reordered", _O, _W, "Two calls that write, one after the other, changed places."),
    DriftClass("outbound.new-dependency", _O, _E, "The build calls a dependency that the recording never saw."),
    DriftClass("outbound.unattributed", _O, _I, "Calls that no single request caused (start-up, background) differ."),
    DriftClass("outbound.request.target", _O, _E, "A call asks for another resource."),
    DriftClass("outbound.request.query", _O, _E, "A call's query differs."),
    DriftClass("outbound.request.media-type", _O, _E, "A call's body is sent as another media type."),
    DriftClass("outbound.request.header-removed", _O, _W, "A call lacks a header that it was recorded with."),
    DriftClass("outbound.request.header-added", _O, _I, "A call has a header that it was recorded without."),
    DriftClass("outbound.request.header-changed", _O, _W, "A call's header has another value."),
    DriftClass("outbound.request.authorization-lost", _S, _E, "A call lost its credentials."),
    DriftClass("outbound.request.identity", _O, _E, "A call names another object than elsewhere in the run."),
)


def all_classes() -> tuple[DriftClass, ...]:
    """Every class, sorted by id."""
    bodies = [
        drift
        for change, kind, level, sent, meaning in _BODY
        for drift in (
            DriftClass(f"response.body.{change}", kind, level, meaning),
            DriftClass(f"outbound.request.body.{change}", _O, sent, meaning),
        )
    ]
    return tuple(sorted((*bodies, *_OTHER), key=lambda drift: drift.id))


_BY_ID = {drift.id: drift for drift in all_classes()}


def class_of(class_id: str) -> DriftClass:
    """The class named ``class_id``. Raises ``KeyError`` for an id outside the list: a defect of ours."""
    return _BY_ID[class_id]
