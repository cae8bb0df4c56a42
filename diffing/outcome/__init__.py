"""From findings to groups, causes and a verdict."""
