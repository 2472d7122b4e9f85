"""The other endpoints answer in the shapes of the real ones, errors included."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import AuthenticationApiError, AuthenticationClient, InvalidArgumentError, Request, Response
from anyauth0.endpoint import Endpoint
from anyauth0.errors import api_error
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.authentication import AUTHENTICATION
from anyauth0_transports.local.authentication.token import GRANT_TYPES
from anyauth0_transports.local.incoming import Refusal
from anyauth0_transports.local.passwords import weakness

PASSWORD = "correct-Horse-7"
DATABASE = "Username-Password-Authentication"
Json = Callable[[Response], Any]


def test_every_endpoint_of_the_sdk_is_answered(tenant: LocalTenant) -> None:
    with AuthenticationClient(domain=tenant.domain, client_id="x", transport="local") as auth:
        kinds = [type(auth), *(type(getattr(auth, name)) for name in dir(auth) if not name.startswith("_"))]
    found = {
        (item.method, item.path)
        for item in (getattr(kind, name) for kind in kinds for name in dir(kind))
        if isinstance(item, Endpoint)
    }
    assert {("POST", "/oauth/token"), ("POST", "/oauth/ro"), ("POST", "/bc-authorize")} <= found
    assert len(found) > 25
    assert found <= AUTHENTICATION.keys()


def test_an_unknown_path_is_not_found(wire: Any, body: Json) -> None:
    for method, path in (("GET", "/nothing"), ("GET", "/oauth/token"), ("POST", "/oauth/token/")):
        response = wire.send(method, path)
        assert response.status == 404
        assert body(response) == {"statusCode": 404, "error": "Not Found", "message": "Not Found"}
        assert response.headers["x-auth0-requestid"]


# --- sign-up


def sign_up(wire: Any, **fields: Any) -> Response:
    given = {"client_id": wire.tenant.client_id, "connection": DATABASE, "password": PASSWORD, **fields}
    return wire.json("/dbconnections/signup", **{k: v for k, v in given.items() if v is not None})


def test_who_signs_up_is_a_user_and_may_log_in(tenant: LocalTenant, wire: Any, body: Json) -> None:
    response = sign_up(wire, email="New@example.com", given_name="Nina", user_metadata={"plan": "gold"})
    found = body(response)
    assert response.status == 200
    assert found["email"] == "new@example.com"
    assert found["email_verified"] is False
    assert found["user_metadata"] == {"plan": "gold"}
    user = tenant.store.get("users", f"auth0|{found['_id']}")
    assert user is not None
    assert user["given_name"] == "Nina"
    assert user["identities"][0]["connection"] == DATABASE
    assert wire.token(grant_type="password", username="new@example.com", password=PASSWORD).status == 200
    entry = tenant.store.find("logs", type="ss")[0]
    assert entry["user_id"] == user["user_id"]


def test_a_user_who_exists_cannot_sign_up_again(tenant: LocalTenant, wire: Any, body: Json) -> None:
    assert sign_up(wire, email="ada@example.com").status == 200
    response = sign_up(wire, email="ADA@example.com")
    assert response.status == 400
    assert body(response) == {
        "name": "BadRequestError",
        "code": "invalid_signup",
        "description": "Invalid sign up",
        "statusCode": 400,
    }
    assert tenant.store.count("users") == 1
    assert tenant.store.find("logs", type="fs")
    # Another connection is another world.
    tenant.add_connection("staff")
    assert sign_up(wire, email="ada@example.com", connection="staff").status == 200


def test_a_weak_password_is_answered_with_the_rules(wire: Any, body: Json) -> None:
    response = sign_up(wire, email="ada@example.com", password="short")
    found = body(response)
    assert response.status == 400
    assert found["code"] == "invalid_password"
    assert found["name"] == "PasswordStrengthError"
    length, classes = found["description"]["rules"]
    assert (length["code"], length["format"], length["verified"]) == ("lengthAtLeast", [8], False)
    assert classes["code"] == "containsAtLeast"
    assert [item["verified"] for item in classes["items"]] == [True, False, False, False]
    assert found["policy"].startswith(
        "* At least 8 characters in length\n* Contain at least 3 of the following 4"
    )
    error = api_error(AuthenticationApiError, response, call="POST /dbconnections/signup")
    assert "At least 8 characters in length" in str(error)


@pytest.mark.parametrize(
    ("policy", "good", "bad"),
    [
        ("none", ["x"], []),
        ("low", ["sixsix"], ["five5"]),
        ("fair", ["Abcdefg1"], ["abcdefg1", "Abcdefgh", "Abcdef1"]),
        ("good", ["Abcdefg1", "abcdefg1!"], ["abcdefg1", "Abcde1!"]),
        ("excellent", ["Abcdefghi1"], ["Abcdefgh1", "Abcdefghiii1"]),
    ],
)
def test_each_policy_has_its_rules(policy: str, good: list[str], bad: list[str]) -> None:
    for password in good:
        assert weakness(password, policy) is None
    for password in bad:
        assert weakness(password, policy) is not None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"client_id": "nobody", "email": "a@example.com"}, "invalid_request"),
        ({"connection": "nowhere", "email": "a@example.com"}, "bad_connection"),
        ({"connection": "email", "email": "a@example.com"}, "bad_connection"),
        ({"password": None, "email": "a@example.com"}, "invalid_request"),
        ({"password": 7, "email": "a@example.com"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"email": "no address"}, "invalid_request"),
        ({"email": ["a@example.com"]}, "invalid_request"),
        ({"email": "a@example.com", "user_metadata": {str(n): "x" for n in range(11)}}, "invalid_request"),
        ({"email": "a@example.com", "user_metadata": {"k": "x" * 501}}, "invalid_request"),
        ({"email": "a@example.com", "user_metadata": {"k": 1}}, "invalid_request"),
        ({"email": "a@example.com", "user_metadata": []}, "invalid_request"),
    ],
)
def test_a_bad_sign_up_changes_nothing(
    tenant: LocalTenant, wire: Any, body: Json, fields: dict[str, Any], code: str
) -> None:
    response = sign_up(wire, **fields)
    assert (response.status, body(response)["code"]) == (400, code)
    assert tenant.store.count("users") == 0
    assert tenant.store.count("passwords") == 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from([path for method, path in AUTHENTICATION if method == "POST"]),
    content=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["client_id", "email", "connection", "password", "grant_type", "user_metadata"]
                    ),
                    inner,
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    ),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""]),
)
def test_nonsense_is_refused_and_never_breaks_the_tenant(
    wire: Any, path: str, content: bytes, kind: str
) -> None:
    response = wire.send("POST", path, content, {"content-type": kind})
    assert 400 <= response.status < 500
    assert isinstance(json.loads(response.body), dict)


# --- change of password


def test_a_mail_for_a_new_password_goes_only_to_who_exists(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    ask = {"client_id": tenant.client_id, "connection": DATABASE}
    known = wire.json("/dbconnections/change_password", email="Ada@example.com", **ask)
    unknown = wire.json("/dbconnections/change_password", email="eve@example.com", **ask)
    assert known.status == unknown.status == 200
    assert known.body == unknown.body == b"We've just sent you an email to reset your password."
    assert known.headers["content-type"].startswith("text/plain")
    assert [(message.kind, message.to) for message in tenant.outbox] == [
        ("change_password", "ada@example.com")
    ]
    assert str(tenant.outbox[0].link).startswith(tenant.issuer)
    assert wire.json("/dbconnections/change_password", **ask).status == 400
    tenant.set_password(ada["user_id"], "another-Horse-8")
    login = {"grant_type": "password", "username": "ada@example.com"}
    assert wire.token(**login, password=PASSWORD).status == 403
    assert wire.token(**login, password="another-Horse-8").status == 200


def test_the_outbox_and_the_requests_show_no_secret_in_their_repr(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    wire.token(grant_type="password", username="ada@example.com", password=PASSWORD)
    wire.json("/passwordless/start", connection="email", email="z@example.com", send="code",
              client_id=tenant.client_id, client_secret=tenant.client_secret)  # fmt: skip
    shown = repr(tenant) + repr(tenant.requests) + repr(tenant.outbox) + repr(tenant.faults)
    assert PASSWORD not in shown
    assert tenant.client_secret not in shown
    assert str(tenant.outbox[-1].code) not in shown
    assert [request.path for request in tenant.requests] == ["/oauth/token", "/passwordless/start"]


@pytest.mark.parametrize(
    "fields",
    [
        {"connection": "fax", "email": "z@example.com"},
        {"connection": "email"},
        {"connection": "email", "email": "nobody"},
        {"connection": "sms", "phone_number": "call me"},
    ],
)
def test_a_message_to_nowhere_is_not_sent(tenant: LocalTenant, wire: Any, fields: dict[str, str]) -> None:
    proof = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    assert wire.json("/passwordless/start", **fields, **proof).status == 400
    assert wire.json("/passwordless/start", connection="email", email="z@example.com").status == 400
    assert tenant.outbox == []


def test_the_language_and_the_link_are_on_the_message(tenant: LocalTenant, wire: Any) -> None:
    content = {
        "connection": "email",
        "email": "z@example.com",
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
    }
    headers = {"content-type": "application/json", "x-request-language": "it"}
    wire.send("POST", "/passwordless/start", json.dumps(content).encode(), headers)
    assert (tenant.outbox[-1].language, tenant.outbox[-1].kind) == ("it", "link")


# --- user info and keys


def user_tokens(wire: Any, body: Json, scope: str, **more: str) -> Any:
    return body(
        wire.token(grant_type="password", username="ada@example.com", password=PASSWORD, scope=scope, **more)
    )


def test_user_info_tells_what_the_scope_opens(wire: Any, body: Json, ada: dict[str, Any]) -> None:
    token = user_tokens(wire, body, "openid profile")["access_token"]
    found = body(wire.get("/userinfo", authorization=f"Bearer {token}"))
    assert found["sub"] == ada["user_id"]
    assert found["name"] == "Ada"
    assert "email" not in found
    assert "identities" not in found


def test_user_info_refuses_every_token_but_a_good_one(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    tenant.add_api("https://api.example", ["read:x"])
    good = user_tokens(wire, body, "openid")
    for_api = user_tokens(wire, body, "read:x", audience="https://api.example")["access_token"]
    head, payload, signature = good["access_token"].split(".")
    for token in (
        "x",
        for_api,
        good["id_token"],
        f"{head}.{payload}.{signature[::-1]}",
        f"{head}.{payload}.",
    ):
        response = wire.get("/userinfo", authorization=f"Bearer {token}")
        assert (response.status, body(response)["error"]) == (401, "invalid_token")
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert wire.get("/userinfo").status == 401
    without = user_tokens(wire, body, "profile")["access_token"]
    assert wire.get("/userinfo", authorization=f"Bearer {without}").status == 403
    tenant.advance(86401)
    assert wire.get("/userinfo", authorization=f"Bearer {good['access_token']}").status == 401
    again = user_tokens(wire, body, "openid")["access_token"]
    assert wire.get("/userinfo", authorization=f"Bearer {again}").status == 200
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    assert wire.get("/userinfo", authorization=f"Bearer {again}").status == 401
    tenant.store.remove("users", ada["user_id"])
    assert wire.get("/userinfo", authorization=f"Bearer {again}").status == 401


def test_a_new_key_leads_the_list_and_the_old_one_still_verifies(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    before = user_tokens(wire, body, "openid")["access_token"]
    kid = tenant.tokens.rotate_key()
    keys = body(wire.get("/.well-known/jwks.json"))["keys"]
    assert keys[0]["kid"] == kid
    assert len(keys) == 2
    assert all("d" not in key for key in keys)
    after = user_tokens(wire, body, "openid")["access_token"]
    for token in (before, after):
        assert wire.get("/userinfo", authorization=f"Bearer {token}").status == 200


# --- filling the tenant


def test_what_is_there_already_cannot_be_added_again(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    tenant.add_api("https://api.example")
    for argument, add in {
        "audience": lambda: tenant.add_api("https://api.example"),
        "name": lambda: tenant.add_connection(DATABASE),
        "email": lambda: tenant.add_user(email="ada@example.com"),
        "connection": lambda: tenant.add_user(connection="nowhere", email="x@example.com"),
        "password": lambda: tenant.add_user(email="x@example.com", password="weak"),
        "user_id": lambda: tenant.set_password("auth0|none", PASSWORD),
    }.items():
        with pytest.raises(InvalidArgumentError, match=argument) as caught:
            add()
        assert caught.value.argument == argument


def test_a_user_looks_as_in_the_management_api(ada: dict[str, Any]) -> None:
    assert ada["user_id"].startswith("auth0|")
    assert ada["created_at"] == ada["updated_at"]
    assert ada["created_at"].endswith("Z")
    assert ada["identities"] == [
        {
            "connection": DATABASE,
            "provider": "auth0",
            "user_id": ada["user_id"].removeprefix("auth0|"),
            "isSocial": False,
        }
    ]
    assert not any("password" in name for name in ada)


def test_log_ids_only_grow_even_when_the_clock_goes_back(tenant: LocalTenant) -> None:
    ids = []
    for step in (0, 10, -3600, 0):
        tenant.advance(step)
        ids += [tenant.log("s")["log_id"] for _ in range(3)]
    assert ids == sorted(set(ids), key=int)
    assert len({len(log_id) for log_id in ids}) == 1


def test_the_management_api_follows_the_domain(tenant: LocalTenant) -> None:
    client, audience = tenant.store.list("clients")[0], "https://api.example"
    before = tenant.tokens.access_token(
        client, subject="x", audience=[audience], scope="", gty=None, lifetime=60
    )
    assert tenant.tokens.verify_access_token(before, audience)["sub"] == "x"
    tenant.domain = "localhost:4711"
    assert tenant.issuer == "https://localhost:4711/"
    [api] = tenant.store.list("resource_servers")
    assert api["identifier"] == tenant.management_audience
    assert tenant.store.find("client_grants", audience=tenant.management_audience)
    with pytest.raises(Refusal) as caught:
        tenant.tokens.verify_access_token(before, audience)
    assert caught.value.status == 401
    request = Request(method="GET", url="https://localhost:4711/.well-known/jwks.json")
    assert tenant.transport().send(request).status == 200


GRANT_FIELDS = [
    "audience", "scope", "organization", "username", "password", "realm", "otp", "code", "redirect_uri",
    "code_verifier", "refresh_token", "subject_token", "subject_token_type", "requested_token_type",
    "connection",
]  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    grant=st.sampled_from(GRANT_TYPES),
    fields=st.dictionaries(
        st.sampled_from(GRANT_FIELDS),
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                ["email", DATABASE, "ada@example.com", "urn:ietf:params:oauth:token-type:access_token"]
            ),
        ),
    ),
    as_json=st.booleans(),
)
def test_nonsense_from_a_good_client_is_refused_too(
    wire: Any, ada: dict[str, Any], grant: str, fields: dict[str, str], as_json: bool
) -> None:
    proof = {"client_id": wire.tenant.client_id, "client_secret": wire.tenant.client_secret}
    send = wire.json if as_json else wire.form
    response = send("/oauth/token", **fields, grant_type=grant, **proof)
    assert 400 <= response.status < 500
    assert json.loads(response.body)["error"]


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "'; DROP TABLE documents; --", "ä" * 5000])
def test_odd_texts_are_kept_or_refused(tenant: LocalTenant, wire: Any, text: str) -> None:
    response = sign_up(wire, username=text, name=text, password=f"{text}Horse-7x")
    assert response.status in (200, 400)
    assert tenant.store.count("users") == int(response.status == 200)
    login = {"client_id": tenant.client_id, "client_secret": tenant.client_secret, "grant_type": "password"}
    again = wire.json("/oauth/token", **login, username=text, password=f"{text}Horse-7x")
    assert (again.status == 200) is (response.status == 200)
