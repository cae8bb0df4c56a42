"""The page's colours keep the contrast of WCAG 2.2 AA (1.4.3: 4.5 to 1 for text) in both themes."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("diffing.reports").joinpath("assets", "report.css").read_text(encoding="utf-8")
TONES = ("red", "green", "amber", "blue", "accent")
PAIRS = [
    *((text, ground) for text in ("ink", "soft") for ground in ("bg", "surface", "sunk", "grey-bg")),
    *((text, ground) for text in TONES for ground in ("surface", f"{text}-bg")),
    *(("ink", f"{tone}-bg") for tone in TONES),
    *(("ink", f"{tone}-mark") for tone in ("red", "green")),
    *(("accent", ground) for ground in ("bg", "surface")),
]


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


LIGHT = colours(CSS[: CSS.index("@media")])
DARK = LIGHT | colours(CSS[CSS.index("@media (prefers-color-scheme: dark)") : CSS.index("@media (prefers-contrast")])


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("theme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_text_can_be_read(theme: str, palette: dict[str, str]) -> None:
    weak = []
    for text, ground in PAIRS:
        dark, light = sorted((luminance(palette[text]), luminance(palette[ground])))
        ratio = (light + 0.05) / (dark + 0.05)
        if ratio < 4.5:
            weak.append(f"{theme}: {text} on {ground} is {ratio:.2f}")
    assert weak == []


def test_assets_ship_with_unix_line_ends() -> None:
    for asset in files("diffing.reports").joinpath("assets").iterdir():
        assert b"\r" not in asset.read_bytes(), asset.name
