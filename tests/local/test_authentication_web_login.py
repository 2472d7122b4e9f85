"""A browser logs in by real redirects: a page, a form, a code for the application, a session, a logout."""

import base64
import hashlib
import http.client
import json
import re
import secrets
import ssl
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from anyauth0 import InvalidArgumentError, Response
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant, serve

PASSWORD = "correct-Horse-7"
REDIRECT = "https://app.example/callback?from=app"


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class Browser:
    """Keeps cookies, fills in forms, and stops at every redirect."""

    def __init__(self, wire: Any, client_id: str) -> None:
        self.wire, self.client_id = wire, client_id
        self.cookies: dict[str, str] = {}

    def _headers(self) -> dict[str, str]:
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"cookie": pairs} if pairs else {}

    def _kept(self, response: Response) -> Response:
        cookie = response.headers.get("set-cookie")
        if cookie is not None:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response

    def get(self, path: str, **parameters: str) -> Response:
        return self._kept(self.wire.get(f"{path}?{urlencode(parameters)}", **self._headers()))

    def authorize(self, **parameters: str) -> Response:
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "state": "st&te",
            "scope": "openid email",
        }
        given = {**usual, **parameters}
        return self.get("/authorize", **{name: value for name, value in given.items() if value})

    def submit(self, page: Response, **fields: str) -> Response:
        state = re.search(rb'name="state" value="([^"]+)"', page.body)
        assert state is not None, page.body
        given = {"state": unescape(state[1].decode()), **fields}
        return self._kept(self.wire.form("/u/login", headers=self._headers(), **given))

    def log_in(self, **parameters: str) -> Response:
        return self.submit(self.authorize(**parameters), email="ada@example.com", password=PASSWORD)


@pytest.fixture
def app(tenant: LocalTenant) -> dict[str, Any]:
    return tenant.add_client(callbacks=[REDIRECT], allowed_logout_urls=["https://app.example/bye?x=1"])


@pytest.fixture
def browser(wire: Any, app: dict[str, Any], ada: dict[str, Any]) -> Browser:
    return Browser(wire, app["client_id"])


def redeem(wire: Any, app: dict[str, Any], response: Response, **fields: str) -> Any:
    assert response.status == 302, response.body
    answer = wire.token(
        grant_type="authorization_code",
        code=query(response.headers["location"])["code"],
        redirect_uri=REDIRECT,
        client_id=app["client_id"],
        client_secret=app["client_secret"],
        **fields,
    )
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def failed(response: Response) -> str:
    assert response.status == 302, response.body
    found = query(response.headers["location"])
    assert "code" not in found
    assert found["state"] == "st&te"
    return found["error"]


# --- the way in


def test_a_login_goes_back_with_a_code_and_the_state(
    browser: Browser, wire: Any, app: dict[str, Any], ada: dict[str, Any]
) -> None:
    page = browser.authorize(nonce="n-1", login_hint='a"da')
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert b'value="a&quot;da"' in page.body
    response = browser.submit(page, email="Ada@example.com", password=PASSWORD)
    assert response.headers["location"].startswith(f"{REDIRECT}&code=")
    assert query(response.headers["location"])["state"] == "st&te"
    found = claims(redeem(wire, app, response)["id_token"])
    assert (found["sub"], found["nonce"], found["email"]) == (ada["user_id"], "n-1", "ada@example.com")
    assert "auth_time" not in found
    # The form is good for one login.
    assert browser.submit(page, email="ada@example.com", password=PASSWORD).status == 400


def test_a_wrong_password_shows_the_form_again(browser: Browser, tenant: LocalTenant) -> None:
    page = browser.authorize()
    again = browser.submit(page, email='"><script>', password="wrong")
    assert again.status == 400
    assert b"Wrong email or password." in again.body
    assert b"<script>" not in again.body
    assert "set-cookie" not in again.headers
    assert tenant.store.count("codes") == 0
    assert browser.submit(again, email="ada@example.com", password=PASSWORD).status == 302


def test_a_form_goes_stale(browser: Browser, tenant: LocalTenant, wire: Any) -> None:
    page = browser.authorize()
    tenant.advance(3600)
    assert browser.submit(page, email="ada@example.com", password=PASSWORD).status == 400
    assert wire.form("/u/login", state="made-up", email="ada@example.com", password=PASSWORD).status == 400


