"""Logins in the browser, from the request to the tokens and out again; blocking and asyncio."""

import http.client
import re
import secrets
import ssl
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from msgspec import structs

from anyauth0 import (
    AsyncAuthenticationClient,
    AuthenticationClient,
    AuthorizationError,
    Forbidden,
    IdTokenError,
    Request,
)
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.server import Server

from .conftest import API, PASSWORD

DATABASE = "Username-Password-Authentication"
BACK = "https://app.example.com/callback"
BYE = "https://app.example.com/bye"


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Browser:
    """Keeps cookies, fills in forms, and follows redirects as long as they stay at the tenant."""

    def __init__(self, tenant: LocalTenant, server: Server | None) -> None:
        self.tenant, self.server = tenant, server
        self.cookies: dict[str, str] = {}

    def send(self, url: str, form: dict[str, str] | None = None) -> tuple[int, dict[str, str], str]:
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"cookie": pairs, "content-type": "application/x-www-form-urlencoded"}
        method, body = ("GET", None) if form is None else ("POST", urlencode(form).encode())
        if self.server is None:
            answer = self.tenant.transport().send(Request(method=method, url=url, headers=sent, body=body))
            status, headers, page = answer.status, dict(answer.headers), answer.body
        else:
            context = ssl.create_default_context(cadata=self.server.ca_pem.decode())
            connection = http.client.HTTPSConnection(urlsplit(url).netloc, context=context)
            connection.request(method, url.partition(urlsplit(url).netloc)[2], body, sent)
            found = connection.getresponse()
            status, page = found.status, found.read()
            headers = {name.lower(): value for name, value in found.getheaders()}
            connection.close()
        if "set-cookie" in headers:
            name, _, value = headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return status, headers, page.decode()

    def go(self, url: str, *steps: dict[str, str]) -> str:
        """Go to `url`, give each form the fields of one step, and return where the tenant sends the user."""
        status, headers, page = self.send(url)
        for fields in steps:
            assert status == 200, page
            state, action = (
                re.search('name="state" value="([^"]+)"', page),
                re.search('action="([^"]+)"', page),
            )
            assert state is not None
            assert action is not None
            form = {"state": unescape(state[1]), **fields}
            status, headers, page = self.send(f"https://{self.tenant.domain}{action[1]}", form)
        assert status == 302, page
        return headers["location"]


@pytest.fixture
def browser(where: Any, tenant: LocalTenant, server: Server) -> Browser:
    return Browser(tenant, None if where.get("transport") == "local" else server)


@pytest.fixture
def app(tenant: LocalTenant) -> dict[str, Any]:
    return tenant.add_client("Web", callbacks=[BACK], allowed_logout_urls=[BYE])


@pytest.fixture
def auth(run: Any, where: Any, tenant: LocalTenant, app: dict[str, Any]) -> Callable[..., Any]:
    """Return a function that does one call with a new client of the kind at hand."""
    kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient
    options = {**where, "client_id": app["client_id"], "client_secret": app["client_secret"]}

    def call(do: Any, **more: Any) -> Any:
        return run(kind(clock=tenant.clock, **{**options, **more}), do)

    return call


@pytest.fixture
def login(user: Any) -> dict[str, str]:
    """Return what the user types into the login page."""
    return {"email": user["email"], "password": PASSWORD}


def authorize(auth: Any, **parameters: Any) -> AuthorizationRequest:
    found: AuthorizationRequest = auth(lambda auth: auth.authorize(redirect_uri=BACK, **parameters))
    return found


def complete(auth: Any, request: AuthorizationRequest, callback: str, **options: Any) -> Any:
    return auth(lambda auth: auth.complete(request, callback), **options).data


@pytest.mark.parametrize("pushed", [False, True], ids=["in the address", "pushed"])
def test_a_user_logs_in_on_the_page_of_the_tenant(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any, pushed: bool
) -> None:
    request = authorize(
        auth, scope="openid email offline_access read:things", audience=API, connection=DATABASE, max_age=300,
        login_hint=user["email"], pushed=pushed,
    )  # fmt: skip
    assert (query(request.url).keys() == {"client_id", "request_uri"}) is pushed
    if not pushed:
        assert user["email"] in browser.send(request.url)[2]
    kept, began = request.to_bytes(), int(tenant.clock())
    callback = browser.go(request.url, login)
    request = AuthorizationRequest.from_bytes(kept)
    tokens = complete(auth, request, callback)
    claims = tokens.claims
    assert (claims["sub"], claims["email"], claims["nonce"]) == (
        user["user_id"], user["email"], request.nonce,
    )  # fmt: skip
    assert began <= claims["auth_time"] <= tenant.clock()
    access = tenant.tokens.verify_access_token(tokens.access_token, API)
    assert "read:things" in access["scope"].split()
    renewed = auth(lambda auth: auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token)).data
    assert renewed.claims["sub"] == user["user_id"]
    profile = auth(lambda auth: auth.user_info.get(renewed.access_token, expected_subject=claims["sub"])).data
    assert profile.email == user["email"]
    with pytest.raises(Forbidden):
        complete(auth, request, callback)


