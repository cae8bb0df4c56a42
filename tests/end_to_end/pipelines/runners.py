"""As much of GitHub's and GitLab's runners as the workflows of ``retape init`` use: the shell steps really run.

What the platforms themselves do has a stand-in: a checkout is the folder at hand, artifacts are folders, a cache is
empty, and ``pipx`` and ``gh`` are programs that write down what they were asked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SECONDS = 300


@dataclass
class Done:
    """What a job's steps said, in order, and whether each ended well."""

    codes: list[tuple[str, int]] = field(default_factory=list)
    output: str = ""

    @property
    def failed(self) -> list[str]:
        return [name for name, code in self.codes if code]


@dataclass(frozen=True)
class Place:
    """A repository's checkout, programs that come first on PATH, and where artifacts are kept."""

    folder: Path
    programs: Path
    artifacts: Path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "CI": "true", "RETAPE_STATE_DIR": str(self.folder / ".retape"), **more}


def standing(folder: Path) -> Path:
    """A folder of programs: ``retape`` and ``python`` are this environment's, installing does nothing."""
    folder.mkdir()
    scripts = {
        "retape": f'exec {sys.executable} -m retape "$@"',
        "python": f'exec {sys.executable} "$@"',
        "pipx": 'echo "pipx $*"',
        "pip": 'echo "pip $*"',
    }
    for name, line in scripts.items():
        program(folder / name, line)
    return folder


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def github(place: Place, workflow: Path, job: str, values: Mapping[str, str], files: Mapping[str, Path]) -> Done:
    """Run ``job`` of a workflow; ``values``: what its expressions stand for, ``files``: variables that name files."""
    made = yaml.safe_load(workflow.read_text())
    steps = made["jobs"][job]
    said = {**made.get("env", {}), **steps.get("env", {})}
    variables = {name: _filled(str(value), values) for name, value in said.items()}
    env = place.environment(
        {**variables, "GITHUB_ACTIONS": "true", **{name: str(path) for name, path in files.items()}}
    )
    done = Done()
    for step in steps["steps"]:
        name = step.get("name") or step["uses"]
        condition = step.get("if", "")
        if done.failed and "!cancelled()" not in condition:
            continue
        if "run" in step:
            code = _shell(["bash", "-e"], step["run"], env, place, done)
        else:
            code = _action(place, step, {**values, **{f"env.{key}": value for key, value in variables.items()}})
        done.codes.append((name, code))
    return done


def gitlab(place: Place, pipeline: Path, job: str, variables: Mapping[str, str]) -> Done:
    """Run ``job``: its scripts in one shell, as GitLab does, then its artifacts are kept."""
    made = yaml.safe_load(pipeline.read_text())
    steps = {**made[made[job]["extends"]], **made[job]}
    env = place.environment({**steps["variables"], **variables, "GITLAB_CI": "true"})
    for need in steps.get("needs", []):
        for kept in sorted(place.artifacts.glob(f"{need}-*")):
            shutil.copytree(kept, place.folder, dirs_exist_ok=True)
    done = Done()
    install, *before = steps["before_script"]
    assert install.startswith("python3 -m venv /tmp/retape && /tmp/retape/bin/pip install")
    code = _shell(["sh", "-e"], "\n".join([*before, *steps["script"]]), env, place, done)
    done.codes.append((job, code))
    kept = place.artifacts / f"{job}-{variables.get('CI_NODE_INDEX', 0)}"
    for wanted in steps["artifacts"]["paths"]:
        source = place.folder / wanted
        if source.exists():
            _copy(source, kept / wanted)
    for report in steps["artifacts"].get("reports", {}).values():
        assert (place.folder / report).is_file(), report
    return done


def _shell(shell: Sequence[str], script: str, env: Mapping[str, str], place: Place, done: Done) -> int:
    ended = subprocess.run(
        [*shell, "-c", script] if shell[0] == "sh" else [*shell, "-o", "pipefail", "-c", script],
        cwd=place.folder, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip
    done.output += ended.stdout
    return ended.returncode


def _action(place: Place, step: Mapping[str, Any], values: Mapping[str, str]) -> int:
    name = step["uses"].partition("@")[0]
    given = {key: _filled(str(value), values) for key, value in step.get("with", {}).items()}
    if name == "actions/upload-artifact":
        kept = place.artifacts / given["name"]
        for pattern in given["path"].split():
            for source in place.folder.glob(pattern):
                _copy(source, kept / source.name)
        return 0
    if name == "actions/download-artifact":
        for kept in sorted(place.artifacts.glob(given["pattern"])):
            shutil.copytree(kept, place.folder / given["path"], dirs_exist_ok=True)
        return 0
    assert name in ("actions/checkout", "actions/setup-python", "actions/setup-node", "actions/cache"), name
    return 0


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def _filled(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda match: values[match[1]], text)
