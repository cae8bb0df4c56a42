"""Bytes to values: content codings, charsets, and every kind of body that has members."""
