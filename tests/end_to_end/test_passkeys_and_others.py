"""Passkeys, codes of databases, visitors, clients that register, metadata; blocking and asyncio."""

import base64
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from anyauth0 import (
    AuthenticationApiError,
    BadRequest,
    Forbidden,
    IdTokenError,
    NotFound,
    Request,
)
from anyauth0_transports.local import LocalTenant

from .conftest import API, PASSWORD

DATABASE = "Username-Password-Authentication"
BACK = "https://app.example.com/callback"


@pytest.fixture
def public(tenant: LocalTenant) -> dict[str, Any]:
    """Return the options of a public client."""
    return {"client_id": tenant.add_client(public=True)["client_id"], "client_secret": None}


@pytest.fixture
def email() -> str:
    return f"{secrets.token_hex(5)}@example.com"


# --- passkeys


def answer_of(started: Any, key: str) -> dict[str, Any]:
    """Return what a device answers to a challenge: a credential as JSON (WebAuthn, section 5.1.8)."""
    parameters = started.authn_params_public_key
    creates = "user" in parameters
    data = {
        "type": "webauthn.create" if creates else "webauthn.get",
        "challenge": parameters["challenge"],
        "origin": "https://app.example.com",
    }
    encoded = base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()
    proof = {"attestationObject": "AAAA"} if creates else {"authenticatorData": "AA", "signature": "AA"}
    return {"id": key, "rawId": key, "type": "public-key", "response": {"clientDataJSON": encoded, **proof}}


def finish(auth: Any, started: Any, key: str, options: Any, **more: Any) -> Any:
    answer = {"auth_session": started.auth_session, "authn_response": answer_of(started, key)}
    arguments = {"scope": "openid email", **answer, **more}
    return auth(lambda auth: auth.passkeys.login(**arguments), **options).data


def test_a_user_signs_up_with_a_passkey_and_logs_in_with_it(
    auth: Any, public: Any, tenant: LocalTenant, email: str
) -> None:
    key = secrets.token_hex(8)
    profile = {"user_profile": {"email": email, "name": "Nina"}, "user_metadata": {"plan": "gold"}}
    started = auth(lambda auth: auth.passkeys.register(**profile, realm=DATABASE), **public).data
    assert started.authn_params_public_key["user"]["name"] == email
    assert started.auth_session not in repr(started)
    tokens = finish(auth, started, key, public, realm=DATABASE)
    assert tokens.claims["email"] == email
    [user] = tenant.store.find("users", user_id=tokens.claims["sub"])
    assert user["user_metadata"] == {"plan": "gold"}
    org = tenant.add_organization(f"acme-{secrets.token_hex(3)}")
    challenge = auth(lambda auth: auth.passkeys.challenge(organization=org["id"]), **public).data
    again = finish(auth, challenge, key, public, organization=org["id"], audience=API)
    assert (again.claims["sub"], again.claims["org_id"]) == (user["user_id"], org["id"])
    assert tenant.tokens.verify_access_token(again.access_token, API)
    # A challenge is answered once, and by a key that is known.
    with pytest.raises(Forbidden):
        finish(auth, challenge, key, public)
    challenge = auth(lambda auth: auth.passkeys.challenge(), **public).data
    with pytest.raises(Forbidden):
        finish(auth, challenge, "another", public)


def test_a_new_user_of_an_organization_signs_up_once(
    auth: Any, public: Any, tenant: LocalTenant, email: str
) -> None:
    started = auth(lambda auth: auth.passkeys.register(user_profile={"email": email}), **public).data
    org = tenant.add_organization(f"acme-{secrets.token_hex(3)}")
    tokens = finish(auth, started, "k" + email, public, organization=org["id"])
    assert tokens.claims["org_id"] == org["id"]
    with pytest.raises(BadRequest) as caught:
        auth(lambda auth: auth.passkeys.register(user_profile={"email": email}), **public)
    assert caught.value.code == "invalid_request"


# --- codes of database connections


