"""What a project needs to begin: a configuration, an ignored folder, a job that replays. ``retape init``."""
