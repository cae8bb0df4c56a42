"""A secret whose name stands apart from it: in JSON, tables, forms, markup and multipart."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from captures.model import Exchange
from captures.redacting.redaction import RedactionPolicy, Redactor, pseudonym
from captures.redacting.secret_marks import LARGE
from tests.captures.making import JSON, exchange
from tests.captures.test_redaction import everything

KEY = b"k" * 32
SECRET = "Zq8-hunter2"
STAND_IN = pseudonym(KEY, SECRET)


def redacted(one: Exchange, **section: Any) -> Exchange:
    return Redactor(KEY, RedactionPolicy.from_config(section)).exchange(one)


def in_body(kind: str, text: str) -> Exchange:
    return exchange(headers=((b"Content-Type", kind.encode()),), body=text.encode())


def hidden(one: Exchange) -> None:
    new = redacted(one)
    assert SECRET.encode() not in everything(new)
    assert STAND_IN.encode() in new.request.body
    assert not new.notes.get("unscannable")
    assert new.request.body == one.request.body.replace(SECRET.encode(), STAND_IN.encode())  # every other byte stays


S = SECRET
JSONS: list[Any] = [
    ["password", S], [["user", "bob"], ["password", S]], {"a": ["api_key", S]}, ["HSET", "user:1", "password", S],
    ["mysql", "--password", S], ["curl", "-u", "--token", S, "x"], ["Authorization", f"Bearer {S}"],
    {"rawHeaders": ["Host", "a", "X-Acme-Token", S]},
    {"name": "password", "value": S}, {"value": S, "name": "password"}, {"key": "api_key", "value": S},
    {"Name": "password", "Value": {"StringValue": S}}, {"k": "client_secret", "v": S},
    {"field": "password", "rejectedValue": S}, {"op": "replace", "path": "/user/password", "value": S},
    {"id": "access_token", "values": [S, {"x": S}]}, {"parameter": [{"name": "password", "valueString": S}]},
    {"detail": [{"loc": ["body", "password"], "msg": "too short", "input": S}]}, {"attribute": "secret", "newValue": S},
    {"log": {"entries": [{"request": {"headers": [{"name": "X-Acme-Token", "value": S}]}}]}},
    {"columns": ["id", "password"], "rows": [[1, S], [2, None]]}, [["id", "password"], [1, S], [2, S]],
    {"columns": [{"name": "id", "type": "int"}, {"name": "password", "type": "text"}], "rows": [[1, S]]},
    {"schema": {"fields": [{"name": "id"}, {"name": "password"}]}, "rows": [{"f": [{"v": 1}, {"v": S}]}]},
    {"results": [{"series": [{"columns": ["time", "token"], "values": [[1, S]]}]}]},
    {"query": "mutation($p: String!) {\n login(user: $u, password: $p) { ok } }", "variables": {"p": S, "u": "bob"}},
    {"query": "mutation M{a(\npassword:$x)}", "variables": {"x": S}}, {"argv": ["x", f"--password={S}"]},
    {"log": f'got {{"user": "bob", "password": "{S}"}} from x'}, {"request": {"env": {"HTTP_X_API_KEY": S}}},
]  # fmt: skip


@pytest.mark.parametrize("value", JSONS, ids=json.dumps)
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_names_apart_in_json(value: Any, large: bool) -> None:
    rows = [{"id": number, "name": "a thing", "tags": ["a", [1, {"b": None}]]} for number in range(400)]
    text = json.dumps({"rows": rows, "here": value, "more": rows} if large else value)
    assert (len(text) > LARGE) is large
    hidden(in_body("application/json", text))


@pytest.mark.parametrize(
    "value",
    [{"required": ["username", "password", "token", "apiKey"]}, {"grant_types": ["password", "refresh_token"]},
     {"name": "password", "text": S, "in": "formData"}, {"title": "password", "value": "x"},
     [["id", "name"], [1, S]], {"columns": ["id", "name"], "rows": [[1, S]]}, {"name": "session", "value": "open"},
     ["user", S], {"query": "{a(id: $p)}", "variables": {"p": S}}, {"scopes": ["auth", "read:user"]}],
)  # fmt: skip
def test_lists_of_names_stay(value: Any) -> None:
    one = exchange(headers=JSON, body=json.dumps(value).encode())
    assert redacted(one) is one


def test_numbers_and_configured_names_stand_apart_too() -> None:
    body = json.dumps([{"name": "pin", "value": 123456}, {"name": "password", "value": 1234567}]).encode()
    new = json.loads(redacted(exchange(headers=JSON, body=body), query=["pin"]).request.body)
    assert new[0]["value"] != 123456
    assert new[1]["value"] != 1234567
    assert (
        json.loads(redacted(exchange(headers=JSON, body=body), keep=["password"]).request.body)[1]["value"] == 1234567
    )


TEXTS = [
    ("text/csv", f"user,password\r\nada,{S}\r\n"), ("text/csv", f'"user","password"\n"a, b","{S}"\n'),
    ("text/csv", f'user,password,note\nada,{S},"one\ntwo, ""three"""\nbob,{S},x\n'),
    ("text/csv", f"a;token;b\n1;{S};2\n"),
    ("text/csv", f"a,password\n1,\"{S}\"\n"), ("text/tab-separated-values", f"user\tpassword\nada\t{S}\n"),
    ("text/plain", f"user,password\nada,{S}\n"), ("text/plain", f"id | password\n----+----\n 1 | {S}\n"),
    ("text/plain", f"+----+------+\n| id | password |\n+----+------+\n|  1 | {S} |\n+----+\n"),
    ("text/markdown", f"| user | password |\n|---|---|\n| ada | {S} |\n"), ("", f"user;password\nada;{S}\n"),
    ("application/vnd.ms-excel", f"user;password\nada;{S}\n"),
    ("application/octet-stream", f"user,password\nada,{S}\n"),
    ("application/xml", f'<doc><field name="password">{S}</field></doc>'),
    ("application/xml", f'<a><field id="api_key"><x/>{S}</field></a>'),
    ("application/xml", f"<a><member><name>password</name><value><string>{S}</string></value></member></a>"),
    ("application/xml", f"<Item><Name>password</Name><Value>{S}</Value></Item>"),
    ("application/xml", f"<p><fieldName>token</fieldName>\n <fieldValue>{S}</fieldValue></p>"),
    ("application/xml", f"<x:Attribute Name='password'><x:AttributeValue>{S}</x:AttributeValue></x:Attribute>"),
    ("text/html", f"<table><tr><th>Password</th><td>{S}</td></tr></table>"),
    ("text/html", f"<table><tr><th>id<th>password</tr><tr><td>1<td>{S}</tr><tr><td>2<td>{S}</tr></table>"),
    ("text/html", f"<dl><dt>password</dt><dd>{S}</dd></dl>"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), TEXTS)
