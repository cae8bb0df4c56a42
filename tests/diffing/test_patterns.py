"""Patterns of users: what may never end is refused, what is accepted is fast over whatever a service sends."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time

import pytest

from captures.errors import ConfigError
from diffing.rulebook.patterns import UnsafePattern, safe_pattern
from diffing.rulebook.rules import parse_rules
from tests.corpus import each

REFUSED = r"""
(a+)+ | (a*)* | (a|a)* | (?:a|ab|b)* | (\w+\s?)+ | (a?b?)* | (\d+){8} | ([a-z]+)*\d | (.*)* | (.+)+! | (a{1,30}){1,30}
(a?){30}a{30} | a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaa | (x+x+)+y | (a|aa)+ | (?:a+){2,} | (\d+\.?)+
^(([a-z])+.)+[A-Z]([a-z])+$ | (?:[A-Z]?[a-z]+[_-]?)+[0-9]{0,4} | (?=(a+)+b)a+ | ((a*)b?)* | .*.*.*.*=.* | (\w*)\1\1\1x
(?i)(?:kx|Kx)+! | (?:äa|ö|[^a-z]a)*! | (?:(?=a+b)a)*(?:a*)*x | (?:\wa|\da)+ | (?:\Wa|\sa)+x | (?:[^x]a|ya)+z
"""  # each between bars
ANY = r"""
[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12} | ord_[a-z0-9]{8} | .*error.* | [^@]+@[^@]+\.[a-z]{2,}
\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}) | (?:\d{1,3}\.){3}\d{1,3} | v\d+\.\d+\.\d+(-[a-z0-9.]+)?
(GET|POST|PUT) /\S* | https?://[^/]+/.* | \w+(,\w+)* | (\w+, )*\w+ | [A-Z]{2}\d{6} | \s*\w+\s* | (foo|bar|baz)+
(?=.*\d)(?=.*[a-z]).{8,} | \d+(\.\d+)? | (?:[A-Z]?[a-z]++[_-]?)++[0-9]{0,4} | (?:a++)+b | (?i)sku-[a-z]+ | (?:ä|ö)+ü
[^"]*"[^"]*" | (\w+)=\1 | (?P<a>x)(?(a)y|z)
"""
SHORT = r".*error.*code.* | .*foo.*bar | .+@.+\..+ | (?i)[a-z]+[A-Z]+ | a*a* | (?:ab)*(?:ab)*c | a*a*a*b"


def listed(patterns: str) -> list[str]:
    """The patterns between bars with blanks around them."""
    return [one for line in patterns.strip().splitlines() for one in line.strip().split(" | ")]


@each("pattern", listed(REFUSED))
def test_what_may_never_end_is_refused(pattern: str) -> None:
    with pytest.raises(UnsafePattern):
        safe_pattern(pattern)


@each("pattern", listed(ANY))
def test_plain_patterns_match_texts_of_any_length(pattern: str) -> None:
    assert safe_pattern(pattern).reach is None


@pytest.mark.parametrize("pattern", listed(SHORT))
def test_two_loops_that_share_a_word_are_matched_up_to_a_length(pattern: str) -> None:
    reach = safe_pattern(pattern).reach
    assert reach is not None
    assert reach >= 400


@pytest.mark.parametrize("pattern", ["x" * 2_001, "(" * 900 + ")" * 900, "(?:[ab]{4}){4}" * 130])
def test_what_cannot_be_told_is_refused(pattern: str) -> None:
    with pytest.raises(UnsafePattern):
        safe_pattern(pattern)


def rule(pattern: str) -> dict[str, str]:
    return {"id": "x", "location": "$.a", "expect": f"regex:{pattern}"}


def test_a_rule_is_told_so_in_one_sentence() -> None:
    with pytest.raises(ConfigError) as told:
        parse_rules([rule("(a+)+")])
    assert told.value.message == (
        "rules [[rules]] \"x\": 'regex:(a+)+' repeats in so many ways that one long text may keep it busy for ever."
    )
    with pytest.raises(ConfigError, match="is no regular expression"):
        parse_rules([rule("(a")])


def test_a_text_that_is_too_long_for_its_pattern_is_a_finding() -> None:
    (one,) = parse_rules([rule(".*foo.*bar")])
    assert one.complaint("foobar", "xfoo bar") is None
    assert one.complaint("foobar", "foo") == "the rule expects regex:.*foo.*bar"
    said = "the rule expects a text of at most 5,000 characters, for over more its pattern may take too long"
    assert one.complaint("foobar", "foo" * 2_000 + "bar") == said
    assert one.complaint("foobar", 7) == "the rule expects regex:.*foo.*bar"


@pytest.mark.slow
def test_whatever_is_accepted_is_fast_over_hostile_text() -> None:
    """In a child: a pattern that takes exponential time ends within no limit, and is then killed."""
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, timeout=300, check=True)
    accepted, *slow = done.stdout.splitlines()
    assert int(accepted) > 250
    assert slow == []


ATOMS = [*"aabc1-.", "[ab]", "[^a]", r"\w", r"\s", r"\d", "é"]
REPEATS = ["*", "+", "?", "*?", "+?", "++", "{2}", "{0,3}", "{2,9}", "{5}", "{3,}"]
UNITS = ["a", "b", "ab", "aab", "a1", "1", "a-", "ab-", "a ", " ", "é", "abc"]
SLOW = 4.0  # seconds of this process; the slowest take one eighth of it


def made_up(chance: random.Random, depth: int = 4) -> str:
    """Any pattern."""
    if depth == 0 or chance.random() < 0.3:
        return str(chance.choice(ATOMS))
    one = made_up(chance, depth - 1)
    kind = chance.random()
    if kind < 0.35:
        return one + made_up(chance, depth - 1)
    if kind < 0.55:
        return f"(?:{one}|{made_up(chance, depth - 1)})"
    if kind < 0.65:
        return f"(?{chance.choice('>=')}{one})"
    return f"(?:{one}){chance.choice(REPEATS)}"


def sweep(patterns: int) -> tuple[int, list[str]]:
    """How many made-up patterns are accepted, and which of all accepted ones take long over some text."""
    chance = random.Random(7)
    accepted, slow = 0, []
    for text in [*listed(ANY), *listed(SHORT), *(made_up(chance) for _ in range(patterns))]:
        try:
            pattern = safe_pattern(text)
        except UnsafePattern:
            continue
        accepted += 1
        length = pattern.reach or 100_000
        for unit in UNITS if pattern.reach else chance.sample(UNITS, 4):
            hostile = (unit * length)[: length - 1]
            started = time.process_time()
            for end in ("!", "a", "\0"):
                re.fullmatch(pattern.compiled, hostile + end)
            if time.process_time() - started > SLOW:
                slow.append(text)
                break
    return accepted, slow


if __name__ == "__main__":
    found, slow_ones = sweep(400)
    print(found, *slow_ones, sep="\n")