def test_a_request_with_nowhere_to_go_back_to_is_a_page(browser: Browser, wire: Any) -> None:
    for response in (
        browser.authorize(redirect_uri="https://evil.example"),
        browser.authorize(client_id="nobody<b>"),
        browser.authorize(client_id=""),
        browser.authorize(request_uri="urn:ietf:params:oauth:request_uri:none"),
        wire.get(f"/authorize?client_id={browser.client_id}&state=a&state=b"),
    ):
        assert response.status == 400
        assert "location" not in response.headers
        assert b"cannot be answered" in response.body
        assert b"<b>" not in response.body


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"code_challenge": "x", "code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "now"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "old"}, "invalid_request"),
        ({"audience": "https://none.example"}, "access_denied"),
        ({"organization": "none"}, "invalid_request"),
        ({"connection": "email"}, "invalid_request"),
        ({"connection": "none"}, "invalid_request"),
        ({"invitation": "none"}, "invalid_request"),
    ],
)
def test_what_may_not_be_asked_for_goes_back_as_an_error(
    browser: Browser, parameters: dict[str, str], error: str
) -> None:
    assert failed(browser.authorize(**parameters)) == error


def test_a_blocked_user_is_sent_back(browser: Browser, tenant: LocalTenant, ada: dict[str, Any]) -> None:
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    assert failed(browser.log_in()) == "unauthorized"
    assert browser.cookies == {}


def test_the_users_of_another_database_log_in_by_its_name(browser: Browser, tenant: LocalTenant) -> None:
    tenant.add_connection("Staff")
    tenant.add_user(connection="Staff", email="sam@example.com", password=PASSWORD)
    page = browser.authorize(connection="Staff")
    assert browser.submit(page, email="ada@example.com", password=PASSWORD).status == 400
    assert browser.submit(page, email="sam@example.com", password=PASSWORD).status == 302


def test_a_pushed_request_is_used_once(
    browser: Browser, tenant: LocalTenant, wire: Any, app: dict[str, Any]
) -> None:
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    who = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    pushed = wire.form(
        "/oauth/par", response_type="code", redirect_uri=REDIRECT, state="pushed", scope="openid",
        code_challenge=challenge, code_challenge_method="S256", **who,
    )  # fmt: skip
    asked = {"client_id": app["client_id"], "request_uri": json.loads(pushed.body)["request_uri"]}
    page = browser.get("/authorize", **asked)
    response = browser.submit(page, email="ada@example.com", password=PASSWORD)
    assert query(response.headers["location"])["state"] == "pushed"
    assert redeem(wire, app, response, code_verifier=verifier)["id_token"]
    assert browser.get("/authorize", **asked).status == 400


# --- sessions


def test_a_session_makes_the_next_login_silent(
    browser: Browser, tenant: LocalTenant, wire: Any, app: dict[str, Any], ada: dict[str, Any]
) -> None:
    first = browser.log_in()
    cookie = first.headers["set-cookie"]
    assert "HttpOnly; Secure; SameSite=None" in cookie
    assert browser.cookies["auth0"] not in str(tenant.store.list("sessions"))
    sid = claims(redeem(wire, app, first)["id_token"])["sid"]
    began = int(tenant.clock())
    tenant.advance(100)
    silent = claims(redeem(wire, app, browser.authorize(prompt="none", max_age="200"))["id_token"])
    assert (silent["sub"], silent["sid"]) == (ada["user_id"], sid)
    assert abs(silent["auth_time"] - began) <= 2
    assert failed(browser.authorize(prompt="none", max_age="50")) == "login_required"
    assert browser.authorize(max_age="50").status == 200
    assert browser.authorize(prompt="login").status == 200
    assert browser.authorize(prompt="select_account consent").status == 200
    assert browser.authorize().status == 302
    tenant.advance(3 * 86400)
    assert failed(browser.authorize(prompt="none")) == "login_required"


def test_a_session_is_void_with_its_user(browser: Browser, tenant: LocalTenant, ada: dict[str, Any]) -> None:
    browser.log_in()
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    assert failed(browser.authorize(prompt="none")) == "login_required"
    tenant.store.remove("users", ada["user_id"])
    assert failed(browser.authorize(prompt="none")) == "login_required"
    browser.cookies = {"auth0": "made-up"}
    assert failed(browser.authorize(prompt="none")) == "login_required"


