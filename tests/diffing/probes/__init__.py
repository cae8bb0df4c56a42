"""Probes: what a person would call drift, or would not, about small answers; see :mod:`tests.diffing.test_probes`."""
