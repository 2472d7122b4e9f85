"""The web application of the examples, in Chromium: logins that succeed, and all that must not."""

import base64
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import itsdangerous
import pytest
import uvicorn
from cryptography.fernet import Fernet

from anyauth0_transports.local import LocalTenant, serve

from ..chromium import chromium

ROOT = Path(__file__).parents[2]
SCREENSHOT = ROOT / "build" / "screenshots" / "web_login.png"
sys.path.insert(0, str(ROOT / "examples"))
web_app = import_module("web_login.app").web_app

PASSWORD = "correct-Horse-7"


@pytest.fixture(scope="module")
def site() -> Iterator[Any]:
    """Serve the application and its tenant, which has a user who may log in, and one who may not."""
    key = Fernet.generate_key()
    listening = socket.create_server(("127.0.0.1", 0))
    home = f"http://localhost:{listening.getsockname()[1]}/"
    with closing(listening), LocalTenant() as tenant, serve(tenant) as server:
        client = tenant.add_client(callbacks=[f"{home}callback"], allowed_logout_urls=[home])
        tenant.add_user(email="ada@example.com", password=PASSWORD, name="Ada <b>Lovelace</b>")
        tenant.add_user(email="eve@example.com", password=PASSWORD)
        tenant.require_mfa("eve@example.com")
        options = {
            "domain": server.domain,
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "tls": server.tls,
            "proxy": False,
        }
        app = web_app(options, home=home, key=key)
        application = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=application.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield SimpleNamespace(
                home=home, tenant=tenant, server=server, key=key, client_secret=client["client_secret"]
            )
        finally:
            application.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def tab(site: Any) -> Iterator[Any]:
    """Open one tab for all tests: another browser would take each of them a second."""
    with chromium() as browser:
        # No browser knows the tenant's authority, which was made just now.
        yield browser.new_page(base_url=site.home, ignore_https_errors=True)


@pytest.fixture(scope="module")
def ada(tab: Any) -> Any:
    """Log Ada in; return the cookies before and after, and the address of the callback."""
    tab.context.clear_cookies()
    begin(tab)
    before = tab.context.cookies()
    with tab.expect_request("**/callback?*") as request:
        submit(tab, "ada@example.com")
    tab.get_by_role("link", name="Your profile").wait_for()
    return SimpleNamespace(before=before, after=tab.context.cookies(), callback=request.value.url)


@pytest.fixture
def page(tab: Any) -> Any:
    """Return the tab of a browser that has no cookies."""
    tab.context.clear_cookies()
    return tab


def begin(page: Any) -> None:
    page.goto("/")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("E-mail").wait_for()


