"""The CA: made once, private, trusted by a real TLS client for the host it names and for no other."""

from __future__ import annotations

import datetime
import hashlib
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from captures.errors import UsageError
from captures.trust import FILE, Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.load_or_create(tmp_path_factory.mktemp("ca"))


def handshake(server: ssl.SSLContext, bundle: Path, host: str) -> bytes:
    """A TLS handshake between real sockets; the server's certificate. Raises what the client raises."""
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
            certificate = wrapped.getpeercert(binary_form=True)
            assert certificate is not None
            return certificate
    finally:
        right.close()
        thread.join(5)


@pytest.mark.parametrize("host", ["payments.internal", "127.0.0.1", "::1"])
@pytest.mark.slow
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


@pytest.mark.parametrize("days", [-3000, -400, 0, 400], ids=str)
@pytest.mark.slow
def test_a_leaf_is_valid_by_a_clock_that_was_set_and_by_the_real_one(tmp_path: Path, days: int) -> None:
    """Not every program heeds the clock that a replay sets for it."""
    from cryptography import x509
    from cryptography.x509 import verification

    now = datetime.datetime.now(datetime.UTC)
    authority = Authority.load_or_create(tmp_path, ahead=days * 86_400)
    bundle = authority.bundle(tmp_path / "bundle.pem")
    leaf = x509.load_der_x509_certificate(handshake(authority.leaf_context("pay.test"), bundle, "pay.test"))
    root = x509.load_pem_x509_certificate(authority.certificate_path.read_bytes())
    for moment in (now, now + datetime.timedelta(days=days)):
        rules = verification.PolicyBuilder().store(verification.Store([root])).time(moment.replace(tzinfo=None))
        assert rules.build_server_verifier(x509.DNSName("pay.test")).verify(leaf, [])


def test_a_ca_that_is_not_valid_by_the_clock_that_was_set_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not valid on 19"):
        Authority.load_or_create(tmp_path, ahead=-40 * 365 * 86_400)


def test_a_damaged_ca_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a pem")
    with pytest.raises(UsageError, match="damaged"):
        Authority.load_or_create(tmp_path)


@pytest.mark.slow
def test_processes_that_start_together_trust_one_authority(tmp_path: Path) -> None:
    """Workers of one test run share the folder: none may read a certificate that another is writing just then."""
    code = (
        "import sys; from pathlib import Path; from captures.trust import Authority\n"
        "for _ in range(40):\n"
        "    one = Authority.load_or_create(Path(sys.argv[1]))\n"
        "    text = one.bundle(Path(sys.argv[2])).read_bytes().rstrip()\n"
        "    assert text.endswith(one.certificate_path.read_bytes().rstrip()), len(text)\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "ca"), str(tmp_path / f"bundle{number}.pem")])
        for number in range(3)
    ]
    assert [child.wait(60) for child in children] == [0, 0, 0]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["PKCS12", "JKS"])
def test_java_reads_the_trust_store(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """In the form that ``cryptography`` writes, and in ours for where it is too old."""
    keytool = shutil.which("keytool")
    if keytool is None:
        pytest.skip("Java is not installed")
    if form == "JKS":
        monkeypatch.delattr(pkcs12, "serialize_java_truststore", raising=False)
    elif not hasattr(pkcs12, "serialize_java_truststore"):
        return  # the other form is the one that is used here
    store = authority.java_truststore(tmp_path / "truststore.p12")
    assert store.suffix == (".jks" if form == "JKS" else ".p12")
    listed = subprocess.run(
        [keytool, "-J-Duser.language=en", "-list", "-storetype", form, "-keystore", store, "-storepass", "changeit"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "retape" in listed.stdout, listed.stdout + listed.stderr
    assert "trustedCertEntry" in listed.stdout
    der = ssl.PEM_cert_to_DER_cert(authority.certificate_path.read_text())
    digest = hashlib.sha256(der).hexdigest().upper()
    assert ":".join(digest[at : at + 2] for at in range(0, 64, 2)) in listed.stdout
