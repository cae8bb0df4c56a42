from __future__ import annotations

from pathlib import Path

import pytest

from captures.setup.detecting import has_table, service_in

FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI(title='x')\n"
FLASK = "import flask\n\napi: flask.Flask = flask.Flask(__name__)\n"
DJANGO = "#!/usr/bin/env python\nos.environ['DJANGO_SETTINGS_MODULE'] = 'x'\n"
NOTHING = "python app.py --port {port}"


@pytest.mark.parametrize(
    ("files", "command", "told_by", "language"),
    [
        ({"Procfile": "web: gunicorn a:b --bind :$PORT\nworker: x\n"}, "gunicorn a:b --bind :{port}", "Procfile", ""),
        ({"Procfile": "web: a --port ${PORT:-8000}", "go.mod": ""}, "a --port {port}", "Procfile", "go"),
        ({"Procfile": "web: cd x && run $PORT"}, "sh -c 'cd x && run $PORT'", "Procfile", ""),
        ({"Procfile": "web: a --host $HOST $PORT"}, "sh -c 'a --host $HOST $PORT'", "Procfile", ""),
        ({"Procfile": "worker: x", "manage.py": DJANGO}, "python manage.py runserver --noreload {port}", "manage.py",
         "python"),
        ({"main.py": FASTAPI}, "uvicorn main:app --port {port}", "main.py (FastAPI)", "python"),
        ({"app/main.py": FASTAPI}, "uvicorn app.main:app --port {port}", "app/main.py (FastAPI)", "python"),
        ({"src/app.py": FASTAPI}, "uvicorn --app-dir src app:app --port {port}", "src/app.py (FastAPI)", "python"),
        ({"app.py": FLASK}, "flask --app app:api run --port {port}", "app.py (Flask)", "python"),
        ({"src/main.py": FLASK}, "flask --app src/main:api run --port {port}", "src/main.py (Flask)", "python"),
        ({"app/__init__.py": FLASK}, "flask --app app:api run --port {port}", "app/__init__.py (Flask)", "python"),
        ({"package.json": '{"scripts": {"start": "node x.js"}}'}, "npm start", "package.json (scripts.start)", "node"),
        ({"pyproject.toml": "[project.scripts]\nshop = 'a:b'"}, "shop --port {port}",
         "pyproject.toml (project.scripts)", "python"),
        ({"server.py": "print()"}, "python server.py --port {port}", "server.py", "python"),
        ({"go.mod": "module x"}, "go run .", "go.mod", "go"),
        ({}, NOTHING, "", ""),
        ({"package.json": "[]"}, NOTHING, "", "node"),
        ({"package.json": "{"}, NOTHING, "", "node"),
        ({"package.json": '{"scripts": []}'}, NOTHING, "", "node"),
        ({"pyproject.toml": "= broken"}, NOTHING, "", "python"),
        ({"pyproject.toml": "project = 1"}, NOTHING, "", "python"),
        ({"Procfile": "web: echo ${{ secrets.X }}"}, NOTHING, "", ""),
        ({"Procfile": "web: a\x1b[2J $PORT"}, NOTHING, "", ""),
        ({"Procfile": "web: it's && x"}, NOTHING, "", ""),
    ],
)  # fmt: skip
def test_the_most_explicit_file_tells(
    files: dict[str, str], command: str, told_by: str, language: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    service = service_in(tmp_path)
    assert (service.command, service.told_by, service.language) == (command, told_by, language)


@pytest.mark.parametrize(
    ("files", "build"),
    [
        (["package.json"], "npm install"),
        (["package.json", "package-lock.json"], "npm ci"),
        (["requirements.txt", "pyproject.toml"], "pip install -r requirements.txt"),
        (["pyproject.toml"], "pip install ."),
        ([], ""),
    ],
)
def test_what_makes_it_ready(files: list[str], build: str, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    (tmp_path / "app.py").touch()
    assert service_in(tmp_path).build == build


def test_what_is_no_text_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_bytes(b"web: \xff\xfe")
    (tmp_path / "main.py").mkdir()
    (tmp_path / "manage.py").symlink_to(tmp_path / "none")
    assert service_in(tmp_path).told_by == ""


@pytest.mark.parametrize(
    ("text", "has"), [("[tool.retape]\n", True), ("[tool]\nretape = 1", True), ("tool = 1", False)]
)
def test_a_table(text: str, has: bool, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    assert has_table(tmp_path / "x.toml", "tool", "retape") is has
