"""Every call of the Authentication API against the embedded tenant; blocking and asyncio."""

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import (
    AsyncAuthenticationClient,
    AuthenticationApiError,
    AuthenticationClient,
    BadRequest,
    Forbidden,
    IdTokenChecks,
    IdTokenError,
    InvalidArgumentError,
)
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-battery-9"
CONNECTION = "Username-Password-Authentication"
CALLBACK = "https://app.example.com/callback"


@pytest.fixture
def auth(run: Any, where: Any, tenant: LocalTenant) -> Any:
    """Return a function that does one call with a new client of the kind at hand."""
    kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient
    options = {**where, "client_id": tenant.client_id, "client_secret": tenant.client_secret}

    def call(do: Any, **more: Any) -> Any:
        return run(kind(**{**options, **more}), do)

    return call


@pytest.fixture
def email() -> str:
    return f"{secrets.token_hex(5)}@example.com"


@pytest.fixture
def user(tenant: LocalTenant, email: str) -> Any:
    return tenant.add_user(email=email, password=PASSWORD)


def login(auth: Any, email: str, **more: Any) -> Any:
    scope = "openid profile email offline_access"
    arguments = {"username": email, "password": PASSWORD, "realm": CONNECTION, "scope": scope, **more}
    return auth(lambda auth: auth.oauth.password_grant(**arguments))


def test_sign_up_then_log_in(auth: Any, email: str) -> None:
    signed_up = auth(
        lambda auth: auth.database.sign_up(
            email=email, password=PASSWORD, connection=CONNECTION, user_metadata={"plan": "pro"}
        )
    )
    assert signed_up.data.email == email
    assert signed_up.data.id
    tokens = login(auth, email).data
    assert tokens.claims["email"] == email
    assert tokens.claims["sub"].endswith(signed_up.data.id)
    assert tokens.expires_in > 0
    profile = auth(lambda auth: auth.user_info.get(tokens.access_token)).data
    assert profile.email == email
    assert profile.sub == tokens.claims["sub"]


def test_a_weak_password_is_refused_with_the_reasons(auth: Any, email: str) -> None:
    with pytest.raises(BadRequest) as caught:
        auth(lambda auth: auth.database.sign_up(email=email, password="weak", connection=CONNECTION))
    error = caught.value
    assert isinstance(error, AuthenticationApiError)
    assert error.code == "invalid_password"
    assert "8 characters" in str(error)


def test_a_password_is_changed_by_mail(auth: Any, tenant: LocalTenant, user: Any, email: str) -> None:
    answer = auth(lambda auth: auth.database.change_password(email=email, connection=CONNECTION))
    assert isinstance(answer.data, str)
    assert "email" in answer.data
    assert answer.anomalies == ()
    assert tenant.outbox[-1].to == email


def test_a_wrong_password_is_forbidden(auth: Any, user: Any, email: str) -> None:
    with pytest.raises(Forbidden) as caught:
        login(auth, email, password="not the password")
    assert caught.value.code == "invalid_grant"
    assert "not the password" not in repr(caught.value)


def test_refresh_and_revoke(auth: Any, user: Any, email: str) -> None:
    tokens = login(auth, email).data
    new = auth(lambda auth: auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token)).data
    assert new.access_token
    assert new.claims["sub"] == tokens.claims["sub"]
    last = new.refresh_token or tokens.refresh_token
    assert auth(lambda auth: auth.oauth.revoke_refresh_token(token=last)).data is None
    with pytest.raises(Forbidden) as caught:
        auth(lambda auth: auth.oauth.refresh_token_grant(refresh_token=last))
    assert caught.value.code == "invalid_grant"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def test_code_with_pkce_nonce_and_max_age(auth: Any, tenant: LocalTenant, user: Any) -> None:
    verifier = secrets.token_urlsafe(32)
    callback = tenant.authorize(
        user=user, redirect_uri=CALLBACK, response_type="code", scope="openid", state="s", nonce="n",
        max_age=300, code_challenge=challenge_of(verifier), code_challenge_method="S256",
    )  # fmt: skip
    answer = parse_qs(urlsplit(callback).query)
    assert answer["state"] == ["s"]

    def exchange(checks: IdTokenChecks, verifier: str = verifier) -> Any:
        return auth(
            lambda auth: auth.oauth.authorization_code_grant_with_pkce(
                code=answer["code"][0], code_verifier=verifier, redirect_uri=CALLBACK, id_token=checks
            )
        )

    tokens = exchange(IdTokenChecks(nonce="n", max_age=300)).data
    assert tokens.claims["nonce"] == "n"
    # A code is good once.
    with pytest.raises(Forbidden):
        exchange(IdTokenChecks(nonce="n"))


def test_a_wrong_verifier_is_forbidden(auth: Any, tenant: LocalTenant, user: Any) -> None:
    callback = tenant.authorize(
        user=user, redirect_uri=CALLBACK, response_type="code", scope="openid",
        code_challenge=challenge_of("a" * 43), code_challenge_method="S256",
    )  # fmt: skip
    code = parse_qs(urlsplit(callback).query)["code"][0]
    with pytest.raises(Forbidden):
        auth(
            lambda auth: auth.oauth.authorization_code_grant_with_pkce(
                code=code, code_verifier="b" * 43, redirect_uri=CALLBACK
            )
        )


