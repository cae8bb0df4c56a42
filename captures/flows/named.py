"""Values that a page hands out under a name: form fields, ``<meta>`` elements, assignments in its scripts. Pure."""

from __future__ import annotations

import re

from captures.telling import CSRF, TOKEN, told_by

_TAG = re.compile(r"<(?:input|meta)\b[^<>]{0,2000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([A-Za-z][\w:-]{0,63})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_ASSIGNED = re.compile(
    r"""(?<![\w.-])(?:[\w-]{1,64}\.){0,4}([A-Za-z_][\w-]{1,63})["']?\s{0,4}[:=]\s{0,4}["']([^"'<>\s]{4,4096})["']"""
)
_TELLING = re.compile(r"csrf|xsrf|token|nonce|jwt|sid|api_?key|bearer", re.IGNORECASE)
SCRIPTS = 262_144
"""Characters of a page or script looked through for what it assigns: a bundle holds no token."""


def named_values(text: str) -> dict[str, str]:
    """Each value by its element and name (``input csrf_token``, ``script csrfToken``); of a name the first.

    Of scripts only what is called a token: a page's other assignments are its own.
    """
    found: dict[str, str] = {}
    for tag in _TAG.findall(text) if "<" in text else ():
        said = {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(tag)}
        name, value = said.get("name") or said.get("id"), said.get("value") or said.get("content")
        if name and value:
            found.setdefault(f"{tag[1:6].lower().split()[0]} {name}", value)
    for match in _ASSIGNED.finditer(text, 0, SCRIPTS) if _TELLING.search(text, 0, SCRIPTS) else ():
        if told_by(match[1]) in (CSRF, TOKEN):
            found.setdefault(f"script {match[1]}", match[2])
    return found
