"""A second factor is asked for where it is demanded, enrolled in the first login, and proved in earnest."""

import base64
import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from anyauth0 import InvalidArgumentError, Response
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.factors import current_code

PASSWORD = "correct-Horse-7"
DATABASE = "Username-Password-Authentication"
GRANT = "http://auth0.com/oauth/grant-type/"


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def code_at(secret: str, now: float) -> str:
    """Return a TOTP as RFC 6238 computes it, apart from the tenant's code."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(now) // 30), hashlib.sha1).digest()
    start = mac[19] & 0xF
    return str((struct.unpack(">I", mac[start : start + 4])[0] & 0x7FFFFFFF) % 1000000).zfill(6)


class Session:
    """The first application, and Ada's logins in it."""

    def __init__(self, tenant: LocalTenant, wire: Any) -> None:
        self.tenant, self.wire = tenant, wire
        self.proof = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}

    def log_in(self, **fields: str) -> Response:
        return self.wire.token(grant_type="password", username="ada@example.com", password=PASSWORD, **fields)

    def mfa_token(self, **fields: str) -> str:
        response = self.log_in(**fields)
        refused(response, 403, "mfa_required")
        return json.loads(response.body)["mfa_token"]

    def bearer(self, method: str, path: str, token: str, **fields: Any) -> Response:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        return self.wire.send(method, path, json.dumps(fields).encode() if fields else None, headers)

    def associate(self, token: str, **fields: Any) -> Any:
        response = self.bearer("POST", "/mfa/associate", token, **fields)
        assert response.status == 200, response.body
        return json.loads(response.body)

    def challenge(self, token: str, **fields: str) -> Response:
        return self.wire.json("/mfa/challenge", mfa_token=token, **self.proof, **fields)

    def verify(self, factor: str, token: str, **fields: str) -> Response:
        return self.wire.token(grant_type=f"{GRANT}{factor}", mfa_token=token, **fields)


@pytest.fixture
def session(tenant: LocalTenant, wire: Any, ada: dict[str, Any]) -> Session:
    tenant.require_mfa(ada)
    return Session(tenant, wire)


def test_the_codes_are_those_of_the_rfc() -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    for moment, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert current_code(secret, moment) == code_at(secret, moment) == code


# --- when it is asked for


def test_a_login_without_factors_is_told_to_enroll(session: Session) -> None:
    found = json.loads(session.log_in().body)
    assert found["error_description"] == "Multifactor authentication required"
    types = [item["type"] for item in found["mfa_requirements"]["enroll"]]
    assert types == ["otp", "phone", "email", "push-notification"]
    assert "challenge" not in found["mfa_requirements"]
    refused(session.challenge(found["mfa_token"]), 403, "association_required")
    refused(session.verify("mfa-otp", found["mfa_token"], otp="123456"), 403, "invalid_grant")


def test_a_login_with_a_factor_is_told_which(tenant: LocalTenant, session: Session) -> None:
    tenant.add_factor("ada@example.com", "sms", to="+15550001111")
    tenant.add_factor("ada@example.com")
    found = json.loads(session.log_in().body)["mfa_requirements"]
    assert found == {"challenge": [{"type": "phone"}, {"type": "otp"}]}


def test_a_wrong_password_never_gets_as_far_as_the_second_factor(session: Session) -> None:
    response = session.wire.token(grant_type="password", username="ada@example.com", password="x")
    refused(response, 403, "invalid_grant")
    assert session.tenant.store.count("mfa_tokens") == 0


def test_a_connection_may_demand_it_of_all_its_users(
    tenant: LocalTenant, wire: Any, ada: dict[str, Any]
) -> None:
    tenant.require_mfa(connection="email")
    assert Session(tenant, wire).log_in().status == 200
    proof = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    wire.json("/passwordless/start", connection="email", email="z@example.com", send="code", **proof)
    response = wire.token(
        grant_type=f"{GRANT}passwordless/otp",
        realm="email",
        username="z@example.com",
        otp=tenant.outbox[-1].code,
    )
    refused(response, 403, "mfa_required")
    tenant.require_mfa(connection=DATABASE)
    refused(Session(tenant, wire).log_in(), 403, "mfa_required")


# --- an authenticator application


