"""Every call of the Authentication API sends its parameters as the fact sheet says, and no others."""
# ruff: noqa: E501 - the tables are read better by the line

import asyncio
import copy
import inspect
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec
import pytest

from anyauth0 import (
    AuthenticationClient,
    ConfigurationError,
    IdTokenChecks,
    IdTokenError,
    InvalidArgumentError,
)
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0.authentication.backchannel import BackchannelAuthorization
from anyauth0.authentication.device import DeviceAuthorization
from anyauth0.authentication.logins import Auth as Logins
from anyauth0.authentication.registration import ClientMetadata

from ..core.fakes import DOMAIN, Kind, json

TOKENS = json({"access_token": "at", "token_type": "Bearer", "expires_in": 60})
SECRET = {"client_id": "cid", "client_secret": "shh"}
IDENTITY = "urn:ietf:params:oauth"
AUTH0 = "http://auth0.com/oauth"
EXCHANGE = f"{IDENTITY}:grant-type:token-exchange"
PASSWORDLESS = f"{AUTH0}/grant-type/passwordless/otp"
FEDERATED = "federated-connection-access-token"
HINT = f'{{"format":"iss_sub","iss":"https://{DOMAIN}/","sub":"auth0|1"}}'
# What every request has, whatever is asked for.
USUAL = {"accept", "content-type", "user-agent", "auth0-client"}
FORWARDED = {"auth0-forwarded-for": "203.0.113.7"}
SPOKEN = {**FORWARDED, "x-request-language": "nl"}
NO_CHECKS = IdTokenChecks()
DEVICE = DeviceAuthorization(device_code="d")
CIBA = BackchannelAuthorization(auth_req_id="r")
PENDING = AuthorizationRequest(url="https://a/b", state="s", code_verifier="v", redirect_uri="https://a/b")
Auth = Any
Fields = dict[str, Any]
Case = tuple[Callable[[Auth], Any], str, Fields] | tuple[Callable[[Auth], Any], str, Fields, dict[str, str]]

