"""Real clients against real servers, directly and through the recorder: what arrives is the same, and is on the tape.

A *case* is one request by one client on one way (``Case``). Each group of cases runs once per session of pytest,
with one recorder for all of them; the tests then look at what was seen.
"""
