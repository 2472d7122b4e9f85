"""A tenant for each test, with one signing key for all of them: making keys is what takes time."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from anyauth0 import Request, Response
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"


@pytest.fixture(scope="session")
def signing_key() -> dict[str, Any]:
    with LocalTenant(domain="key.example") as tenant:
        tenant.tokens.rotate_key()
        key = tenant.store.last("keys")
    assert key is not None
    return key


@pytest.fixture
def tenant(signing_key: dict[str, Any]) -> Iterator[LocalTenant]:
    with LocalTenant() as tenant:
        tenant.store.add("keys", signing_key["kid"], signing_key)
        yield tenant


class Wire:
    """Sends bare requests to a tenant, as any other client would."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.tenant = tenant
        self.transport = tenant.transport()

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        url = f"https://{self.tenant.domain}{path}"
        return self.transport.send(Request(method=method, url=url, headers=headers or {}, body=body))

    def get(self, path: str, **headers: str) -> Response:
        return self.send("GET", path, headers=headers)

    def form(self, path: str, *, headers: dict[str, str] | None = None, **fields: str) -> Response:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode(fields).encode(), {**kind, **(headers or {})})

    def json(self, path: str, **fields: Any) -> Response:
        return self.send("POST", path, json.dumps(fields).encode(), {"content-type": "application/json"})

    def token(self, **fields: str) -> Response:
        """Ask the token endpoint, as the first application unless told otherwise."""
        tenant = self.tenant
        if "client_id" not in fields:
            fields |= {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        return self.form("/oauth/token", **fields)


@pytest.fixture
def wire(tenant: LocalTenant) -> Wire:
    return Wire(tenant)


@pytest.fixture
def ada(tenant: LocalTenant) -> dict[str, Any]:
    return tenant.add_user(
        email="ada@example.com", password=PASSWORD, name="Ada", email_verified=True, nickname="countess"
    )


@pytest.fixture
def body() -> Callable[[Response], Any]:
    return lambda response: json.loads(response.body)


@pytest.fixture
def make_certificate() -> Callable[[], tuple[bytes, bytes]]:
    """Return a function that makes a self-signed certificate and its key, both in PEM."""

    def make() -> tuple[bytes, bytes]:
        private = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(private, hashes.SHA256())
        )
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return made.public_bytes(serialization.Encoding.PEM), pem

    return make
