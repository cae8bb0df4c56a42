"""Pin files to :class:`Pin` values and back. What is wrong is said with its line and the nearest right word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from captures.errors import ConfigError
from captures.model import FailureKind
from diffing.rulebook.patterns import UnsafePattern, safe_pattern
from diffing.rulebook.rules import Rule, parse_rules
from replayer import pin_bodies, pin_notation, pin_yaml
from replayer.pin_notation import Slot
from replayer.pin_yaml import Node
from replayer.pins import FIRST_LINE, FORMAT, Body, Lines, Pin, PinRequest, PinResponse, PinStub, Step

PIN_KEYS = ("pin", "name", "tags", "source", "setup", "request", "expect", "stubs", "dependencies")
REQUEST_KEYS = ("line", "headers", "layout", "json", "text", "base64")
RESPONSE_KEYS = ("status", "headers", "layout", "json", "text", "base64")
EXPECT_KEYS = ("status", "headers", "layout", "json", "text", "base64", "sha256", "varies")
STUB_KEYS = ("dependency", "request", "response", "failure")
STEP_KEYS = ("request", "status", "bind", "stubs")
FORMS = ("json", "text", "base64", "sha256")

_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S.*)\Z", re.DOTALL)
_URL = re.compile(r"https?://[^/\s]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_BIND = re.compile(r"(json \$.*|header \S+( \S.*)?|cookie \S+|text \S.*)\Z")
_LAYOUTS = {"json": pin_bodies.LAYOUTS, "text": ("", "crlf", "latin-1", "latin-1 crlf"), "base64": ("", "encoded")}


def load(path: Path) -> Pin:
    """The pin in the file at ``path``. Raises :class:`ConfigError`: ``FILE:LINE: what is wrong``."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    return parse(text, str(path), path)


def parse(text: str, where: str, path: Path | None = None) -> Pin:
    """The pin written in ``text``; ``where`` names it in complaints. Raises :class:`ConfigError`."""
    return _Reader(where).pin(pin_yaml.read(text, where), path)


def dump(pin: Pin) -> str:
    """``pin`` as the text of its file: keys in the order of the documentation, so that diffs stay small."""
    return pin_yaml.write(as_data(pin))


def as_data(pin: Pin) -> dict[str, Any]:
    """``pin`` as the mapping that its file says."""
    data: dict[str, Any] = {"pin": FORMAT, "name": pin.name}
    if pin.tags:
        data["tags"] = list(pin.tags)
    if pin.source:
        data["source"] = dict(pin.source)
    if pin.setup:
        data["setup"] = [_step(step) for step in pin.setup]
    data["request"] = _request(pin.request)
    if pin.expect is not None:
        data["expect"] = _response(pin.expect)
    if pin.stubs:
        data["stubs"] = [_stub(stub) for stub in pin.stubs]
    if pin.dependencies:
        data["dependencies"] = {name: {"url": url, "env": variable} for name, url, variable in pin.dependencies}
    return data


def _step(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"request": _request(step.request), "status": step.status}
    if step.bind:
        data["bind"] = dict(step.bind)
    if step.stubs:
        data["stubs"] = [_stub(stub) for stub in step.stubs]
    return data


def _request(request: PinRequest) -> dict[str, Any]:
    return {"line": f"{request.method} {request.target}", **_headers(request.headers), **_body(request.body)}


def _response(response: PinResponse) -> dict[str, Any]:
    varies = {"varies": dict(response.varies)} if response.varies else {}
    return {"status": response.status, **_headers(response.headers), **_body(response.body), **varies}


def _stub(stub: PinStub) -> dict[str, Any]:
    data: dict[str, Any] = {"dependency": stub.dependency, "request": _request(stub.request)}
    if stub.response is not None:
        data["response"] = _response(stub.response)
    if stub.failure:
        data["failure"] = stub.failure
    return data


def _headers(lines: Lines) -> dict[str, Any]:
    grouped: dict[str, list[str]] = {}
    for name, value in lines:
        grouped.setdefault(name, []).append(value)
    if not grouped:
        return {}
    return {"headers": {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}}


def _body(body: Body) -> dict[str, Any]:
    if body.form == "empty":
        return {}
    value = pin_bodies.base64_lines(body.value) if body.form == "base64" else body.value
    return {**({"layout": body.layout} if body.layout else {}), body.form: value}


