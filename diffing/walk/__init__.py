"""Two JSON-like values walked together: alignment, renames, moves, order, the exact patch."""
