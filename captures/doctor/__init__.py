"""Whether this machine can record and replay: tools, disk, clock, and which clients trust our CA."""