def test_a_code_is_of_no_use_to_who_did_not_ask_for_it(auth: Any, browser: Browser, login: Any) -> None:
    request, other = authorize(auth), authorize(auth)
    callback = browser.go(request.url, login)
    with pytest.raises(Forbidden):
        complete(auth, structs.replace(request, code_verifier=other.code_verifier), callback)
    silent = browser.go(request.url)
    with pytest.raises(IdTokenError) as caught:
        complete(auth, structs.replace(request, nonce=other.nonce), silent)
    assert caught.value.rule == "nonce"


def test_a_callback_of_another_login_is_refused_and_nothing_sent(
    auth: Any, browser: Browser, tenant: LocalTenant, login: Any
) -> None:
    request, other = authorize(auth), authorize(auth)
    callback = browser.go(other.url, login)
    before = len(tenant.requests)
    with pytest.raises(AuthorizationError) as caught:
        complete(auth, request, callback)
    assert caught.value.error == "state_mismatch"
    assert len(tenant.requests) == before
    assert complete(auth, other, callback).access_token


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"audience": "https://none.example"}, "access_denied"),
        ({"organization": "none"}, "invalid_request"),
        ({"connection": "none"}, "invalid_request"),
        ({"invitation": "none"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
    ],
)
def test_what_the_tenant_refuses_comes_back_as_an_error(
    auth: Any, browser: Browser, parameters: Any, error: str
) -> None:
    request = authorize(auth, **parameters)
    callback = browser.go(request.url)
    assert callback.startswith(f"{BACK}?")
    with pytest.raises(AuthorizationError) as caught:
        complete(auth, request, callback)
    assert caught.value.error == error
    assert caught.value.description


def test_a_user_who_may_not_log_in_comes_back_as_an_error(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any
) -> None:
    tenant.store.put("users", user["user_id"], {**user, "blocked": True})
    request = authorize(auth)
    with pytest.raises(AuthorizationError, match="unauthorized"):
        complete(auth, request, browser.go(request.url, login))


def test_a_session_answers_without_a_page_until_it_is_too_old(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any
) -> None:
    request = authorize(auth)
    first = complete(auth, request, browser.go(request.url, login))
    silent = authorize(auth, prompt="none")
    assert complete(auth, silent, browser.go(silent.url)).claims["sid"] == first.claims["sid"]
    tenant.advance(100)
    fresh = authorize(auth, max_age=50)
    assert complete(auth, fresh, browser.go(fresh.url, login)).claims["sub"] == user["user_id"]
    # A tenant that let an old session pass would be found out.
    stale = tenant.authorize(user=user, auth_time=tenant.clock() - 3600, **query(fresh.url))
    with pytest.raises(IdTokenError) as caught:
        complete(auth, fresh, stale)
    assert caught.value.rule == "auth_time"


def test_an_invitation_makes_a_member_who_logs_in_to_the_organization(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any, run: Any
) -> None:
    name = f"acme-{secrets.token_hex(3)}"
    org = tenant.add_organization(name)
    request = authorize(auth, organization=org["id"])
    with pytest.raises(AuthorizationError) as caught:
        complete(auth, request, browser.go(request.url, login))
    assert caught.value.error == "access_denied"
    ticket = f"inv_{secrets.token_hex(4)}"
    invitation = {"id": ticket, "invitee": {"email": user["email"]}}
    tenant.store.add(f"organizations/{org['id']}/invitations", ticket, invitation)
    link = (
        f"https://app.example.com/login?invitation={ticket}&organization={org['id']}&organization_name={name}"
    )
    found = said(auth, run, lambda auth: auth.urls.invitation(link))
    asked = {"invitation": found.invitation, "organization": found.organization}
    request = authorize(auth, **asked, prompt="login")
    assert complete(auth, request, browser.go(request.url, login)).claims["org_id"] == org["id"]
    by_name = authorize(auth, organization=name)
    assert complete(auth, by_name, browser.go(by_name.url)).claims["org_name"] == name
    # A token without the organization is not the answer to a request for it.
    plain = authorize(auth)
    with pytest.raises(IdTokenError) as refused:
        complete(auth, structs.replace(plain, organization=name), browser.go(plain.url))
    assert refused.value.rule == "org_name"


def said(auth: Any, run: Any, call: Callable[[Any], Any]) -> Any:
    """Return what a method answers that sends nothing, and so is no coroutine on asyncio."""

    async def later(client: Any) -> Any:
        return call(client)

    return auth(later if run.asynchronous else call)


