"""Logins that want a second factor, from the error to the tokens, with real codes; blocking and asyncio."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import (
    AuthenticationApiError,
    Forbidden,
    IdTokenChecks,
    IdTokenError,
    NotFound,
    TransportTimeout,
    Unauthorized,
)
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server

from .conftest import API, PASSWORD

SCOPE = "openid email offline_access"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[LocalTenant, Server]]:
    """Serve a tenant whose clock stands still until it is moved: no code grows old by itself."""
    now = time.time()
    with LocalTenant(clock=lambda: now) as tenant:
        tenant.add_api(API)
        with serve(tenant) as server:
            yield tenant, server


@pytest.fixture
def user(tenant: LocalTenant) -> Any:
    user = tenant.add_user(email=f"{secrets.token_hex(5)}@example.com", password=PASSWORD)
    tenant.require_mfa(user)
    return user


@pytest.fixture
def asked(auth: Any, user: Any) -> Callable[..., AuthenticationApiError]:
    """Return a function that logs in by password, and returns the error that asks for a second factor."""

    def log_in(**fields: str) -> AuthenticationApiError:
        arguments = {"username": user["email"], "password": PASSWORD, "scope": SCOPE, **fields}
        with pytest.raises(AuthenticationApiError) as caught:
            auth(lambda auth: auth.oauth.password_grant(**arguments))
        assert caught.value.code == "mfa_required"
        return caught.value

    return log_in


def code_at(secret: str, now: float) -> str:
    """Return what an authenticator application shows (RFC 6238), apart from the tenant's code."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(now) // 30), hashlib.sha1).digest()
    start = mac[19] & 0xF
    return str((struct.unpack(">I", mac[start : start + 4])[0] & 0x7FFFFFFF) % 1000000).zfill(6)


def test_an_authenticator_is_enrolled_by_the_login_that_asks_for_it(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any
) -> None:
    error = asked()
    assert [each["type"] for each in error.mfa_requirements["enroll"]][:1] == ["otp"]
    with pytest.raises(AuthenticationApiError) as caught:
        auth(lambda auth: auth.mfa.challenge(error))
    assert caught.value.code == "association_required"
    enrolled = auth(lambda auth: auth.mfa.associate(error, authenticator_types=["otp"])).data
    assert parse_qs(urlsplit(enrolled.barcode_uri).query)["secret"] == [enrolled.secret]
    assert len(enrolled.recovery_codes) == 1
    assert enrolled.secret not in repr(enrolled)
    listed = auth(lambda auth: auth.mfa.get_authenticators(error)).data
    assert (listed[0].id, listed[0].active) == (enrolled.id, False)
    code = code_at(enrolled.secret, tenant.clock())
    tokens = auth(lambda auth: auth.mfa.verify_otp(error, otp=code)).data
    claims = tokens.claims
    assert (claims["sub"], claims["email"], claims["amr"]) == (user["user_id"], user["email"], ["mfa"])
    refresh = {"refresh_token": tokens.refresh_token}
    assert auth(lambda auth: auth.oauth.refresh_token_grant(**refresh)).data.access_token
    again = asked()
    listed = auth(lambda auth: auth.mfa.get_authenticators(again)).data
    assert {each.active for each in listed} == {True}


def test_the_code_of_an_authenticator_is_good_once(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any
) -> None:
    secret = tenant.add_factor(user)["secret"]
    error = asked()
    assert error.mfa_requirements == {"challenge": [{"type": "otp"}]}
    assert auth(lambda auth: auth.mfa.challenge(error, challenge_type="otp")).data.challenge_type == "otp"
    code = code_at(secret, tenant.clock())
    with pytest.raises(Forbidden) as caught:
        auth(lambda auth: auth.mfa.verify_otp(error, otp=f"{(int(code) + 1) % 10**6:06}"))
    assert caught.value.code == "invalid_grant"
    # The token of the error, by itself, is as good as the error.
    assert auth(lambda auth: auth.mfa.verify_otp(error.mfa_token, otp=code)).data.access_token
    again = asked()
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.mfa.verify_otp(again, otp=code))
    late = code_at(secret, tenant.clock())
    tenant.advance(90)
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.mfa.verify_otp(again, otp=late))


@pytest.mark.parametrize(
    ("channel", "fields"),
    [("sms", {"phone_number": "+15550001111"}), ("voice", {"phone_number": "+15550001111"}), ("email", {})],
)
def test_a_code_is_sent_and_typed_in(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any, channel: str, fields: Any
) -> None:
    error = asked()
    kind: Any = {"authenticator_types": ["oob"], "oob_channels": [channel], **fields}
    enrolled = auth(lambda auth: auth.mfa.associate(error, **kind)).data
    assert (enrolled.oob_channel, enrolled.binding_method) == (channel, "prompt")
    assert tenant.outbox[-1].to == fields.get("phone_number", user["email"])
    grant = {"oob_code": enrolled.oob_code, "binding_code": str(tenant.outbox[-1].code)}
    assert auth(lambda auth: auth.mfa.verify_oob(error, **grant)).data.claims["sub"] == user["user_id"]
    again = asked()
    challenge = auth(
        lambda auth: auth.mfa.challenge(again, challenge_type="otp oob", authenticator_id=enrolled.id)
    ).data
    assert (challenge.challenge_type, challenge.binding_method) == ("oob", "prompt")
    code = str(tenant.outbox[-1].code)
    grant = {"oob_code": challenge.oob_code, "binding_code": f"{(int(code) + 1) % 10**6:06}"}
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.mfa.verify_oob(again, **grant))
    grant["binding_code"] = code
    assert auth(lambda auth: auth.mfa.verify_oob(again, **grant)).data.access_token