def submit(page: Any, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Continue").click()


def said(page: Any) -> str:
    return str(page.get_by_role("alert").inner_text())


def logged_in(page: Any) -> bool:
    page.goto("/")
    return "not logged in" not in page.inner_text("body")


def session_of(cookies: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [found for found in cookies if found["name"] == "session"]
    return found


def read(cookie: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(cookie["value"].partition(".")[0]))


def written(cookie: dict[str, Any], session: dict[str, Any], site: Any) -> dict[str, Any]:
    """Return the cookie as the application would write it."""
    signer = itsdangerous.TimestampSigner(site.key.decode())
    return {**cookie, "value": signer.sign(base64.b64encode(json.dumps(session).encode())).decode()}


def test_a_user_logs_in_after_a_wrong_password_and_sees_the_profile(page: Any, site: Any) -> None:
    begin(page)
    assert page.url.startswith(f"{site.server.url}/authorize?")
    submit(page, "ada@example.com", "wrong-Horse-7")
    assert said(page) == "Wrong email or password."
    submit(page, "ada@example.com")
    page.get_by_role("link", name="Your profile").click()
    page.wait_for_url("/profile")
    [user] = [user for user in site.tenant.store.list("users") if user["email"] == "ada@example.com"]
    shown = page.locator("dd").all_inner_texts()
    assert shown == ["Ada <b>Lovelace</b>", "ada@example.com", user["user_id"]]
    SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOT)


def test_no_script_gets_the_cookie(page: Any, ada: Any) -> None:
    page.context.add_cookies(ada.after)
    assert logged_in(page)
    assert session_of(page.context.cookies())["httpOnly"]
    assert session_of(page.context.cookies())["sameSite"] == "Lax"
    assert page.evaluate("document.cookie") == ""


def test_a_cookie_that_somebody_changed_logs_nobody_in(page: Any, ada: Any) -> None:
    cookie = session_of(ada.after)
    page.context.add_cookies([cookie])
    assert logged_in(page)
    session, (_, signature) = read(cookie), cookie["value"].split(".", 1)
    session["user"]["name"] = "Somebody else"
    value = f"{base64.b64encode(json.dumps(session).encode()).decode()}.{signature}"
    page.context.add_cookies([{**cookie, "value": value}])
    assert not logged_in(page)


def test_what_is_secret_is_not_to_be_read_in_the_cookie(ada: Any, site: Any) -> None:
    seal, before, after = Fernet(site.key), read(session_of(ada.before)), read(session_of(ada.after))
    assert set(before) == {"login"}
    assert {"state", "nonce", "code_verifier"} < set(json.loads(seal.decrypt(before["login"])))
    assert set(after) == {"user", "token"}
    assert set(after["user"]) == {"sub", "name", "sid"}
    assert seal.decrypt(after["token"])


def test_a_callback_is_good_once(page: Any, ada: Any, site: Any) -> None:
    page.context.add_cookies(ada.after)
    assert page.goto(ada.callback).status == 400
    assert said(page).startswith("No login is under way here")
    # With the cookie of then, too: the tenant takes no code twice.
    page.context.add_cookies([session_of(ada.before)])
    assert page.goto(ada.callback).status == 400
    assert "invalid_grant" in said(page)
    [code, state] = parse_qs(urlsplit(ada.callback).query).values()
    for secret in (site.client_secret, *code, *state):
        assert secret not in page.content()
    assert not logged_in(page)


def test_the_callback_of_another_login_is_refused(page: Any, ada: Any) -> None:
    begin(page)
    assert page.goto(ada.callback).status == 400
    assert "its state differs" in said(page)
    # A login that failed is over.
    page.goto(ada.callback)
    assert said(page).startswith("No login is under way here")
    assert not logged_in(page)


def test_who_is_denied_reads_why(page: Any) -> None:
    begin(page)
    with page.expect_response("**/callback?*") as response:
        submit(page, "eve@example.com")
    assert response.value.status == 400
    assert "access_denied: A second factor is demanded" in said(page)
    assert not logged_in(page)


def test_a_login_that_took_too_long_is_over(page: Any, site: Any) -> None:
    begin(page)
    cookie, seal = session_of(page.context.cookies()), Fernet(site.key)
    for age, expected in ((590, "its state differs"), (610, "took too long")):
        pending = seal.encrypt_at_time(seal.decrypt(read(cookie)["login"]), int(time.time()) - age)
        page.context.add_cookies([written(cookie, {"login": pending.decode()}, site)])
        assert page.goto("/callback?code=code&state=state").status == 400
        assert expected in said(page)


def test_whose_token_is_over_logs_in_again(page: Any, ada: Any, site: Any) -> None:
    cookie = session_of(ada.after)
    session = {**read(cookie), "token": Fernet(site.key).encrypt(b"over").decode()}
    page.context.add_cookies([written(cookie, session, site)])
    assert logged_in(page)
    page.get_by_role("link", name="Your profile").click()
    page.get_by_label("Password").wait_for()
    assert not logged_in(page)


def test_a_logout_ends_the_session_of_the_tenant_too(page: Any, site: Any) -> None:
    begin(page)
    submit(page, "ada@example.com")
    page.get_by_role("link", name="Your profile").wait_for()
    # Without a session of its own the application asks the tenant, which knows the user still.
    page.context.clear_cookies(name="session")
    assert not logged_in(page)
    page.get_by_role("link", name="Log in").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in").wait_for()
    assert page.url == site.home
    assert page.context.cookies() == []
    begin(page)
