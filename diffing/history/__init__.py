"""What the runs of a project came to, noted after each verdict, read by ``retape report trend``."""