@pytest.fixture
def pauses(tenant: LocalTenant, monkeypatch: pytest.MonkeyPatch) -> tuple[list[float], list[Any]]:
    """Let the clock go on where a driver sleeps; return how long, and what happens after each sleep."""
    slept: list[float] = []
    then: list[Callable[[], object]] = []
    real = asyncio.sleep

    def sleep(seconds: float) -> None:
        if seconds > 0:
            slept.append(seconds)
            tenant.advance(seconds)
            if then:
                then.pop(0)()

    async def async_sleep(seconds: float) -> None:
        sleep(seconds)
        await real(0)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(asyncio, "sleep", async_sleep)
    return slept, then


def test_a_push_message_is_polled_for_until_it_is_answered(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any, pauses: Any
) -> None:
    slept, then = pauses
    tenant.add_factor(user, "auth0")
    error = asked()
    challenge = auth(lambda auth: auth.mfa.challenge(error, challenge_type="oob")).data
    assert (challenge.challenge_type, challenge.binding_method) == ("oob", None)
    assert (tenant.outbox[-1].kind, tenant.outbox[-1].to) == ("push", user["user_id"])
    then += [lambda: None, lambda: None, lambda: tenant.approve_push(user)]
    grant = {"oob_code": challenge.oob_code}
    assert auth(lambda auth: auth.mfa.poll_oob(error, **grant)).data.claims["sub"] == user["user_id"]
    assert slept == [5, 5, 5]


def test_a_push_message_that_is_refused_or_left_is_an_error(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any, pauses: Any
) -> None:
    tenant.add_factor(user, "auth0")

    def poll(error: Any, **options: Any) -> Any:
        oob_code = auth(lambda auth: auth.mfa.challenge(error)).data.oob_code
        return auth(lambda auth: auth.mfa.poll_oob(error, oob_code=oob_code), **options)

    pauses[1].append(lambda: tenant.deny_push(user))
    with pytest.raises(Forbidden):
        poll(asked())
    assert pauses[0] == [5]
    with pytest.raises(TransportTimeout, match="deadline"):
        poll(asked(), deadline=7)
    error = asked()
    oob_code = auth(lambda auth: auth.mfa.challenge(error)).data.oob_code
    with pytest.raises(AuthenticationApiError) as caught:
        auth(lambda auth: auth.mfa.verify_oob(error, oob_code=oob_code))
    assert caught.value.code == "authorization_pending"


def test_a_recovery_code_is_good_once_and_brings_the_next(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any
) -> None:
    [code] = tenant.add_factor(user)["recovery_codes"]

    def recover(code: str) -> Any:
        error = asked()
        return auth(lambda auth: auth.mfa.verify_recovery_code(error, recovery_code=code)).data

    tokens = recover(code)
    assert tokens.claims["sub"] == user["user_id"]
    assert tokens.recovery_code not in (None, code)
    assert tokens.recovery_code not in repr(tokens)
    with pytest.raises(Forbidden):
        recover(code)
    assert recover(tokens.recovery_code).access_token


def test_a_factor_is_removed_by_a_token_for_it(auth: Any, asked: Any, tenant: LocalTenant, user: Any) -> None:
    secret = tenant.add_factor(user)["secret"]
    audience = f"{tenant.issuer}mfa/"
    error = asked(audience=audience, scope="enroll read:authenticators remove:authenticators")
    code = code_at(secret, tenant.clock())
    token = auth(lambda auth: auth.mfa.verify_otp(error, otp=code)).data.access_token
    second = auth(lambda auth: auth.mfa.associate(token, authenticator_types=["otp"])).data
    listed = auth(lambda auth: auth.mfa.get_authenticators(token)).data
    [first] = [each.id for each in listed if each.type == "otp" and each.id != second.id]
    assert "|" in first
    assert auth(lambda auth: auth.mfa.delete_authenticator(token, first)).data is None
    listed = auth(lambda auth: auth.mfa.get_authenticators(token)).data
    assert [each.id for each in listed if each.type == "otp"] == [second.id]
    with pytest.raises(NotFound):
        auth(lambda auth: auth.mfa.delete_authenticator(token, first))
    with pytest.raises(Unauthorized):
        auth(lambda auth: auth.mfa.delete_authenticator(str(error.mfa_token), first))


def test_the_id_token_after_the_second_factor_is_checked(
    auth: Any, asked: Any, tenant: LocalTenant, user: Any
) -> None:
    factor = tenant.add_factor(user)
    checks = IdTokenChecks(nonce="n")
    error = asked()
    code = code_at(factor["secret"], tenant.clock())
    with pytest.raises(IdTokenError):
        auth(lambda auth: auth.mfa.verify_otp(error, otp=code, id_token=checks))


def test_a_public_client_needs_no_secret_for_it(auth: Any, tenant: LocalTenant, user: Any) -> None:
    spa = {"client_id": tenant.add_client(public=True)["client_id"], "client_secret": None}
    secret = tenant.add_factor(user)["secret"]
    password = {"username": user["email"], "password": PASSWORD, "scope": "openid"}
    with pytest.raises(AuthenticationApiError) as caught:
        auth(lambda auth: auth.oauth.password_grant(**password), **spa)
    code = code_at(secret, tenant.clock())
    tokens = auth(lambda auth: auth.mfa.verify_otp(caught.value, otp=code), **spa).data
    assert tokens.claims["aud"] == spa["client_id"]


def test_an_mfa_token_grows_old(auth: Any, asked: Any, tenant: LocalTenant, user: Any) -> None:
    tenant.add_factor(user)
    error = asked()
    tenant.advance(600)
    with pytest.raises(Unauthorized) as caught:
        auth(lambda auth: auth.mfa.challenge(error))
    assert caught.value.code == "expired_token"
    assert str(error.mfa_token) not in f"{error!r} {error}"