@pytest.mark.parametrize("way", ["query", "cookie"])
def test_a_session_transfer_token_begins_a_session_once(
    browser: Browser, tenant: LocalTenant, wire: Any, way: str
) -> None:
    login = wire.token(
        grant_type="password", username="ada@example.com", password=PASSWORD, scope="openid offline_access"
    )
    kept = json.loads(login.body)["refresh_token"]

    def transfer() -> str:
        audience = f"urn:{tenant.domain}:session_transfer"
        answer = wire.token(grant_type="refresh_token", refresh_token=kept, audience=audience)
        return json.loads(answer.body)["access_token"]

    def use(token: str) -> Response:
        if way == "query":
            return browser.authorize(session_transfer_token=token)
        browser.cookies["auth0_session_transfer_token"] = token
        return browser.authorize()

    token = transfer()
    assert use(token).status == 302
    assert browser.cookies.pop("auth0")
    assert use(token).status == 200
    late = transfer()
    tenant.advance(60)
    assert use(late).status == 200


# --- organizations


def test_only_members_log_in_to_an_organization(
    browser: Browser, tenant: LocalTenant, wire: Any, app: dict[str, Any]
) -> None:
    org = tenant.add_organization("acme")
    assert failed(browser.log_in(organization="acme")) == "access_denied"
    tenant.add_member("acme", "ada@example.com")
    found = claims(redeem(wire, app, browser.authorize(organization=org["id"]))["id_token"])
    assert (found["org_id"], found["org_name"]) == (org["id"], "acme")
    for organization, user in (("none", "ada@example.com"), ("acme", "nobody@example.com")):
        with pytest.raises(InvalidArgumentError):
            tenant.add_member(organization, user)


def test_an_invitation_makes_its_invitee_a_member(browser: Browser, tenant: LocalTenant) -> None:
    org = tenant.add_organization("acme")
    kind = f"organizations/{org['id']}/invitations"
    for name, email in (("inv_1", "other@example.com"), ("inv_2", "Ada@example.com")):
        tenant.store.add(kind, name, {"id": name, "invitee": {"email": email}})
    assert failed(browser.authorize(invitation="inv_2")) == "invalid_request"
    assert failed(browser.log_in(organization="acme", invitation="inv_1")) == "access_denied"
    assert "code" in query(browser.authorize(organization="acme", invitation="inv_2").headers["location"])
    assert [item["id"] for item in tenant.store.list(kind)] == ["inv_1"]
    assert "code" in query(browser.authorize(organization="acme").headers["location"])


# --- a second factor


def test_a_code_is_asked_for_after_the_password(
    browser: Browser, tenant: LocalTenant, wire: Any, app: dict[str, Any], ada: dict[str, Any]
) -> None:
    tenant.require_mfa(ada)
    assert failed(browser.log_in()) == "access_denied"
    secret = tenant.add_factor(ada)["secret"]
    page = browser.log_in()
    assert page.status == 200
    assert b'name="code"' in page.body
    assert "set-cookie" not in page.headers
    good = tenant.authenticator_code(secret)
    wrong = browser.submit(page, code="x")
    assert (wrong.status, b"The code is wrong" in wrong.body) == (400, True)
    response = browser.submit(page, code=good)
    assert claims(redeem(wire, app, response)["id_token"])["amr"] == ["mfa"]
    page = browser.log_in(prompt="login")
    # A code is good once, and guessing ends.
    for _ in range(9):
        assert browser.submit(page, code=good).status == 400
    assert failed(browser.submit(page, code=good)) == "access_denied"


def test_a_code_that_was_sent_is_compared(browser: Browser, tenant: LocalTenant, ada: dict[str, Any]) -> None:
    tenant.require_mfa(ada)
    tenant.add_factor(ada, "email")
    page = browser.log_in()
    code = str(tenant.outbox[-1].code)
    assert browser.submit(page, code=f"{(int(code) + 1) % 10**6:06d}").status == 400
    assert browser.submit(page, code=code).status == 302


# --- the way out


def test_a_logout_ends_the_session_and_goes_where_it_may(
    browser: Browser, tenant: LocalTenant, app: dict[str, Any]
) -> None:
    who, bye = {"client_id": app["client_id"]}, "https://app.example/bye?x=1"
    browser.log_in()
    refused = browser.get("/v2/logout", returnTo="https://evil.example", **who)
    assert (refused.status, "location" in refused.headers) == (400, False)
    assert browser.get("/v2/logout", returnTo=bye).status == 400
    assert browser.get("/v2/logout", returnTo=bye, client_id="nobody").status == 400
    assert browser.authorize(prompt="none").status == 302
    stolen = browser.cookies["auth0"]
    response = browser.get("/v2/logout", returnTo=bye, **who)
    assert (response.status, response.headers["location"]) == (302, bye)
    assert browser.cookies["auth0"] == ""
    browser.cookies["auth0"] = stolen
    assert failed(browser.authorize(prompt="none")) == "login_required"
    tenant.store.put("tenants/settings", "", {"allowed_logout_urls": [bye]})
    assert browser.get("/v2/logout", returnTo=bye).headers["location"] == bye
    assert browser.get("/v2/logout").status == 200


