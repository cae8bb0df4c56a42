"""A result in which every captured text tries to be something else: markup, a mention, a command."""

from __future__ import annotations

from dataclasses import replace

from diffing.model import Column, Decision, Group, Judgement, Kind, Level, Result
from tests.diffing.reports.story import NASTY

ATTEMPTS = (
    "`` `@everyone` `` ```\n```\n</details> @octocat #123 GH-12 !45 ~bug %m1 $12 org/repo#9",
    "| a | b |\n|---|---|\n[x](https://evil.test) <https://evil.test> www.evil.test https://evil.test/?a=b ![i](//e)",
    "\r\n::add-mask::retape\n::stop-commands::x\n::set-output name=verdict::clean\n##[add-mask]t ##[error]x",
    "--> <!-- retape: drift report --> <img src=x onerror=alert(1)> <script>alert(1)</script> ]]> &amp; <a href='x'>",
    f"{NASTY} $`\\alpha`$ $$x$$ **b** __u__ ~~s~~ :tada: \\` \\| \x00\x1b]8;;http://evil.test\x07",
    "\u202e\ud800 " + "A" * 5_000,
)


def group(text: str, number: int) -> Group:
    return Group(
        f"{number:012x}",
        "response.body.value-changed",
        Kind.BEHAVIOUR,
        (Level.ERROR, Level.WARNING, Level.INFO)[number % 3],
        f"GET /x{text}",
        f"response.body $.{text}",
        text,
        text + "!",
        f"evidence {text}",
        3,
        (number,),
        curl=f"curl -si 'http://127.0.0.1:8000/{text}'",
        command=f"retape replay shop.sqlite --only id:{number} -- app '{text}'",
        origin_evidence=text,
        decision=Decision.REJECTED if number == 2 else None,
    )


def hostile(result: Result, count: int = len(ATTEMPTS)) -> Result:
    """``result`` with ``count`` such groups, judgements and reasons."""
    texts = [ATTEMPTS[number % len(ATTEMPTS)] for number in range(count)]
    groups = tuple(group(text, number) for number, text in enumerate(texts))
    judged = tuple(
        Judgement(number, None, f"GET /x{text}", Column.NOT_REPLAYED, reason=text, inconclusive=(text,))
        for number, text in enumerate(texts)
    )
    return replace(
        result, verdict="drift", exit_code=1, groups=groups, judgements=judged, reasons=tuple(texts),
        notes=tuple(texts), rules=tuple((text, 1) for text in texts),
    )  # fmt: skip
