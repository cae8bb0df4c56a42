"""The checks that need nothing of recorder or replayer: the machine, the places written to, the clients found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from captures.doctor import machine, places
from captures.doctor.clients import Client, Program, programs
from captures.doctor.findings import Check, Finding, fine
from captures.doctor.looking import look_at_all
from captures.doctor.site import Contexts
from captures.doctor.trust import examine
from captures.trust import Authority

KINDS = ("requests", "httpx", "curl", "git", "wget", "node", "java", "go")


def checks(capture: Path, state: Path, patience: float, environment: Mapping[str, str] = os.environ) -> Iterable[Check]:
    """What to look at before recording into ``capture``; each client gets ``patience`` seconds."""
    temporary = Path(tempfile.gettempdir())
    there = {"capture": capture.resolve().parent, "state": state, "temporary files": temporary}
    yield Check("python", machine.python)
    yield Check("tls", machine.tls)
    yield Check("sqlite", partial(machine.sqlite, state))
    yield Check("clock", partial(machine.clock, state))
    for what, place in there.items():
        yield Check("disk", partial(places.room, what, place))
    yield Check("privacy", partial(places.privacy, state, [capture]))
    yield Check("clients", partial(clients, state, patience, environment))


def clients(state: Path, patience: float, environment: Mapping[str, str]) -> list[Finding]:
    """Every client on PATH, all tried at once; the CA is the one of ``state``, made there when it is not."""
    authority = Authority.load_or_create(state)
    contexts = Contexts(authority)
    kinds: set[str] = set()

    def examined(program: Program) -> list[Finding]:
        there = program.clients()
        kinds.update(client.kind for client in there)
        each = [Check(one.name, partial(_one, one, authority, contexts, environment, patience)) for one in there]
        return look_at_all(each, patience + 1.0)

    tried = [Check(program.name, partial(examined, program)) for program in programs(environment.get("PATH"))]
    findings = look_at_all(tried, patience + 1.5)
    late = {one.check for one in findings}  # a program that did not even say its version stands under its own name
    missing = [kind for kind in KINDS if kind not in kinds | late]
    if missing:
        findings.append(fine("clients", f"not found here, so not tried: {', '.join(missing)}"))
    return findings


def _one(
    client: Client, authority: Authority, contexts: Contexts, environment: Mapping[str, str], patience: float
) -> list[Finding]:
    return [examine(client, authority, contexts, environment, patience)]
