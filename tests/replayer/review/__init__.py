"""``retape review``: who may ask, what is answered, what is written."""
