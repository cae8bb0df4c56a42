"""Pins as pytest's items. A file is known by its first lines; what is wrong in it is said when it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from retape_pytest.companion import CompanionFailed
from retape_pytest.settings import build, companion_of, option, reproduce, updating

_REQUEST = re.compile(rb"^request:(?:\s|$)", re.MULTILINE)
_EXPECT = re.compile(rb"^expect:(?:\s|$)", re.MULTILINE)
_TAGS = re.compile(r"^tags:[ \t]*(?:\[([^\]]*)\]|((?:\r?\n[ \t]*-[ \t]+[^\r\n]+)+))", re.MULTILINE)
_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

UPDATED = "retape-updated"
"""The property of a report under which the file of an updated pin stands."""


def is_pin(start: bytes) -> bool:
    """Whether the first line that says something is ``pin: …``."""
    lines = (line.strip() for line in start.splitlines())
    said = next((line for line in lines if line and not line.startswith((b"#", b"---", b"%"))), b"")
    return said.startswith(b"pin:")


def reads_like_pin(start: bytes) -> bool:
    """Whether somebody forgot the first line."""
    return bool(_REQUEST.search(start) and _EXPECT.search(start))


class PinFailed(Exception):
    """A pin that does not hold, or could not be judged; the message is the whole report."""


class PinFile(pytest.File):
    """One pin file: one test."""

    def collect(self) -> Iterator[pytest.Item]:
        """The item; of the file only its tags are read."""
        item = PinItem.from_parent(self, name=self.path.stem)
        item.add_marker("retape")
        for tag in self._tags():
            self.config.addinivalue_line("markers", f"{tag}: a tag of pins (retape)")
            item.add_marker(tag)
        yield item

    def _tags(self) -> list[str]:
        try:
            found = _TAGS.search(self.path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError):
            return []
        return _TAG.findall(re.sub(r"#[^\r\n]*", "", found[1] or found[2])) if found else []


class PinItem(pytest.Item):
    """One pin."""

    def runtest(self) -> None:
        """Send the request, compare what comes."""
        fail_on = option(self.config, "fail-on") or "warning"
        try:
            asked = build(self.session)
            only = updating(self.config)
            do = "update" if only else "run"
            said = companion_of(self.config).ask(do, path=str(self.path), only=only, fail_on=fail_on, **asked)
        except CompanionFailed as error:
            raise PinFailed(str(error)) from None
        self.user_properties += [("retape", found) for found in said["findings"]]
        text = "\n".join(said["lines"])
        if said["failed"]:
            where = self.path
            with suppress(ValueError):  # run from another folder
                where = self.path.relative_to(Path.cwd())
            again = reproduce(self.config, str(where))
            raise PinFailed(f"{text}\npin: {said['name']} ({where})\nreproduce: {again}")
        if said.get("updated"):
            self.user_properties.append((UPDATED, str(self.path)))
        if text:
            self.add_report_section("call", "retape", text)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any, **__: Any) -> Any:
        """The report of a pin is its findings, not a traceback through our code."""
        if isinstance(excinfo.value, PinFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """File and title."""
        return self.path, None, f"pin {self.path.parent.name}/{self.path.stem}"
