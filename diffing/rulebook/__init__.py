"""Rules: the user's and the built-in ones, what they demand, where they fail to look, and the file they stand in."""
