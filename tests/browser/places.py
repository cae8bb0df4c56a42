"""Every place of a report, as links: what a test walks through without naming it, so that new views are covered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

HREFS = "links => links.map(link => link.getAttribute('href') === '#' ? '' : link.getAttribute('href'))"


def views(page: Page) -> list[str]:
    """Of the tabs, the first view first."""
    found: list[str] = page.locator(".tabs a").evaluate_all(HREFS)
    return found


def groups(page: Page) -> list[str]:
    """Of the groups on the first view."""
    found: list[str] = page.locator("a[data-group]").evaluate_all(HREFS)
    return found


def open_all(page: Page) -> None:
    """Open every part that can be opened: details, and lines that were folded away."""
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.evaluate("() => document.querySelectorAll('.fold button').forEach(one => one.click())")


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds against WCAG 2.0 to 2.2, A and AA, one line for each rule and element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate(
        """async () => {
            const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
            const result = await axe.run(document, { runOnly: tags, resultTypes: ["violations"], iframes: false });
            return result.violations.flatMap(({ id, nodes }) => nodes.map(node => ({
                id, target: node.target.join(" "), why: node.failureSummary })));
        }"""
    )
    return [f"{one['id']} at {one['target']}: {' '.join(one['why'].split())}" for one in found]