class _Reader:
    """Reads one file's tree; knows its name and collects where its parts stand."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.lines: dict[str, int] = {}

    def pin(self, root: Node, path: Path | None) -> Pin:
        if isinstance(root.value, dict) and "pin" not in root.value:
            hint = f"Write {FIRST_LINE} as its first line, or rename the file if it is no pin of Retape."
            self.fail(root, "this reads like a pin (request: and expect:) but has no pin: line", hint)
        top = self.mapping(root, "the file", PIN_KEYS, ("pin", "request"))
        version = top["pin"]
        if version.value != FORMAT or isinstance(version.value, bool):
            newer = isinstance(version.value, int) and version.value > FORMAT
            hint = "Upgrade: pip install -U retape" if newer else f"Its first line must be: {FIRST_LINE}"
            self.fail(version, f"pin format {version.value!r} is not one this Retape reads ({FORMAT})", hint)
        bound: set[str] = set()
        setup: list[Step] = []
        for node in self.sequence(top.get("setup"), "setup"):
            setup.append(self.step(node, bound))
            bound.update(name for name, _ in setup[-1].bind)
        request = self.request(top["request"], "request", bound)
        called: set[str] = set().union(*map(_names, self.sequence(top.get("stubs"), "stubs")))
        expect = self.expect(top["expect"], bound | called) if "expect" in top else None
        stubs = self.stubs(top.get("stubs"), bound)
        source = {
            key: node.plain() for key, node in self.mapping(top["source"], "source", None).items()
        } if "source" in top else {}  # fmt: skip
        name = self.text(top["name"], "name") if "name" in top else f"{request.method} {request.target}"
        tags = tuple(self.text(node, "tags") for node in self.sequence(top.get("tags"), "tags"))
        dependencies = self.dependencies(top["dependencies"]) if "dependencies" in top else ()
        return Pin(name, request, expect, source, tuple(setup), stubs, tags, dependencies, path, self.lines)

    def dependencies(self, node: Node) -> tuple[tuple[str, str, str], ...]:
        found: list[tuple[str, str, str]] = []
        for name, entry in self.mapping(node, "dependencies", None).items():
            keys = self.mapping(entry, f"dependency {name}", ("url", "env"), ("url", "env"))
            url = self.text(keys["url"], "url")
            if not _URL.match(url):
                self.fail(keys["url"], f"{url!r} is no base URL: http://HOST[:PORT]")
            found.append((name, url, self.text(keys["env"], "env")))
        return tuple(found)

    def step(self, node: Node, bound: set[str]) -> Step:
        keys = self.mapping(node, "setup", STEP_KEYS, ("request", "status"))
        bind: list[tuple[str, str]] = []
        if "bind" in keys:
            for name, place in self.mapping(keys["bind"], "bind", None).items():
                if not _NAME.match(name):
                    self.fail(place, f"{name!r} is no name: letters, digits, _ - and . only")
                text = self.text(place, "bind")
                if not _BIND.match(text):
                    hint = 'Say: json $.id  or: header location /(.+)  or: text value="(.+?)"'
                    self.fail(place, f"{text!r} is no place in an answer", hint)
                self.pattern(place, text)
                bind.append((name, text))
        stubs = self.stubs(keys.get("stubs"), bound)
        return Step(self.request(keys["request"], "setup", bound), self.status(keys["status"]), tuple(bind), stubs)

    def pattern(self, node: Node, place: str) -> None:
        """Refuse what a ``bind:`` looks for when it is no regular expression, or one that may never end."""
        kind, _, rest = place.partition(" ")
        pattern = rest if kind == "text" else rest.partition(" ")[2] if kind == "header" else ""
        try:
            safe_pattern(pattern)
        except re.error as error:
            self.fail(node, f"{pattern!r} is not a regular expression: {error}")
        except UnsafePattern as error:
            self.fail(node, f"{pattern!r} {error}")

    def request(self, node: Node, what: str, bound: set[str], absolute: bool = False) -> PinRequest:
        keys = self.mapping(node, what, REQUEST_KEYS, ("line",))
        line = keys["line"]
        match = _LINE.match(self.text(line, "line"))
        if match is None:
            self.fail(line, "line must be a method and a target: GET /orders")
        method, target = match[1], match[2]
        if absolute and not _URL.match(target):
            self.fail(line, f"the stub's target {target!r} must be a whole URL: GET http://inventory:8001/items")
        if not absolute and not target.startswith(("/", f"{pin_notation.OPEN}the ")) and target != "*":
            self.fail(line, f"the target {target!r} must start with /", "The host is the one given to pytest.")
        self.lines.setdefault(what, node.line)
        self.notation(line, bound, matchers=absolute)
        headers = self.headers(keys.get("headers"), bound, matchers=absolute)
        return PinRequest(method, target, headers, self.body(keys, bound, matchers=absolute))

    def expect(self, node: Node, bound: set[str]) -> PinResponse:
        keys = self.mapping(node, "expect", EXPECT_KEYS, ("status",))
        self.lines["expect"] = node.line
        names = bound | _names(node)
        headers = self.headers(keys.get("headers"), names, matchers=True)
        body = self.body(keys, names, matchers=True)
        varies = self.varies(keys["varies"]) if "varies" in keys else ()
        return PinResponse(self.status(keys["status"]), headers, body, varies)

    def varies(self, node: Node) -> tuple[tuple[str, str], ...]:
        found: list[tuple[str, str]] = []
        for path, word in self.mapping(node, "varies", None).items():
            text = self.text(word, "varies")
            try:
                rules_of(((path, text),))
            except ConfigError as error:
                sentence = error.message.partition(": ")[2] or error.message
                self.fail(word, sentence.rstrip("."), error.hint)
            found.append((path, text))
        return tuple(found)

    def stubs(self, node: Node | None, bound: set[str]) -> tuple[PinStub, ...]:
        nodes = self.sequence(node, "stubs")
        named = bound.union(*map(_names, nodes))
        return tuple(self.stub(child, named) for child in nodes)

    def stub(self, node: Node, bound: set[str]) -> PinStub:
        keys = self.mapping(node, "stubs", STUB_KEYS, ("request",))
        request = self.request(keys["request"], "stubs", bound, absolute=True)
        response = None
        if "response" in keys:
            answer = self.mapping(keys["response"], "response", RESPONSE_KEYS, ("status",))
            headers = self.headers(answer.get("headers"), bound, matchers=False)
            response = PinResponse(self.status(answer["status"]), headers, self.body(answer, bound, matchers=False))
        failure = self.text(keys["failure"], "failure") if "failure" in keys else ""
        if failure and failure not in set(FailureKind):
            self.fail(keys["failure"], f"there is no failure {failure!r}{_guess(failure, FailureKind)}")
        if response is None and not failure:
            self.fail(node, "a stub needs a response or a failure")
        name = self.text(keys["dependency"], "dependency") if "dependency" in keys else _host(request.target)
        return PinStub(name, request, response, failure)

    def headers(self, node: Node | None, bound: set[str], *, matchers: bool) -> Lines:
        if node is None or node.value is None:
            return ()
        lines: list[tuple[str, str]] = []
        for name, value in self.mapping(node, "headers", None).items():
            if not _HEADER_NAME.match(name):
                self.fail(value, f"{name!r} is no header name")
            for one in value.value if isinstance(value.value, tuple) else (value,):
                self.notation(one, bound, matchers=matchers)
                text = one.value if isinstance(one.value, str) else pin_notation.text_of(one.value)
                if "\n" in text or "\r" in text:
                    self.fail(one, f"the header {name} holds a line break")
                try:
                    text.encode("latin-1")
                except UnicodeEncodeError:
                    self.fail(one, f"the header {name} holds letters beyond Latin-1, which HTTP cannot carry")
                lines.append((name, text))
        return tuple(lines)

    def body(self, keys: Mapping[str, Node], bound: set[str], *, matchers: bool) -> Body:
        forms = [form for form in FORMS if form in keys]
        if len(forms) > 1:
            self.fail(keys[forms[1]], f"a body is given twice, as {forms[0]} and as {forms[1]}")
        layout = self.text(keys["layout"], "layout") if "layout" in keys else ""
        if not forms:
            return Body()
        form, node = forms[0], keys[forms[0]]
        if layout not in _LAYOUTS.get(form, ("",)):
            guess = _guess(layout, _LAYOUTS.get(form, ()))
            self.fail(keys["layout"], f"there is no layout {layout!r} for {form}{guess}")
        if form == "json":
            self.notation(node, bound, matchers=matchers)
            return Body("json", node.plain(), layout)
        text = self.text(node, form)
        if form == "base64":
            try:
                return Body("base64", pin_bodies.from_base64(text), layout)
            except ValueError:
                self.fail(node, "this is not base64")
        if form == "sha256" and not re.fullmatch(r"[0-9a-f]{64}", text):
            self.fail(node, "sha256 must be 64 hexadecimal digits")
        if form == "text":
            self.notation(node, bound, matchers=matchers)
            return Body("text", text, layout)
        return Body("sha256", text)

    def notation(self, node: Node, bound: set[str], *, matchers: bool) -> None:
        """Check every string under ``node``; ``bound`` are the names references may use."""
        if isinstance(node.value, dict | tuple):
            for child in node.value.values() if isinstance(node.value, dict) else node.value:
                self.notation(child, bound, matchers=matchers)
            return
        if not isinstance(node.value, str) or pin_notation.OPEN not in node.value:
            return
        try:
            parts = pin_notation.parse(node.value)
        except ValueError as error:
            self.fail(node, str(error))
        for part in parts:
            if not isinstance(part, Slot):
                continue
            if part.kind and not matchers:
                self.fail(node, f"{part} is a matcher, and this is sent, not compared", "Bind a value in setup.")
            if not part.kind and part.name not in bound:
                self.fail(node, f"nothing before this is called {part.name!r}{_guess(part.name, bound)}")

    def status(self, node: Node) -> int:
        if not isinstance(node.value, int) or isinstance(node.value, bool) or not 100 <= node.value <= 999:
            self.fail(node, f"a status is a number from 100 to 999, not {node.plain()!r}")
        return int(node.value)

    def text(self, node: Node, what: str) -> str:
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, dict | tuple) or node.value is None:
            self.fail(node, f"{what} must be text")
        return pin_notation.text_of(node.value)

    def sequence(self, node: Node | None, what: str) -> tuple[Node, ...]:
        if node is None or node.value is None:
            return ()
        if not isinstance(node.value, tuple):
            self.fail(node, f"{what} must be a list")
        return tuple(node.value)

    def mapping(
        self, node: Node, what: str, allowed: tuple[str, ...] | None, needed: tuple[str, ...] = ()
    ) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            self.fail(node, f"{what} must be a mapping (key: value)")
        found: dict[str, Node] = node.value
        for key, value in found.items():
            if allowed is not None and key not in allowed:
                message = f"unknown key {key!r} in {what}{_guess(key, allowed)}"
                self.fail(value, message, f"Known: {', '.join(allowed)}.")
        for key in needed:
            if key not in found:
                self.fail(node, f"{what} has no {key!r}")
        return found

    def fail(self, node: Node, message: str, hint: str = "") -> NoReturn:
        stop = "" if message.endswith(("?", ".")) else "."
        raise ConfigError(f"{self.where}:{node.line}: {message}{stop}", hint=hint)


def rules_of(varies: Iterable[tuple[str, str]]) -> tuple[Rule, ...]:
    """What ``varies:`` says as rules. Raises :class:`ConfigError`."""
    return parse_rules(({"id": f"varies {path}", "location": path, "expect": word} for path, word in varies), "the pin")


def _guess(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, [str(one) for one in known], n=1, cutoff=0.5)
    return f'. Did you mean "{close[0]}"?' if close else ""


def _names(node: Node) -> set[str]:
    """Every name that a matcher under ``node`` gives (``«uuid as NAME»``)."""
    if isinstance(node.value, dict | tuple):
        children = node.value.values() if isinstance(node.value, dict) else node.value
        return {name for child in children for name in _names(child)}
    if isinstance(node.value, str) and pin_notation.has_slot(node.value):
        try:
            return {part.name for part in pin_notation.parse(node.value) if isinstance(part, Slot) and part.kind} - {""}
        except ValueError:
            return set()  # complained about where it stands
    return set()


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
