"""Does each client found here trust our CA, and does it go through the proxy? Each is really made to ask.

It gets the environment of a service that ``retape record -- CMD`` starts. What cannot be reached by variables at all is
known of some clients (Go never proxies loopback, Node reads no proxy before 22.21) and is shown, not assumed.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from captures.doctor.clients import Client
from captures.doctor.findings import Finding, fine, problem, warning
from captures.doctor.site import DIRECT, PROXIED, Contexts, Site
from captures.service import Wiring, environment
from captures.trust import Authority

ADVICE = {
    "java": "keytool -importcert -noprompt -cacerts -storepass changeit -alias retape -file {ca}",
    "git": "git config --global http.sslCAInfo {ca}",
    "node": "export NODE_EXTRA_CA_CERTS={ca}",
}
SYSTEM_WIDE = (
    ("update-ca-certificates", "sudo cp {ca} /usr/local/share/ca-certificates/ && sudo update-ca-certificates"),
    ("trust", "sudo trust anchor {ca}"),
)
NO_COMPILER, JDK = "jdk.compiler", "apt-get install default-jdk-headless"
LISTENER = "retape record --dependency NAME=http://HOST:PORT@NAME_URL -- CMD"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of asking twice."""

    near: str  # the way of the request to loopback: "proxied", "direct"; or why there was none
    far: str  # the way of the request to elsewhere
    refused: bool  # it did not want our certificate
    late: bool = False  # it was ended before it had an answer

    @property
    def trusts(self) -> bool:
        """It talked to a server with a certificate of ours."""
        return {PROXIED, DIRECT} & {self.near, self.far} != set() and not self.refused


def examine(
    client: Client, authority: Authority, contexts: Contexts, base: Mapping[str, str], patience: float
) -> Finding:
    """Try ``client`` for ``patience`` seconds and say how it stands."""
    return judge(
        client, attempt(client, authority, contexts, base, patience), str(authority.certificate_path), patience
    )


def attempt(
    client: Client, authority: Authority, contexts: Contexts, base: Mapping[str, str], patience: float
) -> Trial:
    """Run ``client`` against a site of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="retape-doctor-", ignore_cleanup_errors=True) as folder,
        Site(contexts) as site,
    ):
        work = Path(folder)
        env = environment(Wiring(site.proxy_url, authority), base, work)
        env |= {name: value.format(work=folder) for name, value in client.env.items()}
        said: list[str] = []
        late = False
        for argv in client.argv(site.near, site.far, work):
            try:
                done = subprocess.run(
                    argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    errors="replace", timeout=patience, check=False,
                )  # fmt: skip
                said += _answers(done.stdout, done.stderr, done.returncode)
            except subprocess.TimeoutExpired:
                late = True
        near, far = (*said, "", "")[:2]
        # Some refuse by an alert, others (GnuTLS) shake hands first and then hang up and complain.
        complains = any(said.startswith("failed ") and "certificat" in said.lower() for said in (near, far))
        return Trial(near, far, (site.refusals > 0 or complains) and not late, late)


def _answers(out: str, err: str, code: int) -> list[str]:
    """One word for each URL that was asked for: the way, or why there was no answer."""
    try:
        lines = [json.loads(line) for line in out.splitlines() if line.startswith('"')]
    except ValueError:
        lines = []
    if lines:
        return [str(line) for line in lines]
    way = next((way for way in (PROXIED, DIRECT) if way in out), "") if code == 0 else ""
    last = " ".join(err.split()) or f"exit code {code}"
    return [way or f"failed {last}"]


def judge(client: Client, trial: Trial, ca: str, patience: float) -> Finding:
    """What ``trial`` means for a recording."""
    if trial.late:
        return warning(
            client.name, f"gave no answer within {patience:g} s", f"retape doctor --timeout {4 * patience:g}"
        )
    if trial.refused:
        failed = [said.removeprefix("failed ") for said in (trial.near, trial.far) if said.startswith("failed ")]
        why = f" ({failed[0][:160]})" if failed else ""
        says = f"refuses certificates of Retape's CA: its HTTPS calls will fail{why}"
        return problem(client.name, says, _advice(client.kind).format(ca=shlex.quote(ca)))
    if client.kind == "java" and NO_COMPILER in trial.near:
        return warning(client.name, "is a runtime without a compiler, which trying it takes", JDK)
    if not trial.trusts:
        return warning(
            client.name, f"could not be tried: {trial.near.removeprefix('failed ')[:200] or 'it said nothing'}"
        )
    if trial.far == trial.near == PROXIED:
        return fine(client.name, "trusts the CA and goes through the proxy, also to loopback addresses")
    if trial.far == PROXIED:
        says = "trusts the CA and goes through the proxy, but never to loopback addresses"
    else:
        says = "trusts the CA and reads no proxy variable"
    return warning(client.name, f"{says}: a dependency needs a listener of its own to be recorded", LISTENER)


def _advice(kind: str) -> str:
    if kind in ADVICE:
        return ADVICE[kind]
    return next((command for program, command in SYSTEM_WIDE if shutil.which(program)), SYSTEM_WIDE[0][1])
