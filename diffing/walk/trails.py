"""Where a walk through two documents stands: one chain of links for both, made into paths only when one is needed.

A link is ``(link above, step in the recorded document, step in the replayed one, depth)``. The steps differ where items
were reordered or members renamed; one is None where only the other document has the level (something was wrapped,
moved, added, removed). A chain costs one tuple per level however deep it is; whole paths would cost their length at
every level.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from captures.jsonpaths import normalised
from diffing.contract.profile import Node, generated_name
from diffing.walk.maps import data

if TYPE_CHECKING:
    from typing import TypeAlias

Step = str | int
Trail = tuple[Step, ...]
Link: TypeAlias = "tuple[Link | None, Step | None, Step | None, int]"


NAMES = 16
"""Names above a value that may say what it is."""


def after(link: Link | None, recorded: Step | None, replayed: Step | None) -> Link:
    """The link one step further."""
    return link, recorded, replayed, (link[3] + 1 if link is not None else 1)


def joined(recorded: Link, replayed: Link) -> Link:
    """A place that is ``recorded`` in the one document and ``replayed`` in the other."""
    chain: Link | None = None
    for step in trail(recorded):
        chain = after(chain, step, None)
    for step in trail(replayed, replayed=True):
        chain = after(chain, None, step)
    return chain if chain is not None else recorded


def depth(link: Link | None) -> int:
    """How many steps lead here."""
    return link[3] if link is not None else 0


def trail(link: Link | None, *, replayed: bool = False) -> Trail:
    """The steps to this place in one of the documents."""
    steps: list[Step] = []
    while link is not None:
        step = link[2] if replayed else link[1]
        if step is not None:
            steps.append(step)
        link = link[0]
    steps.reverse()
    return tuple(steps)


def names(link: Link | None) -> tuple[str, ...]:
    """The nearest recorded member names above a value, the nearest last: no name promises more from further away."""
    found: list[str] = []
    while link is not None and len(found) < NAMES:
        if type(link[1]) is str:
            found.append(link[1])
        link = link[0]
    found.reverse()
    return tuple(found)


def nearest(link: Link | None) -> str:
    """The last of :func:`names`, or ""."""
    while link is not None:
        if type(link[1]) is str:
            return link[1]
        link = link[0]
    return ""


@lru_cache(maxsize=2048)
def _text(name: str) -> str:
    return normalised((name,))[1:]


def path(link: Link | None, *, replayed: bool = False) -> str:
    """The place in one of the documents as a normalised JSON path."""
    return normalised(trail(link, replayed=replayed))


def general(link: Link | None, root: Node | None, *, replayed: bool = False) -> str:
    """The generalised path: ``[*]`` for every index and every key that is data rather than a name."""
    links: list[Link] = []
    while link is not None:
        links.append(link)
        link = link[0]
    out: list[str] = ["$"]
    node = root
    for _, one, other, _ in reversed(links):
        step = other if replayed else one
        if step is not None:
            if isinstance(step, int) or generated_name(step) or (node is not None and data(step, node)):
                out.append("[*]")
            else:
                out.append(_text(step))
        if one is not None and node is not None:
            node = node.items if type(one) is int else node.child(str(one))
    return "".join(out)