def test_names_apart_in_tables_and_markup(kind: str, text: str) -> None:
    hidden(in_body(kind, text))


FORMS = [
    f"name=password&value={S}", f"value={S}&name=password", f"name=a&value=1&name=password&value={S}",
    f"items[0][name]=password&items[0][value]={S}&items[1][name]=a&items[1][value]=b",
    f"key1=user&val1=b&key2=token&val2={S}",
    f"f.name=client_secret&f.value={S}", f"field=password&newValue={S}",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_names_apart_in_forms_queries_and_parts(form: str) -> None:
    hidden(in_body("application/x-www-form-urlencoded", form))
    assert SECRET.encode() not in redacted(exchange(target=f"/x?{form}".encode())).request.target
    parts = "".join(
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (piece.split("=") for piece in form.split("&"))
    )
    hidden(in_body("multipart/form-data; boundary=B", f"{parts}--B--\r\n"))


@pytest.mark.parametrize(
    "form", ["name=bob&value=Zq8-hunter2", "name=password", "value=x1y2z3&key=a", "name=password+rules&value=abcd1234"]
)
def test_other_forms_stay(form: str) -> None:
    one = exchange(
        target=f"/x?{form}".encode(),
        headers=((b"Content-Type", b"application/x-www-form-urlencoded"),),
        body=form.encode(),
    )
    assert redacted(one) is one


def test_a_value_of_a_form_that_is_encoded() -> None:
    one = exchange(target=f"/x?name=pass%77ord&value={quote('a b&' + S)}".encode())
    assert SECRET.encode() not in redacted(one).request.target
