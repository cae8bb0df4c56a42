"""Recorded traffic in the files of other programs: read into a capture, and written out of one."""