@pytest.mark.parametrize(
    ("sent", "checks", "rule"),
    [
        ({"nonce": "n"}, IdTokenChecks(nonce="other"), "nonce"),
        ({}, IdTokenChecks(nonce="n"), "nonce"),
        ({"nonce": "n"}, None, "nonce"),
        ({}, IdTokenChecks(organization="org_123"), "org_id"),
    ],
    ids=["another nonce", "no nonce", "an unexpected nonce", "no organization"],
)
def test_the_id_token_must_belong_to_the_request(
    auth: Any, tenant: LocalTenant, user: Any, sent: Any, checks: Any, rule: str
) -> None:
    callback = tenant.authorize(
        user=user, redirect_uri=CALLBACK, response_type="code", scope="openid", **sent
    )
    code = parse_qs(urlsplit(callback).query)["code"][0]
    with pytest.raises(IdTokenError) as caught:
        auth(
            lambda auth: auth.oauth.authorization_code_grant(
                code=code, redirect_uri=CALLBACK, id_token=checks
            )
        )
    assert caught.value.rule == rule


def test_an_organization_is_compared(auth: Any, tenant: LocalTenant, user: Any) -> None:
    organization = tenant.add_organization(f"acme-{secrets.token_hex(3)}")
    callback = tenant.authorize(
        user=user, redirect_uri=CALLBACK, response_type="code", scope="openid",
        organization=organization["id"],
    )  # fmt: skip
    code = parse_qs(urlsplit(callback).query)["code"][0]
    checks = IdTokenChecks(organization=organization["id"])
    tokens = auth(
        lambda auth: auth.oauth.authorization_code_grant(code=code, redirect_uri=CALLBACK, id_token=checks)
    ).data
    assert tokens.claims["org_id"] == organization["id"]


def test_a_pushed_request_is_used_by_its_uri(auth: Any, tenant: LocalTenant, user: Any) -> None:
    pushed = auth(
        lambda auth: auth.oauth.pushed_authorization(redirect_uri=CALLBACK, scope="openid", state="s")
    )
    assert pushed.status == 201
    assert pushed.data.expires_in > 0
    callback = tenant.authorize(user=user, request_uri=pushed.data.request_uri)
    answer = parse_qs(urlsplit(callback).query)
    assert answer["state"] == ["s"]
    code = answer["code"][0]
    tokens = auth(lambda auth: auth.oauth.authorization_code_grant(code=code, redirect_uri=CALLBACK)).data
    assert tokens.claims["sub"] == user["user_id"]


@pytest.mark.parametrize("way", ["email", "sms"])
def test_passwordless(auth: Any, tenant: LocalTenant, email: str, way: str) -> None:
    number = f"+1415555{secrets.randbelow(10**6):06}"
    if way == "email":
        auth(lambda auth: auth.passwordless.send_email(email=email, send="code", language="nl"))
    else:
        auth(lambda auth: auth.passwordless.send_sms(phone_number=number))
    message = tenant.outbox[-1]
    assert message.to == (email if way == "email" else number)

    def exchange(code: str) -> Any:
        if way == "email":
            return auth(
                lambda auth: auth.passwordless.login_with_email(email=email, code=code, scope="openid")
            )
        return auth(
            lambda auth: auth.passwordless.login_with_sms(phone_number=number, code=code, scope="openid")
        )

    with pytest.raises(Forbidden):
        exchange("000000" if message.code != "000000" else "111111")
    assert exchange(message.code).data.claims["sub"].startswith(way)


def test_the_token_of_a_connection(auth: Any, tenant: LocalTenant, user: Any, email: str) -> None:
    name = f"github-{secrets.token_hex(3)}"
    tenant.add_connection(name, strategy="github")
    tenant.link_identity(user["user_id"], connection=name, access_token="the-token-at-github")
    tokens = login(auth, email).data
    answer = auth(
        lambda auth: auth.oauth.token_for_connection(connection=name, subject_token=tokens.refresh_token)
    ).data
    assert answer.access_token == "the-token-at-github"


BAD_CALLS: list[tuple[str, Any]] = [
    ("code", lambda auth: auth.oauth.authorization_code_grant(code="")),
    ("code", lambda auth: auth.oauth.authorization_code_grant()),
    ("code", lambda auth: auth.oauth.authorization_code_grant(code=None)),
    (
        "code_verifier",
        lambda auth: auth.oauth.authorization_code_grant_with_pkce(code="c", code_verifier=" "),
    ),
    ("pasword", lambda auth: auth.oauth.password_grant(username="u", pasword="p")),
    ("email", lambda auth: auth.database.sign_up(password="p", connection="c")),
    ("email", lambda auth: auth.database.change_password(connection="c")),
    ("connection", lambda auth: auth.database.sign_up(password="p", email="e", connection="")),
    ("refresh_token", lambda auth: auth.oauth.refresh_token_grant(refresh_token=None)),
    ("access_token", lambda auth: auth.user_info.get("")),
    ("subject_token", lambda auth: auth.oauth.token_for_connection(connection="c", subject_token="Bearer x")),
    ("client_sekret", lambda auth: auth.oauth.client_credentials_grant(client_sekret="s")),
]


@pytest.mark.parametrize(("argument", "call"), BAD_CALLS)
def test_bad_arguments_are_refused_before_anything_is_sent(
    auth: Any, tenant: LocalTenant, argument: str, call: Any
) -> None:
    before = len(tenant.requests)
    with pytest.raises(InvalidArgumentError) as caught:
        auth(call)
    assert caught.value.argument == argument
    assert f'"{argument}"' in str(caught.value)
    assert len(tenant.requests) == before


def test_checks_without_an_id_token_are_an_error(auth: Any, user: Any, email: str) -> None:
    with pytest.raises(IdTokenError):
        login(auth, email, scope="offline_access", id_token=IdTokenChecks(nonce="n"))


def test_a_fault_is_an_error_of_its_kind(auth: Any, tenant: LocalTenant, user: Any, email: str) -> None:
    tenant.faults.add(status=503, path="/oauth/token", times=1)
    # The server did nothing: the login is sent again.
    assert login(auth, email).data.access_token
