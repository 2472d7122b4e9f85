"""Every method of the authentication client does its work against the tenant, ID tokens verified."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import (
    TLS,
    AuthenticationClient,
    Forbidden,
    IdTokenChecks,
    IdTokenError,
    InvalidArgumentError,
    Unauthorized,
)
from anyauth0.jose import generate_key, public_jwk
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"
CALLBACK = "https://app.example/callback"
DATABASE = "Username-Password-Authentication"


def client_of(
    tenant: LocalTenant, application: dict[str, Any] | None = None, **options: Any
) -> AuthenticationClient:
    if application is None:
        options |= {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    else:
        options["client_id"] = application["client_id"]
    return AuthenticationClient(domain=tenant.domain, transport="local", clock=tenant.clock, **options)


def code_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]


def test_a_user_from_sign_up_to_logout(tenant: LocalTenant) -> None:
    auth = client_of(tenant)
    user = auth.database.sign_up(email="ada@example.com", password=PASSWORD, connection=DATABASE).data
    tokens = auth.oauth.password_grant(
        username="ada@example.com", password=PASSWORD, realm=DATABASE, scope="openid email offline_access"
    ).data
    assert tokens.claims["sub"] == f"auth0|{user.id}"
    profile = auth.user_info.get(tokens.access_token).data
    assert profile.email == "ada@example.com"
    assert tokens.refresh_token is not None
    renewed = auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token).data
    assert renewed.claims["sid"] == tokens.claims["sid"]
    assert auth.oauth.revoke_refresh_token(token=tokens.refresh_token).status == 200
    with pytest.raises(Forbidden, match="invalid_grant"):
        auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token)
    said = auth.database.change_password(email="ada@example.com", connection=DATABASE).data
    assert said.startswith("We've just sent you an email")
    assert tenant.outbox[-1].kind == "change_password"


def test_the_code_flow_checks_what_was_asked(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    auth = client_of(tenant)
    org = tenant.add_organization("acme")
    pushed = auth.oauth.pushed_authorization(
        redirect_uri=CALLBACK, scope="openid", nonce="n", organization=org["id"], max_age=30
    ).data
    code = code_of(tenant.authorize(user=ada, request_uri=pushed.request_uri))
    checks = IdTokenChecks(nonce="n", max_age=30, organization="ACME")
    tokens = auth.oauth.authorization_code_grant(code=code, redirect_uri=CALLBACK, id_token=checks).data
    assert tokens.claims["org_id"] == org["id"]
    ask: dict[str, Any] = {
        "user": ada,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "nonce": "n",
        "max_age": 30,
    }
    for wrong, rule in (
        (IdTokenChecks(nonce="other"), "nonce"),
        (IdTokenChecks(nonce="n", organization="acme"), "organization"),
    ):
        with pytest.raises(IdTokenError) as caught:
            auth.oauth.authorization_code_grant(
                code=code_of(tenant.authorize(**ask)), redirect_uri=CALLBACK, id_token=wrong
            )
        assert caught.value.rule.startswith(rule[:3])
    stale = code_of(tenant.authorize(**ask, auth_time=tenant.clock() - 3600))
    with pytest.raises(IdTokenError):
        auth.oauth.authorization_code_grant(
            code=stale, redirect_uri=CALLBACK, id_token=IdTokenChecks(nonce="n", max_age=30)
        )


@pytest.mark.parametrize("pushed", [False, True])
def test_a_login_takes_the_address_that_the_user_is_sent_to(
    tenant: LocalTenant, ada: dict[str, Any], pushed: bool
) -> None:
    auth = client_of(tenant)
    request = auth.authorize(redirect_uri=CALLBACK, scope="openid email", pushed=pushed)
    tokens = auth.complete(request, tenant.authorize(request.url, user=ada)).data
    assert tokens.claims["email"] == ada["email"]
    wished = auth.authorize(redirect_uri=CALLBACK, login_hint=ada["email"])
    assert "code=" in tenant.authorize(url=wished.url)
    # What is said beside it comes first.
    assert "state=mine" in tenant.authorize(wished.url, state="mine")
    for wrong in (CALLBACK, "ada@example.com", f"https://{tenant.domain}/login?state=s", request, 5):
        with pytest.raises(InvalidArgumentError, match='"url" must be that of an authorization'):
            tenant.authorize(wrong, user=ada)  # type: ignore[arg-type]


def test_what_a_tenant_has_is_added_by_fields_that_are_spelt_well(tenant: LocalTenant) -> None:
    before = {kind: tenant.store.count(kind) for kind in ("users", "clients", "connections", "organizations")}
    for add, name, meant in (
        (tenant.add_user, "emial", "email"),
        (lambda **fields: tenant.add_client("a", **fields), "calbacks_", "callbacks"),
        (lambda **fields: tenant.add_api("https://a.example", **fields), "token_lifetimes", "token_lifetime"),
        (lambda **fields: tenant.add_connection("c", **fields), "optoins", "options"),
        (lambda **fields: tenant.add_organization("o", **fields), "displayName", "display_name"),
    ):
        with pytest.raises(InvalidArgumentError, match=f'"{name}", did you mean "{meant}"') as caught:
            add(**{name: "x"})
        assert caught.value.argument == name
    assert before == {kind: tenant.store.count(kind) for kind in before}
    # An identity provider has fields of its own.
    assert tenant.add_user(username="bea", locale="nl", gender="f")["locale"] == "nl"


def test_a_public_client_logs_in_by_pkce(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    spa = tenant.add_client(public=True, callbacks=[CALLBACK])
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    url = tenant.authorize(user=ada, client_id=spa["client_id"], scope="openid", code_challenge=challenge)
    auth = client_of(tenant, spa)
    tokens = auth.oauth.authorization_code_grant_with_pkce(code=code_of(url), code_verifier=verifier).data
    assert tokens.claims["aud"] == spa["client_id"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_private_key_jwt_is_checked_for_each_kind_of_key(tenant: LocalTenant, algorithm: str) -> None:
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    made: Any = {
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }.get(algorithm, lambda: rsa.generate_private_key(65537, 2048))()
    private = made.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    public = made.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    tenant.add_api("https://api.example")
    application = tenant.add_client(public_key=public)
    signing: dict[str, Any] = {
        "client_assertion_signing_key": private,
        "client_assertion_signing_alg": algorithm,
    }
    auth = client_of(tenant, application, **signing)
    for _ in range(2):
        assert auth.oauth.client_credentials_grant(audience="https://api.example").data.access_token
    other = tenant.add_client(public_key=public_jwk(generate_key("ES256")))
    with pytest.raises(Unauthorized, match="invalid_client"):
        client_of(tenant, other, **signing).oauth.client_credentials_grant(audience="https://api.example")


def test_a_secret_goes_by_http_basic(tenant: LocalTenant) -> None:
    tenant.add_api("https://api.example")
    auth = client_of(tenant, plugins=["client_secret_basic"])
    assert auth.oauth.client_credentials_grant(audience="https://api.example").data.access_token
    assert tenant.requests[-1].headers["authorization"].startswith("Basic ")
    assert b"client_secret" not in tenant.requests[-1].body


def test_mutual_tls_reaches_the_alias_with_the_certificate(
    tenant: LocalTenant, make_certificate: Any
) -> None:
    tenant.add_api("https://api.example")
    cert, key = make_certificate()
    application = tenant.add_client(certificate=cert)
    auth = client_of(tenant, application, use_mtls=True, tls=TLS(cert=cert, key=key))
    assert auth.oauth.client_credentials_grant(audience="https://api.example").data.access_token
    assert tenant.requests[-1].host == f"mtls.{tenant.domain}"
    stranger, key = make_certificate()
    with pytest.raises(Unauthorized, match="invalid_client"):
        client_of(
            tenant, application, use_mtls=True, tls=TLS(cert=stranger, key=key)
        ).oauth.client_credentials_grant(audience="https://api.example")


def test_passwordless_logins_by_mail_and_sms(tenant: LocalTenant) -> None:
    auth = client_of(tenant)
    auth.passwordless.send_email(email="zoe@example.com", send="code", language="it")
    tokens = auth.passwordless.login_with_email(
        email="zoe@example.com", code=str(tenant.outbox[-1].code), scope="openid email"
    ).data
    assert tokens.claims["email"] == "zoe@example.com"
    auth.passwordless.send_sms(phone_number="+14155550100")
    tokens = auth.passwordless.login_with_sms(
        phone_number="+14155550100", code=str(tenant.outbox[-1].code), scope="openid"
    ).data
    assert tokens.claims["sub"].startswith("sms|")
    with pytest.raises(Forbidden):
        auth.passwordless.login_with_sms(phone_number="+14155550100", code="1")


def test_the_vault_by_the_client(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    tenant.add_connection("github", strategy="github")
    tenant.link_identity(ada["user_id"], connection="github", access_token="provider-token")
    auth = client_of(tenant)
    tokens = auth.oauth.password_grant(
        username="ada@example.com", password=PASSWORD, scope="openid offline_access"
    ).data
    found = auth.oauth.token_for_connection(connection="github", subject_token=str(tokens.refresh_token)).data
    assert found.access_token == "provider-token"
    with pytest.raises(Unauthorized):
        auth.oauth.token_for_connection(connection="gitlab", subject_token=str(tokens.refresh_token))


def test_an_id_token_may_be_signed_with_the_secret(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    application = tenant.add_client(id_token_alg="HS256")
    secret = application["client_secret"]
    login: dict[str, Any] = {"username": "ada@example.com", "password": PASSWORD, "scope": "openid"}
    auth = client_of(tenant, application, client_secret=secret, id_token_signing_alg="HS256")
    assert auth.oauth.password_grant(**login).data.claims["sub"] == ada["user_id"]
    with pytest.raises(IdTokenError):
        client_of(tenant, application, client_secret=secret).oauth.password_grant(**login)


def test_a_new_signing_key_is_found_by_the_client(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    auth = client_of(tenant)
    login: dict[str, Any] = {"username": "ada@example.com", "password": PASSWORD, "scope": "openid"}
    auth.oauth.password_grant(**login)
    tenant.tokens.rotate_key()
    tenant.advance(31)
    auth.oauth.password_grant(**login)
    fetches = [request for request in tenant.requests if request.path.endswith("jwks.json")]
    assert len(fetches) == 2


def test_a_management_client_gets_a_token_with_every_scope_there_is(tenant: LocalTenant) -> None:
    pytest.importorskip("anyauth0_transports.local.routing")
    auth = client_of(tenant)
    tokens = auth.oauth.client_credentials_grant(audience=tenant.management_audience).data
    assert tokens.scope == " ".join(tenant.management_scopes())
    claims = tenant.tokens.verify_access_token(tokens.access_token, tenant.management_audience)
    assert claims["scope"] == tokens.scope
