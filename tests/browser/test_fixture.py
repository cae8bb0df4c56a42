"""What the fixture says of pages that do what they must not, and that it leaves other tests alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.browser.fixture import Browse, Engine

pytestmark = [pytest.mark.slow, pytest.mark.end_to_end]

READY = "document.documentElement.dataset.ready = 'yes'"
FRAME = "<iframe src='data:text/html,<p>inside'></iframe>"


@pytest.mark.parametrize(
    ("markup", "script", "trouble"),
    [
        ("<p>quiet", "", []),
        (FRAME, "", []),
        ("", "console.log('hm')", ["on the console, log: hm"]),
        ("", "setTimeout(() => { throw new Error('lost') })", ["an error: lost"]),
        ("", "alert('you')", ["a dialog: you"]),
        ("", "document.body.append(new Image()); document.images[0].src = 'other.png'", ["other.png"]),
        ("", "fetch('other.json').catch(() => 0)", ["on the console, error", "other.json"]),
        ("", "new Worker(URL.createObjectURL(new Blob([''])))", ["a worker: blob:"]),
        ("<a href='data:text/plain,x' download>", "document.links[0].click()", ["a download: data:"]),
    ],
)
def test_what_a_page_does_is_written_down(
    browse: Browse, tmp_path: Path, markup: str, script: str, trouble: list[str]
) -> None:
    path = tmp_path / "page.html"
    path.write_text(f"<!DOCTYPE html><title>t</title><body>{markup}<script>{script};{READY}</script>")
    page = browse(path, "#here")
    for _ in range(3_000):
        if len(browse.trouble) >= len(trouble):
            break
        page.wait_for_timeout(20)
    found, browse.trouble[:] = browse.trouble[:], []
    assert bool(found) is bool(trouble)
    assert all(words in "\n".join(found) for words in trouble)


def test_each_page_has_its_own_size_theme_and_storage(browse: Browse, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        f"<!DOCTYPE html><title>t</title><script>localStorage.a = (localStorage.a || '') + 'x';{READY}</script>"
    )
    for width, theme in ((1440, "light"), (390, "dark")):
        page = browse(path, width=width, theme=theme)  # type: ignore[arg-type]
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        assert (page.evaluate("innerWidth"), dark) == (width, theme == "dark")
        assert page.evaluate("localStorage.a") == "x"


def test_other_tests_of_the_worker_may_run_loops(engine: Engine) -> None:
    async def five() -> int:
        await asyncio.sleep(0)
        return 5

    for _ in range(2):
        assert asyncio.run(five()) == 5
        with engine.awake() as browser:
            assert browser.is_connected()
            browser.new_context().close()
