"""Certificates for servers and clients, of an authority made for the tests."""

import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from anyauth0 import TLS

__all__ = ["Certificates"]

PASSWORD = "canary-password-of-the-key"


class Certificates:
    """One authority, a server's context, and a client's certificate: as bytes and as files in `folder`."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.folder = folder
        self.ca = authority.cert_pem.bytes()
        client = authority.issue_cert("app@example.com", common_name="the client")
        self.cert = b"".join(blob.bytes() for blob in client.cert_chain_pems)
        self.key = client.private_key_pem.bytes()
        self.encrypted_key = load_pem_private_key(self.key, None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
        )
        self.other_key = authority.issue_cert("other@example.com").private_key_pem.bytes()
        self.other_ca = trustme.CA().cert_pem.bytes()
        self.cert_and_key = self.cert + self.key
        self.ca_file = self._file("ca.pem", self.ca)
        self.other_ca_file = self._file("other.pem", self.other_ca)
        self.cert_file = self._file("cert.pem", self.cert)
        self.key_file = self._file("key.pem", self.key)
        self.tls = TLS(ca=self.ca)
        self.server = self._server(authority, "localhost", "127.0.0.1")
        self.server_of_another_name = self._server(authority, "another.example.com")
        self.server_that_wants_certificates = self._server(authority, "localhost")
        self.server_that_wants_certificates.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(self.server_that_wants_certificates)

    def _server(self, authority: trustme.CA, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        return context

    def _file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path
