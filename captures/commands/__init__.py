"""The commands of ``retape capture``, one a module: they parse, print and choose exit codes, and do nothing else."""
