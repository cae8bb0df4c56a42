"""What is in ``deploy/`` works: checked by the tools it is for, and started with its own words."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from captures.doctor.site import Contexts, Site
from captures.service import free_port
from captures.trust import Authority
from recorder.watching.board import Phase, View
from recorder.watching.exposition import exposition
from tests.end_to_end.processes import RETAPE, Bench, wait_until

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT, MANIFEST = DEPLOY / "retape-record.service", DEPLOY / "kubernetes.yaml"
EXPOSURE = 2.0  # of 10; systemd says OK up to 4.4 or so


def analyse(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (tests/system_packages.sh)")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that exists."""
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace("/opt/retape/bin/retape", str(RETAPE)))
    return path


def test_systemd_understands_the_unit(unit: Path) -> None:
    done = analyse("verify", str(unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    broken = unit.with_name("broken.service")
    broken.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystm=strict"))
    assert "'ProtectSystm'" in analyse("verify", str(broken)).stderr, "the check can fail"


def test_the_unit_may_do_little(unit: Path) -> None:
    done = analyse("security", "--offline=true", "--no-pager", str(unit))
    score = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert score, done.stdout + done.stderr
    assert float(score[1]) <= EXPOSURE


def test_the_unit_starts_a_recorder(bench: Bench, tmp_path: Path) -> None:
    text = UNIT.read_text()
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    program, *words = shlex.split(line)
    assert program == "/opt/retape/bin/retape"
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "retape.toml").write_text('[record]\ninbound = ["0=http://127.0.0.1:9"]\noutbound = "0"\n')
    places = {"/etc/retape": str(tmp_path), "/var/lib/retape": str(kept), "127.0.0.1:9180": "127.0.0.1:0"}
    for ours, theirs in places.items():
        assert any(ours in word for word in words)
        words = [word.replace(ours, theirs) for word in words]
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(60)
        env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "RETAPE_STATE_DIR": str(kept / "state")}
        recorder = bench.retape(*words, "--format", "json", env=env)
        assert manager.recv(4096).decode().startswith("READY=1\n")
        assert "WATCHDOG=1" in manager.recv(4096).decode()
        ports = {one["role"]: one["port"] for one in recorder.events("listening")}
        assert health(ports["metrics"]) == 200
        recorder.stop().expect(0)
    assert {path.name for path in kept.iterdir()} == {"staging.sqlite", "state"}