def test_a_user_of_a_database_logs_in_by_a_code(
    auth: Any, public: Any, tenant: LocalTenant, email: str
) -> None:
    user = tenant.add_user(email=email, password=PASSWORD)
    asked = {"connection": DATABASE, "email": email, "language": "nl", "forwarded_for": "203.0.113.7"}
    session = auth(lambda auth: auth.passwordless.challenge(**asked), **public).data.auth_session
    assert tenant.outbox[-1].to == email
    code = str(tenant.outbox[-1].code)

    def log_in(otp: str) -> Any:
        arguments = {"auth_session": session, "otp": otp, "audience": API, "scope": "openid read:things"}
        return auth(lambda auth: auth.passwordless.login_with_otp(**arguments), **public).data

    with pytest.raises(Forbidden):
        log_in(f"{(int(code) + 1) % 10**6:06}")
    tokens = log_in(code)
    assert tokens.claims["sub"] == user["user_id"]
    assert tenant.tokens.verify_access_token(tokens.access_token, API)["scope"] == "openid read:things"
    with pytest.raises(Forbidden):
        log_in(code)


def test_a_new_user_is_signed_up_by_a_code_where_that_is_asked_for(
    auth: Any, public: Any, tenant: LocalTenant
) -> None:
    number = f"+1415555{secrets.randbelow(10**6):06}"
    asked = {"connection": DATABASE, "phone_number": number, "delivery_method": "voice", "allow_signup": True}
    session = auth(lambda auth: auth.passwordless.challenge(**asked), **public).data.auth_session
    message = tenant.outbox[-1]
    assert message.to == number
    grant = {"auth_session": session, "otp": str(message.code), "scope": "openid phone"}
    tokens = auth(lambda auth: auth.passwordless.login_with_otp(**grant), **public).data
    assert tokens.claims["phone_number"] == number
    with pytest.raises(BadRequest) as caught:
        auth(lambda auth: auth.passwordless.challenge(connection="email", email="a@b.example"), **public)
    assert [each["field"] for each in caught.value.body()["validation_errors"]] == ["connection"]


# --- visitors


def test_a_visitor_has_a_session_and_tokens_and_takes_them_into_a_login(
    auth: Any, public: Any, tenant: LocalTenant
) -> None:
    begun = auth(lambda auth: auth.anonymous.create_session(metadata={"basket": 7}), **public).data
    assert begun.session_token not in repr(begun)
    subject = tenant.tokens.verify_access_token(begun.access_token, None)["sub"]
    asked = {"session_token": begun.session_token, "audience": API, "scope": "read:things"}
    later = auth(lambda auth: auth.anonymous.get_access_token(**asked), **public).data
    claims = tenant.tokens.verify_access_token(later.access_token, API)
    assert (claims["sub"], later.scope) == (subject, "read:things")
    mint = {"session_token": begun.session_token}
    moved = auth(lambda auth: auth.anonymous.mint_transfer_token(**mint), **public).data
    assert (moved.access_token, moved.expires_in) == (None, 30)
    taken = {"redirect_uri": BACK, "anon_transfer_token": moved.anon_transfer_token}
    request = auth(lambda auth: auth.authorize(**taken), **public)
    assert tenant.transport().send(Request(method="GET", url=request.url)).status == 200


def test_the_session_of_a_visitor_ends(auth: Any, public: Any, tenant: LocalTenant) -> None:
    def go_on(token: str) -> Any:
        return auth(lambda auth: auth.anonymous.get_access_token(session_token=token), **public)

    token = auth(lambda auth: auth.anonymous.create_session(), **public).data.session_token
    assert go_on(token).data.access_token
    cookie = {"cookie": f"auth0_anonymous={token}"}
    assert auth(lambda auth: auth.anonymous.logout(), **public, headers=cookie).data is None
    for wrong in (token, "made-up"):
        with pytest.raises(AuthenticationApiError) as caught:
            go_on(wrong)
        assert caught.value.code == "invalid_session_token"
    token = auth(lambda auth: auth.anonymous.create_session(), **public).data.session_token
    tenant.advance(30 * 86400)
    with pytest.raises(AuthenticationApiError) as caught:
        go_on(token)
    assert caught.value.code == "session_expired"


# --- clients that register


