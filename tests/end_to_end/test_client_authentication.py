"""A client proves who it is by secret, assertion or certificate; in process and over TLS."""

import base64
import json
import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from anyauth0 import (
    TLS,
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    ConfigurationError,
    ManagementClient,
    Unauthorized,
    hookimpl,
)
from anyauth0.client_authentication import Authenticated
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.server import Server

API = "https://api.example.com"


def clients(run: Any) -> tuple[Any, Any]:
    if run.asynchronous:
        return AsyncAuthenticationClient, AsyncManagementClient
    return AuthenticationClient, ManagementClient


def pem(key: Any) -> tuple[bytes, bytes]:
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def get_token(run: Any, **options: Any) -> Any:
    client = clients(run)[0](**options)
    return run(client, lambda auth: auth.oauth.client_credentials_grant(audience=API)).data


@pytest.mark.parametrize("plugins", [(), ("client_secret_basic",)], ids=["in the body", "by HTTP Basic"])
def test_by_secret(run: Any, where: Any, tenant: LocalTenant, plugins: Any) -> None:
    client = tenant.add_client("Has a secret")
    options = {"client_id": client["client_id"], "client_secret": client["client_secret"], "plugins": plugins}
    tokens = get_token(run, **where, **options)
    assert claims(tokens.access_token)["azp"] == client["client_id"]
    last = [asked for asked in tenant.requests if asked.path == "/oauth/token"][-1]
    assert (b"client_secret" in last.body) is not bool(plugins)
    assert last.headers.get("authorization", "").startswith("Basic ") is bool(plugins)


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256"])
def test_by_assertion(run: Any, where: Any, tenant: LocalTenant, algorithm: str) -> None:
    curve = algorithm == "ES256"
    key = ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
    private, public = pem(key)
    client_id = tenant.add_client("Signs", public_key=public)["client_id"]
    options = {"client_assertion_signing_key": private, "client_assertion_signing_alg": algorithm}
    tokens = get_token(run, **where, client_id=client_id, **options)
    assert claims(tokens.access_token)["azp"] == client_id
    last = [asked for asked in tenant.requests if asked.path == "/oauth/token"][-1]
    assert b"client_secret" not in last.body


def test_an_assertion_by_another_key_is_refused(run: Any, where: Any, tenant: LocalTenant) -> None:
    _, public = pem(ec.generate_private_key(ec.SECP256R1()))
    other, _ = pem(ec.generate_private_key(ec.SECP256R1()))
    client_id = tenant.add_client("Signs", public_key=public)["client_id"]
    with pytest.raises(Unauthorized):
        get_token(
            run, **where, client_id=client_id, client_assertion_signing_key=other,
            client_assertion_signing_alg="ES256",
        )  # fmt: skip


def test_by_certificate_over_tls(run: Any, tenant: LocalTenant, server: Server) -> None:
    cert, key = server.client_certificate("service")
    client_id = tenant.add_client("Shows a certificate", certificate=cert)["client_id"]
    options = {
        "domain": tenant.domain,
        "client_id": client_id,
        "use_mtls": True,
        "mtls_endpoint_aliases": server.mtls_endpoint_aliases,
        "proxy": False,
    }
    tokens = get_token(run, **options, tls=TLS(ca=server.ca_pem, cert=cert, key=key))
    assert claims(tokens.access_token)["azp"] == client_id

    other_cert, other_key = server.client_certificate("somebody else")
    with pytest.raises(Unauthorized):
        get_token(run, **options, tls=TLS(ca=server.ca_pem, cert=other_cert, key=other_key))


def test_by_certificate_in_process(run: Any, tenant: LocalTenant, server: Server) -> None:
    cert, key = server.client_certificate("service")
    client_id = tenant.add_client("Shows a certificate", certificate=cert)["client_id"]
    tokens = get_token(
        run, domain=tenant.domain, transport="local", client_id=client_id, use_mtls=True,
        mtls_endpoint_aliases=server.mtls_endpoint_aliases, tls=TLS(cert=cert, key=key),
    )  # fmt: skip
    assert claims(tokens.access_token)["azp"] == client_id


def test_by_a_strategy_of_the_users(run: Any, where: Any, tenant: LocalTenant) -> None:
    client = tenant.add_client("Keeps its secret elsewhere")

    class Vault:
        def apply(self, form: Any) -> Authenticated:
            return Authenticated(form={**form, "client_secret": client["client_secret"]})

        def address(self, url: str) -> str:
            return url

    class Plugin:
        @hookimpl
        def anyauth0_client_authentication(self, options: Any) -> Vault:
            return Vault()

    tokens = get_token(run, **where, client_id=client["client_id"], plugins=[Plugin()])
    assert claims(tokens.access_token)["azp"] == client["client_id"]
    # The Management API takes it as well.
    management = clients(run)[1](**where, client_id=client["client_id"], plugins=[Plugin()])
    assert run(management, lambda management: management.users.get_all()).status == 200


def test_a_wrong_secret_is_unauthorized_and_named_nowhere(run: Any, where: Any, tenant: LocalTenant) -> None:
    secret = "not-the-secret-of-this-client"
    management = clients(run)[1](**where, client_id=tenant.client_id, client_secret=secret)
    with pytest.raises(Unauthorized) as caught:
        run(management, lambda management: management.users.get("auth0|1"))
    assert secret not in f"{caught.value!r} {caught.value}"


def test_a_public_client_is_refused_before_anything_is_sent(
    run: Any, where: Any, tenant: LocalTenant
) -> None:
    client_id = tenant.add_client("Public", public=True)["client_id"]
    before = len(tenant.requests)
    with pytest.raises(ConfigurationError) as caught:
        get_token(run, **where, client_id=client_id)
    assert caught.value.option == "client_secret"
    with pytest.raises(ConfigurationError):
        clients(run)[1](**where, client_id=client_id)
    assert len(tenant.requests) == before


def test_one_token_serves_many_threads(where: Any, tenant: LocalTenant) -> None:
    with ManagementClient(
        **where, client_id=tenant.client_id, client_secret=tenant.client_secret
    ) as management:
        before = sum(asked.path == "/oauth/token" for asked in tenant.requests)
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(management.users.get_all().status))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 16
    assert sum(asked.path == "/oauth/token" for asked in tenant.requests) == before + 1


def test_a_token_of_ones_own(run: Any, where: Any, tenant: LocalTenant) -> None:
    token = get_token_for_management(tenant)

    async def fetch() -> str:
        return token

    ways: list[Any] = [token, lambda: token]
    if run.asynchronous:
        ways.append(fetch)
    else:
        with pytest.raises(ConfigurationError) as caught:
            ManagementClient(**where, token=fetch)
        assert caught.value.option == "token"
    for way in ways:
        management = clients(run)[1](**where, token=way)
        assert run(management, lambda management: management.users.get_all()).status == 200


def get_token_for_management(tenant: LocalTenant) -> str:
    with AuthenticationClient(
        domain=tenant.domain,
        client_id=tenant.client_id,
        client_secret=tenant.client_secret,
        transport="local",
    ) as auth:
        return auth.oauth.client_credentials_grant(audience=tenant.management_audience).data.access_token
