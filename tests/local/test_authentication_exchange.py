"""A token is exchanged for another where the tenant has been told to believe it, and nowhere else."""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from anyauth0 import ConfigurationError, InvalidArgumentError, Response
from anyauth0.jose import SigningKey, generate_key, parse_token, public_jwk, sign
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TYPE = "urn:ietf:params:oauth:token-type:"
APPLE = "http://auth0.com/oauth/token-type/apple-authz-code"
PARTNER = "https://partner.example/token"
API, ORDERS = "https://api.example", "https://orders.example"
Json = Callable[[Response], Any]


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


@pytest.fixture(autouse=True)
def apis(tenant: LocalTenant) -> None:
    tenant.add_api(API, ["read:x"])
    tenant.add_api(ORDERS, ["read:orders"])


def exchange(wire: Any, token: str, kind: str = PARTNER, **fields: str) -> Response:
    return wire.token(grant_type=EXCHANGE, subject_token=token, subject_token_type=kind, **fields)


def log_in(wire: Any, **fields: str) -> Any:
    who = {"username": "ada@example.com", "password": PASSWORD}
    return json.loads(wire.token(grant_type="password", **who, **fields).body)


# --- profiles


def test_the_resolver_says_whose_tokens_they_are(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    asked: list[str] = []

    def resolve(token: str) -> str | None:
        asked.append(token)
        return "ada@example.com" if token == "good" else None

    tenant.add_token_exchange(PARTNER, resolve)
    org = tenant.add_organization("acme")
    found = body(
        exchange(wire, "good", scope="openid offline_access read:x", audience=API, organization="acme")
    )
    assert found["issued_token_type"] == f"{TYPE}access_token"
    assert claims(found["access_token"])["sub"] == ada["user_id"]
    assert claims(found["id_token"])["org_id"] == org["id"]
    assert found["refresh_token"]
    refused(exchange(wire, "bad"), 400, "invalid_request")
    assert asked == ["good", "bad"]
    assert [entry["type"] for entry in tenant.store.list("logs")] == ["secte", "fecte"]


@pytest.mark.parametrize("found", [None, "nobody@example.com", {"user_id": "auth0|none"}])
def test_a_token_of_nobody_is_refused(tenant: LocalTenant, wire: Any, found: str | None) -> None:
    tenant.add_token_exchange(PARTNER, lambda token: found)
    assert refused(exchange(wire, "x"), 400, "invalid_request") == "The subject_token is not good"


def test_an_exchange_is_refused_for_what_it_lacks(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    tenant.add_token_exchange(PARTNER, lambda token: ada)
    refused(exchange(wire, "x", "https://unknown.example"), 400, "invalid_request")
    refused(exchange(wire, "", PARTNER), 400, "invalid_request")
    refused(exchange(wire, "x", requested_token_type=f"{TYPE}saml2"), 400, "invalid_request")
    refused(exchange(wire, "x", organization="none"), 400, "invalid_request")
    refused(exchange(wire, "x", audience="https://none.example"), 403, "access_denied")
    public = tenant.add_client(public=True)["client_id"]
    refused(exchange(wire, "x", client_id=public), 401, "unauthorized_client")
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    refused(exchange(wire, "x"), 401, "unauthorized")
    assert tenant.store.count("refresh_tokens") == 0


def test_fields_of_ones_own_may_repeat_and_no_others(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    tenant.add_token_exchange(PARTNER, lambda token: ada)
    form = {
        "grant_type": EXCHANGE,
        "subject_token": "x",
        "subject_token_type": PARTNER,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
    }
    kind = {"content-type": "application/x-www-form-urlencoded"}

    def send(*more: tuple[str, str]) -> Response:
        return wire.send("POST", "/oauth/token", urlencode([*form.items(), *more]).encode(), kind)

    assert send(("group", "a"), ("group", "b")).status == 200
    refused(send(("subject_token", "y")), 400, "invalid_request")
    refused(send(("grant_type", "password")), 400, "invalid_request")


@pytest.mark.parametrize(
    "reserved",
    [
        "http://auth0.com/x", "https://okta.com/x", "urn:ietf:params:x", "urn:auth0:x", "urn:okta:x", "mine",
        "http://auth0.com/oauth/token-type/federated-connection-access-token",
    ],
)  # fmt: skip
def test_reserved_types_cannot_be_registered(tenant: LocalTenant, reserved: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        tenant.add_token_exchange(reserved, lambda token: None)
    assert caught.value.argument == "subject_token_type"


def test_who_acts_is_in_the_tokens_and_gets_none_to_refresh(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    grace = tenant.add_user(email="grace@example.com", password=PASSWORD)
    tenant.add_token_exchange(PARTNER, lambda token: {"ada": ada, "grace": grace}.get(token))
    login = wire.token(grant_type="password", username="grace@example.com", password=PASSWORD, scope="openid")
    actor = body(login)
    for token, kind in ((actor["id_token"], f"{TYPE}id_token"), ("grace", PARTNER)):
        found = body(
            exchange(wire, "ada", actor_token=token, actor_token_type=kind, scope="openid offline_access")
        )
        assert "refresh_token" not in found
        for name in ("access_token", "id_token"):
            assert claims(found[name])["act"] == {"sub": grace["user_id"]}
            assert claims(found[name])["sub"] == ada["user_id"]
    for wrong in (
        {"actor_token": "x", "actor_token_type": f"{TYPE}id_token"},
        {"actor_token": actor["access_token"], "actor_token_type": f"{TYPE}id_token"},
        {"actor_token": "nobody", "actor_token_type": PARTNER},
        {"actor_token": "grace"},
        {"actor_token_type": PARTNER},
    ):
        refused(exchange(wire, "ada", **wrong), 400, "invalid_request")


def test_a_second_factor_is_asked_for_here_too(tenant: LocalTenant, wire: Any, ada: dict[str, Any]) -> None:
    tenant.add_token_exchange(PARTNER, lambda token: ada)
    tenant.require_mfa(ada)
    refused(exchange(wire, "x"), 403, "mfa_required")


# --- native logins


def test_a_native_login_needs_no_secret(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    tenant.add_token_exchange(APPLE, lambda token: ada if token == "good" else None)
    app = tenant.add_client(public=True)["client_id"]
    profile = json.dumps({"name": {"firstName": "Ada"}})
    found = body(exchange(wire, "good", APPLE, client_id=app, user_profile=profile, scope="openid"))
    assert claims(found["id_token"])["sub"] == ada["user_id"]
    for wrong in ("[]", "x", ""):
        refused(exchange(wire, "good", APPLE, client_id=app, user_profile=wrong), 400, "invalid_request")
    refused(exchange(wire, "bad", APPLE, client_id=app), 400, "invalid_request")


# --- on behalf of a user


def test_an_api_calls_another_for_the_user(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    token = log_in(wire, audience=API, scope="openid read:x")["access_token"]
    kind = {"subject_token_type": f"{TYPE}access_token", "requested_token_type": f"{TYPE}access_token"}
    actors: list[str] = []
    for _ in range(5):
        client = tenant.add_client(resource_server_identifier=API)
        who = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
        response = wire.token(
            grant_type=EXCHANGE, subject_token=token, audience=API,
            scope="openid offline_access read:x", **kind, **who,
        )  # fmt: skip
        found = body(response)
        assert found.keys() == {"access_token", "scope", "expires_in", "token_type", "issued_token_type"}
        actors.insert(0, client["client_id"])
        token = found["access_token"]
    given = claims(token)
    assert (given["sub"], given["scope"], given["aud"]) == (ada["user_id"], "read:x", API)
    act, chain = given["act"], []
    while act:
        chain.append(act["sub"])
        act = act.get("act")
    assert chain == actors
    deeper = wire.token(grant_type=EXCHANGE, subject_token=token, audience=ORDERS, **kind)
    assert "5 actors" in refused(deeper, 400, "invalid_request")


def test_only_a_token_of_a_user_for_the_calling_api_is_taken(tenant: LocalTenant, wire: Any) -> None:
    tenant.add_user(email="ada@example.com", password=PASSWORD)
    tokens = log_in(wire, audience=API, scope="openid read:x")
    own = json.loads(wire.token(grant_type="client_credentials", audience=API).body)["access_token"]
    kind = f"{TYPE}access_token"
    for wrong in (own, tokens["id_token"], "x"):
        refused(exchange(wire, wrong, kind, audience=ORDERS), 400, "invalid_request")
    refused(exchange(wire, tokens["access_token"], kind), 400, "invalid_request")
    client = tenant.add_client(resource_server_identifier=ORDERS)
    who = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    refused(exchange(wire, tokens["access_token"], kind, audience=API, **who), 400, "invalid_request")
    tenant.advance(86401)
    refused(exchange(wire, tokens["access_token"], kind, audience=ORDERS), 400, "invalid_request")


# --- other APIs, and other places, by a refresh token


def test_a_refresh_token_is_good_for_several_apis(wire: Any, body: Json, ada: dict[str, Any]) -> None:
    kept = log_in(wire, audience=API, scope="openid read:x offline_access")["refresh_token"]
    grant = {"grant_type": "refresh_token", "refresh_token": kept}
    found = body(wire.token(**grant, audience=ORDERS, scope="read:orders"))
    assert (claims(found["access_token"])["aud"], found["scope"]) == (ORDERS, "read:orders")
    refused(wire.token(**grant, scope="read:orders"), 403, "invalid_scope")
    refused(wire.token(**grant, audience="https://none.example"), 403, "access_denied")
    found = body(wire.token(**grant, audience=f"{wire.tenant.issuer}userinfo", scope="openid"))
    answer = wire.get("/userinfo", authorization=f"Bearer {found['access_token']}")
    assert body(answer)["sub"] == ada["user_id"]


@pytest.mark.parametrize("by_refresh", [True, False])
def test_a_session_transfer_token_stands_for_the_user(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any], by_refresh: bool
) -> None:
    kept = log_in(wire, scope="openid offline_access")["refresh_token"]
    audience = f"urn:{tenant.domain}:session_transfer"
    if by_refresh:
        response = wire.token(grant_type="refresh_token", refresh_token=kept, audience=audience)
    else:
        response = exchange(wire, kept, f"{TYPE}refresh_token", audience=audience)
    found = json.loads(response.body)
    assert found["issued_token_type"] == "urn:auth0:params:oauth:token-type:session_transfer_token"
    assert (found["token_type"], found["expires_in"]) == ("N_A", 60)
    [document] = tenant.store.list("session_transfers")
    assert document["user_id"] == ada["user_id"]
    assert found["access_token"] not in str(document)


def test_a_session_transfer_token_takes_a_refresh_token(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    tokens = log_in(wire, scope="openid offline_access")
    audience = f"urn:{tenant.domain}:session_transfer"
    access = exchange(wire, tokens["access_token"], f"{TYPE}access_token", audience=audience)
    refused(access, 400, "invalid_request")
    refused(exchange(wire, "x", f"{TYPE}refresh_token", audience=audience), 403, "invalid_grant")
    refused(exchange(wire, tokens["refresh_token"], f"{TYPE}refresh_token"), 400, "invalid_request")
    client = tenant.add_client(session_transfer={"can_create_session_transfer_token": False})
    who = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    kept = log_in(wire, scope="offline_access", **who)["refresh_token"]
    response = exchange(wire, kept, f"{TYPE}refresh_token", audience=audience, **who)
    refused(response, 403, "unauthorized_client")


# --- assertions of other issuers

ISSUER = "https://idp.example"


@pytest.fixture(scope="module")
def idp() -> SigningKey:
    return generate_key("ES256")


@pytest.fixture
def bea(tenant: LocalTenant, idp: SigningKey) -> dict[str, Any]:
    tenant.add_connection("corporate", strategy="okta")
    tenant.trust_issuer(ISSUER, public_jwk(idp), connection="corporate")
    return tenant.add_user(connection="corporate", user_id="00u1", email="bea@corp.example")


@pytest.fixture
def assertion(tenant: LocalTenant, idp: SigningKey) -> Callable[..., str]:
    def make(*, key: SigningKey = idp, typ: str = "oauth-id-jag+jwt", **changes: Any) -> str:
        now = int(tenant.clock())
        made: Mapping[str, Any] = {
            "iss": ISSUER,
            "sub": "00u1",
            "aud": tenant.issuer,
            "client_id": tenant.client_id,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 300,
            "resource": ORDERS,
            "scope": "openid read:orders read:none",
            **changes,
        }
        given = {name: value for name, value in made.items() if value is not None}
        return sign(given, key, algorithm="ES256", headers={"typ": typ})

    return make


def test_an_assertion_is_exchanged_for_an_access_token_alone(
    tenant: LocalTenant, wire: Any, body: Json, bea: dict[str, Any], assertion: Callable[..., str]
) -> None:
    found = body(wire.token(grant_type=BEARER, assertion=assertion()))
    assert found.keys() == {"access_token", "scope", "expires_in", "token_type"}
    given = claims(found["access_token"])
    assert (given["sub"], given["aud"], given["scope"]) == (bea["user_id"], ORDERS, "read:orders")
    narrowed = wire.token(grant_type=BEARER, assertion=assertion(), scope="read:x")
    assert body(narrowed)["scope"] == ""


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"typ": "JWT"}, "invalid_grant"),
        ({"iss": "https://other.example"}, "invalid_grant"),
        ({"iss": None}, "invalid_grant"),
        ({"sub": "00u2"}, "invalid_grant"),
        ({"sub": None}, "invalid_grant"),
        ({"aud": ISSUER}, "invalid_grant"),
        ({"client_id": "another"}, "invalid_grant"),
        ({"jti": None}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"iat": 99999999999}, "invalid_grant"),
        ({"key": generate_key("ES256")}, "invalid_grant"),
        ({"resource": None}, "invalid_request"),
    ],
)
def test_a_wrong_assertion_is_refused(
    wire: Any, bea: dict[str, Any], assertion: Callable[..., str], changes: dict[str, Any], error: str
) -> None:
    response = wire.token(grant_type=BEARER, assertion=assertion(**changes))
    refused(response, 400, error)


def test_an_assertion_is_good_once_and_for_its_resource(
    tenant: LocalTenant, wire: Any, bea: dict[str, Any], assertion: Callable[..., str]
) -> None:
    once = assertion()
    assert wire.token(grant_type=BEARER, assertion=once).status == 200
    assert "used before" in refused(wire.token(grant_type=BEARER, assertion=once), 400, "invalid_grant")
    refused(wire.token(grant_type=BEARER, assertion=assertion(), resource=API), 400, "invalid_target")
    refused(wire.token(grant_type=BEARER, assertion="x"), 400, "invalid_grant")
    public = tenant.add_client(public=True)["client_id"]
    response = wire.token(grant_type=BEARER, assertion=assertion(client_id=public), client_id=public)
    refused(response, 401, "unauthorized_client")


def test_only_a_known_connection_and_a_real_key_are_trusted(tenant: LocalTenant, idp: SigningKey) -> None:
    with pytest.raises(InvalidArgumentError, match="connection"):
        tenant.trust_issuer(ISSUER, public_jwk(idp), connection="none")
    with pytest.raises(ConfigurationError, match="public_key"):
        tenant.trust_issuer(ISSUER, "no key", connection="email")
    assert tenant.store.count("trusted_issuers") == 0
