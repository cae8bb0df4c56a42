"""Pins and fixtures in an environment beside FastAPI, Django and Flask, in a project that owns our general names."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end import software

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
NAMES = ("captures", "diffing", "recorder", "replayer")
APP = """\
import sys, uuid
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

class Note(BaseModel):
    text: str

app = FastAPI()

@app.post("/notes", status_code=201)
def make(note: Note):
    return {"id": str(uuid.uuid4()), **note.model_dump()}

uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""
PIN = """\
pin: 1
request:
  line: POST /notes
  headers: {content-type: application/json}
  json: {text: hello}
expect:
  status: 201
  json: {id: «uuid», text: hello}
"""
TEST = f"""\
import {", ".join(NAMES)}
import django, flask, httpx, pydantic, sys

def test_own(retape_target):
    answer = httpx.post(retape_target + "/notes", json={{"text": "x"}}, trust_env=False)
    assert (answer.status_code, replayer.VALUE) == (201, 1)

def test_nothing_of_ours_is_here():
    ours = [name for name in sys.modules if name.partition(".")[0] in {NAMES}]
    assert sorted(ours) == {sorted(NAMES)}
"""


def test_a_project_with_frameworks_and_our_names(tmp_path: Path) -> None:
    tools = software.python_tools(name="frameworks")
    pip = [tools / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    run = {"capture_output": True, "text": True, "timeout": 150, "check": False}
    done = subprocess.run([*pip, "--no-deps", "--no-build-isolation", ROOT], env=environment, **run)
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("VALUE = 1\n", encoding="utf-8")
    files = {"app.py": APP, "note.yaml": PIN, "test_own.py": TEST, "pytest.ini": "[pytest]\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = f"--retape-command={tools / 'python'} app.py {{port}}"
    done = subprocess.run([tools / "python", "-m", "pytest", "-q", command], env=environment, cwd=tmp_path, **run)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
