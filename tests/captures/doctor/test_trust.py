"""What a trial means; and real clients that really ask, with the CA they are told to trust and with another."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from captures.doctor.clients import Client, Program, programs
from captures.doctor.findings import Outcome
from captures.doctor.site import DIRECT, PROXIED, Contexts, Site, answer
from captures.doctor.trust import Trial, attempt, judge
from captures.trust import Authority
from tests.corpus import each

NOBODY = Client("it 1.0", "it", lambda *_: [])
PATIENCE = 90.0  # seconds; a busy machine starts Java in ten
NO = "failed nothing"


@each(
    ("trial", "outcome", "word"),
    [
        (Trial(PROXIED, PROXIED, False), Outcome.OK, "also to loopback"),
        (Trial(DIRECT, PROXIED, False), Outcome.WARNING, "never to loopback"),
        (Trial(DIRECT, NO, False), Outcome.WARNING, "no proxy variable"),
        (Trial(DIRECT, DIRECT, False), Outcome.WARNING, "no proxy variable"),
        (
            Trial(NO, NO, True),
            Outcome.PROBLEM,
            "refuses certificates of Retape's CA: its HTTPS calls will fail (nothing)",
        ),
        (Trial(PROXIED, NO, True), Outcome.PROBLEM, "refuses"),
        (Trial(NO, NO, False), Outcome.WARNING, "could not be tried: nothing"),
        (Trial("", "", False), Outcome.WARNING, "could not be tried: it said nothing"),
        (Trial("", "", False, late=True), Outcome.WARNING, "no answer within 8 s"),
    ],
)
def test_what_a_trial_means(trial: Trial, outcome: Outcome, word: str) -> None:
    found = judge(NOBODY, trial, "/state/retape-ca.crt", 8)
    assert found.outcome is outcome
    assert word in found.says
    assert bool(found.command) is (outcome is not Outcome.OK and "could not" not in found.says)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("java", "keytool -importcert"), ("git", "http.sslCAInfo"), ("node", "NODE_EXTRA_CA_CERTS"), ("curl", "sudo ")],
)
def test_the_command_against_distrust_names_the_certificate(kind: str, words: str) -> None:
    found = judge(Client("x", kind, lambda *_: []), Trial("", "", True), "/my state/ca.crt", 8)
    assert words in found.command
    assert "'/my state/ca.crt'" in found.command


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.load_or_create(tmp_path_factory.mktemp("ca"))


def here(name: str) -> Program:
    """The program called ``name``; ``tests/system_packages.sh`` installs them all."""
    found = [program for program in programs() if program.name == name]
    return found[0] if found else pytest.skip(f"{name} is not installed")


TRUSTING = ["curl", "git", "wget", "node", "java", "python"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUSTING)
def test_a_real_client_trusts_the_authority(authority: Authority, name: str) -> None:
    clients = here(name).clients()
    assert clients, f"{name} is here and is no client"
    for client in clients:
        trial = attempt(client, authority, Contexts(authority), os.environ, PATIENCE)
        assert trial.trusts, (client.name, trial)
        assert trial.near == (DIRECT if name == "node" and _old_node(client) else PROXIED), trial


def _old_node(client: Client) -> bool:
    major, minor, *_ = map(int, client.name.removeprefix("node ").split("."))
    return (major, minor) < (22, 21)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUSTING)
def test_a_real_client_refuses_another_authority(authority: Authority, tmp_path: Path, name: str) -> None:
    """With a CA that the client is not told of, the same trial must come out as a refusal, or it proves nothing."""
    other = Contexts(Authority.load_or_create(tmp_path / "other"))
    for client in here(name).clients()[:1]:
        trial = attempt(client, authority, other, os.environ, PATIENCE)
        assert trial.refused, (client.name, trial)
        assert not trial.trusts


@pytest.mark.slow
def test_a_java_that_only_runs_what_is_compiled(authority: Authority) -> None:
    (java,) = here("java").clients()
    runtime = {**os.environ, "JAVA_TOOL_OPTIONS": "--limit-modules=java.base,java.net.http"}  # as in a JRE's image
    found = judge(java, attempt(java, authority, Contexts(authority), runtime, PATIENCE), "ca.crt", PATIENCE)
    assert (found.outcome, found.command) == (Outcome.WARNING, "apt-get install default-jdk-headless")


@pytest.mark.slow
def test_a_client_that_never_answers_is_ended(authority: Authority) -> None:
    sleeper = Client("sleeper", "x", lambda near, *_: [[sys.executable, "-c", "import time; time.sleep(600)"]])
    trial = attempt(sleeper, authority, Contexts(authority), os.environ, 0.5)
    assert (trial.late, trial.refused, trial.trusts) == (True, False, False)


def test_what_is_not_on_the_path_is_not_there(tmp_path: Path) -> None:
    assert [program.name for program in programs(str(tmp_path))] == ["python"]
    (tmp_path / "curl").symlink_to(shutil.which("curl") or "")
    found = programs(str(tmp_path))
    assert [program.name for program in found] == ["python", "curl"]
    assert [client.kind for client in found[1].clients()] == ["curl"]


def test_busybox_is_no_wget(tmp_path: Path) -> None:
    fake = tmp_path / "wget"
    fake.write_text("#!/bin/sh\necho BusyBox v1.36 multi-call binary\n")
    fake.chmod(0o755)
    (wget,) = [program for program in programs(str(tmp_path)) if program.name == "wget"]
    assert isinstance(wget, Program)
    assert wget.clients() == []


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/", "direct\n"),
        ("/try.git/info/refs?service=git-upload-pack", f"{'0' * 39}1\trefs/heads/direct\n"),
        ("/m.test/x/@v/list", "v1.0.0-direct\n"),
    ],
)
def test_each_client_gets_an_answer_of_its_kind(target: str, text: str) -> None:
    assert answer(target, DIRECT) == text


def test_a_site_leaves_no_port_open(authority: Authority) -> None:
    import socket

    with Site(Contexts(authority)) as site:
        ports = [int(url.rpartition(":")[2]) for url in (site.near, site.proxy_url)]
    for port in ports:
        with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), 2):
            pass
