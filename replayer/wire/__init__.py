"""Connections to the target: dialling, HTTP/1.x and HTTP/2 on them, and which of them takes the next request."""
