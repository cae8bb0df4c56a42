"""The short way of plain HTTP/1 exchanges: what a keep-alive connection mostly carries does not go through mitmproxy.

Its layers turn each message into some thirty events and commands, each handed on by several generators: four fifths
of what an exchange costs. They still make every connection (listeners, TLS, CONNECT, what a server is reached by) and
carry its first exchange. From then on, while both ends are idle, a request that is plain goes from one socket to the
other here, and the tape is told directly. Plain is HTTP/1.1 from a client that wants nothing special (no Upgrade, no
Expect) and leaves no doubt where its request ends; everything else is handed to mitmproxy, whole, as if nobody had
looked at it.

* ``heads``: request heads that are plain, and heads of answers. Pure.
* ``bodies``: where a body ends. Pure.
* ``lanes``: a client's and a server's connection of mitmproxy's that are idle, and what is between us and their bytes.
* ``passing``: one exchange, and what of it has come.
* ``path``: one client's connection: which exchange is under way on it, and how it ends.
* ``taking``: where mitmproxy's events are taken.
"""
