"""The history of runs as people and machines read it: terminal, JSON and one page, all of the same words."""
