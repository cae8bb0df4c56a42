from __future__ import annotations

import pytest

from captures.redacting.commands import shown_command
from tests.corpus import each


@each(
    "words",
    [
        ["app", "--db-password=FAKEhunter2"],
        ["app", "--password", "FAKEhunter2"],
        ["app", "--api-key", "FAKEhunter2", "--port", "80"],
        ["API_KEY=FAKEhunter2"],
        ["curl", "-H", "X-Api-Key: FAKEhunter2"],
        ["curl", "-H", "Authorization: Bearer FAKEhunter2"],
        ["app", "DB_URL=postgres://shop:FAKEhunter2@db/shop"],
        ["sh", "-c", "DB_PASSWORD='FAKEhunter2 x' app --token FAKEhunter2 --secret=FAKEhunter2"],
    ],
)
def test_a_command_is_shown_without_its_secrets(words: list[str]) -> None:
    shown = shown_command(words)
    assert "FAKEhunter2" not in " ".join(shown)
    assert len(shown) == len(words)


@pytest.mark.parametrize(
    "words",
    [
        ["python", "app.py", "--port", "{port}", "--key", "server.pem"],
        ["sh", "-c", "exec gunicorn -w 2 app:api --bind 127.0.0.1:{port} --keep-alive 5"],
        ["app", "--token", "--upstream=http://auth:8000"],
        ["java", "-Dserver.port={port}", "-jar", "shop-1.2.3.jar"],
    ],
)
def test_other_words_stay(words: list[str]) -> None:
    assert shown_command(words) == words