def test_a_public_client_needs_no_secret_and_may_not_push(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any
) -> None:
    spa = {"client_id": tenant.add_client(public=True, callbacks=[BACK])["client_id"], "client_secret": None}
    request = auth(lambda auth: auth.authorize(redirect_uri=BACK, scope="openid offline_access"), **spa)
    tokens = complete(auth, request, browser.go(request.url, login), **spa)
    assert tokens.claims["aud"] == spa["client_id"]
    assert b"client_secret" not in tenant.requests[-2].body
    grant = {"refresh_token": tokens.refresh_token}
    assert auth(lambda auth: auth.oauth.refresh_token_grant(**grant), **spa).data.access_token
    assert (
        auth(lambda auth: auth.oauth.revoke_refresh_token(token=grant["refresh_token"]), **spa).status == 200
    )
    with pytest.raises(Forbidden):
        auth(lambda auth: auth.oauth.refresh_token_grant(**grant), **spa)


def test_a_second_factor_is_asked_for_on_the_page(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any
) -> None:
    tenant.require_mfa(user)
    secret = tenant.add_factor(user)["secret"]
    request = authorize(auth, acr_values="http://schemas.openid.net/pape/policies/2007/06/multi-factor")
    callback = browser.go(request.url, login, {"code": tenant.authenticator_code(secret)})
    assert complete(auth, request, callback).claims["amr"] == ["mfa"]


def test_a_link_in_an_email_logs_in(auth: Any, browser: Browser, tenant: LocalTenant) -> None:
    email = f"{secrets.token_hex(5)}@example.com"
    params = {"redirect_uri": BACK, "scope": "openid email", "response_type": "code", "state": "s"}
    auth(lambda auth: auth.passwordless.send_email(email=email, send="link", auth_params=params))
    callback = browser.go(str(tenant.outbox[-1].link))
    assert query(callback)["state"] == "s"
    grant = {"code": query(callback)["code"], "redirect_uri": BACK}
    tokens = auth(lambda auth: auth.oauth.authorization_code_grant(**grant)).data
    assert tokens.claims["email"] == email


def test_a_user_links_another_account_and_unlinks_it(
    auth: Any, browser: Browser, tenant: LocalTenant, user: Any, login: Any
) -> None:
    name = f"Staff-{secrets.token_hex(3)}"
    tenant.add_connection(name)
    email = f"{secrets.token_hex(5)}@staff.example"
    other = tenant.add_user(connection=name, email=email, password=PASSWORD)
    request = authorize(auth)
    first = complete(auth, request, browser.go(request.url, login))
    asked = {"redirect_uri": BACK, "connection": name, "id_token": first.id_token}

    def connections() -> list[str]:
        found = tenant.store.get("users", user["user_id"]) or {}
        return [identity["connection"] for identity in found["identities"]]

    linking = auth(lambda auth: auth.link_user(**asked))
    tokens = complete(auth, linking, browser.go(linking.url, {"email": email, "password": PASSWORD}))
    assert (tokens.claims["sub"], tokens.claims["nonce"]) == (user["user_id"], linking.nonce)
    assert connections() == [DATABASE, name]
    unlinking = auth(lambda auth: auth.unlink_user(**asked))
    tokens = complete(auth, unlinking, browser.go(unlinking.url))
    assert (tokens.claims["sub"], tokens.claims["nonce"]) == (user["user_id"], unlinking.nonce)
    assert connections() == [DATABASE]
    assert tenant.store.get("users", other["user_id"]) is not None


@pytest.mark.parametrize("way", ["link_user", "unlink_user"])
def test_a_link_that_cannot_be_made_comes_back_as_an_error(
    auth: Any, browser: Browser, login: Any, way: str
) -> None:
    request = authorize(auth)
    first = complete(auth, request, browser.go(request.url, login))
    for connection, hint, error, steps in (
        ("none", first.id_token, "invalid_request", ()),
        (DATABASE, first.access_token, "invalid_request", ()),
        (DATABASE, first.id_token, "access_denied", (login,) if way == "link_user" else ()),
    ):
        asked = {"redirect_uri": BACK, "connection": connection, "id_token": hint}
        linking = auth(lambda auth, asked=asked: getattr(auth, way)(**asked))
        with pytest.raises(AuthorizationError) as caught:
            complete(auth, linking, browser.go(linking.url, *steps))
        assert caught.value.error == error


@pytest.mark.parametrize("way", ["logout", "oidc_logout"])
def test_a_logout_address_ends_the_session_when_it_is_followed(
    auth: Any, browser: Browser, run: Any, login: Any, way: str
) -> None:
    request = authorize(auth)
    tokens = complete(auth, request, browser.go(request.url, login))

    def address(target: str) -> str:
        if way == "logout":
            return str(said(auth, run, lambda auth: auth.urls.logout(return_to=target)))
        asked = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": target, "state": "a b"}
        return str(said(auth, run, lambda auth: auth.urls.oidc_logout(**asked)))

    assert browser.send(address("https://evil.example"))[0] == 400
    silent = authorize(auth, prompt="none")
    assert complete(auth, silent, browser.go(silent.url)).access_token
    assert browser.go(address(BYE)) == (BYE if way == "logout" else f"{BYE}?state=a+b")
    silent = authorize(auth, prompt="none")
    with pytest.raises(AuthorizationError, match="login_required"):
        complete(auth, silent, browser.go(silent.url))
