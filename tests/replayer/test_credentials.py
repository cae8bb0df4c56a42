"""``[replay.auth]``: fresh credentials where recorded ones stood, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from captures.config import load
from captures.errors import ConfigError, TargetError
from captures.model import Direction, Exchange, Failure, FailureKind, Headers, Request, Response, Timing, header
from captures.redacting.redaction import RedactionPolicy, Redactor
from replayer.bindings import Bindings
from replayer.credentials import Credentials, logged_in
from replayer.sources import Sources, Withheld
from tests.corpus import each
from tests.replayer.tapes import NOW, request, response

SECRET = "tok-5b1e77aa90c2-very-secret"
ENV = {"TOKEN": SECRET, "ANN": "ann-secret-token-77aa", "PASSWORD": "hunter2hunter2"}
RECORDED = b"Bearer q8Zr2Lk9Xw4Tn6Vb"


def asked(*headers: tuple[bytes, bytes]) -> Request:
    return request(target="/me", headers=headers)


def fresh(section: dict[str, Any], recorded: Request, sent: Request | None = None) -> tuple[Headers, list[str]]:
    told, changes = Credentials.of(section, ENV).fresh(recorded, sent or recorded)
    assert all(value not in f"{change.where}{change.why}" for change in changes for value in ENV.values())
    return told.headers[1:], [f"{change.where}: {change.why}" for change in changes]


@pytest.mark.parametrize(
    ("section", "before", "after"),
    [
        ({"headers": {"Authorization": "Bearer ${TOKEN}"}}, (b"authorization", RECORDED), b"Bearer " + SECRET.encode()),
        ({"headers": {"X-Key": "${TOKEN}"}}, (b"X-KEY", b"old"), SECRET.encode()),
        ({"cookie": "sid=${TOKEN}"}, (b"Cookie", b"a=1; sid=old; b=2"), b"a=1; sid=" + SECRET.encode() + b"; b=2"),
        (
            {"basic": "ci:${PASSWORD}"},
            (b"Authorization", b"Basic b2xkOm9sZA=="),
            b"Basic " + base64.b64encode(b"ci:hunter2hunter2"),
        ),
    ],
)
def test_recorded_credentials_give_way(section: dict[str, Any], before: tuple[bytes, bytes], after: bytes) -> None:
    headers, changes = fresh(section, asked(before))
    assert headers == ((before[0], after),)
    assert changes == [f"header {before[0].decode().lower()}: supplied by [replay.auth]"]


@pytest.mark.parametrize(
    ("section", "recorded"),
    [
        ({"headers": {"Authorization": "Bearer ${TOKEN}"}}, asked()),
        ({"headers": {"Authorization": "Bearer ${TOKEN}"}}, asked((b"X-Other", b"1"))),
        ({"cookie": "sid=${TOKEN}"}, asked((b"Cookie", b"theme=dark"))),
        ({"cookie": "sid=${TOKEN}"}, asked()),
        ({"basic": "ci:${PASSWORD}"}, asked((b"Authorization", RECORDED))),
    ],
)
def test_who_was_nobody_stays_nobody(section: dict[str, Any], recorded: Request) -> None:
    assert fresh(section, recorded) == (recorded.headers[1:], [])


def test_what_this_replay_minted_stays() -> None:
    section = {"headers": {"Authorization": "Bearer ${TOKEN}"}, "cookie": "sid=${TOKEN}; csrf=${TOKEN}"}
    recorded = asked((b"Authorization", RECORDED), (b"Cookie", b"sid=old; csrf=old"))
    sent = asked((b"Authorization", b"Bearer minted-now"), (b"Cookie", b"sid=minted-now; csrf=old"))
    headers, _ = fresh(section, recorded, sent)
    assert headers == (
        (b"Authorization", b"Bearer minted-now"),
        (b"Cookie", b"sid=minted-now; csrf=" + SECRET.encode()),
    )


def test_others_are_told_apart_by_what_was_recorded_of_them() -> None:
    section = {
        "headers": {"Authorization": "Bearer ${TOKEN}"},
        "as": [{"recorded": "X-User: ann*", "headers": {"Authorization": "Bearer ${ANN}"}}],
    }
    for user, token, label in ((b"ann.b", ENV["ANN"], "[[replay.auth.as]] 1"), (b"bob", SECRET, "[replay.auth]")):
        headers, changes = fresh(section, asked((b"Authorization", RECORDED), (b"X-User", user)))
        assert headers[0] == (b"Authorization", f"Bearer {token}".encode())
        assert changes == [f"header authorization: supplied by {label}"]


@each(
    ("section", "said"),
    [
        ({"headers": {"Authorization": "Bearer ${NOT_SET}"}}, "the environment variable NOT_SET is not set"),
        ({"headers": {"A": "${BROKEN}"}}, "is one line"),
        ({"headers": "x"}, "headers must be a table"),
        ({"headers": {"A": 1}}, "headers.A must be a string"),
        ({"basic": "${TOKEN}"}, 'basic must be "user:password"'),
        ({"cookie": "${TOKEN}"}, 'cookie must be "name=value'),
        ({"header": {}}, 'unknown key "header". Did you mean "headers"'),
        ({"as": [{"headers": {"A": "x"}}]}, "recorded says whose requests are meant"),
        ({"as": [{"recorded": "x-user: a"}]}, "supplies nothing"),
        ({"jwt_key": 5}, "jwt_key must be a string"),
        ({"login": "x"}, "login must be a table"),
        ({"login": {}}, "path must be a path of the service"),
        ({"login": {"path": "/l", "jsn": {}}}, 'unknown key "jsn". Did you mean "json"'),
        ({"login": {"path": "/l", "json": {}, "form": {}}}, "has json and form"),
        ({"login": {"path": "/l", "token": 5}}, "token must be a JSON path"),
        ({"login": {"path": "/l", "header": "Authorization"}}, "header must name a header and hold {token}"),
        ({"login": {"path": "/l", "json": {"password": "${NOT_SET}"}}}, "json.password: the environment variable"),
    ],
)
def test_what_is_wrong_is_said_without_values(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Credentials.of(section, {**ENV, "BROKEN": "a\r\nb"})
    assert said in str(caught.value)
    assert not any(value in f"{caught.value}{caught.value.hint}" for value in ENV.values())


def test_nothing_shows_a_value() -> None:
    section = {
        "headers": {"A": "${TOKEN}"}, "cookie": "a=${TOKEN}", "basic": "a:${PASSWORD}", "jwt_key": "${TOKEN}",
        "login": {"path": "/l", "json": {"password": "${PASSWORD}"}, "headers": {"X": "${ANN}"}},
    }  # fmt: skip
    shown = repr(Credentials.of(section, ENV))
    assert not any(value in shown for value in ENV.values())


@pytest.mark.parametrize("place", ["[replay.auth]\nheder = 1", "[[replay.auth.as]]\nrecordd = 1"])
def test_unknown_keys_are_refused_by_every_command(tmp_path: Path, place: str) -> None:
    (tmp_path / "retape.toml").write_text(place + "\n")
    with pytest.raises(ConfigError, match=r"Did you mean"):
        load(tmp_path)


# -- logging in ----------------------------------------------------------------------------------------------------


@dataclass
class Came:
    response: Response | None = None
    failure: Failure | None = None


def after_login(section: dict[str, Any], answer: Came) -> tuple[Credentials, list[Request]]:
    seen: list[Request] = []

    async def send(login: Request) -> Came:
        seen.append(login)
        return answer

    return asyncio.run(logged_in(Credentials.of(section, ENV), ("http", "127.0.0.1", 8000), send)), seen


LOGIN = {"path": "/login", "json": {"user": "ci", "password": "${PASSWORD}"}, "token": "$.access_token"}


def test_a_login_goes_first_and_its_token_into_later_requests() -> None:
    credentials, seen = after_login({"login": LOGIN}, Came(response(200, {"access_token": "fresh.token"})))
    assert (seen[0].method, seen[0].target) == ("POST", b"/login")
    assert seen[0].body == b'{"user": "ci", "password": "hunter2hunter2"}'
    assert header(seen[0].headers, "content-type") == b"application/json"
    assert header(seen[0].headers, "host") == b"127.0.0.1:8000"
    told, _ = credentials.fresh(asked((b"Authorization", RECORDED)), asked((b"Authorization", RECORDED)))
    assert header(told.headers, "authorization") == b"Bearer fresh.token"
    assert "fresh.token" in credentials.secrets
    assert "header authorization" in credentials.supplied


def test_a_login_by_form_and_cookie_and_another_header() -> None:
    login = {"path": "/login", "form": {"u": "ci", "p": "${PASSWORD}"}, "token": "$.t", "header": "X-Key: k={token}"}
    answer = response(200, {"t": "fresh"}, headers=((b"Set-Cookie", b"sid=made-now; Path=/"),))
    credentials, seen = after_login({"login": login}, Came(answer))
    assert seen[0].body == b"u=ci&p=hunter2hunter2"
    recorded = asked((b"X-Key", b"old"), (b"Cookie", b"sid=old"))
    told, _ = credentials.fresh(recorded, recorded)
    assert told.headers[1:] == ((b"X-Key", b"k=fresh"), (b"Cookie", b"sid=made-now"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Came(response(401, {"error": SECRET})), "was answered with 401"),
        (Came(None, Failure(FailureKind.CONNECT)), "failed: connect"),
        (Came(response(200, {"token": SECRET})), "has no token at $.access_token"),
        (Came(response(200, {"access_token": "a\r\nb"})), "has no token at $.access_token"),
    ],
)
def test_a_login_that_fails_stops_the_replay(answer: Came, said: str) -> None:
    with pytest.raises(TargetError) as caught:
        after_login({"login": LOGIN}, answer)
    assert said in str(caught.value)
    assert SECRET not in f"{caught.value}{caught.value.hint}"


def test_a_login_without_token_must_bring_a_cookie() -> None:
    with pytest.raises(TargetError, match="sets no cookie"):
        after_login({"login": {"path": "/login"}}, Came(response(204)))


# -- with the rest -------------------------------------------------------------------------------------------------


def test_supplied_places_need_nothing_of_the_recording() -> None:
    token = "kT9x2LmQ7vBz4nRw8YpDkT9x"
    login = Exchange(1, Direction.INBOUND, request("POST", "/login", {}), Timing(NOW), response(200, {"token": token}))
    me = Exchange(2, Direction.INBOUND, asked((b"Authorization", f"Bearer {token}".encode())), Timing(NOW))

    def held_back(section: dict[str, Any]) -> Withheld | None:
        sources = Sources(Bindings(), supplied=Credentials.of(section, ENV).supplied)
        sources.answered(login, response(401, {}))
        return sources.vanished(me)

    assert held_back({}) is not None
    assert held_back({"headers": {"Authorization": "Bearer ${TOKEN}"}}) is None


def test_supplied_values_are_redacted_wherever_they_stand() -> None:
    credentials = Credentials.of({"headers": {"X-Odd": "Token ${TOKEN}"}, "cookie": "sid=${ANN}"}, ENV)
    redactor = Redactor(b"k" * 32, RedactionPolicy.from_config({"headers": [*credentials.header_names]}))
    redactor.hide(credentials.secrets)
    said = {"said": f"got {SECRET}", "sid": ENV["ANN"]}
    call = request("POST", f"/log?x={SECRET}", said, headers=((b"X-Odd", b"Token " + SECRET.encode()),))
    answer = response(200, {"echo": SECRET}, headers=((b"X-Echo", SECRET.encode()),))
    exchange = Exchange(1, Direction.OUTBOUND, call, Timing(NOW), answer, notes={"miss": f"no {SECRET}"})
    written = repr(redactor.exchange(exchange))
    assert not any(value in written for value in (SECRET, ENV["ANN"]))