def test_a_client_registers_itself_and_logs_a_user_in(auth: Any, tenant: LocalTenant, email: str) -> None:
    anybody = {"client_id": None, "client_secret": None}
    asked = {"redirect_uris": [BACK], "client_name": "Newcomer", "token_endpoint_auth_method": "none"}
    tenant.store.put("tenants/settings", "", {})
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.registration.register(**asked), **anybody)
    tenant.allow_registration()
    response = auth(lambda auth: auth.registration.register(**asked), **anybody)
    found = response.data
    assert (response.status, found.client_name, found.redirect_uris) == (201, "Newcomer", [BACK])
    assert found.client_secret is None
    other = auth(lambda auth: auth.registration.register(redirect_uris=[BACK]), **anybody).data
    assert other.client_secret_expires_at == 0
    assert str(other.client_secret) not in repr(other)
    user = tenant.add_user(email=email, password=PASSWORD)
    for made in (found, other):
        who = {"client_id": made.client_id, "client_secret": made.client_secret}
        request = auth(lambda auth: auth.authorize(redirect_uri=BACK), **who)
        answer = tenant.authorize(user=user, **query(request.url))
        tokens = auth(lambda auth, r=request, a=answer: auth.complete(r, a), **who).data
        assert (tokens.claims["aud"], tokens.claims["sub"]) == (made.client_id, user["user_id"])
    with pytest.raises(BadRequest) as caught:
        auth(lambda auth: auth.registration.register(redirect_uris=["no address"]), **anybody)
    assert caught.value.code == "invalid_redirect_uri"


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


# --- what a tenant says of itself


def test_the_tenant_says_where_its_endpoints_and_keys_are(auth: Any, tenant: LocalTenant) -> None:
    nobody = {"client_id": None, "client_secret": None}
    found = auth(lambda auth: auth.discovery.openid_configuration(), **nobody).data
    assert found["issuer"] == tenant.issuer
    assert found["token_endpoint"] == f"{tenant.issuer}oauth/token"
    keys = auth(lambda auth: auth.discovery.jwks(), **nobody).data["keys"]
    assert keys == tenant.tokens.jwks()["keys"]


def test_a_domain_of_an_enterprise_connection_is_federated(auth: Any, tenant: LocalTenant) -> None:
    domain = f"{secrets.token_hex(4)}.example"
    tenant.add_connection(f"corp-{domain}", strategy="waad", options={"domain_aliases": [domain]})
    assert auth(lambda auth: auth.discovery.is_federated_domain(domain)) is True
    assert auth(lambda auth: auth.discovery.is_federated_domain(f"not.{domain}")) is False
    resource = f"urn:auth0:discovery:domain:{domain}"
    found = auth(lambda auth: auth.discovery.webfinger(resource=resource)).data
    assert found["links"][0]["href"] == tenant.issuer
    with pytest.raises(NotFound):
        auth(lambda auth: auth.discovery.webfinger(resource=resource, rel="avatar"))


@pytest.mark.parametrize("protocol", ["SAML", "WS-Federation"])
def test_metadata_is_xml_that_names_the_tenant(auth: Any, tenant: LocalTenant, protocol: str) -> None:
    def fetch(auth: Any) -> Any:
        if protocol == "SAML":
            return auth.discovery.saml_metadata(tenant.client_id)
        return auth.discovery.wsfed_metadata()

    text = auth(fetch).data
    root = ElementTree.fromstring(text)
    assert root.get("entityID") == f"urn:{tenant.domain}"
    with pytest.raises(NotFound):
        auth(lambda auth: auth.discovery.saml_metadata("nobody<&>"))


def test_user_info_is_of_the_user_who_is_expected(auth: Any, tenant: LocalTenant, email: str) -> None:
    user = tenant.add_user(email=email, password=PASSWORD)
    login = {"username": email, "password": PASSWORD, "scope": "openid email"}
    token = auth(lambda auth: auth.oauth.password_grant(**login)).data.access_token
    found = auth(lambda auth: auth.user_info.get(token, expected_subject=user["user_id"])).data
    assert (found.sub, found.email) == (user["user_id"], email)
    with pytest.raises(IdTokenError) as caught:
        auth(lambda auth: auth.user_info.get(token, expected_subject="auth0|other"))
    assert caught.value.rule == "sub"
