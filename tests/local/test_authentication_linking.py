"""A user links another account in the browser, and unlinks it; a visitor becomes a user."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from anyauth0 import Conflict, ManagementClient, Response
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"
OTHER = "another-Horse-8"
REDIRECT = "https://app.example/callback"
DATABASE = "Username-Password-Authentication"


def query(response: Response) -> dict[str, str]:
    assert response.status == 302, response.body
    return {
        name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()
    }


def refused(response: Response) -> tuple[str, str]:
    found = query(response)
    assert found.keys() == {"error", "error_description", "state"}
    return found["error"], found["error_description"]


class Person:
    """Someone with a browser and an application."""

    def __init__(self, wire: Any, app: dict[str, Any]) -> None:
        self.wire, self.app, self.cookie = wire, app, ""

    def _kept(self, response: Response) -> Response:
        self.cookie = response.headers.get("set-cookie", self.cookie).partition(";")[0]
        return response

    def authorize(self, **parameters: str) -> Response:
        usual = {
            "client_id": self.app["client_id"],
            "redirect_uri": REDIRECT,
            "state": "s",
            "scope": "openid",
        }
        return self._kept(
            self.wire.get(f"/authorize?{urlencode({**usual, **parameters})}", cookie=self.cookie)
        )

    def submit(self, page: Response, **fields: str) -> Response:
        state = re.search(rb'name="state" value="([^"]+)"', page.body)
        assert state is not None, (page.status, page.headers)
        given = {"state": state[1].decode(), **fields}
        return self._kept(self.wire.form("/u/login", headers={"cookie": self.cookie}, **given))

    def log_in(self, email: str, password: str, **parameters: str) -> Response:
        return self.submit(self.authorize(**parameters), email=email, password=password)

    def tokens(self, response: Response) -> dict[str, Any]:
        grant = {
            "grant_type": "authorization_code",
            "code": query(response)["code"],
            "redirect_uri": REDIRECT,
        }
        app = self.app
        answer = self.wire.token(**grant, client_id=app["client_id"], client_secret=app["client_secret"])
        assert answer.status == 200, answer.body
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def subject(self, response: Response) -> str:
        token = self.tokens(response)["id_token"]
        return str(parse_token(token, ("RS256", "HS256")).claims()["sub"])


@pytest.fixture
def staff(tenant: LocalTenant) -> dict[str, Any]:
    """Return the other account of Ada."""
    tenant.add_connection("Staff")
    return tenant.add_user(connection="Staff", email="lovelace@staff.example", password=OTHER, name="A. L.")


@pytest.fixture
def person(wire: Any, tenant: LocalTenant, ada: dict[str, Any]) -> Person:
    return Person(wire, tenant.add_client(callbacks=[REDIRECT]))


@pytest.fixture
def hint(person: Person) -> str:
    return str(person.tokens(person.log_in("ada@example.com", PASSWORD))["id_token"])


def wish(hint: str, way: str = "link", **more: str) -> dict[str, str]:
    usual = {"requested_connection": "Staff", "id_token_hint": hint, "scope": f"openid {way}_account"}
    return {**usual, **more}


def connections(tenant: LocalTenant, user: dict[str, Any]) -> list[str]:
    found = tenant.store.get("users", user["user_id"])
    assert found is not None
    return [identity["connection"] for identity in found["identities"]]


# --- linking


def test_an_account_is_linked_by_who_logs_in_to_it(
    person: Person, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    page = person.authorize(**wish(hint))
    assert page.status == 200
    assert person.submit(page, email="ada@example.com", password=PASSWORD).status == 400
    assert person.submit(page, email="lovelace@staff.example", password="wrong").status == 400
    assert connections(tenant, ada) == [DATABASE]
    response = person.submit(page, email="lovelace@staff.example", password=OTHER)
    assert person.subject(response) == ada["user_id"]
    assert connections(tenant, ada) == [DATABASE, "Staff"]
    assert tenant.store.get("users", staff["user_id"]) is None
    found = tenant.store.get("users", ada["user_id"])
    assert found is not None
    assert found["identities"][1]["profileData"]["email"] == "lovelace@staff.example"
    assert person.subject(person.authorize(prompt="none")) == ada["user_id"]


def test_a_linked_account_logs_its_user_in(
    person: Person, wire: Any, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    person.log_in("lovelace@staff.example", OTHER, **wish(hint))
    other = Person(wire, person.app)
    assert other.log_in("lovelace@staff.example", PASSWORD, connection="Staff").status == 400
    assert other.log_in("lovelace@staff.example", OTHER).status == 400
    # The names of the user's own account are names there, and not in the other database.
    assert other.log_in("ada@example.com", PASSWORD, connection="Staff").status == 400
    response = other.log_in("lovelace@staff.example", OTHER, connection="Staff")
    assert other.subject(response) == ada["user_id"]
    taken = {"client_id": tenant.client_id, "connection": "Staff", "password": OTHER}
    assert wire.json("/dbconnections/signup", email="Lovelace@staff.example", **taken).status == 400
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    assert refused(other.log_in("lovelace@staff.example", OTHER, connection="Staff", prompt="login"))[0] == (
        "unauthorized"
    )


def test_what_was_linked_to_the_other_account_goes_along(
    person: Person, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    tenant.add_user(email="third@example.com", password=PASSWORD)
    own = person.tokens(person.log_in("lovelace@staff.example", OTHER, connection="Staff", prompt="login"))
    linked = wish(own["id_token"], requested_connection=DATABASE)
    assert person.subject(person.log_in("third@example.com", PASSWORD, **linked)) == staff["user_id"]
    assert person.subject(person.log_in("lovelace@staff.example", OTHER, **wish(hint))) == ada["user_id"]
    assert connections(tenant, ada) == [DATABASE, "Staff", DATABASE]
    response = person.log_in("third@example.com", PASSWORD, prompt="login")
    assert person.subject(response) == ada["user_id"]


def test_an_account_is_not_linked_to_itself_nor_twice(
    person: Person, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    own = wish(hint, requested_connection=DATABASE)
    assert refused(person.log_in("ada@example.com", PASSWORD, **own))[0] == "access_denied"
    person.log_in("lovelace@staff.example", OTHER, **wish(hint))
    error, description = refused(person.log_in("lovelace@staff.example", OTHER, **wish(hint)))
    assert (error, "already" in description) == ("access_denied", True)
    assert connections(tenant, ada) == [DATABASE, "Staff"]


def test_an_old_hint_will_do_and_no_session_is_needed(
    person: Person, wire: Any, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    tenant.advance(10 * 86400)
    newcomer = Person(wire, person.app)
    response = newcomer.log_in("lovelace@staff.example", OTHER, **wish(hint))
    assert newcomer.subject(response) == ada["user_id"]


def test_the_second_factor_of_the_other_account_comes_before_the_link(
    person: Person, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    tenant.require_mfa(staff)
    secret = tenant.add_factor(staff)["secret"]
    page = person.log_in("lovelace@staff.example", OTHER, **wish(hint))
    assert person.submit(page, code="x").status == 400
    assert connections(tenant, ada) == [DATABASE]
    response = person.submit(page, code=tenant.authenticator_code(secret))
    assert person.subject(response) == ada["user_id"]
    assert connections(tenant, ada) == [DATABASE, "Staff"]


@pytest.mark.parametrize("way", ["link", "unlink"])
def test_a_hint_is_an_id_token_for_this_application(
    person: Person,
    wire: Any,
    tenant: LocalTenant,
    ada: dict[str, Any],
    staff: dict[str, Any],
    hint: str,
    way: str,
) -> None:
    head, payload, signature = hint.split(".")
    grant = {"grant_type": "password", "username": "ada@example.com", "password": PASSWORD, "scope": "openid"}
    another = json.loads(wire.token(**grant).body)
    tenant.add_api(person.app["client_id"])
    who = {"client_id": person.app["client_id"], "client_secret": person.app["client_secret"]}
    access = json.loads(wire.token(**{**grant, **who, "scope": "x", "audience": who["client_id"]}).body)
    elsewhere = tenant.tokens.sign(
        {"iss": "https://evil.example/", "aud": who["client_id"], "sub": ada["user_id"]}
    )
    for wrong in (
        "", "x", f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload}.",
        another["id_token"], access["access_token"], elsewhere,
    ):  # fmt: skip
        error, description = refused(person.authorize(**wish(wrong, way)))
        assert (error, "id_token_hint" in description) == ("invalid_request", True), wrong
    assert connections(tenant, {"user_id": staff["user_id"]}) == ["Staff"]


def test_the_hint_of_an_application_with_a_symmetric_key_is_verified_by_it(
    wire: Any, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any]
) -> None:
    app = tenant.add_client(callbacks=[REDIRECT], id_token_alg="HS256")
    person = Person(wire, app)
    own = person.tokens(person.log_in("ada@example.com", PASSWORD))["id_token"]
    head, payload, signature = own.split(".")
    assert refused(person.authorize(**wish(f"{head}.{payload}.{signature[::-1]}")))[0] == "invalid_request"
    assert person.subject(person.log_in("lovelace@staff.example", OTHER, **wish(own))) == ada["user_id"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"scope": "link_account unlink_account"}, "invalid_request"),
        ({"requested_connection": ""}, "invalid_request"),
        ({"requested_connection": "none"}, "invalid_request"),
        ({"requested_connection": "email"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_a_link_that_cannot_be_made_goes_back_at_once(
    person: Person, staff: dict[str, Any], hint: str, more: dict[str, str], error: str
) -> None:
    assert refused(person.authorize(**wish(hint, **more)))[0] == error


def test_a_user_who_is_gone_or_blocked_links_nothing(
    person: Person, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    page = person.authorize(**wish(hint))
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    login = {"email": "lovelace@staff.example", "password": OTHER}
    assert refused(person.submit(page, **login))[0] == "access_denied"
    assert refused(person.authorize(**wish(hint)))[0] == "unauthorized"
    tenant.store.remove("users", ada["user_id"])
    assert refused(person.authorize(**wish(hint)))[0] == "invalid_request"
    assert connections(tenant, staff) == ["Staff"]


# --- unlinking


def test_an_unlinked_account_is_a_user_again_with_its_password(
    person: Person, wire: Any, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    person.log_in("lovelace@staff.example", OTHER, **wish(hint))
    assert person.subject(person.authorize(**wish(hint, "unlink"))) == ada["user_id"]
    assert connections(tenant, ada) == [DATABASE]
    response = Person(wire, person.app).log_in("lovelace@staff.example", OTHER, connection="Staff")
    assert person.subject(response) == staff["user_id"]
    assert refused(person.authorize(**wish(hint, "unlink")))[0] == "access_denied"
    tenant.store.remove("users", staff["user_id"])
    response = Person(wire, person.app).log_in("lovelace@staff.example", OTHER, connection="Staff")
    assert response.status == 400


def test_only_the_user_of_the_hint_unlinks_and_not_the_main_account(
    person: Person, wire: Any, tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any], hint: str
) -> None:
    person.log_in("lovelace@staff.example", OTHER, **wish(hint))
    main = wish(hint, "unlink", requested_connection=DATABASE)
    assert refused(person.authorize(**main))[0] == "access_denied"
    tenant.add_user(email="eve@example.com", password=PASSWORD)
    eve = Person(wire, person.app)
    assert refused(eve.log_in("eve@example.com", PASSWORD, **wish(hint, "unlink")))[0] == "access_denied"
    assert connections(tenant, ada) == [DATABASE, "Staff"]
    nobody = Person(wire, person.app)
    response = nobody.log_in("ada@example.com", PASSWORD, **wish(hint, "unlink"))
    assert nobody.subject(response) == ada["user_id"]
    assert connections(tenant, ada) == [DATABASE]


def test_an_account_that_is_linked_is_a_conflict_in_the_management_api(
    tenant: LocalTenant, ada: dict[str, Any], staff: dict[str, Any]
) -> None:
    account = staff["user_id"].partition("|")[2]
    third = tenant.add_user(email="third@example.com")
    who = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    with ManagementClient(domain=tenant.domain, transport="local", **who) as management:
        management.users.link(ada["user_id"], provider="auth0", user_id=account)
        for user in (ada, third):
            with pytest.raises(Conflict):
                management.users.link(user["user_id"], provider="auth0", user_id=account)
        management.users.unlink(ada["user_id"], "auth0", account)
        assert len(management.users.link(third["user_id"], provider="auth0", user_id=account).data) == 2


# --- visitors


@pytest.fixture
def visitor(wire: Any, person: Person) -> dict[str, Any]:
    who = {"client_id": person.app["client_id"], "client_secret": person.app["client_secret"]}
    begun = json.loads(wire.json("/anonymous/token", metadata={"basket": 7}, **who).body)
    return {"session_token": begun["session_token"], **who}


def minted(wire: Any, visitor: dict[str, Any]) -> str:
    answer = wire.json("/anonymous/token", audience="urn:auth0:anon_transfer", **visitor)
    return str(json.loads(answer.body)["anon_transfer_token"])


def test_the_session_of_a_visitor_ends_with_the_login_that_takes_it_over(
    person: Person, wire: Any, tenant: LocalTenant, ada: dict[str, Any], visitor: dict[str, Any]
) -> None:
    token = minted(wire, visitor)
    page = person.authorize(anon_transfer_token=token)
    # A login that takes its time is fine, and one that is never made takes nothing away.
    tenant.advance(600)
    second = minted(wire, visitor)
    response = person.submit(page, email="ada@example.com", password=PASSWORD)
    assert person.subject(response) == ada["user_id"]
    again = wire.json("/anonymous/token", **visitor)
    assert (again.status, json.loads(again.body)["error"]) == (400, "invalid_session_token")
    assert refused(person.authorize(anon_transfer_token=second))[0] == "invalid_request"
    assert token not in str(tenant.store.list("anonymous_transfers"))


def test_a_user_with_a_session_takes_a_visit_over_at_once(
    person: Person, wire: Any, visitor: dict[str, Any], hint: str
) -> None:
    assert "code" in query(person.authorize(anon_transfer_token=minted(wire, visitor)))
    assert wire.json("/anonymous/token", **visitor).status == 400


def test_a_transfer_token_is_good_once_for_half_a_minute_and_its_application(
    person: Person, wire: Any, tenant: LocalTenant, visitor: dict[str, Any]
) -> None:
    token, late = minted(wire, visitor), minted(wire, visitor)
    other = tenant.add_client(callbacks=[REDIRECT])["client_id"]
    assert refused(person.authorize(anon_transfer_token=token, client_id=other))[0] == "invalid_request"
    tenant.advance(29)
    assert person.authorize(anon_transfer_token=token).status == 200
    assert refused(person.authorize(anon_transfer_token=token))[0] == "invalid_request"
    tenant.advance(1)
    assert refused(person.authorize(anon_transfer_token=late))[0] == "invalid_request"
    assert refused(person.authorize(anon_transfer_token=""))[0] == "invalid_request"
    assert wire.json("/anonymous/token", **visitor).status == 200
