"""Nothing captured runs, loads, navigates or reaches a prototype; what was captured is read as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from captures.store import Capture
from captures.visible import visible
from diffing.reports import html
from tests.browser import hostile, places
from tests.browser.fixture import Browse

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

ACTIVE = """() => [...document.querySelectorAll(
    "script, iframe, object, embed, img, image, video, audio, base, meta, link, style, form, animate, foreignObject")]
    .filter(one => one.type !== "application/octet-stream").map(one => one.localName).sort().join(" ")"""
REACHED = """() => [
    ...Object.getOwnPropertyNames(window).filter(name => name.startsWith("PWNED")),
    ...[Object, Array, String, Map, Set].flatMap(one => Object.keys(one.prototype)),
    ...[...document.querySelectorAll("*")].flatMap(one => [...one.attributes])
        .filter(one => one.name.startsWith("on") || one.name === "href" && !/^#|^data:image\\/svg/.test(one.value)
            || ["src", "srcset", "srcdoc", "action", "formaction", "xlink:href", "data", "ping"].includes(one.name))
        .map(one => `${one.name}=${one.value}`)]"""
LINKS = ("#group=__proto__", "#view=constructor", "#sort=__proto__", "#sort=toString", "#q=__proto__%20id:constructor",
         "#level=__proto__&kind=constructor", "#q=%22%3Cimg%20src%3Dx%20onerror%3Dwindow.PWNED%3D1%3E",
         "#group=%3Cscript%3Ewindow.PWNED%3D1%3C/script%3E", "#%00%FF", "#view=%E0%A4%A")  # fmt: skip


@pytest.fixture(scope="module")
def page_of_attacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    result, recorded, replayed = hostile.hostile_result(folder)
    path = folder / "report.html"
    with Capture.open(recorded) as one, Capture.open(replayed) as other:
        path.write_text(html.render(result, one, other), encoding="utf-8")
    return path


@pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without"])
def test_nothing_captured_does_anything_and_all_of_it_can_be_read(
    browse: Browse, page_of_attacks: Path, policy: bool
) -> None:
    page = browse(page_of_attacks, bypass_csp=not policy)
    still = page.evaluate(ACTIVE)
    assert still.split() == ["link", "meta", "meta", "meta", "meta", "meta", "script", "style"]
    groups = places.groups(page)
    assert len(groups) > 100
    walk = [*places.views(page), *groups[:: 13 if policy else 40]]
    said = []
    for place in walk:
        browse.go(page, place)
        places.open_all(page)
        assert (page.evaluate(ACTIVE), page.evaluate(REACHED)) == (still, []), place
        said.append(page.inner_text("body"))
    assert page.url.startswith(page_of_attacks.as_uri())
    shown = "".join("".join(said).split())
    assert [text for text in hostile.texts() if "".join(visible(text).split()) not in shown] == []


@pytest.mark.parametrize("link", LINKS)
def test_hostile_links_lead_nowhere(browse: Browse, page_of_attacks: Path, link: str) -> None:
    page = browse(page_of_attacks, link)
    assert page.evaluate(REACHED) == []
    assert page.inner_text("h1")


def test_the_summary_without_scripts_is_inert_too(browse: Browse, page_of_attacks: Path) -> None:
    page = browse(page_of_attacks, java_script_enabled=False, ready=False)
    assert page.locator("#static img, #static script, #static iframe, #static [onerror]").count() == 0
    assert visible(hostile.RUNNING[0]) in page.locator("#static").inner_text()
