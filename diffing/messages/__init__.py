"""The parts of a message compared: bodies, headers, cookies, texts, and the calls made meanwhile."""
