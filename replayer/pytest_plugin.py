"""Where the pytest plugin was before it had a name of its own: environments installed before look for it here."""

from __future__ import annotations

pytest_plugins = ("retape_pytest",)
