"""The short way of plain HTTP/2 streams: what a connection mostly carries goes past mitmproxy's layers and h2's states.

They make every connection and carry its first exchange. From then on frames of plain streams are read and written
here; h2's header tables, windows and numbers are used, because mitmproxy goes on to speak on the same connections. A
stream that stops being plain is made one of theirs as it stands, and stays theirs to its end.

* ``frames``: frames as bytes. Pure.
* ``heads``: header lists that are plain. Pure.
* ``lanes``: two connections that streams can be carried between.
* ``sides``: one of them.
* ``streams``: a stream that is carried, and how it becomes one of mitmproxy's.
* ``carrier``: what is done with each frame.
* ``taking``: where mitmproxy's events are taken.
"""
