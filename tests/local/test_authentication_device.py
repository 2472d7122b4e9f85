"""A device without a browser gets its tokens once the user has said yes elsewhere, and once only."""

import json
from typing import Any

import pytest

from anyauth0 import InvalidArgumentError, Response
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


@pytest.fixture
def television(tenant: LocalTenant) -> str:
    return tenant.add_client("Television", public=True)["client_id"]


def start(wire: Any, client_id: str, **fields: str) -> Any:
    response = wire.form("/oauth/device/code", client_id=client_id, **fields)
    assert response.status == 200, response.body
    return json.loads(response.body)


def ask(wire: Any, client_id: str, started: Any) -> Response:
    return wire.token(grant_type=DEVICE_CODE, client_id=client_id, device_code=started["device_code"])


def test_a_device_gets_tokens_when_the_user_has_approved(
    tenant: LocalTenant, wire: Any, television: str, ada: dict[str, Any]
) -> None:
    tenant.add_api("https://api.example", ["read:x"])
    started = start(wire, television, scope="openid read:x", audience="https://api.example")
    assert started["verification_uri"] == f"{tenant.issuer}activate"
    assert started["verification_uri_complete"] == f"{tenant.issuer}activate?user_code={started['user_code']}"
    assert (started["interval"], started["expires_in"]) == (5, 900)
    refused(ask(wire, television, started), 403, "authorization_pending")
    tenant.approve_device(started["user_code"].lower(), "ada@example.com")
    tenant.advance(5)
    response = ask(wire, television, started)
    assert response.status == 200
    found = json.loads(response.body)
    access, identity = claims(found["access_token"]), claims(found["id_token"])
    assert access["sub"] == identity["sub"] == ada["user_id"]
    assert (access["azp"], identity["aud"]) == (television, television)
    assert access["scope"] == "openid read:x"
    assert "https://api.example" in access["aud"]
    tenant.advance(5)
    refused(ask(wire, television, started), 403, "invalid_grant")
    with pytest.raises(InvalidArgumentError, match="user_code"):
        tenant.approve_device(started["user_code"], ada)
    assert [entry["type"] for entry in tenant.store.list("logs")] == ["fede", "sede", "fede"]


def test_who_asks_faster_than_told_is_told_to_slow_down(
    tenant: LocalTenant, wire: Any, television: str, ada: dict[str, Any]
) -> None:
    started = start(wire, television)
    refused(ask(wire, television, started), 403, "authorization_pending")
    tenant.advance(3)
    response = ask(wire, television, started)
    refused(response, 429, "slow_down")
    assert response.headers["retry-after"] == "5"
    tenant.approve_device(started["user_code"], ada)
    tenant.advance(3)
    refused(ask(wire, television, started), 429, "slow_down")
    tenant.advance(5)
    assert ask(wire, television, started).status == 200


def test_a_user_may_say_no(tenant: LocalTenant, wire: Any, television: str, ada: dict[str, Any]) -> None:
    started = start(wire, television)
    tenant.deny_device(started["user_code"])
    with pytest.raises(InvalidArgumentError, match="user_code"):
        tenant.approve_device(started["user_code"], ada)
    refused(ask(wire, television, started), 403, "access_denied")
    tenant.advance(5)
    refused(ask(wire, television, started), 403, "invalid_grant")


def test_a_device_code_expires(tenant: LocalTenant, wire: Any, television: str, ada: dict[str, Any]) -> None:
    late, approved = start(wire, television), start(wire, television)
    tenant.approve_device(approved["user_code"], ada)
    tenant.advance(900)
    with pytest.raises(InvalidArgumentError, match="user_code"):
        tenant.approve_device(late["user_code"], ada)
    refused(ask(wire, television, late), 403, "expired_token")
    refused(ask(wire, television, approved), 403, "expired_token")


def test_a_device_code_is_of_one_application(
    tenant: LocalTenant, wire: Any, television: str, ada: dict[str, Any]
) -> None:
    other = tenant.add_client("Radio", public=True)["client_id"]
    started = start(wire, television)
    tenant.approve_device(started["user_code"], ada)
    refused(ask(wire, other, started), 403, "invalid_grant")
    refused(wire.token(grant_type=DEVICE_CODE, client_id=television), 400, "invalid_request")
    assert ask(wire, television, started).status == 200


def test_a_device_login_is_refused_before_it_starts(tenant: LocalTenant, wire: Any) -> None:
    refused(wire.form("/oauth/device/code"), 400, "invalid_request")
    refused(wire.form("/oauth/device/code", client_id="nobody"), 401, "access_denied")
    refused(wire.form("/oauth/device/code", client_id=tenant.client_id), 401, "access_denied")
    proof = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    refused(wire.form("/oauth/device/code", audience="https://none.example", **proof), 403, "access_denied")
    assert tenant.store.count("device_codes") == 0
    only_codes = tenant.add_client(public=True, grant_types=["authorization_code"])["client_id"]
    started = start(wire, only_codes)
    refused(ask(wire, only_codes, started), 403, "unauthorized_client")


def test_a_blocked_user_gets_no_tokens(
    tenant: LocalTenant, wire: Any, television: str, ada: dict[str, Any]
) -> None:
    started = start(wire, television)
    tenant.approve_device(started["user_code"], ada)
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    refused(ask(wire, television, started), 401, "unauthorized")
    with pytest.raises(InvalidArgumentError, match="user"):
        tenant.approve_device(start(wire, television)["user_code"], "nobody@example.com")
