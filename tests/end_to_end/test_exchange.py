"""Tokens for tokens, of the tenant and of those whom it trusts; blocking and asyncio."""

import base64
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import (
    AuthenticationApiError,
    BadRequest,
    Forbidden,
    IdTokenChecks,
    IdTokenError,
    Request,
    Unauthorized,
)
from anyauth0.jose import generate_key, public_jwk, sign
from anyauth0_transports.local import LocalTenant

from .conftest import API, PASSWORD

ORDERS = "https://orders.example.com"
BACK = "https://app.example.com/callback"
PARTNER = "https://partner.example/token"
APPLE = "http://auth0.com/oauth/token-type/apple-authz-code"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
KEY = generate_key("ES256")


def claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(autouse=True)
def orders(tenant: LocalTenant) -> None:
    if not tenant.store.find("resource_servers", identifier=ORDERS):
        tenant.add_api(ORDERS, ["read:orders"])


@pytest.fixture
def tokens(auth: Any, user: Any) -> Any:
    """Return the tokens of a login of the user, for the API."""
    asked = {"audience": API, "scope": "openid email offline_access read:things"}
    login = {"username": user["email"], "password": PASSWORD, **asked}
    return auth(lambda auth: auth.oauth.password_grant(**login)).data


def test_a_token_of_a_partner_becomes_tokens_of_the_tenant(auth: Any, tenant: LocalTenant, user: Any) -> None:
    tenant.add_token_exchange(PARTNER, lambda token: user if token == "good" else None)
    org = tenant.add_organization(f"acme-{secrets.token_hex(3)}")
    asked: dict[str, Any] = {
        "subject_token": "good", "subject_token_type": PARTNER, "audience": API, "organization": org["id"],
        "scope": "openid offline_access read:things", "requested_token_type": ACCESS_TOKEN,
        "extra": {"device": "phone", "group": ["a", "b"]}, "forwarded_for": "203.0.113.7",
    }  # fmt: skip
    tokens = auth(lambda auth: auth.token_exchange.exchange_token(**asked)).data
    assert tokens.issued_token_type == ACCESS_TOKEN
    assert (tokens.claims["sub"], tokens.claims["org_id"]) == (user["user_id"], org["id"])
    assert tenant.tokens.verify_access_token(tokens.access_token, API)["sub"] == user["user_id"]
    assert tokens.refresh_token
    sent = next(asked for asked in reversed(tenant.requests) if asked.path == "/oauth/token")
    assert sent.headers["auth0-forwarded-for"] == "203.0.113.7"
    assert b"group=a&group=b" in sent.body
    with pytest.raises(BadRequest) as caught:
        auth(lambda auth: auth.token_exchange.exchange_token(**{**asked, "subject_token": "bad"}))
    assert caught.value.code == "invalid_request"
    with pytest.raises(IdTokenError):
        auth(lambda auth: auth.token_exchange.exchange_token(**asked, id_token=IdTokenChecks(nonce="n")))


def test_who_acts_for_a_user_is_in_the_tokens(auth: Any, tenant: LocalTenant, user: Any, tokens: Any) -> None:
    customer = tenant.add_user(email=f"{secrets.token_hex(5)}@example.com")
    tenant.add_token_exchange(PARTNER, lambda token: customer)
    asked = {
        "subject_token": "x", "subject_token_type": PARTNER, "scope": "openid offline_access",
        "actor_token": tokens.id_token, "actor_token_type": "urn:ietf:params:oauth:token-type:id_token",
    }  # fmt: skip
    found = auth(lambda auth: auth.token_exchange.exchange_token(**asked)).data
    assert (found.claims["sub"], found.claims["act"]) == (customer["user_id"], {"sub": user["user_id"]})
    assert claims(found.access_token)["act"] == {"sub": user["user_id"]}
    assert found.refresh_token is None


def test_an_api_calls_another_on_behalf_of_the_user(
    auth: Any, tenant: LocalTenant, user: Any, tokens: Any
) -> None:
    api = tenant.add_client("The API itself", resource_server_identifier=API)
    who = {"client_id": api["client_id"], "client_secret": api["client_secret"]}
    asked = {"access_token": tokens.access_token, "audience": ORDERS, "scope": "openid read:orders"}
    found = auth(lambda auth: auth.token_exchange.on_behalf_of(**asked), **who).data
    given = claims(found.access_token)
    assert (given["sub"], given["aud"], given["scope"]) == (user["user_id"], ORDERS, "read:orders")
    assert given["act"] == {"sub": api["client_id"]}
    assert (found.id_token, found.refresh_token) == (None, None)
    with pytest.raises(BadRequest):
        auth(lambda auth: auth.token_exchange.on_behalf_of(**{**asked, "access_token": "x"}), **who)


def test_a_native_login_needs_no_secret(auth: Any, tenant: LocalTenant, user: Any) -> None:
    tenant.add_token_exchange(APPLE, lambda token: user if token == "good" else None)
    app = {"client_id": tenant.add_client(public=True)["client_id"], "client_secret": None}
    asked: dict[str, Any] = {"scope": "openid", "user_profile": {"name": {"firstName": "Ada"}}}
    tokens = auth(lambda auth: auth.token_exchange.native_social(subject_token="good", **asked), **app).data
    assert (tokens.claims["sub"], tokens.claims["aud"]) == (user["user_id"], app["client_id"])
    with pytest.raises(BadRequest):
        auth(lambda auth: auth.token_exchange.native_social(subject_token="bad", **asked), **app)


