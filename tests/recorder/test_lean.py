"""The proxy process starts with what it needs of mitmproxy."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = (
    "import sys; from recorder.lean import leave_addons_out; leave_addons_out(); import recorder.mends, recorder.master"
)


pytestmark = pytest.mark.slow  # an interpreter for each


def test_what_recording_does_not_need_is_not_imported() -> None:
    code = f"{LOAD}; print(*({{'flask', 'tornado', 'ldap3', 'mitmproxy.addons.onboarding'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_it_does_need_is() -> None:
    code = f"{LOAD}; from mitmproxy.addons import next_layer; sys.exit(next_layer.NextLayer is None)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_process_that_has_all_add_ons_keeps_them() -> None:
    code = (
        "import mitmproxy.addons; from recorder.lean import leave_addons_out; leave_addons_out(); "
        "import sys; sys.exit(not mitmproxy.addons.default_addons())"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
