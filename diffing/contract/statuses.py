"""Two statuses: which change of one is a refusal, an exposure, a failure (RFC 9110, 15)."""

from __future__ import annotations

from captures.model import Request, Response
from diffing.contract.rejection import fault, is_rejected
from diffing.place import Place, Verdicts

_REFUSAL = {401: "the caller is not known", 403: "the caller may not"}


def compare_statuses(place: Place, verdicts: Verdicts, request: Request, old: Response, new: Response) -> None:
    """Compare status and reason phrase of two responses; ``request`` is the recorded one."""
    if old.status == new.status:
        _reasons(place, verdicts, old, new)
        return
    rule = next(iter(place.rules.for_part("response.status")), None)
    evidence = ""
    if rule is not None:
        complaint = rule.matcher.complaint(old.status, new.status)
        if complaint is None:
            where = "response.status"
            verdicts.accept(place, where, where, (rule.id,), old.status, new.status)
            return
        evidence = f"{complaint} ({rule.id})"
    class_id, why = _class(request, old, new)
    where = "response.status"
    verdicts.find(place, class_id, where, where, old.status, new.status, evidence or why)


def _reasons(place: Place, verdicts: Verdicts, old: Response, new: Response) -> None:
    if old.reason == new.reason or not old.reason or not new.reason or old.http_version != new.http_version:
        return
    one, other = old.reason.decode("latin-1"), new.reason.decode("latin-1")
    rule = next(iter(place.rules.for_part("response.reason")), None)
    broken = rule.broken(one, other) if rule is not None else ""
    if rule is not None and not broken:
        verdicts.accept(place, "response.reason", "response.reason", (rule.id,), one, other)
    else:
        verdicts.find(place, "response.reason", "response.reason", "response.reason", one, other, broken)


def _class(request: Request, old: Response, new: Response) -> tuple[str, str]:
    if old.status // 100 == new.status // 100:
        return "response.status.code", ""
    if old.status // 100 == 4 and new.status // 100 == 2:
        return "response.status.error-to-success", ""
    if is_rejected(old.status, new.status):
        return "response.request-rejected", fault(request, new)
    refused = old.status < 400 and new.status in _REFUSAL
    return "response.status.class", f"what was answered is now refused: {_REFUSAL[new.status]}" if refused else ""