def test_the_session_of_a_native_application_is_carried_over_to_the_web(
    auth: Any, tenant: LocalTenant, user: Any, tokens: Any
) -> None:
    transfer = {"refresh_token": tokens.refresh_token}
    found = auth(lambda auth: auth.token_exchange.session_transfer_token(**transfer)).data
    assert (found.token_type, found.id_token) == ("N_A", None)
    assert found.expires_in <= 60
    asked = {"redirect_uri": BACK, "session_transfer_token": found.access_token}
    request = auth(lambda auth: auth.authorize(**asked))
    browser = tenant.transport()
    answer = browser.send(Request(method="GET", url=request.url))
    assert answer.status == 302
    login = auth(lambda auth: auth.complete(request, answer.headers["location"])).data
    assert login.claims["sub"] == user["user_id"]
    # It is good once: now the user has to log in.
    assert browser.send(Request(method="GET", url=request.url)).status == 200
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.token_exchange.session_transfer_token(refresh_token="x"))


@pytest.mark.parametrize("way", ["the call", "kept tokens"])
def test_one_refresh_token_serves_several_apis(auth: Any, user: Any, tokens: Any, way: str) -> None:
    asked = {"audience": ORDERS, "scope": "read:orders"}
    if way == "the call":
        found = auth(
            lambda auth: auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token, **asked)
        ).data.access_token
    else:
        kept = auth(lambda auth: auth.tokens.for_refresh_token(tokens.refresh_token, **asked))
        found = kept.value
    given = claims(found)
    assert (given["sub"], given["aud"], given["scope"]) == (user["user_id"], ORDERS, "read:orders")
    with pytest.raises(Forbidden) as caught:
        auth(
            lambda auth: auth.oauth.refresh_token_grant(
                refresh_token=tokens.refresh_token, audience="https://none.example"
            )
        )
    assert caught.value.code == "access_denied"


@pytest.mark.parametrize("way", ["the call", "kept tokens"])
def test_the_vault_has_the_token_of_the_identity_provider(
    auth: Any, tenant: LocalTenant, user: Any, tokens: Any, way: str
) -> None:
    name = f"github-{secrets.token_hex(3)}"
    tenant.add_connection(name, strategy="github")
    tenant.link_identity(user["user_id"], connection=name, access_token="the-token-at-github")
    if way == "kept tokens":
        found = auth(lambda auth: auth.tokens.for_connection(name, subject_token=tokens.refresh_token))
        assert found == "the-token-at-github"
        return
    subject = {"subject_token": tokens.access_token, "subject_token_type": ACCESS_TOKEN}
    found = auth(lambda auth: auth.oauth.token_for_connection(connection=name, **subject)).data
    assert found.access_token == "the-token-at-github"
    with pytest.raises(Unauthorized):
        auth(lambda auth: auth.oauth.token_for_connection(connection="gitlab", **subject))


@pytest.fixture
def issuer(tenant: LocalTenant) -> str:
    """Return an identity provider that the tenant trusts for a connection of the same name."""
    name = f"idp-{secrets.token_hex(3)}"
    tenant.add_connection(name, strategy="okta")
    tenant.trust_issuer(f"https://{name}.example", public_jwk(KEY), connection=name)
    return name


def signed(tenant: LocalTenant, issuer: str, typ: str, **claims: Any) -> str:
    now = int(tenant.clock())
    usual = {"iss": f"https://{issuer}.example", "jti": secrets.token_hex(8), "iat": now, "exp": now + 300}
    return sign({**usual, **claims}, KEY, algorithm="ES256", headers={"typ": typ})


def test_an_assertion_of_a_trusted_issuer_becomes_an_access_token(
    auth: Any, tenant: LocalTenant, issuer: str
) -> None:
    subject = f"00u{secrets.token_hex(3)}"
    bea = tenant.add_user(connection=issuer, user_id=subject, email=f"{subject}@corp.example")
    assertion = signed(
        tenant, issuer, "oauth-id-jag+jwt", sub=subject, aud=tenant.issuer, client_id=tenant.client_id,
        resource=ORDERS, scope="read:orders",
    )  # fmt: skip
    asked = {"assertion": assertion, "scope": "read:orders", "resource": ORDERS}
    found = auth(lambda auth: auth.oauth.jwt_bearer_grant(**asked)).data
    given = claims(found.access_token)
    assert (given["sub"], given["aud"], found.scope) == (bea["user_id"], ORDERS, "read:orders")
    with pytest.raises(AuthenticationApiError) as caught:
        auth(lambda auth: auth.oauth.jwt_bearer_grant(**asked))
    assert caught.value.code == "invalid_grant"


def test_a_trusted_issuer_ends_all_that_its_user_has(auth: Any, tenant: LocalTenant, issuer: str) -> None:
    subject = f"00u{secrets.token_hex(3)}"
    bea = tenant.add_user(connection=issuer, user_id=subject, email=f"{subject}@corp.example")
    url = tenant.authorize(user=bea, redirect_uri=BACK, scope="openid offline_access")
    grant = {"code": parse_qs(urlsplit(url).query)["code"][0], "redirect_uri": BACK}
    refresh_token = auth(lambda auth: auth.oauth.authorization_code_grant(**grant)).data.refresh_token
    assert auth(lambda auth: auth.oauth.refresh_token_grant(refresh_token=refresh_token)).data.access_token
    audience = f"{tenant.issuer}oauth/global-token-revocation/connection/{issuer}"
    idp = f"https://{issuer}.example"

    def revoke(**changes: str) -> Any:
        token = signed(tenant, issuer, "global-token-revocation+jwt", sub=idp, aud=audience, **changes)
        arguments = {"token": token, "issuer": idp, "subject": subject}
        return auth(lambda auth: auth.oauth.global_token_revocation(issuer, **arguments))

    with pytest.raises(Unauthorized):
        revoke(iss="https://stranger.example")
    assert revoke().data is None
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.oauth.refresh_token_grant(refresh_token=refresh_token))
