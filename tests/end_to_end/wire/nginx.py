"""An nginx of Debian that serves what the cases ask for, with and without TLS and HTTP/2."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from captures.service import free_port
from tests.end_to_end.wire.certificates import Certificates
from tests.end_to_end.wire.yard import Yard

TURN = 20  # requests on one connection before nginx ends it (with GOAWAY where it is HTTP/2)

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; default_type text/plain; root {folder}/www; sendfile on; keepalive_requests {turn};
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  gzip on; gzip_types text/plain; gzip_min_length 100;
  server {{
    listen 127.0.0.1:{http}; listen 127.0.0.1:{https} ssl http2;
    ssl_certificate {chain}; ssl_certificate_key {key};
    location /no-content {{ return 204; }}
    location /moved {{ return 302 /elsewhere; }}
    location /teapot {{ return 418 "short and stout"; }}
    location /trailed {{ add_trailer X-Sum 5; add_header X-A one; add_header X-A two; alias {folder}/www/text; }}
    location /small {{ client_max_body_size 1k; proxy_pass http://127.0.0.1:{origin}/echo; }}
    location /echo {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{origin}; }}
    location /chunked {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{origin}; }}
    location /cut-length {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{origin}; }}
    location /cut-chunked {{ proxy_http_version 1.1; proxy_pass http://127.0.0.1:{origin}; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """It runs."""

    http: int  # ports
    https: int
    certificates: Certificates


def nginx(yard: Yard, origin: int) -> Nginx:
    """Start it; ``origin`` is the raw server it stands before for some of its locations."""
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    assert program, "nginx is not installed: sh tests/system_packages.sh"
    folder = yard.folder / "nginx"
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "text").write_bytes(b"a line of text\n" * 400)
    (folder / "www" / "large").write_bytes(bytes(range(250)) * 8_000)
    certificates = Certificates.make(folder)
    http, https = free_port(), free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            http=http,
            https=https,
            origin=origin,
            chain=certificates.chain,
            key=certificates.key,
            turn=TURN,
            user="user root;" if os.getuid() == 0 else "",
        )
    )
    running = yard.bench.start(program, "-c", configuration)
    running.wait_port(http)
    running.wait_port(https)
    return Nginx(http, https, certificates)
