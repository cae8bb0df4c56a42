"""The CA: made once, private, trusted by a real TLS client for the host it names and for no other."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from pathlib import Path

import pytest

from captures.errors import UsageError
from captures.trust import FILE, Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.load_or_create(tmp_path_factory.mktemp("ca"))


def handshake(server: ssl.SSLContext, bundle: Path, host: str) -> None:
    """A TLS handshake between real sockets; raises what the client raises."""
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(left, server_side=True) as wrapped:
                wrapped.recv(1)
        except (ssl.SSLError, OSError):
            left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.create_default_context(cafile=str(bundle))
    try:
        with client.wrap_socket(right, server_hostname=host) as wrapped:
            wrapped.send(b"x")
    finally:
        right.close()
        thread.join(5)


@pytest.mark.parametrize("host", ["payments.internal", "127.0.0.1", "::1"])
def test_a_client_with_the_bundle_trusts_the_leaf(authority: Authority, tmp_path: Path, host: str) -> None:
    handshake(authority.leaf_context(host), authority.bundle(tmp_path / "bundle.pem"), host)


def test_for_another_host_it_does_not(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority.leaf_context("a.test"), authority.bundle(tmp_path / "bundle.pem"), "b.test")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_leaf_for_loopback_is_good_for_its_other_names(authority: Authority, tmp_path: Path, name: str) -> None:
    """https-proxy-agent asks for an address and then checks "localhost"."""
    handshake(authority.leaf_context("127.0.0.1"), authority.bundle(tmp_path / "bundle.pem"), name)


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    first = Authority.load_or_create(tmp_path)
    pem = (tmp_path / FILE).read_bytes()
    Authority.load_or_create(tmp_path)
    assert (tmp_path / FILE).read_bytes() == pem
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    first.leaf_context("a.test")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mitmproxy-ca.pem", "retape-ca.crt"]


def test_the_bundle_keeps_the_public_roots(authority: Authority, tmp_path: Path) -> None:
    text = authority.bundle(tmp_path / "bundle.pem").read_text()
    assert text.count("BEGIN CERTIFICATE") > 50
    assert authority.certificate_path.read_text().strip() in text


def test_a_damaged_ca_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a pem")
    with pytest.raises(UsageError, match="damaged"):
        Authority.load_or_create(tmp_path)
