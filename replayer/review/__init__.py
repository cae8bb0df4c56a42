"""``retape review``: the HTML report served on loopback, where a person accepts, ignores, rejects and pins."""
