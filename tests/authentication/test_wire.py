"""Every call of the Authentication API sends its parameters as the fact sheet says, and no others."""
# ruff: noqa: E501 - the tables are read better by the line

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from anyauth0 import ConfigurationError, InvalidArgumentError

from ..core.fakes import DOMAIN, KINDS, Kind, json

TOKENS = json({"access_token": "at", "token_type": "Bearer", "expires_in": 60})
SECRET = {"client_id": "cid", "client_secret": "shh"}
IDENTITY = "urn:ietf:params:oauth"
AUTH0 = "http://auth0.com/oauth"
EXCHANGE = f"{IDENTITY}:grant-type:token-exchange"
HINT = f'{{"format":"iss_sub","iss":"https://{DOMAIN}/","sub":"auth0|1"}}'
Auth = Any
Case = tuple[str, Callable[[Auth], Any], str, dict[str, Any]]

# What is called, the request line, and all fields of its body but the client's own id and secret.
FORMS: list[Case] = [
    ("device start", lambda a: a.device.start(scope="openid", audience="api", resource="r"),
     "POST /oauth/device/code", {"scope": "openid", "audience": "api", "resource": "r"}),
    ("device grant", lambda a: a.device.device_code_grant(device_code="d"),
     "POST /oauth/token", {"grant_type": f"{IDENTITY}:grant-type:device_code", "device_code": "d"}),
    ("ciba", lambda a: a.backchannel.authorize(
        user_id="auth0|1", binding_message="AB12", scope="openid x", audience="api", requested_expiry=30,
        authorization_details=[{"type": "pay"}], subject_issuer_context="ctx", resource="r"),
     "POST /bc-authorize", {"login_hint": HINT, "binding_message": "AB12", "scope": "openid x", "audience": "api",
                            "requested_expiry": "30", "authorization_details": '[{"type":"pay"}]',
                            "subjectIssuerContext": "ctx", "resource": "r"}),
    ("ciba grant", lambda a: a.backchannel.backchannel_grant(auth_req_id="r"),
     "POST /oauth/token", {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": "r"}),
    ("exchange", lambda a: a.token_exchange.exchange_token(
        subject_token="s", subject_token_type="urn:me", audience="api", scope="x", requested_token_type="urn:r",
        organization="org_1", actor_token="a", actor_token_type="urn:a", extra={"k": "v", "l": ["1", "2"]}),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "s", "subject_token_type": "urn:me",
                           "audience": "api", "scope": "x", "requested_token_type": "urn:r",
                           "organization": "org_1", "actor_token": "a", "actor_token_type": "urn:a", "k": "v",
                           "l": ["1", "2"]}),
    ("on behalf of", lambda a: a.token_exchange.on_behalf_of(access_token="t", audience="api", scope="x"),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "t", "audience": "api", "scope": "x",
                           "subject_token_type": f"{IDENTITY}:token-type:access_token",
                           "requested_token_type": f"{IDENTITY}:token-type:access_token"}),
    ("session transfer", lambda a: a.token_exchange.session_transfer_token(refresh_token="r", scope="x"),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "r", "scope": "x",
                           "subject_token_type": f"{IDENTITY}:token-type:refresh_token",
                           "audience": f"urn:{DOMAIN}:session_transfer"}),
    ("native social", lambda a: a.token_exchange.native_social(
        subject_token="c", audience="api", scope="x", user_profile={"name": {"firstName": "A"}}),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "c", "audience": "api", "scope": "x",
                           "subject_token_type": f"{AUTH0}/token-type/apple-authz-code",
                           "user_profile": '{"name":{"firstName":"A"}}'}),
    ("jwt bearer", lambda a: a.oauth.jwt_bearer_grant(assertion="j", scope="x", resource="r"),
     "POST /oauth/token", {"grant_type": f"{IDENTITY}:grant-type:jwt-bearer", "assertion": "j", "scope": "x",
                           "resource": "r"}),
    ("mfa otp", lambda a: a.mfa.verify_otp("m", otp="123456"),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-otp", "mfa_token": "m", "otp": "123456"}),
    ("mfa oob", lambda a: a.mfa.verify_oob("m", oob_code="o", binding_code="1"),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-oob", "mfa_token": "m", "oob_code": "o",
                           "binding_code": "1"}),
    ("mfa recovery", lambda a: a.mfa.verify_recovery_code("m", recovery_code="R"),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-recovery-code", "mfa_token": "m",
                           "recovery_code": "R"}),
    ("passwordless otp", lambda a: a.passwordless.login_with_otp(
        auth_session="s", otp="1", audience="api", scope="x"),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/passwordless/otp", "auth_session": "s", "otp": "1",
                           "audience": "api", "scope": "x"}),
]  # fmt: skip
JSONS: list[Case] = [
    ("mfa challenge", lambda a: a.mfa.challenge(
        "m", challenge_type="otp oob", authenticator_id="sms|1", oob_channel="sms"),
     "POST /mfa/challenge", {"mfa_token": "m", "challenge_type": "otp oob", "authenticator_id": "sms|1",
                             "oob_channel": "sms"}),
    ("otp challenge", lambda a: a.passwordless.challenge(
        connection="db", phone_number="+1", allow_signup=True, delivery_method="voice"),
     "POST /otp/challenge", {"connection": "db", "phone_number": "+1", "allow_signup": True,
                             "delivery_method": "voice"}),
    ("passkey register", lambda a: a.passkeys.register(
        user_profile={"email": "a@b.c"}, realm="db", organization="org_1", user_metadata={"k": "v"},
        delivery_method="text"),
     "POST /passkey/register", {"user_profile": {"email": "a@b.c"}, "realm": "db", "organization": "org_1",
                                "user_metadata": {"k": "v"}, "delivery_method": "text"}),
    ("passkey challenge", lambda a: a.passkeys.challenge(realm="db", organization="org_1"),
     "POST /passkey/challenge", {"realm": "db", "organization": "org_1"}),
    ("passkey login", lambda a: a.passkeys.login(
        auth_session="s", authn_response={"id": "x", "response": {"clientDataJSON": "e"}}, realm="db", scope="x",
        audience="api", verification={"email": "1"}),
     "POST /oauth/token", {"grant_type": "urn:okta:params:oauth:grant-type:webauthn", "auth_session": "s",
                           "authn_response": {"id": "x", "response": {"clientDataJSON": "e"}}, "realm": "db",
                           "scope": "x", "audience": "api", "verification": {"email": "1"}}),
    ("anonymous session", lambda a: a.anonymous.create_session(audience="api", scope="x", metadata={"a": 1}),
     "POST /anonymous/token", {"audience": "api", "scope": "x", "metadata": {"a": 1}}),
    ("anonymous token", lambda a: a.anonymous.get_access_token(session_token="s", audience="api", scope="x"),
     "POST /anonymous/token", {"session_token": "s", "audience": "api", "scope": "x"}),
    ("anonymous transfer", lambda a: a.anonymous.mint_transfer_token(session_token="s"),
     "POST /anonymous/token", {"session_token": "s", "audience": "urn:auth0:anon_transfer"}),
]  # fmt: skip
# These say no more of the client than its id, or nothing at all; some have a token in the header.
OTHERS: list[tuple[str, Callable[[Auth], Any], str, dict[str, Any] | None, str | None]] = [
    ("anonymous logout", lambda a: a.anonymous.logout(), "POST /anonymous/logout", {"client_id": "cid"}, None),
    ("mfa list", lambda a: a.mfa.get_authenticators("m"), "GET /mfa/authenticators", None, "Bearer m"),
    ("mfa associate", lambda a: a.mfa.associate(
        "m", authenticator_types=("oob",), oob_channels=["sms"], phone_number="+1"), "POST /mfa/associate",
     {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+1"}, "Bearer m"),
    ("mfa delete", lambda a: a.mfa.delete_authenticator("t", "sms|dev_1"),
     "DELETE /mfa/authenticators/sms%7Cdev_1", None, "Bearer t"),
    ("registration", lambda a: a.registration.register(
        redirect_uris=("https://a/b",), client_name="x", grant_types=["authorization_code"]),
     "POST /oidc/register", {"redirect_uris": ["https://a/b"], "client_name": "x",
                             "grant_types": ["authorization_code"]}, None),
    ("global revocation", lambda a: a.oauth.global_token_revocation("my conn", token="j", issuer="i", subject="s"),
     "POST /oauth/global-token-revocation/connection/my%20conn",
     {"subject": {"format": "iss_sub", "iss": "i", "sub": "s"}}, "Bearer j"),
    ("discovery", lambda a: a.discovery.openid_configuration(), "GET /.well-known/openid-configuration", None, None),
    ("jwks", lambda a: a.discovery.jwks(), "GET /.well-known/jwks.json", None, None),
    ("saml metadata", lambda a: a.discovery.saml_metadata("cid"), "GET /samlp/metadata/cid", None, None),
    ("wsfed metadata", lambda a: a.discovery.wsfed_metadata(),
     "GET /wsfed/FederationMetadata/2007-06/FederationMetadata.xml", None, None),
    ("legacy ro", lambda a: a.legacy.resource_owner(username="u", password="p", connection="c", scope="x"),
     "POST /oauth/ro", {"client_id": "cid", "username": "u", "password": "p", "connection": "c", "scope": "x",
                        "grant_type": "password"}, None),
    ("legacy social", lambda a: a.legacy.social_access_token(access_token="t", connection="facebook"),
     "POST /oauth/access_token", {"client_id": "cid", "access_token": "t", "connection": "facebook"}, None),
    ("legacy tokeninfo", lambda a: a.legacy.token_info(id_token="j"), "POST /tokeninfo", {"id_token": "j"}, None),
    ("legacy delegation", lambda a: a.legacy.delegation(refresh_token="r", target="t"), "POST /delegation",
     {"client_id": "cid", "grant_type": f"{IDENTITY}:grant-type:jwt-bearer", "refresh_token": "r", "target": "t",
      "scope": "openid"}, None),
    ("legacy passwordless", lambda a: a.legacy.passwordless_verify(connection="sms", username="+1", code="1"),
     "POST /passwordless/verify", {"client_id": "cid", "grant_type": "password", "connection": "sms",
                                   "username": "+1", "password": "1"}, None),
    ("legacy impersonate", lambda a: a.legacy.impersonate("u|1", access_token="t", impersonator_id="i"),
     "POST /users/u%7C1/impersonate", {"client_id": "cid", "protocol": "oauth2", "impersonator_id": "i"}, "Bearer t"),
    ("legacy unlink", lambda a: a.legacy.unlink(access_token="t", user_id="u"), "POST /login/unlink",
     {"access_token": "t", "user_id": "u"}, None),
]  # fmt: skip


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def sent(kind: Kind, call: Callable[[Auth], Any], **options: str) -> Any:
    """Make the call and return the only request that it sent."""
    transport = kind.transport(otherwise=TOKENS)
    auth = kind.authentication(domain=DOMAIN, transport=transport, retry=False, **(options or SECRET))
    kind.do(lambda: call(auth))
    [request] = transport.requests
    return request


def line(request: Any) -> str:
    return f"{request.method} {urlsplit(request.url).path}"


@pytest.mark.parametrize(("call", "where", "fields"), [case[1:] for case in FORMS], ids=[c[0] for c in FORMS])
def test_a_form_has_these_fields(kind: Kind, call: Any, where: str, fields: dict[str, Any]) -> None:
    request = sent(kind, call)
    assert line(request) == where
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    body = {
        name: each if len(each) > 1 else each[0] for name, each in parse_qs(request.body.decode()).items()
    }
    assert body == {**fields, **SECRET}


@pytest.mark.parametrize(("call", "where", "fields"), [case[1:] for case in JSONS], ids=[c[0] for c in JSONS])
def test_a_json_body_has_these_fields(kind: Kind, call: Any, where: str, fields: dict[str, Any]) -> None:
    request = sent(kind, call)
    assert line(request) == where
    assert request.headers["content-type"] == "application/json"
    assert msgspec.json.decode(request.body) == {**fields, **SECRET}


@pytest.mark.parametrize(
    ("call", "where", "fields", "authorization"), [case[1:] for case in OTHERS], ids=[c[0] for c in OTHERS]
)
def test_what_needs_no_secret_has_none(
    kind: Kind, call: Any, where: str, fields: dict[str, Any] | None, authorization: str | None
) -> None:
    request = sent(kind, call)
    assert line(request) == where
    assert request.headers.get("authorization") == authorization
    assert (msgspec.json.decode(request.body) if request.body else None) == fields


CONFIDENTIAL = {"ciba", "ciba grant", "exchange", "on behalf of", "session transfer", "jwt bearer"}


@pytest.mark.parametrize(("name", "call"), [case[:2] for case in [*FORMS, *JSONS]])
def test_a_public_client_may_do_what_the_server_lets_it_do(kind: Kind, name: str, call: Any) -> None:
    if name in CONFIDENTIAL:
        with pytest.raises(ConfigurationError, match="client_secret or client_assertion field is required"):
            sent(kind, call, client_id="cid")
        return
    body = sent(kind, call, client_id="cid").body.decode()
    assert "cid" in body
    assert "client_secret" not in body


def test_webfinger_asks_for_the_domain(kind: Kind) -> None:
    request = sent(kind, lambda auth: auth.discovery.is_federated_domain("example.com"))
    assert parse_qs(urlsplit(request.url).query) == {
        "resource": ["urn:auth0:discovery:domain:example.com"],
        "rel": ["http://openid.net/specs/connect/1.0/issuer"],
    }


@pytest.mark.parametrize("status", [404, 429, 500])
def test_whatever_goes_wrong_a_domain_is_not_federated(kind: Kind, status: int) -> None:
    transport = kind.transport(otherwise=json({}, status))
    auth = kind.authentication(domain=DOMAIN, transport=transport, retry=False)
    assert kind.do(lambda: auth.discovery.is_federated_domain("example.com")) is False


BAD: list[tuple[str, Callable[[Auth], Any]]] = [
    ("requested_expiry", lambda a: a.backchannel.authorize(user_id="u", binding_message="m", requested_expiry=301)),
    ("user_id", lambda a: a.backchannel.authorize(user_id="", binding_message="m")),
    ("actor_token_type", lambda a: a.token_exchange.exchange_token(
        subject_token="s", subject_token_type="t", actor_token="a")),
    ("extra", lambda a: a.token_exchange.exchange_token(
        subject_token="s", subject_token_type="t", extra={"Client_ID": "other"})),
    ("extra", lambda a: a.token_exchange.exchange_token(
        subject_token="s", subject_token_type="t", extra={"k": ["v"] * 21})),
    ("authenticator_types", lambda a: a.mfa.associate("m", authenticator_types="otp")),
    ("oob_channels", lambda a: a.mfa.associate("m", authenticator_types=["oob"])),
    ("mfa", lambda a: a.mfa.verify_otp("", otp="1")),
    ("otp", lambda a: a.mfa.verify_otp("m", otp=" ")),
    ("email", lambda a: a.passwordless.challenge(connection="db")),
    ("email", lambda a: a.passwordless.challenge(connection="db", email="a", phone_number="b")),
    ("redirect_uris", lambda a: a.registration.register(redirect_uris="https://a/b")),
    ("id_token", lambda a: a.legacy.delegation()),
    ("redirect_uri", lambda a: a.authorize(redirect_uri="")),
    ("response_type", lambda a: a.authorize(redirect_uri="https://a/b", response_type="token")),
    ("max_age", lambda a: a.authorize(redirect_uri="https://a/b", max_age=-1)),
]  # fmt: skip


@pytest.mark.parametrize(("argument", "call"), BAD)
def test_bad_input_is_refused_by_name_before_anything_is_sent(kind: Kind, argument: str, call: Any) -> None:
    transport = kind.transport()
    auth = kind.authentication(domain=DOMAIN, transport=transport, **SECRET)
    with pytest.raises(InvalidArgumentError) as caught:
        kind.do(lambda: call(auth))
    assert caught.value.argument == argument
    assert transport.requests == []


def test_the_dicts_of_the_caller_stay_as_they_are(kind: Kind) -> None:
    profile, extra, answer = {"email": "a@b.c"}, {"k": ["v"]}, {"id": "x"}
    sent(kind, lambda a: a.passkeys.register(user_profile=profile))
    sent(
        kind,
        lambda a: a.token_exchange.exchange_token(subject_token="s", subject_token_type="t", extra=extra),
    )
    sent(kind, lambda a: a.passkeys.login(auth_session="s", authn_response=answer))
    assert (profile, extra, answer) == ({"email": "a@b.c"}, {"k": ["v"]}, {"id": "x"})
