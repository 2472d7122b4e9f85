"""What the guide pages find, and what is true when their blocks have run."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anyauth0 import (
    TLS,
    AuthenticationApiError,
    AuthenticationClient,
    ClientOptions,
    ConfigurationError,
    Unauthorized,
)
from anyauth0_transports.local import LocalTenant, serve

from .blocks_stage import PageStage
from .exchanges import PEM
from .stage import ADA, API, PASSWORD

Names: TypeAlias = dict[str, Any]
Preparation: TypeAlias = Callable[[PageStage], Iterator[Names]]

PUBLIC_PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def writing_transports(stage: PageStage) -> Iterator[Names]:
    # Its transport is a real one, so the tenant is served.
    with LocalTenant() as tenant, serve(tenant, name="127.0.0.1") as server:
        key = stage.tenant.store.last("keys")
        assert key is not None
        tenant.store.add("keys", key["kid"], key)
        tenant.add_user(email="ada@example.com")
        (stage.folder / "ca.pem").write_bytes(server.ca_pem)
        stage.patch.setenv("SSL_CERT_FILE", str(stage.folder / "ca.pem"))
        stage.instead = {"tenant.eu.auth0.com": server.domain}
        stage.values |= {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        yield {}
        assert [request.path for request in tenant.requests] == ["/oauth/token", "/api/v2/users"]
    offer = stage.names["anyauth0_transport"]
    assert offer(ClientOptions(domain="a", asynchronous=False)) is None
    transport = offer(ClientOptions(domain="a", asynchronous=True, proxy=False))
    assert isinstance(transport, stage.names["HttpxTransport"])
    with pytest.raises(ConfigurationError, match='"httpx"'):
        offer(ClientOptions(domain="a", asynchronous=True, tls=TLS(ca="ca.pem")))


def client_authentication(stage: PageStage) -> Iterator[Names]:
    tenant, names = stage.tenant, stage.names
    private = ec.generate_private_key(ec.SECP256R1())
    (stage.folder / "private.pem").write_bytes(private.private_bytes(*PEM))
    certificate = trustme.CA().issue_cert("client.example.com")
    (stage.folder / "client.pem").write_bytes(certificate.cert_chain_pems[0].bytes())
    (stage.folder / "client.key").write_bytes(certificate.private_key_pem.bytes())
    with LocalTenant(domain="id.example.com") as custom:
        custom.add_api(API)
        by_key = tenant.add_client(public_key=private.public_key().public_bytes(*PUBLIC_PEM))
        by_certificate = custom.add_client(certificate=certificate.cert_chain_pems[0].bytes())

        def then_by_key() -> None:
            asked = [request for request in tenant.requests if request.path == "/oauth/token"]
            assert "authorization" not in asked[-2].headers
            assert asked[-1].headers["authorization"].startswith("Basic ")
            stage.values["client_id"] = by_key["client_id"]

        def then_by_certificate() -> None:
            stage.values["client_id"] = by_certificate["client_id"]

        def then_without_proof() -> None:
            assert custom.requests[-1].host == "mtls.id.example.com"
            stage.values["client_id"] = tenant.client_id

        stage.checks = {
            '["client_secret_basic"]': then_by_key,
            "private.pem": then_by_certificate,
            "mtls_endpoint_aliases={": then_without_proof,
        }
        yield {"vault": SimpleNamespace(read=lambda name: stage.management_token())}
    assert names["fixed"].users.get_all().status == names["asked"].users.get_all().status == 200
    assert asyncio.run(names["asynchronous"].users.get_all()).status == 200


def errors(stage: PageStage) -> Iterator[Names]:
    tenant = stage.tenant
    tenant.add_user(email="guarded@example.com", password=PASSWORD)
    tenant.require_mfa("guarded@example.com")
    narrow = stage.client().tokens.get(audience=tenant.management_audience, scope="read:clients")

    def breaks_once_it_has_acted() -> None:
        tenant.faults.reset(after=True, path="/api/v2/users", method="POST")

    stage.checks = {"def log_in": breaks_once_it_has_acted}
    yield {
        "auth": stage.auth(retry=False),
        "management": stage.management(),
        "email": "new@example.com",
        "password": PASSWORD,
        "narrow_token": narrow,
        "try_again_in": lambda seconds: seconds,
        "ask_for_second_factor": lambda error: error.mfa_token,
    }
    log_in = stage.names["log_in"]
    assert log_in(ADA, PASSWORD).access_token
    assert log_in(ADA, "wrong") == "wrong e-mail or password"
    assert isinstance(log_in("guarded@example.com", PASSWORD), str)
    tenant.faults.add(429, headers={"retry-after": "7"})
    assert log_in(ADA, PASSWORD) == 7
    assert len(tenant.store.find("users", email="new@example.com")) == 1
    sent = [request.path for request in tenant.requests if request.method == "POST"]
    assert sent.count("/api/v2/users") == 1


def paging_and_bulk(stage: PageStage) -> Iterator[Names]:
    tenant = stage.tenant
    tenant.add_connection("imported", id="con_123")
    tenant.add_organization("acme")
    for number in range(1001):
        tenant.add_user(email=f"user{number}@example.com")
        tenant.advance(1)
    tenant.log("s")
    saved: dict[str, Any] = {}
    written: list[tuple[object, ...]] = []
    ada = stage.ada["user_id"]

    def new_users() -> Iterator[dict[str, Any]]:
        yield {"email": "new@example.com"}
        yield {"email": 7}

    def breaks_off() -> Iterator[dict[str, Any]]:
        yield {"email": "last@example.com"}
        raise OSError("the file ends in the middle")

    yield {
        "management": stage.management(),
        "found": [ada],
        "saved": saved,
        "new_users": new_users,
        "breaks_off": breaks_off,
        "print": lambda *what: written.append(what),
    }
    assert (1000, "of", 1002) in written
    assert saved == {"organizations": None, "log": stage.names["entry"].log_id}
    user = tenant.store.get("users", ada)
    assert user is not None
    assert (user["app_metadata"], user["blocked"]) == ({"plan": "pro"}, True)
    assert stage.names["failed"] == []
    assert (stage.names["result"].inserted, stage.names["result"].failed) == (1, 1)
    assert (0, "are in; go on from row", 0) in written
    assert (stage.folder / "users.csv.gz").stat().st_size > 0
    assert stage.names["outcome"].error is None


def plugins(stage: PageStage) -> Iterator[Names]:
    yield {"settings": {name: stage.values[name] for name in ("domain", "client_id", "client_secret")}}
    assert stage.names["management"].users.get_all().status == 200


def recipes(stage: PageStage) -> Iterator[Names]:
    tenant, names, user_id = stage.tenant, stage.names, stage.ada["user_id"]
    old = tenant.add_client()
    management = stage.management()
    management.users.create_authentication_method(user_id, type="phone", phone_number="+15550100")
    management.actions.create(name="older", supported_triggers=[{"id": "post-login", "version": "v3"}])
    older = {"ref": {"type": "action_name", "value": "older"}, "display_name": "older"}
    management.actions.update_trigger_bindings("post-login", bindings=[older])

    def only_the_new_secret_is_good() -> None:
        assert stage.client(old, client_secret=names["secret"]).tokens.get(audience=API)
        with pytest.raises(Unauthorized):
            stage.client(old, client_secret=old["client_secret"]).tokens.get(audience=API)

    def nobody_is_let_in() -> None:
        with pytest.raises(AuthenticationApiError, match="blocked"):
            stage.tokens()

    def action_is_built() -> None:
        (action,) = tenant.store.find("actions/actions", name="audit")
        tenant.store.put("actions/actions", action["id"], {**action, "status": "built"})

    stage.pauses = [action_is_built]
    stage.checks = {
        "rotate_client_secret": only_the_new_secret_is_good,
        "delete_sessions": nobody_is_let_in,
    }
    yield {"management": management, "auth": stage.auth(), "user_id": user_id, "client_id": old["client_id"]}
    assert names["link"].startswith("https://")
    assert names["method"].type == "phone"
    assert len(management.users.get_authentication_methods(user_id).data) == 0
    assert [role.name for role in management.users.get_roles(user_id).data] == ["editor"]
    assert f"organization={names['acme'].id}" in names["request"].url
    bound = management.actions.get_trigger_bindings("post-login").data
    assert [each.action.name for each in bound] == ["older", "audit"]
    assert names["handler"]({"user_id": user_id}, None)["email"] == ADA


def security(stage: PageStage) -> Iterator[Names]:
    stage.patch.setenv("TOKEN_STORE_KEY", "a passphrase of the test")
    yield {}
    assert isinstance(stage.names["client_of"]("us"), AuthenticationClient)
    (kept,) = (stage.folder / "tokens").glob("*.token")
    assert stage.names["token"].encode() not in kept.read_bytes()


def transports(stage: PageStage) -> Iterator[Names]:
    trustme.CA().cert_pem.write_to_path(str(stage.folder / "company-ca.pem"))
    ran: list[str] = []

    async def main() -> None:
        ran.append("main")

    def my_http(method: str, url: str, headers: Any, body: bytes | None, *, timeout: float) -> Any:
        ran.append(f"{method} {url.partition('?')[0]} {timeout:g}")
        return SimpleNamespace(status=200, headers={}, content=b"[]")

    # It need not be installed; its `run` is that of asyncio.
    stage.patch.setitem(sys.modules, "uvloop", SimpleNamespace(run=asyncio.run))
    yield {"main": main, "my_http": my_http, "token": stage.management_token()}
    assert stage.names["management"].users.get_all().status == 200
    assert ran == ["main", "GET https://tenant.eu.auth0.com/api/v2/users 10"]


def writing_plugins(stage: PageStage) -> Iterator[Names]:
    tickets: list[str] = []

    def read_ticket() -> str:
        tickets.append(f"ticket-{len(tickets)}")
        return tickets[-1]

    def uses_the_gateway() -> None:
        assert stage.names["management"].users.get_all().status == 200
        assert tickets == ["ticket-0"]

    def has_a_token_by_the_secret() -> None:
        assert stage.names["management"].users.get_all().status == 200
        (asked,) = [request for request in stage.tenant.requests if request.path == "/oauth/token"]
        assert asked.form()["client_secret"] == stage.tenant.client_secret

    stage.values["token"] = stage.management_token()
    stage.tenant.requests.clear()
    stage.checks = {
        "class Gateway": uses_the_gateway,
        "class SecretFromVault": has_a_token_by_the_secret,
    }
    yield {
        "read_ticket": read_ticket,
        "read_ticket_async": None,
        "read_secret": lambda: stage.tenant.client_secret,
    }
    stage.names["test_a_slow_call_is_told"]()


PREPARATIONS: dict[str, Preparation] = {
    "client-authentication": client_authentication,
    "errors": errors,
    "paging-and-bulk": paging_and_bulk,
    "plugins": plugins,
    "recipes": recipes,
    "security": security,
    "transports": transports,
    "writing-plugins": writing_plugins,
    "writing-transports": writing_transports,
}
