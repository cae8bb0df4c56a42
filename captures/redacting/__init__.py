"""Secrets replaced before the write, by keyed pseudonyms of the same shape."""
