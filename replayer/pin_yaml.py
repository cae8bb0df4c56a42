"""JSON values in YAML and back without losing a digit, with the line every value stands on.

YAML is read as a *tree of nodes* and never constructed by PyYAML, so no tag can make an object. Scalars follow JSON
(the YAML 1.2 core schema), not YAML 1.1: ``yes`` and ``2026-11-21`` are strings, ``1e5`` is a number, and a number
keeps its literal (``1.10`` stays ``1.10``). What YAML allows and a test file had better not is refused with its line:
a key twice, anchors, tags, merge keys. Strings that YAML 1.1 readers would take for something else are quoted, so the
file means the same to other tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from captures.errors import ConfigError
from captures.formats.jsontext import Number

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_UNSEEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\U000e0000-\U000e007f]")
_ODD = re.compile(f"[\r\x85\u2028\u2029\ufeff]|{_UNSEEN.pattern}")
_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}
_STRING = "tag:yaml.org,2002:str"
_DEEPEST = 400  # nested values; a body deeper than this is kept as text


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file with its place. ``value`` is a scalar, a tuple of nodes, or a dict of name to node."""

    value: Any
    line: int  # 1-based; in a mapping that of its key

    def plain(self) -> Any:
        """The value without its places: JSON-able, numbers exact."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def read(text: str, where: str) -> Node:
    """The tree of the one YAML document in ``text``; ``where`` names the file in complaints.

    Raises :class:`ConfigError` (``FILE:LINE: …``) for anything that is not plain, unambiguous data.
    """
    try:
        root = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{where}:{line}: not valid YAML: {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: not valid YAML: {' '.join(str(error).split())}.") from error
    except RecursionError as error:
        raise ConfigError(f"{where}: nested too deep to read.") from error
    if root is None:
        raise ConfigError(f"{where}: the file is empty.")
    return _read(root, where, set(), 0)


def write(value: Any) -> str:
    """``value`` (str, bool, None, int, Decimal, mappings, sequences) as block YAML. Key order is kept.

    Raises ``ValueError`` when YAML cannot carry it (a lone surrogate), so that the caller takes another form.
    """
    node = _node(value, 0)
    try:
        text = yaml.serialize(node, Dumper=_dumper(), allow_unicode=True, width=1_000_000, indent=2)
    except (UnicodeError, RecursionError) as error:
        raise ValueError("not expressible in YAML") from error
    return unseen_escaped(text)


def unseen_escaped(text: str) -> str:
    """YAML ``text`` with escapes for what turns or hides what a reader sees; such strings stand in double quotes."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def number_text(value: int | Decimal) -> str:
    """The digits of a JSON number. ``1e0`` would lose its exponent, and with it what tells it from ``1``."""
    text = str(value)
    return f"{text}e0" if isinstance(value, Decimal) and _INTEGER.match(text) else text


def _loader() -> Any:
    """libyaml's parser where PyYAML was built with it: some thirty times as quick, the same tree."""
    return getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def _read(node: yaml.Node, where: str, seen: set[int], depth: int) -> Node:
    line = node.start_mark.line + 1 if node.start_mark else 1
    if depth > _DEEPEST:
        raise ConfigError(f"{where}:{line}: nested deeper than {_DEEPEST} levels.")
    if id(node) in seen:
        raise ConfigError(f"{where}:{line}: anchors and aliases are not used in pins.", hint="Write the value out.")
    seen.add(id(node))
    if node.tag is not None and not _plain_tag(node):
        raise ConfigError(f"{where}:{line}: the tag {node.tag!r} is not used in pins.", hint="Write plain data.")
    if isinstance(node, yaml.ScalarNode):
        try:
            return Node(_scalar(node), line)
        except (ValueError, InvalidOperation) as error:
            raise ConfigError(f"{where}:{line}: a number of more digits than can be held.") from error
    if isinstance(node, yaml.SequenceNode):
        return Node(tuple(_read(child, where, seen, depth + 1) for child in node.value), line)
    found: dict[str, Node] = {}
    for key, value in node.value:
        key_line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{where}:{key_line}: a key must be a word, not a list or a mapping.")
        if key.value in found:
            raise ConfigError(f"{where}:{key_line}: the key {key.value!r} stands here twice.")
        found[key.value] = Node(_read(value, where, seen, depth + 1).value, key_line)
    return Node(found, line)


def _plain_tag(node: yaml.Node) -> bool:
    defaults = (yaml.BaseLoader.DEFAULT_SCALAR_TAG, yaml.BaseLoader.DEFAULT_SEQUENCE_TAG)
    return node.tag in (*defaults, yaml.BaseLoader.DEFAULT_MAPPING_TAG, "!")


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style:  # quoted or a block: a string whatever it looks like
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _literal(text) if _NUMBER.match(text) else text


def _literal(text: str) -> int | Number:
    return int(text) if _INTEGER.match(text) else Number(text)


def _node(value: Any, depth: int) -> yaml.Node:
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if value is None:
        return yaml.ScalarNode("tag:yaml.org,2002:null", "null")
    if isinstance(value, bool):
        return yaml.ScalarNode("tag:yaml.org,2002:bool", "true" if value else "false")
    if isinstance(value, int | Decimal):
        text = number_text(value)
        return yaml.ScalarNode(f"tag:yaml.org,2002:{'int' if _INTEGER.match(text) else 'float'}", text)
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        if _ODD.search(value):  # PyYAML would fold these line ends of old into others; the rest must be seen
            return yaml.ScalarNode(_STRING, value, style='"')
        block = "\n" in value.rstrip("\n") and not value.startswith((" ", "\n"))
        return yaml.ScalarNode(_STRING, value, style="|" if block else None)
    if isinstance(value, Mapping):
        pairs = [(_node(str(name), depth + 1), _node(child, depth + 1)) for name, child in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)
    if isinstance(value, list | tuple):
        children = [_node(child, depth + 1) for child in value]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", children, flow_style=not children)
    raise ValueError(f"not JSON: {type(value).__name__}")


def _dumper() -> Any:
    """PyYAML's safe dumper, made to know JSON's numbers and to indent lists under their key."""

    class Dumper(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    Dumper.yaml_implicit_resolvers = {  # ours first: `1e5` must resolve as a number, so a string "1e5" gets quotes
        first: [
            *([("tag:yaml.org,2002:int", _INTEGER), ("tag:yaml.org,2002:float", _NUMBER)] if first in _DIGITS else []),
            *resolvers,
        ]
        for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }
    return Dumper


_DIGITS = "-0123456789"
