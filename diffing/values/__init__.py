"""One value against another: what is made anew on every run, and what must hold of it all the same."""
