"""The token endpoint gives what a grant entitles to, once, for as long as it lasts."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import InvalidArgumentError, Response
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"
API = "https://api.example"
CALLBACK = "https://app.example/callback"
VAULT = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
FEDERATED = "http://auth0.com/oauth/token-type/federated-connection-access-token"
OTP = "http://auth0.com/oauth/grant-type/passwordless/otp"
Json = Callable[[Response], Any]


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def answer_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def refused(response: Response, status: int, error: str) -> str:
    """Assert that a response is this refusal, and return its description."""
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error)
    return found["error_description"]


def log_types(tenant: LocalTenant) -> list[str]:
    return [entry["type"] for entry in tenant.store.list("logs")]


# --- client credentials


def test_client_credentials_carry_the_scopes_of_the_api(tenant: LocalTenant, wire: Any, body: Json) -> None:
    tenant.add_api(API, ["read:x", "write:x"])
    response = wire.token(grant_type="client_credentials", audience=API)
    found = body(response)
    assert response.headers["cache-control"] == "no-store"
    token = claims(found["access_token"])
    assert token["iss"] == tenant.issuer
    assert token["aud"] == API
    assert token["sub"] == f"{tenant.client_id}@clients"
    assert token["azp"] == tenant.client_id
    assert token["gty"] == "client-credentials"
    assert token["scope"] == found["scope"] == "read:x write:x"
    assert token["exp"] - token["iat"] == found["expires_in"] == 86400
    assert "refresh_token" not in found
    assert "id_token" not in found
    assert log_types(tenant) == ["seccft"]


def test_an_audience_without_an_api_is_not_found(wire: Any) -> None:
    response = wire.token(grant_type="client_credentials", audience="https://nobody.example")
    assert "Service not found" in refused(response, 403, "access_denied")


def test_a_client_gets_the_scopes_it_was_granted_and_no_others(
    tenant: LocalTenant, wire: Any, body: Json
) -> None:
    tenant.add_api(API, ["read:x", "write:x"])
    limited = tenant.add_client(apis={API: ["read:x"]})
    who = {"client_id": limited["client_id"], "client_secret": limited["client_secret"]}
    found = body(wire.token(grant_type="client_credentials", audience=API, **who))
    assert found["scope"] == "read:x"
    narrowed = body(wire.token(grant_type="client_credentials", audience=API, scope="write:x", **who))
    assert "scope" not in narrowed
    other = wire.token(grant_type="client_credentials", audience=tenant.management_audience, **who)
    assert "client-grant" in refused(other, 403, "access_denied")


def test_a_grant_type_that_the_client_lacks_is_refused(tenant: LocalTenant, wire: Any) -> None:
    client = tenant.add_client(grant_types=["authorization_code"])
    response = wire.token(
        grant_type="client_credentials",
        audience=tenant.management_audience,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )
    assert "client_credentials" in refused(response, 403, "unauthorized_client")
    assert log_types(tenant) == ["feccft"]


def test_an_unknown_grant_type_is_refused(wire: Any) -> None:
    refused(wire.token(grant_type="implicit"), 403, "unsupported_grant_type")
    refused(wire.token(), 400, "invalid_request")


def test_an_organization_goes_into_the_token(tenant: LocalTenant, wire: Any, body: Json) -> None:
    tenant.add_api(API)
    org = tenant.add_organization("acme")
    found = body(wire.token(grant_type="client_credentials", audience=API, organization=org["id"]))
    assert claims(found["access_token"])["org_id"] == org["id"]
    response = wire.token(grant_type="client_credentials", audience=API, organization="org_none")
    refused(response, 400, "invalid_request")


# --- password


@pytest.mark.parametrize("realm", [None, "Username-Password-Authentication"])
def test_the_right_password_logs_in(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any], realm: str | None
) -> None:
    grant = "http://auth0.com/oauth/grant-type/password-realm" if realm else "password"
    more = {"realm": realm} if realm else {}
    found = body(
        wire.token(
            grant_type=grant, username="ADA@example.com", password=PASSWORD, scope="openid email", **more
        )
    )
    identity = claims(found["id_token"])
    assert identity["sub"] == ada["user_id"]
    assert identity["email"] == "ada@example.com"
    assert identity["email_verified"] is True
    assert "name" not in identity
    assert claims(found["access_token"])["gty"] == "password"
    assert "refresh_token" not in found
    user = tenant.store.get("users", ada["user_id"])
    assert user is not None
    assert user["logins_count"] == 1
    assert "s" in log_types(tenant)


def test_a_wrong_password_and_an_unknown_user_are_refused_alike(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    wrong = wire.token(grant_type="password", username="ada@example.com", password="Wrong-horse-7")
    nobody = wire.token(grant_type="password", username="eve@example.com", password=PASSWORD)
    assert wrong.status == 403
    assert wrong.body == nobody.body
    assert refused(wrong, 403, "invalid_grant") == "Wrong email or password."
    assert [t for t in log_types(tenant) if t in ("fp", "fu")] == ["fp", "fu"]


def test_a_blocked_user_may_not_log_in(tenant: LocalTenant, wire: Any, ada: dict[str, Any]) -> None:
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    response = wire.token(grant_type="password", username="ada@example.com", password=PASSWORD)
    assert refused(response, 401, "unauthorized") == "user is blocked"


def test_scopes_that_nobody_knows_are_left_out(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    tenant.add_api(API, ["read:x"])
    found = body(
        wire.token(
            grant_type="password",
            username="ada@example.com",
            password=PASSWORD,
            audience=API,
            scope="openid read:x read:x launch:missiles",
        )
    )
    assert found["scope"] == "openid read:x"
    assert claims(found["access_token"])["aud"] == [API, f"{tenant.issuer}userinfo"]


# --- authorization code


def login(tenant: LocalTenant, **parameters: Any) -> dict[str, str]:
    parameters.setdefault("redirect_uri", CALLBACK)
    parameters.setdefault("user", "ada@example.com")
    return answer_of(tenant.authorize(**parameters))


def test_a_code_brings_what_the_authorization_asked_for(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    org = tenant.add_organization("Acme")
    sent_back = login(
        tenant, scope="openid profile", nonce="n-1", state="s 1", max_age=60, organization=org["id"]
    )
    assert sent_back["state"] == "s 1"
    found = body(wire.token(grant_type="authorization_code", code=sent_back["code"], redirect_uri=CALLBACK))
    identity = claims(found["id_token"])
    assert identity["aud"] == tenant.client_id
    assert identity["nonce"] == "n-1"
    assert identity["auth_time"] == pytest.approx(tenant.clock(), abs=5)
    assert (identity["org_id"], identity["org_name"]) == (org["id"], "acme")
    assert identity["nickname"] == "countess"
    assert identity["sid"]
    assert claims(found["access_token"])["org_id"] == org["id"]


def test_auth_time_is_told_only_where_max_age_asks_for_it(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    without = login(tenant, scope="openid")["code"]
    found = body(wire.token(grant_type="authorization_code", code=without, redirect_uri=CALLBACK))
    assert "auth_time" not in claims(found["id_token"])
    earlier = login(tenant, scope="openid", max_age=60, auth_time=1_000_000)["code"]
    found = body(wire.token(grant_type="authorization_code", code=earlier, redirect_uri=CALLBACK))
    assert claims(found["id_token"])["auth_time"] == 1_000_000


def test_a_code_is_good_once(tenant: LocalTenant, wire: Any, ada: dict[str, Any]) -> None:
    code = login(tenant)["code"]
    assert wire.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status == 200
    again = wire.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    refused(again, 403, "invalid_grant")


def test_a_code_expires_after_a_minute(tenant: LocalTenant, wire: Any, ada: dict[str, Any]) -> None:
    young, old = login(tenant)["code"], login(tenant)["code"]
    tenant.advance(59)
    assert wire.token(grant_type="authorization_code", code=young, redirect_uri=CALLBACK).status == 200
    tenant.advance(2)
    refused(
        wire.token(grant_type="authorization_code", code=old, redirect_uri=CALLBACK), 403, "invalid_grant"
    )


def test_a_code_with_another_redirect_uri_is_refused_and_spent(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    code = login(tenant)["code"]
    refused(wire.token(grant_type="authorization_code", code=code), 403, "invalid_grant")
    again = wire.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    refused(again, 403, "invalid_grant")


def test_a_code_of_another_client_is_refused_and_not_spent(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    other = tenant.add_client()
    code = login(tenant)["code"]
    response = wire.token(
        grant_type="authorization_code",
        code=code,
        redirect_uri=CALLBACK,
        client_id=other["client_id"],
        client_secret=other["client_secret"],
    )
    refused(response, 403, "invalid_grant")
    assert wire.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK).status == 200


def test_sixteen_threads_get_one_answer_for_one_code(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    code = login(tenant)["code"]
    statuses: list[int] = []
    start = threading.Barrier(16)

    def exchange() -> None:
        start.wait()
        response = wire.token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
        statuses.append(response.status)

    threads = [threading.Thread(target=exchange) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [403] * 15


VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("challenge", "verifier", "good"),
    [
        (CHALLENGE, VERIFIER, True),
        (CHALLENGE, "w" * 43, False),
        (CHALLENGE, CHALLENGE, False),
        (CHALLENGE, None, False),
        (None, VERIFIER, False),
        (None, None, False),
    ],
)
def test_a_public_client_proves_itself_by_pkce_alone(
    tenant: LocalTenant,
    wire: Any,
    ada: dict[str, Any],
    challenge: str | None,
    verifier: str | None,
    good: bool,
) -> None:
    spa = tenant.add_client(public=True)
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"} if challenge else {}
    code = login(tenant, client_id=spa["client_id"], **asked)["code"]
    more = {"code_verifier": verifier} if verifier else {}
    response = wire.token(
        grant_type="authorization_code",
        code=code,
        redirect_uri=CALLBACK,
        client_id=spa["client_id"],
        **more,
    )
    assert (response.status == 200) is good
    if not good:
        refused(response, 403, "invalid_grant")


def test_errors_of_the_authorization_come_back_in_the_url(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    assert login(tenant, response_type="token", state="x") == {
        "error": "unsupported_response_type",
        "error_description": "Only response_type=code is known here",
        "state": "x",
    }
    assert login(tenant, audience="https://nobody.example")["error"] == "access_denied"
    assert login(tenant, organization="org_none")["error"] == "invalid_request"
    assert login(tenant, code_challenge="x", code_challenge_method="plain")["error"] == "invalid_request"


def test_what_a_browser_would_see_as_an_error_page_is_raised(
    tenant: LocalTenant, ada: dict[str, Any]
) -> None:
    strict = tenant.add_client(callbacks=[CALLBACK])
    url = tenant.authorize(user=ada, client_id=strict["client_id"])
    assert url.startswith(f"{CALLBACK}?code=")
    for argument, parameters in {
        "redirect_uri": {"client_id": strict["client_id"], "redirect_uri": "https://evil.example"},
        "client_id": {"client_id": "nobody", "redirect_uri": CALLBACK},
        "request_uri": {"request_uri": "urn:none"},
        "user": {"user": "eve@example.com", "redirect_uri": CALLBACK},
    }.items():
        with pytest.raises(InvalidArgumentError) as caught:
            tenant.authorize(**{"user": ada, **parameters})
        assert caught.value.argument == argument


def test_a_pushed_request_is_good_once_and_for_its_own_client(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    who = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    push = {
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "nonce": "n-2",
        "state": "s",
    }
    response = wire.form("/oauth/par", **who, **push)
    assert response.status == 201
    pushed = body(response)
    assert pushed["expires_in"] == 90
    other = tenant.add_client()
    with pytest.raises(InvalidArgumentError):
        tenant.authorize(user=ada, client_id=other["client_id"], request_uri=pushed["request_uri"])
    sent_back = answer_of(tenant.authorize(user=ada, request_uri=pushed["request_uri"]))
    assert sent_back["state"] == "s"
    found = body(wire.token(grant_type="authorization_code", code=sent_back["code"], redirect_uri=CALLBACK))
    assert claims(found["id_token"])["nonce"] == "n-2"
    with pytest.raises(InvalidArgumentError):
        tenant.authorize(user=ada, request_uri=pushed["request_uri"])
    late = body(wire.form("/oauth/par", **who, **push))
    tenant.advance(91)
    with pytest.raises(InvalidArgumentError):
        tenant.authorize(user=ada, request_uri=late["request_uri"])
    assert "secret" not in json.dumps(tenant.store.list("pushed"))
    strict = tenant.add_client(callbacks=["https://strict.example"])
    own = {"client_id": strict["client_id"], "client_secret": strict["client_secret"]}
    refused(wire.form("/oauth/par", **own, **push), 400, "invalid_request")
    accepted = {**push, "redirect_uri": "https://strict.example"}
    assert wire.form("/oauth/par", **own, **accepted).status == 201
    refused(wire.form("/oauth/par", **who, response_type="code"), 400, "invalid_request")
    refused(
        wire.form("/oauth/par", **who, **{**push, "response_type": "token"}), 400, "unsupported_response_type"
    )


# --- refresh tokens


def tokens(
    wire: Any, body: Json, client: dict[str, Any], scope: str = "openid offline_access"
) -> dict[str, Any]:
    return body(
        wire.token(
            grant_type="password",
            username="ada@example.com",
            password=PASSWORD,
            scope=scope,
            client_id=client["client_id"],
            client_secret=client["client_secret"],
        )
    )


def refresh(wire: Any, client: dict[str, Any], token: str, **more: str) -> Response:
    return wire.token(
        grant_type="refresh_token",
        refresh_token=token,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        **more,
    )


def test_a_refresh_token_works_again_and_again_without_rotation(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client()
    first = tokens(wire, body, client)
    for _ in range(3):
        found = body(refresh(wire, client, first["refresh_token"]))
        assert "refresh_token" not in found
        assert claims(found["access_token"])["gty"] == "refresh_token"
        assert claims(found["id_token"])["sid"] == claims(first["id_token"])["sid"]
        assert "nonce" not in claims(found["id_token"])


def test_a_used_rotating_token_revokes_its_whole_family(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client(rotating=True)
    first = tokens(wire, body, client)["refresh_token"]
    bystander = tokens(wire, body, client)["refresh_token"]
    second = body(refresh(wire, client, first))["refresh_token"]
    assert second != first
    refused(refresh(wire, client, first), 403, "invalid_grant")
    refused(refresh(wire, client, second), 403, "invalid_grant")
    assert "ferrt" in log_types(tenant)
    assert refresh(wire, client, bystander).status == 200


def test_the_leeway_forgives_a_repeated_use(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    settings = {"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 10}
    client = tenant.add_client(refresh_token=settings)
    first = tokens(wire, body, client)["refresh_token"]
    assert refresh(wire, client, first).status == 200
    tenant.advance(9)
    assert refresh(wire, client, first).status == 200
    tenant.advance(2)
    refused(refresh(wire, client, first), 403, "invalid_grant")


def test_of_sixteen_threads_one_rotates(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client(rotating=True)
    token = tokens(wire, body, client)["refresh_token"]
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(refresh(wire, client, token).status))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [403] * 15
    assert tenant.store.count("refresh_tokens") == 0


def test_a_refresh_token_expires_with_its_family(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client(rotating=True)
    first = tokens(wire, body, client)["refresh_token"]
    tenant.advance(2592000 - 10)
    second = body(refresh(wire, client, first))["refresh_token"]
    tenant.advance(11)
    refused(refresh(wire, client, second), 403, "invalid_grant")


def test_a_refresh_may_ask_for_less_and_not_for_more(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client()
    token = tokens(wire, body, client, "openid email offline_access")["refresh_token"]
    assert body(refresh(wire, client, token, scope="openid"))["scope"] == "openid"
    refused(refresh(wire, client, token, scope="openid profile"), 403, "invalid_scope")
    assert "email" in body(refresh(wire, client, token))["scope"]


def test_one_refresh_token_serves_several_apis(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    tenant.add_api(API, ["read:x"])
    client = tenant.add_client()
    token = tokens(wire, body, client)["refresh_token"]
    found = body(refresh(wire, client, token, audience=API, scope="openid read:x"))
    assert claims(found["access_token"])["aud"] == [API, f"{tenant.issuer}userinfo"]
    assert found["scope"] == "openid read:x"
    unknown = refresh(wire, client, token, audience="https://nobody.example")
    refused(unknown, 403, "access_denied")


def test_a_refresh_token_is_of_no_use_to_another_client(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client, other = tenant.add_client(), tenant.add_client()
    token = tokens(wire, body, client)["refresh_token"]
    refused(refresh(wire, other, token), 403, "invalid_grant")


def test_a_refresh_token_ends_with_its_user(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client()
    token = tokens(wire, body, client)["refresh_token"]
    tenant.store.remove("users", ada["user_id"])
    refused(refresh(wire, client, token), 403, "invalid_grant")


def test_no_refresh_token_for_who_may_not_use_it(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    client = tenant.add_client(grant_types=["password"])
    found = tokens(wire, body, client)
    assert "refresh_token" not in found
    assert found["scope"] == "openid"


@pytest.mark.parametrize("rotating", [False, True])
def test_revocation_ends_the_family_and_always_answers_200(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any], rotating: bool
) -> None:
    client, other = tenant.add_client(rotating=rotating), tenant.add_client()
    token = tokens(wire, body, client)["refresh_token"]

    def revoke(who: dict[str, Any]) -> Response:
        proof = {"client_id": who["client_id"], "client_secret": who["client_secret"]}
        return wire.form("/oauth/revoke", token=token, **proof)

    assert (revoke(other).status, revoke(other).body) == (200, b"")
    renewed = refresh(wire, client, token)
    assert renewed.status == 200
    successor = body(renewed).get("refresh_token", token)
    assert revoke(client).status == 200
    refused(refresh(wire, client, successor), 403, "invalid_grant")
    assert revoke(client).status == 200
    assert "srrt" in log_types(tenant)


def test_the_store_knows_no_token_and_no_password(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    token = tokens(wire, body, tenant.add_client())["refresh_token"]
    for kind in ("refresh_tokens", "passwords", "users", "logs"):
        kept = json.dumps(tenant.store.list(kind))
        assert token not in kept
        assert PASSWORD not in kept


# --- one-time passwords


@pytest.mark.parametrize(
    ("connection", "field", "to"),
    [("email", "email", "Zoe@example.com"), ("sms", "phone_number", "+14155550100")],
)
def test_a_one_time_password_logs_in_once_and_makes_the_user(
    tenant: LocalTenant, wire: Any, body: Json, connection: str, field: str, to: str
) -> None:
    who = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    more = {"send": "code"} if connection == "email" else {}
    started = wire.json("/passwordless/start", connection=connection, **{field: to}, **more, **who)
    assert started.status == 200
    assert body(started)["_id"]
    message = tenant.outbox[-1]
    assert (message.kind, message.to, message.link) == ("code", to.lower(), None)
    grant = {"grant_type": OTP, "realm": connection, "username": to, "scope": "openid email phone"}
    wrong = "000000" if message.code != "000000" else "111111"
    refused(wire.token(**grant, otp=wrong), 403, "invalid_grant")
    found = body(wire.token(**grant, otp=str(message.code)))
    identity = claims(found["id_token"])
    assert identity[field] == to.lower()
    assert identity[f"{field}_verified"] is True
    assert identity["sub"].startswith(f"{connection}|")
    refused(wire.token(**grant, otp=str(message.code)), 403, "invalid_grant")
    wire.json("/passwordless/start", connection=connection, **{field: to}, **more, **who)
    second = body(wire.token(**grant, otp=str(tenant.outbox[-1].code)))
    assert claims(second["id_token"])["sub"] == identity["sub"]


def test_a_one_time_password_does_not_outlive_guesses_or_its_time(tenant: LocalTenant, wire: Any) -> None:
    who = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    grant = {"grant_type": OTP, "realm": "email", "username": "zoe@example.com"}

    def start() -> str:
        wire.json("/passwordless/start", connection="email", email="zoe@example.com", send="code", **who)
        return str(tenant.outbox[-1].code)

    code = start()
    for _ in range(3):
        refused(wire.token(**grant, otp="x"), 403, "invalid_grant")
    refused(wire.token(**grant, otp=code), 403, "invalid_grant")
    code = start()
    tenant.advance(301)
    refused(wire.token(**grant, otp=code), 403, "invalid_grant")


def test_the_link_of_a_mail_leads_back_with_a_code(tenant: LocalTenant, wire: Any, body: Json) -> None:
    asked = {"scope": "openid", "redirect_uri": CALLBACK, "state": "s", "nonce": "n"}
    wire.json(
        "/passwordless/start",
        connection="email",
        email="zoe@example.com",
        authParams=asked,
        client_id=tenant.client_id,
        client_secret=tenant.client_secret,
    )
    message = tenant.outbox[-1]
    assert message.kind == "link"
    assert message.link is not None
    path = message.link.removeprefix(tenant.issuer.rstrip("/"))
    response = wire.get(path)
    assert response.status == 302
    sent_back = answer_of(response.headers["location"])
    assert sent_back["state"] == "s"
    found = body(wire.token(grant_type="authorization_code", code=sent_back["code"], redirect_uri=CALLBACK))
    assert claims(found["id_token"])["nonce"] == "n"
    refused(wire.get(path), 403, "invalid_grant")


def test_the_link_of_a_mail_leads_nowhere_but_to_a_callback(tenant: LocalTenant, wire: Any) -> None:
    strict = tenant.add_client(public=True, callbacks=[CALLBACK])
    start = {"connection": "email", "email": "zoe@example.com", "client_id": strict["client_id"]}
    for asked, status in (({"redirect_uri": "https://evil.example"}, 400), ({}, 302)):
        wire.json("/passwordless/start", authParams=asked, **start)
        path = str(tenant.outbox[-1].link).removeprefix(tenant.issuer.rstrip("/"))
        response = wire.get(path)
        assert response.status == status
    assert response.headers["location"].startswith(f"{CALLBACK}?code=")
    assert tenant.store.count("users") == 1


# --- the token vault


def test_the_vault_exchanges_a_users_token_for_the_providers(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    tenant.add_connection("google-oauth2", strategy="google-oauth2")
    tenant.link_identity(
        ada["user_id"], connection="google-oauth2", access_token="g-token", scope="mail", expires_in=100
    )
    client = tenant.add_client()
    own = tokens(wire, body, client)
    proof = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    ask = {"grant_type": VAULT, "requested_token_type": FEDERATED, "connection": "google-oauth2", **proof}
    for kind in ("refresh_token", "access_token"):
        urn = f"urn:ietf:params:oauth:token-type:{kind}"
        found = body(wire.token(**ask, subject_token=own[kind], subject_token_type=urn))
        assert found["access_token"] == "g-token"
        assert found["scope"] == "mail"
        assert 0 < found["expires_in"] <= 100
        assert found["issued_token_type"] == FEDERATED
    urn = "urn:ietf:params:oauth:token-type:refresh_token"
    assert wire.token(**ask, subject_token="v1.none", subject_token_type=urn).status == 403
    other = {**ask, "connection": "github"}
    assert wire.token(**other, subject_token=own["refresh_token"], subject_token_type=urn).status == 401
    # An ID token is signed with the same key, and is no access token.
    access = "urn:ietf:params:oauth:token-type:access_token"
    assert wire.token(**ask, subject_token=own["id_token"], subject_token_type=access).status == 401
    tenant.advance(101)
    assert wire.token(**ask, subject_token=own["refresh_token"], subject_token_type=urn).status == 401
