"""An application asks for a login that the user confirms elsewhere, and polls until there is an answer."""

import json
from typing import Any

import pytest

from anyauth0 import InvalidArgumentError, Response
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant

CIBA = "urn:openid:params:grant-type:ciba"


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


def hint(tenant: LocalTenant, user_id: object, **changes: object) -> str:
    return json.dumps({"format": "iss_sub", "iss": tenant.issuer, "sub": user_id, **changes})


def start(wire: Any, user_id: str, **changes: str | None) -> Response:
    tenant = wire.tenant
    form: dict[str, str | None] = {
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "login_hint": hint(tenant, user_id),
        "binding_message": "Order #4711: 12.50",
        "scope": "openid",
        **changes,
    }
    return wire.form("/bc-authorize", **{k: v for k, v in form.items() if v is not None})


def started(wire: Any, user_id: str, **changes: str | None) -> Any:
    response = start(wire, user_id, **changes)
    assert response.status == 200, response.body
    return json.loads(response.body)


def ask(wire: Any, found: Any) -> Response:
    return wire.token(grant_type=CIBA, auth_req_id=found["auth_req_id"])


def test_there_are_tokens_once_the_user_has_confirmed(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    tenant.add_api("https://api.example", ["read:x"])
    details = [{"type": "payment", "amount": "12.50"}]
    found = started(
        wire, ada["user_id"], scope="openid read:x", audience="https://api.example",
        authorization_details=json.dumps(details),
    )  # fmt: skip
    assert (found["expires_in"], found["interval"]) == (300, 5)
    message = tenant.outbox[-1]
    assert (message.kind, message.to, message.text) == ("push", ada["user_id"], "Order #4711: 12.50")
    refused(ask(wire, found), 400, "authorization_pending")
    tenant.approve_backchannel(found["auth_req_id"])
    response = ask(wire, found)
    refused(response, 400, "slow_down")
    assert response.headers["retry-after"] == "5"
    tenant.advance(5)
    tokens = json.loads(ask(wire, found).body)
    assert claims(tokens["id_token"])["sub"] == claims(tokens["access_token"])["sub"] == ada["user_id"]
    assert (tokens["scope"], tokens["authorization_details"]) == ("openid read:x", details)
    tenant.advance(5)
    refused(ask(wire, found), 400, "invalid_grant")
    with pytest.raises(InvalidArgumentError, match="auth_req_id"):
        tenant.approve_backchannel(found["auth_req_id"])


def test_a_user_may_refuse(tenant: LocalTenant, wire: Any, ada: dict[str, Any]) -> None:
    found = started(wire, ada["user_id"])
    tenant.deny_backchannel(found["auth_req_id"])
    with pytest.raises(InvalidArgumentError, match="auth_req_id"):
        tenant.approve_backchannel(found["auth_req_id"])
    refused(ask(wire, found), 400, "access_denied")
    tenant.advance(5)
    refused(ask(wire, found), 400, "invalid_grant")


def test_a_request_lives_as_long_as_was_asked_for(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    short, usual = started(wire, ada["user_id"], requested_expiry="10"), started(wire, ada["user_id"])
    assert short["expires_in"] == 10
    tenant.approve_backchannel(short["auth_req_id"])
    tenant.advance(10)
    refused(ask(wire, short), 400, "access_denied")
    refused(ask(wire, usual), 400, "authorization_pending")
    tenant.advance(290)
    with pytest.raises(InvalidArgumentError, match="auth_req_id"):
        tenant.deny_backchannel(usual["auth_req_id"])
    refused(ask(wire, usual), 400, "access_denied")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"binding_message": None}, "invalid_request"),
        ({"binding_message": "a" * 65}, "invalid_binding_message"),
        ({"binding_message": "pay <now>"}, "invalid_binding_message"),
        ({"scope": None}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"login_hint": None}, "invalid_request"),
        ({"login_hint": "ada@example.com"}, "invalid_request"),
        ({"login_hint": "[]"}, "invalid_request"),
        ({"login_hint": "[" * 5000}, "invalid_request"),
        ({"requested_expiry": "0"}, "invalid_request"),
        ({"requested_expiry": "301"}, "invalid_request"),
        ({"requested_expiry": "-5"}, "invalid_request"),
        ({"requested_expiry": "ten"}, "invalid_request"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"authorization_details": "["}, "invalid_authorization_details"),
    ],
)
def test_a_bad_request_asks_nobody(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any], changes: dict[str, str | None], error: str
) -> None:
    refused(start(wire, ada["user_id"], **changes), 400, error)
    assert tenant.store.count("backchannel_requests") == 0
    assert tenant.outbox == []


def test_the_login_hint_names_a_user_of_this_tenant(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    for changes in ({"iss": "https://other.example/"}, {"format": "email"}, {"iss": None}, {"sub": 7}):
        wrong = hint(tenant, ada["user_id"], **changes)
        refused(start(wire, "", login_hint=wrong), 400, "invalid_request")
    refused(start(wire, "auth0|none"), 400, "unknown_user_id")
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    refused(start(wire, ada["user_id"]), 400, "unknown_user_id")


def test_only_a_confidential_application_may_ask_and_only_for_itself(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    public = tenant.add_client(public=True)
    response = start(wire, ada["user_id"], client_id=public["client_id"], client_secret=None)
    refused(response, 401, "unauthorized_client")
    refused(start(wire, ada["user_id"], client_secret="x"), 401, "access_denied")
    refused(start(wire, ada["user_id"], audience="https://none.example"), 403, "access_denied")
    found = started(wire, ada["user_id"])
    tenant.approve_backchannel(found["auth_req_id"])
    other = tenant.add_client()
    response = wire.token(
        grant_type=CIBA,
        auth_req_id=found["auth_req_id"],
        client_id=other["client_id"],
        client_secret=other["client_secret"],
    )
    refused(response, 400, "invalid_grant")
    as_public = wire.token(grant_type=CIBA, auth_req_id="x", client_id=public["client_id"])
    refused(as_public, 401, "unauthorized_client")
    assert ask(wire, found).status == 200
