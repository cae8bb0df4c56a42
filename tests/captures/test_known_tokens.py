from __future__ import annotations

import random
import re
import string

import pytest

from captures.redacting.known_tokens import (
    FORMS,
    NEEDLES,
    is_token_pseudonym,
    private_key_pseudonym,
    private_keys,
    token_pseudonym,
    tokens,
)
from captures.redacting.pseudonyms import is_pseudonym, pseudonym
from tests.corpus import each

KEY = b"k" * 32


def drawn(alphabet: str, count: int, seed: int = 1) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=count))


ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
EXAMPLES = [
    "AKIA" + drawn(string.ascii_uppercase + "234567", 16),
    "ASIA" + drawn(string.ascii_uppercase + "234567", 16),
    "AIza" + drawn(ALNUM, 35),
    "GOCSPX-" + drawn(ALNUM, 28),
    "ya29." + drawn(ALNUM, 120),
    "AccountKey=" + drawn(ALNUM, 86) + "==",
    "abc8Q~" + drawn(ALNUM, 34),
    "ghp_" + drawn(ALNUM, 36),
    "github_pat_" + drawn(ALNUM, 82),
    "glpat-" + drawn(ALNUM, 20),
    "xoxb-" + drawn("0123456789", 12) + "-" + drawn(ALNUM, 24),
    "xapp-1-" + drawn(ALNUM, 40),
    "hooks.slack.com/services/T0123/B0123/" + drawn(ALNUM, 24),
    "sk_live_" + drawn(ALNUM, 24),
    "rk_test_" + drawn(ALNUM, 24),
    "whsec_" + drawn(ALNUM, 32),
    "SK" + drawn(HEX, 32),
    f"SG.{drawn(ALNUM, 22)}.{drawn(ALNUM, 43)}",
    "key-" + drawn(HEX, 32),
    "npm_" + drawn(ALNUM, 36),
    "pypi-" + drawn(ALNUM, 160),
    "dckr_pat_" + drawn(ALNUM, 27),
    "sk-ant-api03-" + drawn(ALNUM, 93),
    "sk-proj-" + drawn(ALNUM, 48),
    "hf_" + drawn(ALNUM, 34),
    "dop_v1_" + drawn(HEX, 64),
    "shpat_" + drawn(HEX, 32),
    "sq0atp-" + drawn(ALNUM, 22),
    "ATATT3" + drawn(ALNUM, 180),
    "dapi" + drawn(HEX, 32),
    "hvs." + drawn(ALNUM, 90),
    "glsa_" + drawn(ALNUM, 41),
    f"PMAK-{drawn(HEX, 24)}-{drawn(HEX, 34)}",
    "lin_api_" + drawn(ALNUM, 40),
    "ntn_" + drawn(ALNUM, 46),
    "sntrys_" + drawn(ALNUM, 100),
    "123456789:AA" + drawn(ALNUM, 33),
    "AGE-SECRET-KEY-1" + drawn(string.ascii_uppercase + string.digits, 58),
]


@each("token", EXAMPLES)
def test_a_token_keeps_its_beginning_and_is_known_again(token: str) -> None:
    text = f'see "{token}" here'
    assert [text[slice(*span)] for span in tokens(text)] == [token]
    assert any(needle in token for needle in NEEDLES)
    new = token_pseudonym(KEY, token)
    assert new is not None
    assert new != token
    assert len(new) == len(token)
    assert [new] == [new[slice(*span)] for span in tokens(new)]
    assert is_token_pseudonym(KEY, new)
    assert not is_token_pseudonym(KEY, token)
    assert not is_token_pseudonym(b"another key", new)
    assert pseudonym(KEY, token) == new  # found by a name it is the same


def test_every_form_has_an_example() -> None:
    for form in FORMS:
        assert any(re.match(f"{form.lead}{form.rest}", token) for token in EXAMPLES), form.issuer
        assert "." in form.source.partition("/")[0]


@pytest.mark.parametrize(
    "text",
    ["npm_config_registry", "sk-fading-circle-container-wrapper-element-x", "the SG.1 and key-value pairs", "ghp_short",
     "task_live_" + "a" * 30, "AKIA", "hf_" + "a" * 10],
)  # fmt: skip
def test_what_is_no_token(text: str) -> None:
    assert tokens(text) == []


LINES = "\n".join(drawn(ALNUM + "+/", 64, seed) for seed in range(5))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{LINES}\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "armoured", [PEM, PEM.replace("RSA ", ""), PEM.replace("\n", "\\n"), PEM.replace("RSA ", "EC ")]
)
def test_a_private_key_keeps_its_armour_only(armoured: str) -> None:
    text = f"x {armoured} y"
    assert [text[slice(*span)] for span in private_keys(text)] == [armoured]
    new = private_key_pseudonym(KEY, armoured)
    assert new is not None
    assert new.splitlines()[0] == armoured.splitlines()[0] or "\\n" in armoured
    assert len(new) == len(armoured)
    for line in LINES.splitlines():
        assert line not in new
    assert is_pseudonym(KEY, new)
    assert not is_pseudonym(KEY, armoured)


def test_a_private_key_without_an_end_is_one_to_the_last_character() -> None:
    text = PEM[:-40]
    assert private_keys(text) == [(0, len(text))]
    assert private_keys("-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----") == []
