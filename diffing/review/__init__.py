"""Decisions on drift: accept, ignore, reject; what they are about, and the file they stand in."""
