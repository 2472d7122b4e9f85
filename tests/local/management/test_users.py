"""Users and the log in the embedded tenant's Management API: searched, paged, checked and kept apart."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import Request
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.incoming import Refusal
from anyauth0_transports.local.management.search import matcher

Api = Any
At = Callable[[Any], str]

PASSWORD = "correct-Horse-7"
CONNECTION = "Username-Password-Authentication"


def create(api: Api, email: str, **more: Any) -> tuple[int, Any]:
    return api("POST", "/users", {"connection": CONNECTION, "email": email, "password": PASSWORD, **more})


# --- who may ask


def test_a_token_is_asked_for(tenant: LocalTenant, api: Api) -> None:
    api.token = ""
    status, answer = api("GET", "/users")
    assert status == 401
    assert answer == {"statusCode": 401, "error": "Unauthorized", "message": "Missing authentication"}


def test_an_expired_token_opens_nothing(tenant: LocalTenant, api: Api) -> None:
    assert api("GET", "/users")[0] == 200
    tenant.advance(3601)
    status, answer = api("GET", "/users")
    assert status == 401
    assert "Expired token" in answer["message"]


def test_a_token_of_another_audience_opens_nothing(tenant: LocalTenant, api: Api) -> None:
    api.token = tenant.tokens.access_token(
        {"client_id": "x"}, subject="x", audience=["other"], scope="read:users", gty=None, lifetime=60
    )
    assert api("GET", "/users")[0] == 401


def test_a_scope_that_is_missing_is_named(api_with: Callable[[str], Api]) -> None:
    status, answer = api_with("read:logs")("GET", "/users")
    assert status == 403
    assert answer["errorCode"] == "insufficient_scope"
    assert "read:users" in answer["message"]
    # Any one of those that an endpoint names is enough.
    assert api_with("read:user_idp_tokens")("GET", "/users")[0] == 200


def test_each_answer_tells_the_budget(api: Api) -> None:
    first, second = api.send("GET", "/users"), api.send("GET", "/users/nobody")
    assert first.headers["x-ratelimit-limit"] == "100"
    remaining = [int(response.headers["x-ratelimit-remaining"]) for response in (first, second)]
    assert remaining in ([99, 98], [99, 99])
    assert "x-ratelimit-reset" in second.headers


def test_a_path_that_nobody_knows_is_not_found(api: Api) -> None:
    assert api("GET", "/nothing/of/the/kind")[0] == 404
    assert api("PUT", "/users")[0] == 404


# --- one user


def test_a_user_is_created_read_changed_and_deleted(api: Api, at: At) -> None:
    status, user = create(
        api, "Ada@Example.com", user_metadata={"a": 1, "b": 2}, app_metadata={"plan": "free"}
    )
    assert status == 201
    assert user["user_id"].startswith("auth0|")
    assert user["email"] == "ada@example.com"
    assert user["identities"][0]["connection"] == CONNECTION
    assert "password" not in user
    assert api("GET", at(user)) == (200, user)

    status, changed = api("PATCH", at(user), {"user_metadata": {"a": None, "c": 3}, "nickname": "countess"})
    assert status == 200
    assert changed["user_metadata"] == {"b": 2, "c": 3}
    assert changed["app_metadata"] == {"plan": "free"}
    assert changed["nickname"] == "countess"

    assert api("GET", at(user), fields="email,nickname")[1] == {
        "email": "ada@example.com", "nickname": "countess",
    }  # fmt: skip
    assert "email" not in api("GET", at(user), fields="email", include_fields="false")[1]
    assert api("DELETE", at(user)) == (204, None)
    assert api("DELETE", at(user)) == (204, None)
    status, answer = api("GET", at(user))
    assert (status, answer["errorCode"]) == (404, "inexistent_user")
    # The address is free again.
    assert create(api, "ada@example.com")[0] == 201


def test_a_password_that_is_set_is_the_one_that_counts(
    tenant: LocalTenant, api: Api, wire: Any, at: At
) -> None:
    _, user = create(api, "ada@example.com")
    assert api("PATCH", at(user), {"password": "weak"})[0] == 400
    assert api("PATCH", at(user), {"password": "another-Horse-8", "connection": CONNECTION})[0] == 200
    login = {"grant_type": "password", "username": "ada@example.com"}
    assert wire.token(**login, password=PASSWORD).status == 403
    assert wire.token(**login, password="another-Horse-8").status == 200
    assert "another-Horse-8" not in json.dumps(tenant.store.list("users"))


def test_an_address_is_one_user_of_a_connection(tenant: LocalTenant, api: Api, at: At) -> None:
    create(api, "ada@example.com")
    status, answer = create(api, "ADA@example.com")
    assert status == 409
    assert answer == {
        "statusCode": 409, "error": "Conflict", "message": "The user already exists.",
        "errorCode": "auth0_idp_error",
    }  # fmt: skip
    _, bob = create(api, "bob@example.com")
    assert api("PATCH", at(bob), {"email": "ada@example.com"})[0] == 400
    tenant.add_connection("other")
    assert create(api, "ada@example.com", connection="other")[0] == 201
    assert len(api("GET", "/users-by-email", email="aDa@Example.com")[1]) == 2


@pytest.mark.parametrize("change", [
    {"password": "short"}, {"password": None}, {"email": "ada"}, {"email": 5}, {"email": None},
    {"connection": "nowhere"},
])  # fmt: skip
def test_a_user_who_cannot_be_is_refused(api: Api, change: dict[str, Any]) -> None:
    status, answer = create(api, **{"email": "ada@example.com", **change})
    assert (status, answer["error"]) == (400, "Bad Request")
    assert answer["message"]
    assert api("GET", "/users")[1] == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"5"])
def test_a_body_that_is_no_object_is_refused(tenant: LocalTenant, api: Api, body: bytes) -> None:
    headers = {"authorization": f"Bearer {api.token}"}
    for method, path in (("POST", "/users"), ("POST", "/clients/x/credentials"), ("PATCH", "/clients/x")):
        url = f"https://{tenant.domain}/api/v2{path.replace('x', tenant.client_id)}"
        request = Request(method=method, url=url, headers=headers, body=body)
        assert tenant.transport().send(request).status == 400


def test_an_id_is_taken_as_it_is_meant(api: Api, at: At) -> None:
    _, user = create(api, "ada@example.com", user_id="a b/c?d")
    assert user["user_id"] == "auth0|a b/c?d"
    assert api("GET", at(user))[1]["email"] == "ada@example.com"


# --- many users


@pytest.fixture
def crowd(tenant: LocalTenant) -> list[str]:
    return [tenant.add_user(email=f"{number:03}@example.com")["email"] for number in range(120)]


def test_pages_come_bare_or_with_totals(api: Api, crowd: list[str]) -> None:
    _, bare = api("GET", "/users")
    assert [user["email"] for user in bare] == crowd[:50]
    _, page = api("GET", "/users", page=2, per_page=50, include_totals="true")
    assert [user["email"] for user in page.pop("users")] == crowd[100:]
    assert page == {"start": 100, "limit": 50, "length": 20, "total": 120}
    assert api("GET", "/users", page=3) == (200, [])


def test_users_are_sorted_as_asked(api: Api, crowd: list[str]) -> None:
    _, users = api("GET", "/users", sort="email:-1", per_page=3)
    assert [user["email"] for user in users] == crowd[:-4:-1]
    assert api("GET", "/users", sort="email")[0] == 400


@pytest.mark.parametrize("query", [
    {"page": 10, "per_page": 100}, {"page": 20}, {"per_page": 101}, {"page": -1}, {"page": "x"},
    {"q": "email"}, {"q": "(email:a"}, {"q": 'email:"a'},
])  # fmt: skip
def test_what_is_beyond_the_wall_or_makes_no_sense_is_refused(api: Api, query: dict[str, Any]) -> None:
    status, answer = api("GET", "/users", **query)
    assert (status, answer["error"]) == (400, "Bad Request")


def test_the_last_page_before_the_wall_is_served(api: Api) -> None:
    assert api("GET", "/users", page=9, per_page=100) == (200, [])
    assert api("GET", "/users", page=10, per_page=100)[1]["message"].startswith(
        "You can only page through the first 1000 records"
    )


def test_a_connection_narrows_the_list(tenant: LocalTenant, api: Api, crowd: list[str]) -> None:
    tenant.add_connection("other")
    tenant.add_user(connection="other", email="ada@example.com")
    assert [user["email"] for user in api("GET", "/users", connection="other")[1]] == ["ada@example.com"]


# --- queries

ADA = {
    "email": "ada@example.com", "email_verified": True, "logins_count": 9, "name": "Ada Lovelace",
    "last_login": "2026-05-01T10:00:00.000Z", "user_metadata": {"plan": "gold", "tags": ["a", "b"]},
    "identities": [{"connection": "db", "provider": "auth0"}, {"connection": "hub", "provider": "github"}],
}  # fmt: skip


@pytest.mark.parametrize("query", [
    "email:*@example.com", "email:ADA@example.com", 'email:"ada@example.com"', "email:a*@*.com", "email:*",
    "email_verified:true", "logins_count:9", "logins_count:[2 TO 10]", "logins_count:[* TO 9]",
    "logins_count:{8 TO 9]", "logins_count:>8", "logins_count:>=9", "logins_count:<10",
    'name:"Ada Lovelace"', "name:Ada*", "user_metadata.plan:gold", "user_metadata.tags:b",
    "identities.connection:hub", 'last_login:[2026-01-01 TO 2026-12-31]', "_exists_:email", "",  "*",
    "email:x OR name:Ada*", "email:*example* AND logins_count:9", "email:*example* logins_count:9",
    "NOT email:x", "-email:x", "(email:x OR email:ada*) AND NOT blocked:true", "-_exists_:blocked",
    'name:"ada lovelace" AND (logins_count:1 OR logins_count:9)',
])  # fmt: skip
def test_a_query_finds(query: str) -> None:
    assert matcher(query)(ADA)


@pytest.mark.parametrize("query", [
    "email:example.com", "email:*@example.org", 'email:"*@example.com"', "logins_count:{9 TO *}",
    "logins_count:<9", "logins_count:>9", "logins_count:[10 TO 20]", "blocked:true", "_exists_:blocked",
    "user_metadata.plan:gold AND email:x", "NOT email:*", "email:ada@exampleXcom", "name:Ada",
    "identities.connection:nowhere", "name.first:Ada",
])  # fmt: skip
def test_a_query_passes_over(query: str) -> None:
    assert not matcher(query)(ADA)


@given(st.text(max_size=40) | st.text(alphabet='email:*"()[]{} ANDORT-><=\\', max_size=30))
def test_any_query_is_answered_or_refused(query: str) -> None:
    try:
        found = matcher(query)(ADA)
    except Refusal as refusal:
        status = refusal.status
    else:
        status = 200 if found in (True, False) else 0
    assert status in (200, 400)


# --- linked accounts


def test_accounts_are_linked_and_parted(tenant: LocalTenant, api: Api, at: At) -> None:
    tenant.add_connection("hub", strategy="github")
    ada = tenant.add_user(email="ada@example.com")
    other = tenant.add_user(connection="hub", email="ada@hub.example", name="Countess")
    account = other["user_id"].partition("|")[2]
    status, identities = api(
        "POST", f"{at(ada)}/identities", {"provider": "github", "user_id": other["user_id"]}
    )
    assert status == 201
    assert [identity["provider"] for identity in identities] == ["auth0", "github"]
    assert identities[1]["profileData"]["name"] == "Countess"
    assert api("GET", at(other))[0] == 404
    assert len(api("GET", "/users", q="identities.connection:hub")[1]) == 1

    assert api("DELETE", f"{at(ada)}/identities/auth0/{ada['user_id'].partition('|')[2]}")[0] == 400
    assert api("DELETE", f"{at(ada)}/identities/github/unknown")[0] == 404
    status, left = api("DELETE", f"{at(ada)}/identities/github/{account}")
    assert (status, len(left)) == (200, 1)
    assert api("GET", at(other))[1]["name"] == "Countess"


def test_an_account_is_not_linked_to_itself_or_to_nobody(tenant: LocalTenant, api: Api, at: At) -> None:
    ada = tenant.add_user(email="ada@example.com")
    own = ada["user_id"].partition("|")[2]
    for body, expected in (
        ({"provider": "auth0", "user_id": own}, 400),
        ({"provider": "auth0", "user_id": "nobody"}, 404),
        ({"provider": "auth0"}, 400),
        ({"link_with": "a.b.c"}, 400),
    ):
        assert api("POST", f"{at(ada)}/identities", body)[0] == expected
    assert api("GET", at(ada))[0] == 200


# --- the log


def test_the_log_is_read_by_checkpoint_from_the_first_entry_on(tenant: LocalTenant, api: Api) -> None:
    written = [tenant.log("s", user_id=f"auth0|{number}")["log_id"] for number in range(7)]
    assert written == sorted(set(written))
    _, first = api("GET", "/logs", **{"from": "", "take": 3})
    assert [entry["log_id"] for entry in first] == written[:3]
    _, rest = api("GET", "/logs", **{"from": first[-1]["log_id"]})
    assert [entry["log_id"] for entry in rest] == written[3:]
    assert api("GET", "/logs", **{"from": written[-1], "take": 100}) == (200, [])
    assert api("GET", "/logs", take=101)[0] == 400


def test_the_log_is_read_by_number_from_the_newest_back(tenant: LocalTenant, api: Api) -> None:
    written = [tenant.log("f" if number % 2 else "s")["log_id"] for number in range(6)]
    _, page = api("GET", "/logs", per_page=2, include_totals="true")
    assert [entry["log_id"] for entry in page["logs"]] == written[:3:-1]
    assert (page["total"], page["length"]) == (6, 2)
    _, failures = api("GET", "/logs", q="type:f", sort="date:1", fields="type,log_id")
    assert [entry["type"] for entry in failures] == ["f"] * 3
    assert api("GET", f"/logs/{written[2]}")[1]["log_id"] == written[2]
    assert api("GET", "/logs/900")[0] == 404


def test_a_user_has_a_log_of_their_own(tenant: LocalTenant, api: Api, at: At) -> None:
    ada = tenant.add_user(email="ada@example.com")
    tenant.log("s", user_id=ada["user_id"])
    tenant.log("s", user_id="auth0|somebody")
    _, entries = api("GET", f"{at(ada)}/logs")
    assert [entry["user_id"] for entry in entries] == [ada["user_id"]]


def test_what_is_changed_is_logged(tenant: LocalTenant, api: Api) -> None:
    create(api, "ada@example.com")
    entry = tenant.store.last("logs")
    assert entry is not None
    assert (entry["type"], entry["description"]) == ("sapi", "users.create")
    api("GET", "/users")
    assert tenant.store.count("logs") == 1


def test_threads_that_create_the_same_user_make_one(tenant: LocalTenant, api: Api) -> None:
    statuses: list[int] = []

    def work(number: int) -> None:
        statuses.append(create(api, "ada@example.com")[0])
        statuses.append(create(api, f"{number}@example.com")[0])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 17 + [409] * 15
    assert tenant.store.count("users") == 17