SANDBOX = """
import errno, os, subprocess, sys
import pyseccomp

def members(group):
    listed = subprocess.check_output(["systemd-analyze", "syscall-filter", "--no-pager", group], text=True)
    words = [line.strip() for line in listed.splitlines()[1:]]
    names = {word for word in words if word and word[0] not in "#@"}
    return names.union(*(members(word) for word in words if word.startswith("@")))

allowed = members("@default")  # systemd always lets these
for rule in sys.argv[1].split():
    allowed = allowed - members(rule[1:]) if rule.startswith("~") else allowed | members(rule)
sandbox = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
for name in allowed:
    try:
        sandbox.add_rule(pyseccomp.ALLOW, name)
    except (OSError, ValueError):
        pass  # of another architecture, or newer than the library
sandbox.load()
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_recorder_lives_with_the_system_calls_that_the_unit_leaves_it(
    bench: Bench, third_party: Path, tmp_path: Path
) -> None:
    """The kernel enforces the unit's own filter, as systemd would have it: TLS and the end of a recording work."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (tests/system_packages.sh)")
    rules = " ".join(re.findall(r"^SystemCallFilter=(.*)$", UNIT.read_text(), re.MULTILINE))
    assert rules == "@system-service ~@privileged"
    capture = tmp_path / "x.sqlite"
    words = ["record", "--format", "json", "-o", capture, "--outbound", "0", "--metrics", "0", "--insecure-upstream"]
    process = bench.start(
        third_party / "python", "-c", SANDBOX, rules, RETAPE, *words,
        env={**bench.environment, "RETAPE_DEBUG": "1"},
    )  # fmt: skip
    process.event("ready", 60)
    ports = {one["role"]: one["port"] for one in process.events("listening")}
    assert "Seccomp:\t2" in Path(f"/proc/{process.pid}/status").read_text()
    with Site(Contexts(Authority.load_or_create(tmp_path / "another"))) as site:
        got = subprocess.run(
            ["curl", "-sS", "--cacert", bench.state / "retape-ca.crt", "-x", f"http://127.0.0.1:{ports['outbound']}",
             "--noproxy", "", f"{site.near}/page"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (got.stdout, got.stderr) == ("direct\n", "")
    assert health(ports["metrics"]) == 200
    finished = process.stop().expect(0)
    done = process.event("done")
    assert (done["seen"], done["written"], done["dropped"]) == (1, 1, 0)
    assert "PermissionError" not in finished.stderr


def test_the_unit_says_what_the_documentation_says() -> None:
    settings = dict(re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE))
    expected = {
        "Type": "notify", "DynamicUser": "yes", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "UMask": "0077",
        "StateDirectoryMode": "0700", "ReadWritePaths": "/var/lib/retape", "CapabilityBoundingSet": "",
        "WatchdogSec": "30", "Restart": "on-failure", "RestartPreventExitStatus": "2",
    }  # fmt: skip
    assert {name: settings.get(name) for name in expected} == expected


def manifest() -> dict[str, dict[str, Any]]:
    """The resources by kind."""
    found = [one for one in yaml.safe_load_all(MANIFEST.read_text()) if one]
    assert len({one["kind"] for one in found}) == len(found)
    return {one["kind"]: one for one in found}


def test_kubernetes_knows_every_field(third_party: Path, tmp_path: Path) -> None:
    check = [third_party / "kubernetes-validate", "-k", "1.31", "--strict"]
    done = subprocess.run([*check, MANIFEST], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("passed") + done.stderr.count("passed") == len(manifest())
    broken = tmp_path / "broken.yaml"
    broken.write_text(MANIFEST.read_text().replace("runAsNonRoot: true", "runAsNoRoot: true"))
    assert subprocess.run([*check, broken], capture_output=True, timeout=60, check=False).returncode != 0


def test_the_parts_of_the_manifest_fit_together() -> None:
    parts = manifest()
    pod = parts["Deployment"]["spec"]["template"]
    labels = pod["metadata"]["labels"]
    for selector in (
        parts["Service"]["spec"]["selector"],
        parts["Deployment"]["spec"]["selector"]["matchLabels"],
        parts["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    (recorder,), (service,) = pod["spec"]["initContainers"], pod["spec"]["containers"]
    assert recorder["restartPolicy"] == "Always", "a sidecar, or the service never starts"
    ports = {one["name"]: one["containerPort"] for one in recorder["ports"]}
    assert parts["Service"]["spec"]["ports"][0]["targetPort"] in ports
    volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
    for container in (recorder, service):
        assert {one["name"] for one in container["volumeMounts"]} <= volumes.keys()
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert volumes["retape"]["persistentVolumeClaim"]["claimName"] == parts["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["config"]["configMap"]["name"] == parts["ConfigMap"]["metadata"]["name"]
    keys = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in recorder["env"] if "valueFrom" in one}
    secret = parts["Secret"]
    assert keys == {"RETAPE_REDACT_KEY": {"name": secret["metadata"]["name"], "key": "redact-key"}}
    assert "REPLACE-ME" in secret["stringData"]["redact-key"]
    (mounted,) = service["volumeMounts"]
    assert mounted["subPath"] == "state/retape-ca.crt", "the service gets the certificate, and not the key beside it"
    config = tomllib.loads(parts["ConfigMap"]["data"]["retape.toml"])["record"]
    assert config["inbound"] == [f"0.0.0.0:{ports['http']}=http://127.0.0.1:8000"]
    assert config["metrics"] == f"0.0.0.0:{ports['metrics']}"
    environment = {one["name"]: one["value"] for one in service["env"]}
    assert environment["PORT"] == "8000"
    assert {environment[name] for name in ("HTTP_PROXY", "https_proxy")} == {
        f"http://127.0.0.1:{config['outbound'][0]}"
    }


def test_the_sidecar_starts_and_answers_its_probes(bench: Bench, tmp_path: Path) -> None:
    parts = manifest()
    (container,) = parts["Deployment"]["spec"]["template"]["spec"]["initContainers"]
    text = parts["ConfigMap"]["data"]["retape.toml"]
    free = {port: free_port() for port in ("8080", "8081", "9180")}
    for port, other in free.items():
        assert text.count(port) == 1
        text = text.replace(port, str(other))
    (tmp_path / "retape.toml").write_text(text)
    kept = tmp_path / "kept"
    words = [
        word.replace("/etc/retape", str(tmp_path)).replace("/var/lib/retape", str(kept)) for word in container["args"]
    ]
    env = {one["name"]: str(one.get("value", "k" * 32)) for one in container["env"]}
    env["RETAPE_STATE_DIR"] = env["RETAPE_STATE_DIR"].replace("/var/lib/retape", str(kept))
    recorder = bench.retape(*words, env=env)
    metrics = free["9180"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        path = container[probe]["httpGet"]["path"]
        assert container[probe]["httpGet"]["port"] == "metrics"
        wait_until(lambda path=path: health(metrics, path) == 200, f"the {probe}", 60)  # type: ignore[misc]
    done = recorder.stop().expect(0)
    assert done.stderr.count("whoever reaches that address") == 1
    assert (kept / "captures" / "shop.sqlite").exists()
    assert (kept / "state" / "retape-ca.crt").exists()


def test_what_the_alerts_ask_for_is_measured() -> None:
    names = set(re.findall(r"retape_[a-z_]+", (DEPLOY / "README.md").read_text()))
    measured = exposition(View(Phase.RECORDING, {}, 0.0, 0.0, 1, 1), {})
    assert names
    assert {name for name in names if f"\n{name}" not in measured} == set()


def health(port: int, path: str = "/healthz") -> int:
    """The status of a probe; 0 where nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
