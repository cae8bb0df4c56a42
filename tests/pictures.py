"""Takes the pictures of the documentation from the real thing: ``make pictures``.

The demo's shop is recorded, replayed, reviewed and pinned, and each step is looked at: terminals as they colour their
text, pages in headless Chromium. The picture in the README is of ``make demo``, which has more traffic.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.launching import chromium, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
NAMES = ("report.png", "record.png", "replay.png", "review.png", "group.png", "calls.png", "pin.png")
RETAPE = (sys.executable, "-m", "retape")
SERVICE = ("--", "python", "shop.py", "--port", "{port}", "--build", "next")
WIDTH = 1200
LINES = 40  # of a terminal that are shown
PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; background: #fff; }}
main {{ width: {width}px; box-sizing: border-box; padding: 18px 22px; background: #f7f7f4;
  color: #1c1d20; border: 1px solid #d9d9d2; }}
pre {{ margin: 0; font: 13.5px/1.45 "DejaVu Sans Mono", monospace; white-space: pre-wrap; }}
</style><main>{body}</main>"""


def surroundings() -> dict[str, str]:
    """An environment as a reader's: ``python`` is the one that runs this, so that no picture shows where it lies."""
    here = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "RETAPE_STATE_DIR")}
    return {**here, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def run(folder: Path, *words: str, codes: Sequence[int] = (0, 1)) -> str:
    """What a command prints on a colour terminal of 118 columns."""
    env = {**surroundings(), "FORCE_COLOR": "1", "COLUMNS": "118", "PY_COLORS": "1"}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def terminal(*pairs: tuple[str, str]) -> str:
    """Commands and what they printed, as a page."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True)
    for command, printed in pairs:
        console.print(Text(f"$ {command}", style="bold"), soft_wrap=True)
        lines = printed.rstrip().splitlines()
        shown = lines if len(lines) <= LINES else [*lines[:LINES], "…"]
        console.print(Text.from_ansi("\n".join(shown)), soft_wrap=True)
        console.print()
    body = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
    return PAGE.format(width=WIDTH, body=body)


@contextmanager
def reviewing(folder: Path) -> Iterator[str]:
    """``retape review`` of the run; its address, with the token."""
    process = subprocess.Popen(
        [*RETAPE, "review", "run-next.sqlite", "--no-browser"],
        cwd=folder, env=surroundings(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                yield found[0]
                return
        sys.exit("retape review ended before it served.")
    finally:
        process.terminate()
        process.wait(60)


class Camera:
    """Takes pictures with one browser."""

    def __init__(self, browser: Browser, images: Path) -> None:
        self._browser, self._images = browser, images

    def terminal(self, name: str, *pairs: tuple[str, str]) -> None:
        """A terminal in which commands ran."""
        page = self._browser.new_page(viewport={"width": WIDTH, "height": 400})
        page.set_content(terminal(*pairs))
        page.locator("main").screenshot(path=self._images / name)
        page.close()

    def page(self, name: str, address: str, fragment: str = "", *, height: int = 1000) -> None:
        """A page of ours, once it says that it is drawn."""
        page = self._browser.new_page(viewport={"width": 1280, "height": height})
        page.goto(address)
        page.locator("html[data-ready]").wait_for(state="attached", timeout=60_000)
        if fragment:
            page.evaluate("fragment => { location.hash = fragment; }", fragment)
            page.locator(f"html[data-shown='{fragment}']").wait_for(state="attached", timeout=60_000)
        page.screenshot(path=self._images / name)
        page.close()

    def evidence(self, name: str, address: str, search: str) -> None:
        """The evidence of the first group that ``search`` finds."""
        page = self._browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{address}#q={search}")
        page.locator("html[data-ready]").wait_for(state="attached", timeout=60_000)
        page.locator("a[data-group]").first.click()
        page.locator("section", has=page.locator(".evidence")).screenshot(path=self._images / name)
        page.close()


def take(camera: Camera, folder: Path) -> None:
    """Every picture but that of the README."""
    shop = folder / "retape-demo"
    run(folder, *RETAPE, "demo", "--no-browser")
    calls = "capture ls shop.sqlite --only id:1-20"
    chains = "capture show shop.sqlite --chains"
    camera.terminal(
        "record.png",
        (f"retape {calls}", run(shop, *RETAPE, *calls.split())),
        (f"retape {chains}", "\n".join(run(shop, *RETAPE, *chains.split()).splitlines()[:14])),
    )
    replay = "replay shop.sqlite -o run-next.sqlite"
    said = run(shop, *RETAPE, *replay.split(), *SERVICE)
    camera.terminal("replay.png", (f"retape {replay} -- python shop.py --port {{port}} --build next", said))
    with reviewing(shop) as address:
        camera.page("review.png", address)
        group = re.search(r"\b[0-9a-f]{12}\b", said)
        assert group is not None
        camera.page("group.png", address, f"#group={group[0]}", height=1400)
    pin = ["pin", "shop.sqlite", "--only", 'endpoint:"GET /products/{id}" id:4', "-o", "pins"]
    made = run(shop, *RETAPE, *pin)
    file = next((shop / "pins").rglob("*.yaml"))
    serve = "python shop.py --port {port} --build next"
    tested = run(
        shop, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "pins", "--retape-command", serve
    )
    camera.terminal(
        "pin.png",
        ("retape pin shop.sqlite --only 'endpoint:\"GET /products/{id}\" id:4' -o pins", made),
        (f"cat {file.relative_to(shop)}", file.read_text(encoding="utf-8")),
        (f"pytest pins --retape-command '{serve}'", tested),
    )


def main() -> None:
    """All pictures, into ``docs/images``."""
    executable = chromium()
    if executable is None:
        sys.exit("no Chromium at hand: no picture was taken (make system installs one)")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running(executable) as browser:
        camera = Camera(browser, IMAGES)
        take(camera, Path(folder))
        run(Path(folder), sys.executable, str(ROOT / "examples" / "demo.py"), codes=(0,))
        report = (Path(folder) / "demo-report.html").as_uri()
        camera.page("report.png", report, height=1150)
        camera.evidence("calls.png", report, "class:outbound.extra")
    print(f"took {', '.join(NAMES)}")


if __name__ == "__main__":
    main()
