"""``--tier smoke``: the fewest exchanges that show everything a recording shows, those at most risk first."""
