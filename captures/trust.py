"""The project's own certificate authority, and the bundles that make a service trust it.

One CA per state folder, made on first use and never shared between installations; recorder and stub server use the
same one, so a service that trusts it once is served in both. It is stored the way mitmproxy looks for it. Trust
variables such as ``SSL_CERT_FILE`` *replace* a client's roots, so the bundle holds the public roots as well.
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import ssl
import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from captures.errors import UsageError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

FILE = "mitmproxy-ca.pem"  # key and certificate, 0600
CERTIFICATE_FILE = "retape-ca.crt"
SYSTEM_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
SINCE = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)  # a build whose clock shows a recorded date trusts it, too
LEAVES = 512  # contexts kept
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
TRUSTSTORE_PASSWORD = "changeit"  # noqa: S105 - Java's customary one; the store holds public certificates only


@dataclass(slots=True)
class Authority:
    """The CA in ``directory``."""

    directory: Path
    _key: rsa.RSAPrivateKey
    _certificate: x509.Certificate
    _ahead: float = 0.0
    _leaves: OrderedDict[tuple[str, tuple[str, ...]], ssl.SSLContext] = field(default_factory=OrderedDict)

    @classmethod
    def load_or_create(cls, directory: Path, *, ahead: float = 0.0) -> Self:
        """The CA of ``directory``, made on first use (about 0.1 s).

        ``ahead``: seconds that the clock of who shall trust it is ahead of ours. Certificates are valid for both, as
        not every program heeds a clock that was set for it. Raises :class:`UsageError`, also when the CA itself is not.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / FILE
        if not path.exists():
            _create(path)
        try:
            pem = path.read_bytes()
            key = serialization.load_pem_private_key(pem, None)
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError as error:
            raise UsageError(
                f"The certificate authority in {path} is damaged.", hint="Delete it; a new one is made."
            ) from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise UsageError(
                f"The certificate authority in {path} is not an RSA one.", hint="Delete it; a new one is made."
            )
        theirs = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead)
        if not certificate.not_valid_before_utc <= theirs <= certificate.not_valid_after_utc:
            raise UsageError(
                f"The certificate authority in {path} is not valid on {theirs:%Y-%m-%d}, the build's date.",
                hint="Delete it; one that is valid since 2000 is made.",
            )
        public, text = directory / CERTIFICATE_FILE, certificate.public_bytes(serialization.Encoding.PEM)
        if not public.exists() or public.read_bytes() != text:
            # In one step: another process may be reading it, and an empty one would make its build trust nobody.
            temporary = public.with_suffix(f".{os.getpid()}")
            temporary.write_bytes(text)
            temporary.replace(public)
        return cls(directory, key, certificate, ahead)

    @property
    def certificate_path(self) -> Path:
        """The CA's public certificate, PEM."""
        return self.directory / CERTIFICATE_FILE

    def leaf_context(self, host: str, protocols: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
        """A server-side TLS context that proves to be ``host`` (a name or an IP address). Cached.

        ``protocols`` are what ALPN offers, the preferred one first (RFC 7301).
        """
        key = host, protocols
        known = self._leaves.get(key)
        if known is not None:
            self._leaves.move_to_end(key)
            return known
        context = self._make_leaf(host)
        context.set_alpn_protocols(list(protocols))
        self._leaves[key] = context
        if len(self._leaves) > LEAVES:
            self._leaves.popitem(last=False)
        return context

    def bundle(self, path: Path, extra: Path | None = None) -> Path:
        """Write public roots + the system's + this CA (+ ``extra``) to ``path``, one PEM; returns ``path``."""
        import certifi
        from cryptography.hazmat.primitives import serialization

        parts = [Path(certifi.where()).read_bytes()]
        system = next((name for name in SYSTEM_BUNDLES if Path(name).exists()), None)
        if system is not None:
            parts.append(Path(system).read_bytes())
        if extra is not None:
            parts.append(extra.read_bytes())
        parts.append(self._certificate.public_bytes(serialization.Encoding.PEM))
        path.write_bytes(b"\n".join(parts))
        return path

    def java_truststore(self, path: Path) -> Path:
        """Write a trust store Java reads to ``path`` (password ``changeit``), as PKCS#12 or, with suffix .jks, as JKS.

        A plain PKCS#12 of the certificate is not one: Java wants its trusted-key attribute, which ``cryptography``
        writes from 45 on. Where it is older, as mitmproxy 11 wants it, Java's own older form takes its place.
        """
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.serialization import pkcs12

        serialize = getattr(pkcs12, "serialize_java_truststore", None)
        if serialize is None:
            path = path.with_suffix(".jks")
            path.write_bytes(_java_keystore(self._certificate.public_bytes(serialization.Encoding.DER)))
            return path
        entry = pkcs12.PKCS12Certificate(self._certificate, b"retape")
        encryption = serialization.BestAvailableEncryption(TRUSTSTORE_PASSWORD.encode())
        path.write_bytes(serialize([entry], encryption))
        return path

    def _make_leaf(self, host: str) -> ssl.SSLContext:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        # Some clients drop an address from the names they ask for and then check "localhost" (https-proxy-agent 7).
        names = [host, *(other for other in LOOPBACK_NAMES if other != host)] if host in LOOPBACK_NAMES else [host]
        now = datetime.datetime.now(datetime.UTC)
        theirs = now + datetime.timedelta(seconds=self._ahead)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]))
            .issuer_name(self._certificate.subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, theirs) - datetime.timedelta(days=2))
            .not_valid_after(max(now, theirs) + datetime.timedelta(days=365))
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        leaf = self.directory / f"leaf-{os.getpid()}-{x509.random_serial_number():x}.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        key_pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:  # ssl loads a chain from files only
            descriptor = os.open(leaf, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key_pem + certificate.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(leaf)
        finally:
            leaf.unlink(missing_ok=True)
        return context


def _java_keystore(certificate: bytes) -> bytes:
    """A Java key store (JKS, version 2) that holds the DER ``certificate`` as a trusted one.

    As OpenJDK's ``sun.security.provider.JavaKeyStore`` says it reads them: magic number, version and count; for each
    entry a tag (2: trusted certificate), its alias, a time in milliseconds, the certificate's type and the certificate;
    at the end SHA-1 of the password (UTF-16), a constant phrase and all before it.
    """
    body = struct.pack(">III", 0xFEEDFEED, 2, 1)
    body += struct.pack(">I", 2) + _java_text("retape") + struct.pack(">q", 0)
    body += _java_text("X.509") + struct.pack(">I", len(certificate)) + certificate
    keyed = TRUSTSTORE_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body
    return body + hashlib.sha1(keyed, usedforsecurity=False).digest()


def _java_text(text: str) -> bytes:
    raw = text.encode("ascii")
    return struct.pack(">H", len(raw)) + raw


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode("ascii") if not host.isascii() else host)


def _create(path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Retape local CA"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Retape"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    try:
        os.link(temporary, path)  # atomic and exclusive: nobody sees half a CA, and two first runs agree on one
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)
