"""The HTTP clients Retape knows how to try: where each is found, and how it is made to ask for a URL.

A trial prints the way its request came, ``proxied`` or ``direct``, somewhere in its output, or fails. Nothing is
compiled: Go's own module loader asks as any Go program does, and Java runs a source file, where it can.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

PYTHON = r"""
import json, sys
name, near, far = sys.argv[1:]
def urllib_(url):
    import urllib.request
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()
def requests_(url):
    import requests
    return requests.get(url, timeout=20).text
def httpx_(url):
    import httpx
    return httpx.get(url, timeout=20).text
for url in (near, far):
    try:
        print(json.dumps(globals()[name + "_"](url).strip()))
    except Exception as error:
        print(json.dumps(f"failed {type(error).__name__}: {error}"))
"""

LIBRARIES = r"""
import importlib.metadata, sys
for name in ("requests", "httpx"):
    try:
        print(name, importlib.metadata.version(name), sys.prefix, sys.executable, sep="\t")
    except importlib.metadata.PackageNotFoundError:
        pass
print("urllib", sys.version.split()[0], sys.prefix, sys.executable, sep="\t")
"""

NODE = r"""
const https = require("https"), [near, far] = process.argv.slice(1);
const ask = (url) => new Promise((done) => {
  https.get(url, (answer) => {
    let text = "";
    answer.on("data", (chunk) => (text += chunk)).on("end", () => done(text.trim()));
  }).on("error", (error) => done(`failed ${error.code || error.message}`));
});
(async () => { for (const url of [near, far]) console.log(JSON.stringify(await ask(url))); process.exit(0); })();
"""

JAVA = r"""
import java.net.URI;
import java.net.http.*;
public class Ask {
    public static void main(String[] urls) {
        var client = HttpClient.newBuilder().proxy(java.net.ProxySelector.getDefault()).build();
        for (var url : urls) {
            String said;
            try {
                var request = HttpRequest.newBuilder(URI.create(url)).build();
                said = client.send(request, HttpResponse.BodyHandlers.ofString()).body().strip();
            } catch (Exception error) {
                said = "failed " + error.getClass().getSimpleName() + ": " + error.getMessage();
            }
            System.out.println('"' + said.replace('"', '\'').replace('\n', ' ') + '"');
        }
    }
}
"""


@dataclass(frozen=True, slots=True)
class Client:
    """One client of this machine. ``argv`` makes the command lines that ask for two URLs, one or two of them."""

    name: str  # as people know it, with its version: "requests 2.32.3"
    kind: str  # "requests", "curl", …: what to advise goes by it
    argv: Callable[[str, str, Path], Sequence[Sequence[str]]]  # near, far, a folder for its files
    env: Mapping[str, str] = field(default_factory=dict)  # besides what the service gets; "{work}" is that folder


@dataclass(frozen=True, slots=True)
class Program:
    """Something on PATH that is a client, or has some. ``clients`` asks it for its version, which takes a moment."""

    name: str
    clients: Callable[[], Sequence[Client]]


def programs(path: str | None = None) -> list[Program]:
    """What there is on ``path`` (default: PATH) to be tried."""
    makers = {"curl": _curl, "git": _git, "wget": _wget, "node": _node, "java": _java, "go": _go}
    found = [Program("python", partial(_python_clients, path))]
    for name, make in makers.items():
        program = shutil.which(name, path=path)
        if program is not None:
            found.append(Program(name, partial(make, program)))
    return found


def _python_clients(path: str | None) -> list[Client]:
    """The libraries of each Python there is: ours, and what ``python3`` and ``python`` mean here."""
    named = [sys.executable, *(shutil.which(name, path=path) for name in ("python3", "python"))]
    clients: list[Client] = []
    seen: set[str] = set()
    for program in dict.fromkeys(one for one in named if one):
        lines = [line.split("\t") for line in _said([program, "-B", "-c", LIBRARIES]).splitlines()]
        told = [line for line in lines if len(line) == 4]
        if not told or told[0][2] in seen:
            continue
        seen.add(told[0][2])
        for kind, version, _, real in told[:-1] or told:  # urllib only where there is nothing better
            where = "" if program == sys.executable else f" ({program})"
            clients.append(Client(f"{kind} {version}{where}", kind, _python_argv(real, kind)))
    return clients


def _python_argv(program: str, kind: str) -> Callable[[str, str, Path], Sequence[Sequence[str]]]:
    return lambda near, far, _: [[program, "-B", "-W", "ignore", "-c", PYTHON, kind, near, far]]


def _curl(program: str) -> list[Client]:
    def argv(near: str, far: str, _: Path) -> Sequence[Sequence[str]]:
        return [[program, "-sS", "--max-time", "20", url] for url in (near, far)]

    return [Client(f"curl {_word(_said([program, '--version']), 1)}", "curl", argv)]


def _wget(program: str) -> list[Client]:
    said = _said([program, "--version"])
    if "GNU Wget" not in said:
        return []  # busybox has one that checks no certificate at all

    def argv(near: str, far: str, _: Path) -> Sequence[Sequence[str]]:
        return [[program, "-nv", "-O-", "--no-hsts", "--tries=1", "--timeout=20", url] for url in (near, far)]

    return [Client(f"wget {_word(said, 2)}", "wget", argv)]


def _git(program: str) -> list[Client]:
    def argv(near: str, far: str, _: Path) -> Sequence[Sequence[str]]:
        return [[program, "ls-remote", f"{url}/try.git"] for url in (near, far)]

    return [Client(f"git {_word(_said([program, '--version']), 2)}", "git", argv, {"GIT_TERMINAL_PROMPT": "0"})]


def _node(program: str) -> list[Client]:
    version = _said([program, "--version"]).strip().removeprefix("v")
    return [Client(f"node {version}", "node", lambda near, far, _: [[program, "-e", NODE, near, far]])]


def _java(program: str) -> list[Client]:
    said = _said([program, "-version"])
    version = said.partition('"')[2].partition('"')[0] or "of unknown version"

    def argv(near: str, far: str, work: Path) -> Sequence[Sequence[str]]:
        (work / "Ask.java").write_text(JAVA)
        quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
        return [[program, *quick, str(work / "Ask.java"), near, far]]

    return [Client(f"java {version}", "java", argv)]


def _go(program: str) -> list[Client]:
    environment = {
        "HOME": "{work}", "XDG_CONFIG_HOME": "{work}/.config",
        "GOPATH": "{work}/path", "GOCACHE": "{work}/cache", "GOMODCACHE": "{work}/modules",
        "GOENV": "off", "GOFLAGS": "", "GOSUMDB": "off", "GOTOOLCHAIN": "local",
        "GO111MODULE": "on", "GOWORK": "off", "GOPRIVATE": "", "GONOPROXY": "none",
    }  # fmt: skip

    def argv(near: str, far: str, work: Path) -> Sequence[Sequence[str]]:
        _keeps_no_count(work)
        ask = [program, "list", "-m", "m.test/x@latest"]
        return [["env", f"GOPROXY={url}", *ask] for url in (near, far)]

    with tempfile.TemporaryDirectory(prefix="retape-doctor-") as home:
        _keeps_no_count(Path(home))
        away = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"}
        version = _word(_said([program, "version"], away), 2).removeprefix("go")
    return [Client(f"go {version}", "go", argv, environment)]


def _keeps_no_count(home: Path) -> None:
    """Go counts its use below ``home``, by a process that outlives the command; this is how it is told not to."""
    folder = home / ".config" / "go" / "telemetry"
    folder.mkdir(parents=True)
    (folder / "mode").write_text("off")


def _said(argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """What a program prints of itself; empty when it cannot."""
    try:
        done = subprocess.run(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=8,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _word(text: str, number: int) -> str:
    words = text.split()
    return words[number] if len(words) > number else "of unknown version"
