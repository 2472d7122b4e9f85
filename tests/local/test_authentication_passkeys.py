"""A passkey, or a code of a database connection, logs in who registered it, and once for each challenge."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from anyauth0 import Response
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"
DATABASE = "Username-Password-Authentication"
WEBAUTHN = "urn:okta:params:oauth:grant-type:webauthn"
OTP = "http://auth0.com/oauth/grant-type/passwordless/otp"
Json = Callable[[Response], Any]


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class App:
    """A public application, and the device that its users have."""

    def __init__(self, tenant: LocalTenant, wire: Any) -> None:
        self.tenant, self.wire = tenant, wire
        self.client_id = tenant.add_client(public=True)["client_id"]

    def register(self, **fields: Any) -> Response:
        profile = {"user_profile": {"email": "new@example.com", "name": "Nina"}}
        return self.wire.json("/passkey/register", client_id=self.client_id, **{**profile, **fields})

    def challenge(self, **fields: Any) -> Any:
        response = self.wire.json("/passkey/challenge", client_id=self.client_id, **fields)
        assert response.status == 200, response.body
        return json.loads(response.body)

    def answer(self, started: Any, *, key: str = "key-1", **changes: Any) -> dict[str, Any]:
        parameters = started["authn_params_public_key"]
        creates = "user" in parameters
        data = {
            "type": "webauthn.create" if creates else "webauthn.get",
            "challenge": parameters["challenge"],
            "origin": "https://app.example",
            **changes,
        }
        proof = {"attestationObject": "AAAA"} if creates else {"authenticatorData": "AA", "signature": "AA"}
        response = {"clientDataJSON": encoded(data), **proof}
        return {"id": key, "rawId": key, "type": "public-key", "response": response}

    def finish(self, started: Any, answer: Any, **fields: Any) -> Response:
        given = {
            "grant_type": WEBAUTHN,
            "client_id": self.client_id,
            "auth_session": started["auth_session"],
            "authn_response": answer,
            "scope": "openid email",
            **fields,
        }
        return self.wire.json("/oauth/token", **given)

    def sign_up(self, **fields: Any) -> Any:
        started = json.loads(self.register().body)
        response = self.finish(started, self.answer(started), **fields)
        assert response.status == 200, response.body
        return json.loads(response.body)


@pytest.fixture
def app(tenant: LocalTenant, wire: Any) -> App:
    return App(tenant, wire)


def test_who_signs_up_with_a_passkey_logs_in_with_it(tenant: LocalTenant, app: App, body: Json) -> None:
    started = body(app.register(user_metadata={"plan": "gold"}))
    parameters = started["authn_params_public_key"]
    assert parameters["rp"] == {"id": tenant.domain, "name": tenant.domain}
    assert (parameters["user"]["name"], parameters["user"]["displayName"]) == ("new@example.com", "Nina")
    assert {item["alg"] for item in parameters["pubKeyCredParams"]} == {-7, -257}
    assert tenant.store.count("users") == 0
    found = body(app.finish(started, app.answer(started)))
    [user] = tenant.store.list("users")
    assert (user["email"], user["user_metadata"], user["logins_count"]) == (
        "new@example.com", {"plan": "gold"}, 1,
    )  # fmt: skip
    assert claims(found["id_token"])["sub"] == user["user_id"]
    login = app.challenge()
    assert login["authn_params_public_key"].keys() == {"challenge", "timeout", "rpId", "userVerification"}
    answer = app.answer(login)
    answer["response"]["userHandle"] = parameters["user"]["id"]
    again = body(app.finish(login, answer))
    assert claims(again["id_token"])["sub"] == user["user_id"]


def test_a_challenge_is_answered_once_in_time_and_by_who_asked(tenant: LocalTenant, app: App) -> None:
    app.sign_up()
    started = app.challenge()
    assert app.finish(started, app.answer(started)).status == 200
    refused(app.finish(started, app.answer(started)), 403, "invalid_grant")
    started = app.challenge()
    other = tenant.add_client(public=True)["client_id"]
    refused(app.finish(started, app.answer(started), client_id=other), 403, "invalid_grant")
    started = app.challenge()
    tenant.advance(300)
    refused(app.finish(started, app.answer(started)), 403, "invalid_grant")
    started = app.challenge()
    refused(app.finish(started, app.answer(started), realm="another"), 403, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"challenge": "another"}, 403, "invalid_grant"),
        ({"challenge": None}, 403, "invalid_grant"),
        ({"type": "webauthn.create"}, 400, "invalid_request"),
        ({"key": "key-2"}, 403, "invalid_grant"),
    ],
)
def test_the_answer_is_to_that_challenge_by_a_known_key(
    app: App, changes: dict[str, Any], status: int, error: str
) -> None:
    app.sign_up()
    started = app.challenge()
    refused(app.finish(started, app.answer(started, **changes)), status, error)


def test_an_answer_out_of_shape_is_refused(app: App) -> None:
    app.sign_up()
    for spoil in (
        lambda answer: answer.update(id=7),
        lambda answer: answer.update(type="password"),
        lambda answer: answer.update(response="x"),
        lambda answer: answer["response"].update(clientDataJSON="%%%"),
        lambda answer: answer["response"].update(clientDataJSON=encoded([])),
        lambda answer: answer["response"].pop("signature"),
    ):
        started = app.challenge()
        answer = app.answer(started)
        spoil(answer)
        refused(app.finish(started, answer), 400, "invalid_request")
    started = app.challenge()
    refused(app.finish(started, "text"), 400, "invalid_request")
    started = app.challenge()
    answer = app.answer(started)
    answer["response"]["userHandle"] = "c29tZW9uZS1lbHNl"
    refused(app.finish(started, answer), 403, "invalid_grant")
    refused(app.wire.token(grant_type=WEBAUTHN, client_id=app.client_id), 400, "invalid_request")


@pytest.mark.parametrize(
    "fields",
    [
        {"user_profile": {}},
        {"user_profile": {"name": "Nina"}},
        {"user_profile": {"email": 7}},
        {"user_profile": "nina"},
        {"realm": "email"},
        {"realm": 7},
        {"user_metadata": {"a": 1}},
        {"user_profile": {"email": "ada@example.com"}},
        {"client_assertion": "x"},
    ],
)
def test_a_bad_registration_starts_nothing(
    tenant: LocalTenant, app: App, ada: dict[str, Any], fields: dict[str, Any]
) -> None:
    refused(app.register(**fields), 400, "invalid_request")
    assert tenant.store.count("passkey_sessions") == 0
    assert tenant.store.count("users") == 1


def test_a_user_who_came_meanwhile_is_not_overwritten(tenant: LocalTenant, app: App) -> None:
    first, second = json.loads(app.register().body), json.loads(app.register().body)
    assert app.finish(first, app.answer(first)).status == 200
    refused(app.finish(second, app.answer(second, key="key-2")), 400, "invalid_request")
    third = json.loads(app.register(user_profile={"username": "third"}).body)
    refused(app.finish(third, app.answer(third)), 403, "invalid_grant")
    assert tenant.store.count("users") == 1


def test_a_passkey_is_two_factors_and_an_organization_goes_along(tenant: LocalTenant, app: App) -> None:
    org = tenant.add_organization("acme")
    app.sign_up()
    tenant.require_mfa(connection=DATABASE)
    started = app.challenge(organization="acme")
    found = json.loads(app.finish(started, app.answer(started), organization="acme").body)
    assert claims(found["id_token"])["org_id"] == org["id"]
    started = app.challenge()
    refused(app.finish(started, app.answer(started), organization="none"), 400, "invalid_request")


# --- one-time passwords for a database connection


def challenge(app: App, **fields: Any) -> Response:
    given = {"client_id": app.client_id, "connection": DATABASE, "email": "ada@example.com", **fields}
    return app.wire.json("/otp/challenge", **{k: v for k, v in given.items() if v is not None})


def redeem(app: App, session: str, otp: str | None, **fields: str) -> Response:
    given = {"client_id": app.client_id, "scope": "openid", **fields}
    return app.wire.token(grant_type=OTP, auth_session=session, otp=str(otp), **given)


def test_a_code_goes_to_the_user_of_a_database(
    tenant: LocalTenant, app: App, ada: dict[str, Any], body: Json
) -> None:
    found = body(challenge(app))
    assert found.keys() == {"auth_session"}
    message = tenant.outbox[-1]
    assert (message.kind, message.to) == ("code", "ada@example.com")
    tokens = body(redeem(app, found["auth_session"], message.code))
    assert claims(tokens["id_token"])["sub"] == ada["user_id"]
    refused(redeem(app, found["auth_session"], message.code), 403, "invalid_grant")


def test_nobody_learns_who_exists_and_nobody_is_made_unasked(
    tenant: LocalTenant, app: App, ada: dict[str, Any], body: Json
) -> None:
    unknown = body(challenge(app, email="new@example.com"))
    assert unknown.keys() == {"auth_session"}
    assert tenant.outbox == []
    refused(redeem(app, unknown["auth_session"], "000000"), 403, "invalid_grant")
    session = body(challenge(app, email="New@example.com", allow_signup=True))["auth_session"]
    assert tenant.store.count("users") == 1
    assert redeem(app, session, tenant.outbox[-1].code).status == 200
    user = tenant.store.list("users")[-1]
    assert (user["email"], user["email_verified"]) == ("new@example.com", True)
    session = body(
        challenge(app, email=None, phone_number="+15550001111", allow_signup=True, delivery_method="voice")
    )["auth_session"]
    assert redeem(app, session, tenant.outbox[-1].code).status == 200
    assert tenant.store.list("users")[-1]["phone_verified"] is True


def test_guesses_time_and_other_applications_spoil_a_code(
    tenant: LocalTenant, app: App, ada: dict[str, Any], body: Json
) -> None:
    session = body(challenge(app))["auth_session"]
    other = tenant.add_client(public=True)["client_id"]
    refused(redeem(app, session, tenant.outbox[-1].code, client_id=other), 403, "invalid_grant")
    for _ in range(3):
        refused(redeem(app, session, "x"), 403, "invalid_grant")
    refused(redeem(app, session, tenant.outbox[-1].code), 403, "invalid_grant")
    session = body(challenge(app))["auth_session"]
    tenant.advance(300)
    refused(redeem(app, session, tenant.outbox[-1].code), 403, "invalid_grant")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"connection": "email"}, "connection"),
        ({"connection": None}, "connection"),
        ({"email": None}, "email"),
        ({"phone_number": "+15550001111"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": 7}, "email"),
        ({"email": None, "phone_number": "call me"}, "phone_number"),
        ({"delivery_method": "fax"}, "delivery_method"),
    ],
)
def test_a_bad_challenge_says_which_field(
    tenant: LocalTenant, app: App, ada: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    response = challenge(app, **fields)
    refused(response, 400, "invalid_request")
    assert [item["field"] for item in json.loads(response.body)["validation_errors"]] == [field]
    assert tenant.outbox == []