def test_an_authenticator_is_enrolled_by_the_first_login(tenant: LocalTenant, session: Session) -> None:
    token = session.mfa_token(scope="openid email offline_access")
    enrolled = session.associate(token, authenticator_types=["otp"])
    barcode = urlsplit(enrolled["barcode_uri"])
    assert (barcode.scheme, barcode.netloc, unquote(barcode.path)) == (
        "otpauth", "totp", "/tenant:ada@example.com",
    )  # fmt: skip
    assert parse_qs(barcode.query)["secret"] == [enrolled["secret"]]
    assert len(base64.b32decode(enrolled["secret"])) == 20
    [recovery_code] = enrolled["recovery_codes"]
    listed = json.loads(session.bearer("GET", "/mfa/authenticators", token).body)
    assert (listed[0]["id"], listed[0]["active"]) == (enrolled["id"], False)
    assert listed[1]["authenticator_type"] == "recovery-code"
    response = session.verify("mfa-otp", token, otp=code_at(enrolled["secret"], tenant.clock()))
    assert response.status == 200
    found = json.loads(response.body)
    assert {"access_token", "id_token", "refresh_token"} <= found.keys()
    claims = parse_token(found["id_token"], ("RS256",)).claims()
    assert (claims["amr"], claims["email"]) == (["mfa"], "ada@example.com")
    # The token is spent, and the factor is there for good.
    refused(session.verify("mfa-otp", token, otp="000000"), 403, "invalid_grant")
    again = session.mfa_token()
    listed = json.loads(session.bearer("GET", "/mfa/authenticators", again).body)
    assert [item["active"] for item in listed] == [True, True]
    assert recovery_code not in str(tenant.store.list("recovery_codes"))
    renewed = session.wire.token(grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert renewed.status == 200


def test_a_code_is_good_once_and_within_its_window(tenant: LocalTenant, session: Session) -> None:
    secret = tenant.add_factor("ada@example.com")["secret"]
    # The middle of a step, so that the test's own time does not matter.
    tenant.advance(15 - tenant.clock() % 30)
    now = tenant.clock()
    assert tenant.authenticator_code(secret) == code_at(secret, now)
    for moment in (now - 60, now + 60):
        refused(
            session.verify("mfa-otp", session.mfa_token(), otp=code_at(secret, moment)), 403, "invalid_grant"
        )
    for moment in (now - 30, now, now + 30):
        code = code_at(secret, moment)
        assert session.verify("mfa-otp", session.mfa_token(), otp=code).status == 200
        refused(session.verify("mfa-otp", session.mfa_token(), otp=code), 403, "invalid_grant")


def test_a_second_factor_cannot_be_enrolled_by_a_password_alone(
    tenant: LocalTenant, session: Session
) -> None:
    tenant.add_factor("ada@example.com")
    response = session.bearer("POST", "/mfa/associate", session.mfa_token(), authenticator_types=["otp"])
    refused(response, 403, "access_denied")
    assert tenant.store.count("factors") == 1


def test_guessing_ends_the_login(tenant: LocalTenant, session: Session) -> None:
    secret = tenant.add_factor("ada@example.com")["secret"]
    token = session.mfa_token()
    good = code_at(secret, tenant.clock())
    for _ in range(10):
        refused(session.verify("mfa-otp", token, otp="x" + good[1:]), 403, "invalid_grant")
    assert refused(session.verify("mfa-otp", token, otp=good), 403, "invalid_grant") == "Malformed mfa_token"


def test_an_mfa_token_expires_and_is_of_one_application(
    tenant: LocalTenant, wire: Any, session: Session
) -> None:
    secret = tenant.add_factor("ada@example.com")["secret"]
    token = session.mfa_token()
    other = tenant.add_client()
    response = wire.token(
        grant_type=f"{GRANT}mfa-otp",
        mfa_token=token,
        otp=code_at(secret, tenant.clock()),
        client_id=other["client_id"],
        client_secret=other["client_secret"],
    )
    refused(response, 403, "invalid_grant")
    tenant.advance(600)
    assert refused(session.challenge(token), 401, "expired_token") == "mfa_token is expired"
    refused(session.verify("mfa-otp", token, otp=code_at(secret, tenant.clock())), 401, "expired_token")
    refused(session.bearer("GET", "/mfa/authenticators", token), 401, "expired_token")


# --- codes that are sent, and push messages


@pytest.mark.parametrize(
    ("channel", "fields", "to"),
    [
        ("sms", {"phone_number": "+15550001111"}, "+15550001111"),
        ("voice", {"phone_number": "+15550001111"}, "+15550001111"),
        ("email", {}, "ada@example.com"),
        ("email", {"email": "ada@other.example"}, "ada@other.example"),
    ],
)
def test_a_code_is_sent_and_compared(
    tenant: LocalTenant, session: Session, channel: str, fields: dict[str, str], to: str
) -> None:
    token = session.mfa_token()
    enrolled = session.associate(token, authenticator_types=["oob"], oob_channels=[channel], **fields)
    assert (enrolled["oob_channel"], enrolled["binding_method"]) == (channel, "prompt")
    message = tenant.outbox[-1]
    assert (message.kind, message.to) == ("mfa_code", to)
    code = str(message.code)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    oob_code = enrolled["oob_code"]
    refused(session.verify("mfa-oob", token, oob_code=oob_code), 400, "invalid_request")
    refused(session.verify("mfa-oob", token, oob_code="x", binding_code=code), 403, "invalid_grant")
    refused(session.verify("mfa-oob", token, oob_code=oob_code, binding_code=wrong), 403, "invalid_grant")
    assert session.verify("mfa-oob", token, oob_code=oob_code, binding_code=code).status == 200
    # The next login asks for it.
    token = session.mfa_token()
    challenge = json.loads(session.challenge(token, challenge_type="otp oob").body)
    assert challenge["challenge_type"] == "oob"
    fresh = str(tenant.outbox[-1].code)
    late = session.verify("mfa-oob", token, oob_code=oob_code, binding_code=code)
    refused(late, 403, "invalid_grant")
    tenant.advance(300)
    late = session.verify("mfa-oob", token, oob_code=challenge["oob_code"], binding_code=fresh)
    refused(late, 403, "invalid_grant")


def test_a_code_is_of_the_login_that_asked_for_it(tenant: LocalTenant, session: Session) -> None:
    tenant.add_factor("ada@example.com", "email")
    token, other = session.mfa_token(), session.mfa_token()
    oob_code = json.loads(session.challenge(token).body)["oob_code"]
    code = str(tenant.outbox[-1].code)
    refused(session.verify("mfa-oob", other, oob_code=oob_code, binding_code=code), 403, "invalid_grant")
    assert session.verify("mfa-oob", token, oob_code=oob_code, binding_code=code).status == 200


def test_a_push_message_is_pending_until_it_is_approved(
    tenant: LocalTenant, session: Session, ada: dict[str, Any]
) -> None:
    token = session.mfa_token()
    enrolled = session.associate(token, authenticator_types=["oob"], oob_channels=["auth0"])
    assert enrolled["barcode_uri"].startswith("otpauth://")
    assert "binding_method" not in enrolled
    assert "secret" not in enrolled
    assert (tenant.outbox[-1].kind, tenant.outbox[-1].code) == ("push", None)
    oob_code = enrolled["oob_code"]
    refused(session.verify("mfa-oob", token, oob_code=oob_code), 400, "authorization_pending")
    refused(session.verify("mfa-oob", token, oob_code=oob_code), 400, "slow_down")
    tenant.approve_push(ada)
    tenant.advance(5)
    assert session.verify("mfa-oob", token, oob_code=oob_code).status == 200
    token = session.mfa_token()
    oob_code = json.loads(session.challenge(token).body)["oob_code"]
    tenant.deny_push("ada@example.com")
    refused(session.verify("mfa-oob", token, oob_code=oob_code), 403, "invalid_grant")
    with pytest.raises(InvalidArgumentError, match="push"):
        tenant.approve_push(ada)


def test_the_factor_that_is_challenged_can_be_chosen(tenant: LocalTenant, session: Session) -> None:
    sms = tenant.add_factor("ada@example.com", "sms", to="+15550001111")
    email = tenant.add_factor("ada@example.com", "email")
    token = session.mfa_token()
    session.challenge(token, authenticator_id=email["id"])
    session.challenge(token, oob_channel="sms")
    assert [message.to for message in tenant.outbox] == ["ada@example.com", "+15550001111"]
    refused(session.challenge(token, challenge_type="otp"), 400, "unsupported_challenge_type")
    refused(session.challenge(token, authenticator_id="sms|dev_none"), 400, "invalid_request")
    refused(session.challenge("x"), 403, "invalid_grant")
    refused(session.wire.json("/mfa/challenge", mfa_token=token), 400, "invalid_request")
    assert len(tenant.outbox) == 2
    assert json.loads(session.challenge(token, authenticator_id=sms["id"]).body)["binding_method"] == "prompt"


# --- the recovery code


def test_a_recovery_code_is_good_once_and_brings_the_next(tenant: LocalTenant, session: Session) -> None:
    [code] = tenant.add_factor("ada@example.com")["recovery_codes"]
    assert "recovery_codes" not in tenant.add_factor("ada@example.com")
    refused(
        session.verify("mfa-recovery-code", session.mfa_token(), recovery_code="X" * 24), 403, "invalid_grant"
    )
    found = json.loads(session.verify("mfa-recovery-code", session.mfa_token(), recovery_code=code).body)
    assert found["access_token"]
    assert found["recovery_code"] != code
    refused(
        session.verify("mfa-recovery-code", session.mfa_token(), recovery_code=code), 403, "invalid_grant"
    )
    fresh = found["recovery_code"]
    assert session.verify("mfa-recovery-code", session.mfa_token(), recovery_code=fresh).status == 200


def test_a_recovery_code_is_nothing_without_a_factor(session: Session) -> None:
    token = session.mfa_token()
    [code] = session.associate(token, authenticator_types=["otp"])["recovery_codes"]
    response = session.verify("mfa-recovery-code", token, recovery_code=code)
    refused(response, 403, "association_required")


# --- the factors themselves


@pytest.mark.parametrize(
    "fields",
    [
        {"authenticator_types": []},
        {"authenticator_types": "otp"},
        {"authenticator_types": ["otp", "oob"]},
        {"authenticator_types": ["oob"]},
        {"authenticator_types": ["oob"], "oob_channels": ["fax"]},
        {"authenticator_types": ["oob"], "oob_channels": ["sms"]},
        {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "0555"},
        {"authenticator_types": ["oob"], "oob_channels": ["email"], "email": 7},
    ],
)
def test_a_bad_association_adds_nothing(session: Session, fields: dict[str, Any]) -> None:
    response = session.bearer("POST", "/mfa/associate", session.mfa_token(), **fields)
    refused(response, 400, "invalid_request")
    assert session.tenant.store.count("factors") == 0
    assert session.tenant.outbox == []


def test_only_a_token_with_the_scope_removes_a_factor(
    tenant: LocalTenant, session: Session, wire: Any, ada: dict[str, Any]
) -> None:
    secret = tenant.add_factor(ada)["secret"]
    audience = f"{tenant.issuer}mfa/"
    token = session.mfa_token(audience=audience, scope="enroll read:authenticators")
    response = session.verify("mfa-otp", token, otp=code_at(secret, tenant.clock()))
    found = json.loads(response.body)
    assert found["expires_in"] == 600
    weak = found["access_token"]
    assert session.associate(weak, authenticator_types=["otp"])["secret"]
    listed = json.loads(session.bearer("GET", "/mfa/authenticators", weak).body)
    ids = [item["id"] for item in listed if item["type"] == "otp"]
    assert len(ids) == 2
    path = f"/mfa/authenticators/{quote(ids[0], safe='')}"
    refused(session.bearer("DELETE", path, weak), 403, "insufficient_scope")
    refused(session.bearer("DELETE", path, session.mfa_token()), 401, "invalid_token")
    strong = tenant.tokens.access_token(
        {"client_id": tenant.client_id}, subject=ada["user_id"], audience=[audience],
        scope="remove:authenticators", gty=None, lifetime=600,
    )  # fmt: skip
    refused(session.bearer("DELETE", "/mfa/authenticators/totp%7Cdev_none", strong), 404, "not_found")
    refused(session.bearer("GET", "/mfa/authenticators", strong), 403, "insufficient_scope")
    assert session.bearer("DELETE", path, strong).status == 204
    assert [factor["id"] for factor in tenant.store.list("factors")] == ids[1:]
    for wrong in ("Fe26.2*none", "x", found["access_token"][:-4]):
        refused(session.bearer("GET", "/mfa/authenticators", wrong), 401, "invalid_token")
    refused(wire.get("/mfa/authenticators"), 401, "invalid_token")


def test_a_name_shows_no_more_than_is_needed(tenant: LocalTenant, session: Session) -> None:
    tenant.add_factor("ada@example.com", "sms", to="+15550001111")
    tenant.add_factor("ada@example.com", "email")
    listed = json.loads(session.bearer("GET", "/mfa/authenticators", session.mfa_token()).body)
    assert [item.get("name") for item in listed] == ["XXXXXXX1111", "ad****@example.com", None]


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("user", lambda tenant: tenant.require_mfa()),
        ("user", lambda tenant: tenant.require_mfa("nobody@example.com")),
        ("user", lambda tenant: tenant.require_mfa("ada@example.com", connection=DATABASE)),
        ("kind", lambda tenant: tenant.add_factor("ada@example.com", "fax")),
        ("to", lambda tenant: tenant.add_factor("ada@example.com", "sms")),
        ("user", lambda tenant: tenant.deny_push("ada@example.com")),
    ],
)
def test_a_wrong_argument_is_named(
    tenant: LocalTenant, ada: dict[str, Any], argument: str, call: Callable[[LocalTenant], object]
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call(tenant)
    assert caught.value.argument == argument