def test_an_oidc_logout_goes_by_the_id_token(
    browser: Browser, tenant: LocalTenant, wire: Any, app: dict[str, Any]
) -> None:
    tokens = redeem(wire, app, browser.log_in())
    tenant.advance(86400)
    bye = "https://app.example/bye?x=1"
    asked = {"post_logout_redirect_uri": bye, "state": "a&b"}
    head, payload, signature = tokens["id_token"].split(".")
    for wrong in (
        {"id_token_hint": "x"},
        {"id_token_hint": f"{head}.{payload}.{signature[::-1]}"},
        {"id_token_hint": tokens["id_token"], "client_id": tenant.client_id},
        {"client_id": tenant.client_id},
        {"client_id": "nobody"},
        {},
    ):
        assert browser.get("/oidc/logout", **asked, **wrong).status == 400
    assert failed(browser.authorize(prompt="none", max_age="10")) == "login_required"
    assert browser.authorize(prompt="none").status == 302
    response = browser.get("/oidc/logout", id_token_hint=tokens["id_token"], **asked)
    assert response.headers["location"] == f"{bye}&state={quote('a&b')}"
    assert failed(browser.authorize(prompt="none")) == "login_required"


@pytest.mark.parametrize("hint", ["id_token_hint", "logout_hint"])
def test_a_hint_ends_the_session_it_names_without_its_cookie(
    hint: str, browser: Browser, tenant: LocalTenant, wire: Any, app: dict[str, Any]
) -> None:
    token = redeem(wire, app, browser.log_in())["id_token"]
    other = Browser(wire, app["client_id"])
    other.log_in()
    value = token if hint == "id_token_hint" else claims(token)["sid"]
    assert Browser(wire, app["client_id"]).get("/oidc/logout", **{hint: value}).status == 200
    assert failed(browser.authorize(prompt="none")) == "login_required"
    assert "code" in query(other.authorize(prompt="none").headers["location"])


def test_an_application_with_a_symmetric_key_logs_out_by_its_id_tokens(
    browser: Browser, tenant: LocalTenant, wire: Any
) -> None:
    bye = "https://app.example/bye"
    app = tenant.add_client(callbacks=[REDIRECT], allowed_logout_urls=[bye], id_token_alg="HS256")
    browser.client_id = app["client_id"]
    token = redeem(wire, app, browser.log_in())["id_token"]
    asked = {"id_token_hint": token, "post_logout_redirect_uri": bye}
    assert browser.get("/oidc/logout", **asked, client_id=tenant.client_id).status == 400
    assert browser.get("/oidc/logout", **asked).headers["location"] == bye
    tenant.store.put("clients", app["client_id"], {**app, "client_secret": "another"})
    assert browser.get("/oidc/logout", **asked).status == 400


# --- over a real connection


def test_a_browser_logs_in_over_tls(tenant: LocalTenant, ada: dict[str, Any]) -> None:
    with serve(tenant) as server:
        context = ssl.create_default_context(cadata=server.ca_pem.decode())
        host, _, port = server.domain.partition(":")
        connection = http.client.HTTPSConnection(host, int(port), context=context)
        client_id, back = tenant.client_id, "https://app.example/back"
        asked = {"response_type": "code", "client_id": client_id, "redirect_uri": back, "state": "s"}
        connection.request("GET", f"/authorize?{urlencode(asked)}")
        page = connection.getresponse().read().decode()
        action = re.search('action="([^"]+)"', page)
        state = re.search('name="state" value="([^"]+)"', page)
        assert action is not None
        assert state is not None
        form = urlencode({"state": state[1], "email": "ada@example.com", "password": PASSWORD})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", action[1], form, kind)
        answer = connection.getresponse()
        answer.read()
        location, cookie = answer.getheader("location") or "", answer.getheader("set-cookie") or ""
        assert answer.status == 302
        assert location.startswith(f"{back}?code=")
        connection.request("GET", f"/authorize?{urlencode(asked)}", headers={"cookie": cookie.split(";")[0]})
        assert connection.getresponse().status == 302
        connection.close()
