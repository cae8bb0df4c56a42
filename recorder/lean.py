"""Importing mitmproxy without what recording does not need.

Its package of add-ons imports every one of them, and with them Flask, Tornado, LDAP and more: a third of the time that
the proxy process takes to start, and some ten megabytes that it keeps. The few that are used are modules by themselves.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec

PACKAGE = "mitmproxy.addons"


def leave_addons_out() -> None:
    """Make the package of add-ons an empty one, whose modules are imported when somebody asks for them.

    To be called before anything of mitmproxy is imported; in a process that has imported them it changes nothing.
    """
    found = find_spec("mitmproxy")
    if PACKAGE in sys.modules or found is None or found.submodule_search_locations is None:
        return
    spec = ModuleSpec(PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [f"{place}/addons" for place in found.submodule_search_locations]
    sys.modules[PACKAGE] = module_from_spec(spec)
