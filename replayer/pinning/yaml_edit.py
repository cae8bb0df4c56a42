"""A YAML text that says something else, with every line that says the same left as it is. Pure.

Changed values are replaced where they stand, members and items come and go with their lines; comments, quotes, order
and blank lines elsewhere stay. A collection in one line (``{a: 1}``) is written anew when a part of it changes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from replayer import pin_yaml


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` in place of what stands from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def edited(text: str, old: Any, new: Any) -> str:
    """``text``, which says ``old``, changed to say ``new`` (both plain data)."""
    root = yaml.compose(text, Loader=yaml.BaseLoader)  # libyaml's marks end elsewhere
    assert root is not None
    edits = sorted(_Editor(text).changes(root, old, new), key=lambda one: (one.start, one.end))
    parts: list[str] = []
    done = 0
    for one in edits:
        assert one.start >= done
        parts += [text[done : one.start], one.text]
        done = one.end
    return "".join([*parts, text[done:]])


def alike(left: Any, right: Any) -> bool:
    """Whether two plain values are written alike: ``1`` and ``1.0`` are not, nor are other orders of members."""
    return pin_yaml.write({"": left}) == pin_yaml.write({"": right})


class _Editor:
    def __init__(self, text: str) -> None:
        self.text = text

    def changes(self, node: yaml.Node, old: Any, new: Any) -> Iterator[Edit]:
        """What to edit in the text of ``node``, a collection or a scalar whose entry stays."""
        if alike(old, new):
            return
        block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        maps = block and isinstance(old, Mapping) and isinstance(new, Mapping)
        lists = block and _is_list(old) and _is_list(new) and len(node.value) == len(old) and bool(new)
        if maps and isinstance(node, yaml.MappingNode) and self._own_lines(node):
            yield from self._members(node, old, new)
        elif lists and isinstance(node, yaml.SequenceNode):
            yield from self._items(node, old, new)
        else:
            yield self._whole(node, new)

    def _members(self, node: yaml.MappingNode, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Edit]:
        there = {key.value: (key, value) for key, value in node.value}
        column = node.start_mark.column
        kept = [name for name in there if name in new]
        if not kept:
            yield self._whole(node, new)
            return
        before: str | None = None
        late: list[str] = []  # to insert after ``before``
        for name, value in new.items():
            if name not in there:
                if name not in old or not alike(old[name], value):
                    late.append(name)
                continue
            if before is None and late:
                start = there[kept[0]][0].start_mark.index
                yield Edit(start, start, "".join(f"{_member(one, new[one], column)}\n{' ' * column}" for one in late))
            elif late and before is not None:
                yield self._after(there[before], [_member(one, new[one], column) for one in late], column)
            late, before = [], name
            yield from self._member(there[name], name, old.get(name), value, column)
        if late and before is not None:
            yield self._after(there[before], [_member(one, new[one], column) for one in late], column)
        for name, (key, value) in there.items():
            if name in old and name not in new:
                start, end = self._line_start(key.start_mark.index), self._line_end(self._end(value))
                if self.text[start : key.start_mark.index].strip():  # "- name: value": the dash stays
                    start, end = key.start_mark.index, self._next_start(node, name)
                yield Edit(start, end, "")

    def _member(self, entry: tuple[yaml.Node, yaml.Node], name: str, old: Any, new: Any, column: int) -> Iterator[Edit]:
        key, value = entry
        if alike(old, new):
            return
        whole = isinstance(value, yaml.ScalarNode) or not _is_same_kind(value, new) or not new
        if not whole:
            yield from self.changes(value, old, new)
            return
        written = _member(name, new, column)
        simple = isinstance(value, yaml.ScalarNode) and value.style not in ("|", ">") and "\n" not in written
        if simple and value.start_mark.index != value.end_mark.index:
            yield Edit(value.start_mark.index, value.end_mark.index, _scalar(new))
            return
        yield Edit(key.start_mark.index, self._end(value), written)

    def _items(self, node: yaml.SequenceNode, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Edit]:
        column = node.start_mark.column
        left = [pin_yaml.write({"": one}) for one in old]
        right = [pin_yaml.write({"": one}) for one in new]
        for tag, i, k, j, m in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
            if tag == "equal":
                continue
            common = min(k - i, m - j)
            for at in range(common):
                yield from self._item(node.value[i + at], old[i + at], new[j + at], column)
            for one in node.value[i + common : k]:
                dash = self._dash(one)
                yield Edit(self._line_start(dash), self._line_end(self._end(one)), "")
            fresh = [_item(one, column) for one in new[j + common : m]]
            if not fresh:
                continue
            if i + common:
                yield self._after((node.value[i + common - 1],) * 2, fresh, column)
            else:
                start = self._dash(node.value[0])
                yield Edit(start, start, "".join(f"{one}\n{' ' * column}" for one in fresh))

    def _item(self, node: yaml.Node, old: Any, new: Any, column: int) -> Iterator[Edit]:
        if _is_same_kind(node, new) and not isinstance(node, yaml.ScalarNode) and new:
            yield from self.changes(node, old, new)
        else:
            yield Edit(self._dash(node), self._end(node), _item(new, column))

    def _whole(self, node: yaml.Node, new: Any) -> Edit:
        """A collection written anew, in one line where it was in one."""
        if isinstance(node, yaml.CollectionNode) and node.flow_style:
            return Edit(node.start_mark.index, node.end_mark.index, _in_one_line(new))
        column = node.start_mark.column
        text = pin_yaml.write(new).rstrip("\n")
        return Edit(node.start_mark.index, self._end(node), text.replace("\n", "\n" + " " * column))

    def _after(self, entry: tuple[yaml.Node, yaml.Node], written: list[str], column: int) -> Edit:
        at = self._line_end(self._end(entry[1]), with_break=False)
        return Edit(at, at, "".join(f"\n{' ' * column}{one}" for one in written))

    def _end(self, node: yaml.Node) -> int:
        """Where the text of ``node`` ends: PyYAML lets a block end where the next thing begins."""
        while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            node = last[1] if isinstance(last, tuple) else last
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self.text[start:end].rstrip()) if end > start else end

    def _own_lines(self, node: yaml.MappingNode) -> bool:
        """Whether each member begins a line (or follows the dash of an item)."""
        return all(not self.text[self._line_start(k.start_mark.index) : k.start_mark.index].strip(" -")
                   for k, _ in node.value)  # fmt: skip

    def _next_start(self, node: yaml.MappingNode, name: str) -> int:
        names = [key.value for key, _ in node.value]
        following = node.value[names.index(name) + 1][0]
        return int(following.start_mark.index)

    def _dash(self, node: yaml.Node) -> int:
        return self.text.rindex("-", 0, node.start_mark.index)

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int, with_break: bool = True) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end + with_break


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_same_kind(node: yaml.Node, new: Any) -> bool:
    if isinstance(node, yaml.MappingNode):
        return isinstance(new, Mapping)
    if isinstance(node, yaml.SequenceNode):
        return _is_list(new)
    return not isinstance(new, Mapping) and not _is_list(new)


def _member(name: str, value: Any, column: int) -> str:
    return pin_yaml.write({name: value}).rstrip("\n").replace("\n", "\n" + " " * column)


def _item(value: Any, column: int) -> str:
    return pin_yaml.write([value]).rstrip("\n").replace("\n", "\n" + " " * column)


def _scalar(value: Any) -> str:
    return pin_yaml.write({"k": value}).partition(":")[2].strip()


def _in_one_line(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {_in_one_line(child)}" for name, child in value.items()) + "}"
    if _is_list(value):
        return "[" + ", ".join(map(_in_one_line, value)) + "]"
    if isinstance(value, str):
        quoted = any(mark in value for mark in ",[]{}\n") or value != value.strip()
        return (
            pin_yaml.unseen_escaped(yaml.dump(value, default_style='"', allow_unicode=True, width=1_000_000)).strip()
            if quoted
            else _scalar(value)
        )
    assert value is None or isinstance(value, bool | int | Decimal)
    return _scalar(value)
