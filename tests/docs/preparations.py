"""What the code of each page finds, and what is true when it has run."""

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from anyauth0 import AuthenticationApiError

from .devices import Passkey
from .exchanges import api_protection, client_authentication, dpop, logout, token_exchange
from .stage import ADA, DATABASE, PASSWORD, Stage

Names: TypeAlias = dict[str, Any]
ORDERS = "https://orders.example.com"


def web_login(stage: Stage) -> Names:
    return {"auth": stage.auth(), "session": {}, "redirect": stage.redirect, "callback_url": ""}


def client_credentials(stage: Stage) -> Names:
    return {"auth": stage.auth()}


def refresh_tokens(stage: Stage) -> Names:
    tenant = stage.tenant
    tenant.add_api(ORDERS, ["read:orders"])
    app = tenant.add_client(rotating=True)
    auth = stage.client(app, client_secret=app["client_secret"])
    tokens = auth.oauth.password_grant(username=ADA, password=PASSWORD, scope="openid offline_access")
    session = {"refresh_token": tokens.data.refresh_token}
    return {"auth": stage.auth(app, client_secret=app["client_secret"]), "session": session}


def passwordless(stage: Stage) -> Names:
    return {"auth": stage.auth(), "input": lambda prompt: stage.tenant.outbox[-1].code}


def password(stage: Stage) -> Names:
    return {"auth": stage.auth(), "print": lambda text: None}


def device(stage: Stage) -> Names:
    def approve() -> None:
        stage.tenant.approve_device(stage.names["device"].user_code, ADA)

    stage.pauses = [lambda: None, approve]
    return {"auth": stage.public(), "print": lambda text: None}


def backchannel(stage: Stage) -> Names:
    def approve() -> None:
        stage.tenant.approve_backchannel(stage.names["asked"].auth_req_id)

    stage.pauses = [lambda: None, approve]
    return {"auth": stage.auth(), "user_id": stage.ada["user_id"]}


def second_factor(stage: Stage) -> Names:
    tenant = stage.tenant
    tenant.require_mfa(connection=DATABASE)
    secret = tenant.add_factor(ADA)["secret"]
    tenant.add_factor(ADA, "sms", to="+14155550100")
    tenant.add_user(email="new@example.com", password=PASSWORD)

    def refused(email: str) -> AuthenticationApiError:
        with pytest.raises(AuthenticationApiError) as caught:
            stage.client().oauth.password_grant(username=email, password=PASSWORD, scope="openid")
        return caught.value

    def code(prompt: str) -> str:
        if "enrollment" in stage.names:
            return tenant.authenticator_code(stage.names["enrollment"].secret)
        return str(tenant.outbox[-1].code) if tenant.outbox else tenant.authenticator_code(secret)

    return {
        "auth": stage.auth(),
        "username": ADA,
        "password": PASSWORD,
        "required": refused(ADA),
        "newcomer": refused("new@example.com"),
        "input": code,
        "show_as_picture": lambda uri: None,
    }


def passkeys(stage: Stage) -> Names:
    key = Passkey()
    return {"auth": stage.public(), "create": key.create, "get": key.get}


def linking_accounts(stage: Stage) -> Names:
    tenant = stage.tenant
    tenant.add_connection("github", strategy="github")
    other = tenant.add_user(connection="github", user_id="7", email="ada@users.example")
    tenant.add_user(email="lovelace@example.com", password=PASSWORD)
    stage.browser.login["email"] = "lovelace@example.com"
    return {
        "auth": stage.auth(),
        "management": stage.management(),
        "session": {"id_token": stage.tokens("openid").id_token},
        "redirect": stage.redirect,
        "callback_url": "",
        "user_id": stage.ada["user_id"],
        "other": other,
    }


def anonymous_sessions(stage: Stage) -> Names:
    return {"auth": stage.public(), "session": {}, "redirect": stage.redirect}


def registration_and_discovery(stage: Stage) -> Names:
    tenant = stage.tenant
    tenant.allow_registration()
    tenant.add_connection("corporate", strategy="okta", options={"domain_aliases": ["corp.example"]})
    app = tenant.add_client(public=True)
    return {"auth": stage.auth(app), "client_id": app["client_id"], "print": lambda *said: None}


def logged_in(subject: str) -> Callable[[Names], None]:
    """Return a check that the tokens of a page are of this user."""

    def check(names: Names) -> None:
        assert str(names["tokens"].claims["sub"]).startswith(subject)

    return check


def token_is_used_again(names: Names) -> None:
    assert names["token"] != names["newer"]
    assert names["tokens"].access_token not in (names["token"], names["newer"])


def refresh_token_is_gone(names: Names) -> None:
    assert names["session"] == {}
    assert names["token"].scope == "read:orders"


def both_are_linked(names: Names) -> None:
    assert [identity.connection for identity in names["identities"]] == [DATABASE, DATABASE, "github"]
    assert names["tokens"].claims["sub"] == names["user_id"]


def visitor_goes_along(names: Names) -> None:
    assert names["api"].access_token
    assert "anon_transfer_token=" in names["request"].url
    assert "code=" in names["callback_url"]


def client_is_registered(names: Names) -> None:
    assert names["client"].client_id
    assert names["federated"] is True


Preparation: TypeAlias = tuple[Callable[[Stage], Names], Callable[[Names], None]]
PREPARATIONS: dict[str, Preparation] = {
    "anonymous-sessions": (anonymous_sessions, visitor_goes_along),
    "api-protection": api_protection,
    "backchannel": (backchannel, logged_in("auth0|")),
    "client-authentication": client_authentication,
    "client-credentials": (client_credentials, token_is_used_again),
    "device": (device, logged_in("auth0|")),
    "dpop": dpop,
    "linking-accounts": (linking_accounts, both_are_linked),
    "logout": logout,
    "passkeys": (passkeys, logged_in("auth0|")),
    "password": (password, logged_in("auth0|")),
    "passwordless": (passwordless, logged_in("auth0|")),
    "refresh-tokens": (refresh_tokens, refresh_token_is_gone),
    "registration-and-discovery": (registration_and_discovery, client_is_registered),
    "second-factor": (second_factor, logged_in("auth0|")),
    "token-exchange": token_exchange,
    "web-login": (web_login, logged_in("auth0|")),
}