# Each row gives all parameters of its method a value, but the client's credentials, which have a test of their
# own: the call, the request line, all fields of its body but the client's own id and secret, its own headers.
FORMS: list[Case] = [
    (lambda a: a.device.start(scope="openid", audience="api", resource="r"),
     "POST /oauth/device/code", {"scope": "openid", "audience": "api", "resource": "r"}),
    (lambda a: a.device.device_code_grant(device_code="d", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{IDENTITY}:grant-type:device_code", "device_code": "d"}),
    (lambda a: a.device.poll(DEVICE, id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{IDENTITY}:grant-type:device_code", "device_code": "d"}),
    (lambda a: a.backchannel.authorize(
        user_id="auth0|1", binding_message="AB12", scope="openid x", audience="api", requested_expiry=30,
        authorization_details=[{"type": "pay"}], subject_issuer_context="ctx", resource="r"),
     "POST /bc-authorize", {"login_hint": HINT, "binding_message": "AB12", "scope": "openid x", "audience": "api",
                            "requested_expiry": "30", "authorization_details": '[{"type":"pay"}]',
                            "subjectIssuerContext": "ctx", "resource": "r"}),
    (lambda a: a.backchannel.backchannel_grant(auth_req_id="r", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": "r"}),
    (lambda a: a.backchannel.poll(CIBA, id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": "r"}),
    (lambda a: a.oauth.authorization_code_grant(code="c", redirect_uri="https://a/b", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": "authorization_code", "code": "c", "redirect_uri": "https://a/b"}),
    (lambda a: a.oauth.authorization_code_grant_with_pkce(
        code="c", code_verifier="v", redirect_uri="https://a/b", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": "authorization_code", "code": "c", "code_verifier": "v",
                           "redirect_uri": "https://a/b"}),
    (lambda a: a.complete(PENDING, "https://a/b?code=c&state=s"),
     "POST /oauth/token", {"grant_type": "authorization_code", "code": "c", "code_verifier": "v",
                           "redirect_uri": "https://a/b"}),
    (lambda a: a.oauth.client_credentials_grant(audience="api", organization="org_1"),
     "POST /oauth/token", {"grant_type": "client_credentials", "audience": "api", "organization": "org_1"}),
    (lambda a: a.oauth.password_grant(
        username="u", password="p", audience="api", scope="x", realm="db", forwarded_for="203.0.113.7",
        id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/password-realm", "username": "u", "password": "p",
                           "audience": "api", "scope": "x", "realm": "db"}, FORWARDED),
    (lambda a: a.oauth.password_grant(username="u", password="p"),
     "POST /oauth/token", {"grant_type": "password", "username": "u", "password": "p"}),
    (lambda a: a.oauth.refresh_token_grant(refresh_token="r", scope="x", audience="api", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": "refresh_token", "refresh_token": "r", "scope": "x", "audience": "api"}),
    (lambda a: a.oauth.jwt_bearer_grant(assertion="j", scope="x", resource="r"),
     "POST /oauth/token", {"grant_type": f"{IDENTITY}:grant-type:jwt-bearer", "assertion": "j", "scope": "x",
                           "resource": "r"}),
    (lambda a: a.oauth.revoke_refresh_token(token="r"), "POST /oauth/revoke", {"token": "r"}),
    (lambda a: a.oauth.pushed_authorization(
        redirect_uri="https://a/b", response_type="code id_token", scope="openid", state="s", nonce="n",
        audience="api", resource="r", organization="org_1", invitation="i", connection="db", prompt="login",
        max_age=0, response_mode="form_post", login_hint="l", screen_hint="signup", acr_values="mfa",
        ui_locales="nl", code_challenge="cc", code_challenge_method="S256",
        authorization_details=[{"type": "pay"}], dpop_jkt="j", request="jwt"),
     "POST /oauth/par", {"redirect_uri": "https://a/b", "response_type": "code id_token", "scope": "openid",
                         "state": "s", "nonce": "n", "audience": "api", "resource": "r", "organization": "org_1",
                         "invitation": "i", "connection": "db", "prompt": "login", "max_age": "0",
                         "response_mode": "form_post", "login_hint": "l", "screen_hint": "signup",
                         "acr_values": "mfa", "ui_locales": "nl", "code_challenge": "cc",
                         "code_challenge_method": "S256", "authorization_details": '[{"type":"pay"}]',
                         "dpop_jkt": "j", "request": "jwt"}),
    (lambda a: a.oauth.token_for_connection(
        connection="github", subject_token="s", subject_token_type="urn:t", login_hint="l", scope="x"),
     "POST /oauth/token", {"grant_type": f"urn:auth0:params:oauth:grant-type:token-exchange:{FEDERATED}",
                           "connection": "github", "subject_token": "s", "subject_token_type": "urn:t",
                           "requested_token_type": f"{AUTH0}/token-type/{FEDERATED}", "login_hint": "l",
                           "scope": "x"}),
    (lambda a: a.tokens.for_connection(
        "github", subject_token="s", subject_token_type="urn:t", login_hint="l", scope="x", rejected="old"),
     "POST /oauth/token", {"grant_type": f"urn:auth0:params:oauth:grant-type:token-exchange:{FEDERATED}",
                           "connection": "github", "subject_token": "s", "subject_token_type": "urn:t",
                           "requested_token_type": f"{AUTH0}/token-type/{FEDERATED}", "login_hint": "l",
                           "scope": "x"}),
    (lambda a: a.tokens.get(audience="api", scope="x", organization="org_1"),
     "POST /oauth/token", {"grant_type": "client_credentials", "audience": "api", "scope": "x",
                           "organization": "org_1"}),
    (lambda a: a.tokens.for_refresh_token("r", audience="api", scope="x", rejected="old"),
     "POST /oauth/token", {"grant_type": "refresh_token", "refresh_token": "r", "audience": "api", "scope": "x"}),
    (lambda a: a.token_exchange.exchange_token(
        subject_token="s", subject_token_type="urn:me", audience="api", scope="x", requested_token_type="urn:r",
        organization="org_1", actor_token="a", actor_token_type="urn:a", extra={"k": "v", "l": ["1", "2"]},
        forwarded_for="203.0.113.7", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "s", "subject_token_type": "urn:me",
                           "audience": "api", "scope": "x", "requested_token_type": "urn:r",
                           "organization": "org_1", "actor_token": "a", "actor_token_type": "urn:a", "k": "v",
                           "l": ["1", "2"]}, FORWARDED),
    (lambda a: a.token_exchange.on_behalf_of(access_token="t", audience="api", scope="x"),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "t", "audience": "api", "scope": "x",
                           "subject_token_type": f"{IDENTITY}:token-type:access_token",
                           "requested_token_type": f"{IDENTITY}:token-type:access_token"}),
    (lambda a: a.token_exchange.session_transfer_token(refresh_token="r", scope="x"),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "r", "scope": "x",
                           "subject_token_type": f"{IDENTITY}:token-type:refresh_token",
                           "audience": f"urn:{DOMAIN}:session_transfer"}),
    (lambda a: a.token_exchange.native_social(
        subject_token="c", subject_token_type="urn:google", audience="api", scope="x",
        user_profile={"name": {"firstName": "A"}}, forwarded_for="203.0.113.7", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "c", "audience": "api", "scope": "x",
                           "subject_token_type": "urn:google", "user_profile": '{"name":{"firstName":"A"}}'},
     FORWARDED),
    (lambda a: a.token_exchange.native_social(subject_token="c"),
     "POST /oauth/token", {"grant_type": EXCHANGE, "subject_token": "c",
                           "subject_token_type": f"{AUTH0}/token-type/apple-authz-code"}),
    (lambda a: a.mfa.verify_otp("m", otp="123456", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-otp", "mfa_token": "m", "otp": "123456"}),
    (lambda a: a.mfa.verify_oob("m", oob_code="o", binding_code="1", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-oob", "mfa_token": "m", "oob_code": "o",
                           "binding_code": "1"}),
    (lambda a: a.mfa.poll_oob("m", oob_code="o", expires_in=60, id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-oob", "mfa_token": "m", "oob_code": "o"}),
    (lambda a: a.mfa.verify_recovery_code("m", recovery_code="R", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": f"{AUTH0}/grant-type/mfa-recovery-code", "mfa_token": "m",
                           "recovery_code": "R"}),
    (lambda a: a.passwordless.login_with_email(
        email="a@b.c", code="1", audience="api", scope="x", forwarded_for="203.0.113.7", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": PASSWORDLESS, "realm": "email", "username": "a@b.c", "otp": "1",
                           "audience": "api", "scope": "x"}, FORWARDED),
    (lambda a: a.passwordless.login_with_sms(
        phone_number="+1", code="1", audience="api", scope="x", forwarded_for="203.0.113.7", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": PASSWORDLESS, "realm": "sms", "username": "+1", "otp": "1",
                           "audience": "api", "scope": "x"}, FORWARDED),
    (lambda a: a.passwordless.login_with_otp(
        auth_session="s", otp="1", audience="api", scope="x", forwarded_for="203.0.113.7", id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": PASSWORDLESS, "auth_session": "s", "otp": "1", "audience": "api",
                           "scope": "x"}, FORWARDED),
]  # fmt: skip
JSONS: list[Case] = [
    (lambda a: a.mfa.challenge("m", challenge_type="otp oob", authenticator_id="sms|1", oob_channel="sms"),
     "POST /mfa/challenge", {"mfa_token": "m", "challenge_type": "otp oob", "authenticator_id": "sms|1",
                             "oob_channel": "sms"}),
    (lambda a: a.passwordless.send_email(
        email="a@b.c", send="code", auth_params={"scope": "x"}, language="nl", forwarded_for="203.0.113.7"),
     "POST /passwordless/start", {"connection": "email", "email": "a@b.c", "send": "code",
                                  "authParams": {"scope": "x"}}, SPOKEN),
    (lambda a: a.passwordless.send_sms(phone_number="+1", language="nl", forwarded_for="203.0.113.7"),
     "POST /passwordless/start", {"connection": "sms", "phone_number": "+1"}, SPOKEN),
    (lambda a: a.passwordless.challenge(
        connection="db", phone_number="+1", allow_signup=True, delivery_method="voice", language="nl",
        forwarded_for="203.0.113.7"),
     "POST /otp/challenge", {"connection": "db", "phone_number": "+1", "allow_signup": True,
                             "delivery_method": "voice"}, SPOKEN),
    (lambda a: a.passwordless.challenge(connection="db", email="a@b.c", allow_signup=False),
     "POST /otp/challenge", {"connection": "db", "email": "a@b.c", "allow_signup": False}),
    (lambda a: a.passkeys.register(
        user_profile={"email": "a@b.c"}, realm="db", organization="org_1", user_metadata={"k": "v"},
        delivery_method="text", forwarded_for="203.0.113.7"),
     "POST /passkey/register", {"user_profile": {"email": "a@b.c"}, "realm": "db", "organization": "org_1",
                                "user_metadata": {"k": "v"}, "delivery_method": "text"}, FORWARDED),
    (lambda a: a.passkeys.challenge(realm="db", organization="org_1", forwarded_for="203.0.113.7"),
     "POST /passkey/challenge", {"realm": "db", "organization": "org_1"}, FORWARDED),
    (lambda a: a.passkeys.login(
        auth_session="s", authn_response={"id": "x", "response": {"clientDataJSON": "e"}}, realm="db", scope="x",
        audience="api", organization="org_1", verification={"email": "1"}, forwarded_for="203.0.113.7",
        id_token=NO_CHECKS),
     "POST /oauth/token", {"grant_type": "urn:okta:params:oauth:grant-type:webauthn", "auth_session": "s",
                           "authn_response": {"id": "x", "response": {"clientDataJSON": "e"}}, "realm": "db",
                           "scope": "x", "audience": "api", "organization": "org_1",
                           "verification": {"email": "1"}}, FORWARDED),
    (lambda a: a.anonymous.create_session(audience="api", scope="x", metadata={"a": 1}),
     "POST /anonymous/token", {"audience": "api", "scope": "x", "metadata": {"a": 1}}),
    (lambda a: a.anonymous.get_access_token(session_token="s", audience="api", scope="x"),
     "POST /anonymous/token", {"session_token": "s", "audience": "api", "scope": "x"}),
    (lambda a: a.anonymous.mint_transfer_token(session_token="s"),
     "POST /anonymous/token", {"session_token": "s", "audience": "urn:auth0:anon_transfer"}),
]  # fmt: skip
METADATA: ClientMetadata = {
    "client_name": "x", "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
    "response_types": ["code"], "scope": "openid", "client_uri": "https://a", "logo_uri": "https://a/l",
    "jwks_uri": "https://a/j", "jwks": {"keys": []},
}  # fmt: skip
WEBFINGER = "GET /.well-known/webfinger?resource=urn%3Aauth0%3Adiscovery%3Adomain%3Aexample.com&rel="
SUBJECT = {"subject": {"format": "iss_sub", "iss": "i", "sub": "s"}}
# These say no more of the client than its id, or nothing at all; some have a token in the header.
OTHERS: list[Case] = [
    (lambda a: a.database.sign_up(
        password="p", connection="db", email="a@b.c", username="u", phone_number="+1", given_name="g",
        family_name="f", name="n", nickname="k", picture="https://a/p", user_metadata={"k": "v"},
        client_id="other"), "POST /dbconnections/signup",
     {"password": "p", "connection": "db", "email": "a@b.c", "username": "u", "phone_number": "+1",
      "given_name": "g", "family_name": "f", "name": "n", "nickname": "k", "picture": "https://a/p",
      "user_metadata": {"k": "v"}, "client_id": "other"}),
    (lambda a: a.database.change_password(
        connection="db", email="a@b.c", username="u", organization="org_1", client_id="other"),
     "POST /dbconnections/change_password",
     {"connection": "db", "email": "a@b.c", "username": "u", "organization": "org_1", "client_id": "other"}),
    (lambda a: a.anonymous.logout(), "POST /anonymous/logout", {"client_id": "cid"}),
    (lambda a: a.mfa.get_authenticators("m"), "GET /mfa/authenticators", {}, {"authorization": "Bearer m"}),
    (lambda a: a.mfa.associate(
        "m", authenticator_types=("oob",), oob_channels=["sms"], phone_number="+1", email="a@b.c"),
     "POST /mfa/associate", {"authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": "+1",
                             "email": "a@b.c"}, {"authorization": "Bearer m"}),
    (lambda a: a.mfa.delete_authenticator("t", "sms|dev_1"),
     "DELETE /mfa/authenticators/sms%7Cdev_1", {}, {"authorization": "Bearer t"}),
    (lambda a: a.registration.register(redirect_uris=("https://a/b",), **METADATA),
     "POST /oidc/register", {"redirect_uris": ["https://a/b"], **METADATA}),
    (lambda a: a.oauth.global_token_revocation("my conn", token="j", issuer="i", subject="s"),
     "POST /oauth/global-token-revocation/connection/my%20conn", SUBJECT, {"authorization": "Bearer j"}),
    (lambda a: a.user_info.get("t", expected_subject=""), "GET /userinfo", {}, {"authorization": "Bearer t"}),
    (lambda a: a.discovery.openid_configuration(), "GET /.well-known/openid-configuration", {}),
    (lambda a: a.discovery.jwks(), "GET /.well-known/jwks.json", {}),
    (lambda a: a.discovery.webfinger(resource="acct:a@b.c", rel="avatar"),
     "GET /.well-known/webfinger?resource=acct%3Aa%40b.c&rel=avatar", {}),
    (lambda a: a.discovery.is_federated_domain("example.com"),
     f"{WEBFINGER}http%3A%2F%2Fopenid.net%2Fspecs%2Fconnect%2F1.0%2Fissuer", {}),
    (lambda a: a.discovery.saml_metadata("c/d"), "GET /samlp/metadata/c%2Fd", {}),
    (lambda a: a.discovery.wsfed_metadata(), "GET /wsfed/FederationMetadata/2007-06/FederationMetadata.xml", {}),
    (lambda a: a.legacy.resource_owner(
        username="u", password="p", connection="c", scope="x", id_token="j", device="d", grant_type="g"),
     "POST /oauth/ro", {"client_id": "cid", "username": "u", "password": "p", "connection": "c", "scope": "x",
                        "id_token": "j", "device": "d", "grant_type": "g"}),
    (lambda a: a.legacy.social_access_token(access_token="t", connection="facebook", scope="x"),
     "POST /oauth/access_token",
     {"client_id": "cid", "access_token": "t", "connection": "facebook", "scope": "x"}),
    (lambda a: a.legacy.token_info(id_token="j"), "POST /tokeninfo", {"id_token": "j"}),
    (lambda a: a.legacy.delegation(refresh_token="r", target="t", scope="x", api_type="y"), "POST /delegation",
     {"client_id": "cid", "grant_type": f"{IDENTITY}:grant-type:jwt-bearer", "refresh_token": "r", "target": "t",
      "scope": "x", "api_type": "y"}),
    (lambda a: a.legacy.delegation(id_token="j"), "POST /delegation",
     {"client_id": "cid", "grant_type": f"{IDENTITY}:grant-type:jwt-bearer", "id_token": "j", "scope": "openid"}),
    (lambda a: a.legacy.passwordless_verify(
        connection="sms", username="+1", code="1", scope="x", redirect_uri="https://a/b"),
     "POST /passwordless/verify", {"client_id": "cid", "grant_type": "password", "connection": "sms",
                                   "username": "+1", "password": "1", "scope": "x",
                                   "redirect_uri": "https://a/b"}),
    (lambda a: a.legacy.impersonate(
        "u|1", access_token="t", impersonator_id="i", protocol="wsfed", additional_parameters={"k": "v"}),
     "POST /users/u%7C1/impersonate", {"client_id": "cid", "protocol": "wsfed", "impersonator_id": "i",
                                       "additionalParameters": {"k": "v"}}, {"authorization": "Bearer t"}),
    (lambda a: a.legacy.unlink(access_token="t", user_id="u"), "POST /login/unlink",
     {"access_token": "t", "user_id": "u"}),
]  # fmt: skip
BACK = {"redirect_uri": "https://a/b", "state": "s"}
PKCE = {"response_type": "code", "client_id": "cid", "code_challenge_method": "S256"}
ASKED = {
    "scope": "openid x", "audience": "api", "organization": "org_1", "invitation": "i", "connection": "db",
    "prompt": "login", "max_age": 0, "login_hint": "l", "screen_hint": "signup", "acr_values": "mfa",
    "ui_locales": "nl", "response_mode": "form_post", "resource": "r", "nonce": "n", "ext-x": "y", **BACK,
}  # fmt: skip
SAID = {**ASKED, **PKCE, "max_age": "0", "authorization_details": '[{"type":"pay"}]'}
LINK = {"redirect_uri": "https://a/b", "connection": "github", "id_token": "j"}
LINKED = {"redirect_uri": "https://a/b", "requested_connection": "github", "id_token_hint": "j", **PKCE}
# These send nothing: the path of the address that they return, and its query but the challenge.
ADDRESSES: list[Case] = [
    (lambda a: a.authorize(**ASKED, authorization_details=[{"type": "pay"}], pushed=False), "/authorize", SAID),
    (lambda a: a.link_user(**LINK, connection_scope="repo", scope="openid z", state="s", nonce="n"),
     "/authorize", {**LINKED, "requested_connection_scope": "repo", "scope": "openid z", "state": "s",
                    "nonce": "n"}),
    (lambda a: a.unlink_user(**LINK, scope="openid z", state="s", nonce="n"),
     "/authorize", {**LINKED, "scope": "openid z", "state": "s", "nonce": "n"}),
    (lambda a: a.urls.logout(return_to="https://a/b", federated=True, client_id="other"),
     "/v2/logout", {"returnTo": "https://a/b", "federated": "", "client_id": "other"}),
    (lambda a: a.urls.oidc_logout(
        id_token_hint="j", logout_hint="h", post_logout_redirect_uri="https://a/b", state="s", ui_locales="nl",
        federated=True, client_id="other"),
     "/oidc/logout", {"id_token_hint": "j", "logout_hint": "h", "post_logout_redirect_uri": "https://a/b",
                      "state": "s", "ui_locales": "nl", "federated": "", "client_id": "other"}),
    (lambda a: a.urls.saml_login(connection="c", organization="o", relay_state="r", client_id="other"),
     "/samlp/other", {"connection": "c", "organization": "o", "RelayState": "r"}),
    (lambda a: a.urls.wsfed_login(whr="c", wctx="x", wreply="https://a/b", client_id="other"),
     "/wsfed/other", {"whr": "c", "wctx": "x", "wreply": "https://a/b", "wa": "wsignin1.0"}),
    (lambda a: a.urls.wsfed_login(wtrealm="urn:r"), "/wsfed", {"wtrealm": "urn:r", "wa": "wsignin1.0"}),
]  # fmt: skip
# These have no request and no address of their own.
SILENT: list[Callable[[Auth], Any]] = [
    lambda a: a.urls.invitation("https://a/b"),
    lambda a: a.tokens.reject("t", audience="api", scope="x", organization="org_1"),
]
SENDING = [*FORMS, *JSONS, *OTHERS]
CALLS = [*(case[0] for case in [*SENDING, *ADDRESSES]), *SILENT]


class Noted:
    """Takes the place of a client and notes which method is called, and with what."""

    def __init__(self, title: str = "") -> None:
        self.title = title

    def __getattr__(self, name: str) -> "Noted":
        return Noted(f"{self.title}.{name}".removeprefix("."))

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return self.title, args, kwargs


def noted(call: Callable[[Auth], Any]) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    return call(Noted())


def title_of(case: Case) -> str:
    return noted(case[0])[0]


def method(auth: Auth, title: str) -> Any:
    found = auth
    for name in title.split("."):
        found = getattr(found, name)
    return found


def methods() -> dict[str, inspect.Signature]:
    """Return the signature of every method that a user can call, by what it is called by."""
    auth = AuthenticationClient(domain=DOMAIN, transport=lambda request: TOKENS)
    found = {name: getattr(auth, name) for name in vars(Logins) if not name.startswith("_")}
    for cls in type(auth).__mro__:
        for group in (name for name, each in vars(cls).items() if isinstance(each, property)):
            resource = getattr(auth, group)
            names = (name for name in vars(type(resource)) if not name.startswith("_"))
            found |= {f"{group}.{name}": getattr(resource, name) for name in names}
    return {title: inspect.signature(each) for title, each in found.items()}


METHODS = methods()
WITH_CREDENTIALS = [title for title, each in METHODS.items() if "credentials" in each.parameters]
WITH_CHECKS = [title for title, each in METHODS.items() if "IdTokenChecks" in str(each)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no poll wait."""
    real = asyncio.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: real(0))


def made(kind: Kind, answer: Any = TOKENS, **options: str) -> tuple[Auth, Any]:
    transport = kind.transport(otherwise=answer)
    return kind.authentication(
        domain=DOMAIN, transport=transport, retry=False, **(options or SECRET)
    ), transport


def sent(kind: Kind, call: Callable[[Auth], Any], **options: str) -> Any:
    """Make the call and return the only request that it sent."""
    auth, transport = made(kind, **options)
    kind.do(lambda: call(auth))
    [request] = transport.requests
    return request


def fields_of(request: Any) -> dict[str, Any]:
    """Return the fields of the body, whichever kind it is; a field that is repeated has a list."""
    if not request.body:
        return {}
    if request.headers["content-type"] == "application/json":
        return dict(msgspec.json.decode(request.body))
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    found = parse_qs(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    return {name: each if len(each) > 1 else each[0] for name, each in found.items()}


def check(request: Any, case: Case, client: dict[str, str]) -> None:
    """Compare the whole request with its row."""
    _, where, fields, *own = case
    assert f"{request.method} {request.url}" == where.replace(" ", f" https://{DOMAIN}", 1)
    assert fields_of(request) == {**fields, **client}
    headers = {name: value for name, value in request.headers.items() if name not in USUAL}
    assert headers == (own[0] if own else {})


@pytest.mark.parametrize("case", FORMS, ids=title_of)
def test_a_form_has_these_fields(kind: Kind, case: Any) -> None:
    request = sent(kind, case[0])
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    check(request, case, SECRET)


@pytest.mark.parametrize("case", JSONS, ids=title_of)
def test_a_json_body_has_these_fields(kind: Kind, case: Any) -> None:
    request = sent(kind, case[0])
    assert request.headers["content-type"] == "application/json"
    check(request, case, SECRET)


@pytest.mark.parametrize("case", OTHERS, ids=title_of)
def test_what_needs_no_secret_has_none(kind: Kind, case: Any) -> None:
    request = sent(kind, case[0])
    assert request.headers.get("content-type", "application/json") == "application/json"
    check(request, case, {})


@pytest.mark.parametrize("case", ADDRESSES, ids=title_of)
def test_an_address_has_these_parameters(kind: Kind, case: Any) -> None:
    call, path, query = case
    auth, transport = made(kind)
    found = kind.do(lambda: call(auth))
    parts = urlsplit(getattr(found, "url", found))
    assert (parts.scheme, parts.netloc, parts.path) == ("https", DOMAIN, path)
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert sorted(pair for pair in pairs if pair[0] != "code_challenge") == sorted(query.items())
    assert transport.requests == []


def test_what_is_pushed_is_what_the_address_would_have_said(kind: Kind) -> None:
    auth, transport = made(kind, json({"request_uri": "urn:p:1"}, 201))
    details = [{"type": "pay"}]
    kind.do(lambda: auth.authorize(**ASKED, authorization_details=details, pushed=True))
    [request] = transport.requests
    assert request.url == f"https://{DOMAIN}/oauth/par"
    assert fields_of(request).pop("code_challenge")
    assert {n: v for n, v in fields_of(request).items() if n != "code_challenge"} == {**SAID, **SECRET}


def test_every_method_has_a_row_and_every_parameter_a_value() -> None:
    given: dict[str, set[str]] = {}
    for call in CALLS:
        title, args, kwargs = noted(call)
        named = METHODS[title].bind(*args, **kwargs).arguments.keys()
        given[title] = given.get(title, set()) | named | kwargs.keys()
    assert given.keys() == METHODS.keys()
    wanted: dict[str, set[str]] = {}
    for title, signature in METHODS.items():
        wanted[title] = set(signature.parameters) - {"credentials"}
        if title == "registration.register":
            wanted[title] |= ClientMetadata.__annotations__.keys()
    # A key is no field of its own: test_dpop.py tells what it does.
    keys = {"authorize": {"dpop"}, "complete": {"dpop"}}
    assert {title: names - given[title] for title, names in wanted.items() if names - given[title]} == keys


@pytest.mark.parametrize("case", SENDING, ids=title_of)
def test_with_what_is_needed_only_nothing_undefined_is_sent(kind: Kind, case: Any) -> None:
    title, args, kwargs = noted(case[0])
    # One of several that the signature cannot tell.
    needed = {"email", "oob_channels", "refresh_token"} & kwargs.keys()
    if title in ("passwordless.challenge", "legacy.delegation"):
        needed |= {"phone_number", "id_token"} & kwargs.keys()
    needed |= {each.name for each in METHODS[title].parameters.values() if each.default is each.empty}
    fewer = {name: value for name, value in kwargs.items() if name in needed}
    request = sent(kind, lambda auth: method(auth, title)(*args, **fewer))
    nothing = {
        name: None for name in METHODS[title].parameters if METHODS[title].parameters[name].default is None
    }
    again = sent(kind, lambda auth: method(auth, title)(*args, **{**nothing, **fewer}))
    assert (again.url, again.body, again.headers) == (request.url, request.body, request.headers)
    found = {**fields_of(request), **dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))}
    # What a row says, and what it says itself by default; the client is none of it.
    assert found.keys() <= {*case[2], "client_id", "client_secret", "resource", "rel"}
    assert not [name for name, value in found.items() if value in (None, "", "None", "null", [], {})]
    assert request.headers.keys() - USUAL <= {"authorization"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: noted(call)[0])
def test_what_the_caller_gave_stays_as_it_is(kind: Kind, call: Any) -> None:
    title, args, kwargs = noted(call)
    before = copy.deepcopy((args, kwargs))
    auth, _ = made(kind)
    kind.do(lambda: method(auth, title)(*args, **kwargs))
    assert (args, kwargs) == before


# These take any parameter of /authorize.
OPEN = {"authorize", "link_user", "unlink_user"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: noted(call)[0])
def test_an_unknown_keyword_is_refused_with_the_nearest_name(kind: Kind, call: Any) -> None:
    title, args, kwargs = noted(call)
    near = max(kwargs, default="argument", key=len)
    auth, transport = made(kind)
    wrong = {f"{near}x": "v"}
    if title in OPEN:
        assert "accountx=v" in kind.do(lambda: method(auth, title)(*args, **kwargs, accountx="v")).url
        return
    with pytest.raises((InvalidArgumentError, TypeError)) as caught:
        kind.do(lambda: method(auth, title)(*args, **kwargs, **wrong))
    assert transport.requests == []
    if not title.startswith("urls."):
        assert isinstance(caught.value, InvalidArgumentError)
        assert caught.value.argument == f"{near}x"
        assert not kwargs or f'did you mean "{near}"?' in str(caught.value)


# What these do takes a client that can prove who it is.
CONFIDENTIAL = {
    "backchannel.authorize", "backchannel.backchannel_grant", "backchannel.poll",
    "oauth.authorization_code_grant", "oauth.client_credentials_grant", "oauth.jwt_bearer_grant",
    "oauth.pushed_authorization", "oauth.token_for_connection", "token_exchange.exchange_token",
    "token_exchange.on_behalf_of", "token_exchange.session_transfer_token", "tokens.for_connection",
    "tokens.get",
}  # fmt: skip


@pytest.mark.parametrize("case", [*FORMS, *JSONS], ids=title_of)
def test_a_public_client_may_do_what_the_server_lets_it_do(kind: Kind, case: Any) -> None:
    if title_of(case) in CONFIDENTIAL:
        auth, transport = made(kind, client_id="cid")
        with pytest.raises(ConfigurationError, match="client_secret or client_assertion field is required"):
            kind.do(lambda: case[0](auth))
        assert transport.requests == []
        return
    check(sent(kind, case[0], client_id="cid"), case, {"client_id": "cid"})


OF_THE_CLIENT = {
    "backchannel.poll", "complete", "device.poll", "mfa.poll_oob", "tokens.for_connection",
    "tokens.for_refresh_token", "tokens.get",
}  # fmt: skip


@pytest.mark.parametrize("case", [*FORMS, *JSONS], ids=title_of)
def test_the_credentials_of_one_call_go_instead_of_the_clients(kind: Kind, case: Any) -> None:
    title, args, kwargs = noted(case[0])
    if title not in WITH_CREDENTIALS:
        # Polling, kept tokens and browser logins are of the client itself.
        assert title in OF_THE_CLIENT
        return
    secret = {"client_id": "other", "client_secret": "its"}
    signed = {"client_id": "other", "client_assertion": "jwt", "client_assertion_type": "urn:mine"}
    for given, client in ((secret, secret), ({**secret, **signed}, signed)):
        for options in (SECRET, {"client_id": "cid"}):
            request = sent(kind, lambda auth, g=given: method(auth, title)(*args, **kwargs, **g), **options)
            check(request, case, client)


def test_every_method_with_credentials_has_a_row_that_sends_them() -> None:
    assert {title_of(case) for case in [*FORMS, *JSONS]} >= set(WITH_CREDENTIALS)


@pytest.mark.parametrize("title", WITH_CHECKS)
def test_the_checks_of_an_id_token_are_made(kind: Kind, title: str) -> None:
    args, kwargs = next(noted(call)[1:] for call in CALLS if noted(call)[0] == title)
    auth, _ = made(kind)
    with pytest.raises(IdTokenError, match="no ID token"):
        kind.do(lambda: method(auth, title)(*args, **{**kwargs, "id_token": IdTokenChecks(nonce="n")}))


@pytest.mark.parametrize("status", [404, 429, 500])
def test_whatever_goes_wrong_a_domain_is_not_federated(kind: Kind, status: int) -> None:
    auth, _ = made(kind, json({}, status))
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
