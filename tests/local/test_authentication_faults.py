"""In process, faults and hosts and threads behave as they would over a network."""

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import (
    AsyncAuthenticationClient,
    AuthenticationClient,
    ConfigurationError,
    RateLimited,
    Request,
    ServerError,
    TransportError,
    TransportTimeout,
)
from anyauth0_transports.local import LocalTenant

JWKS = "/.well-known/jwks.json"


def get(tenant: LocalTenant, path: str = JWKS, timeout: float | None = 10) -> Request:
    return Request(method="GET", url=f"https://{tenant.domain}{path}", timeout=timeout)


def test_an_answer_that_is_a_fault_is_given_as_often_as_was_asked(tenant: LocalTenant, wire: Any) -> None:
    tenant.faults.add(503, path=JWKS, times=2, headers={"Retry-After": "3"})
    tenant.faults.add(418, path="/oauth/*", method="post", times=None, body=b"<html>")
    statuses = [wire.get(JWKS).status for _ in range(3)]
    assert statuses == [503, 503, 200]
    for _ in range(3):
        response = wire.token(grant_type="password")
        assert (response.status, response.body) == (418, b"<html>")
    tenant.faults.clear()
    assert wire.token(grant_type="password").status == 400


def test_faults_come_in_the_order_in_which_they_were_added(tenant: LocalTenant, wire: Any) -> None:
    tenant.faults.add(500, body={"error": "first"})
    tenant.faults.add(429)
    assert wire.get(JWKS).body == b'{"error":"first"}'
    limited = wire.get(JWKS)
    assert b"too_many_requests" in limited.body
    assert limited.headers["x-auth0-requestid"]
    assert wire.get(JWKS).status == 200


def test_a_fault_instead_of_an_answer_leaves_the_tenant_as_it_was(tenant: LocalTenant, wire: Any) -> None:
    tenant.faults.add(500, path="/dbconnections/signup")
    fields = {"client_id": tenant.client_id, "connection": "Username-Password-Authentication"}
    for status, users in ((500, 0), (200, 1)):
        response = wire.json(
            "/dbconnections/signup", email="a@example.com", password="correct-Horse-7", **fields
        )
        assert (response.status, tenant.store.count("users")) == (status, users)


def test_a_reset_says_whether_the_tenant_has_acted(tenant: LocalTenant, wire: Any) -> None:
    sms = {"connection": "sms", "phone_number": "+14155550100", "client_id": tenant.client_id}
    sms["client_secret"] = tenant.client_secret
    for after in (False, True):
        tenant.faults.reset(path="/passwordless/start", after=after)
        with pytest.raises(TransportError, match="reset") as caught:
            wire.json("/passwordless/start", **sms)
        assert caught.value.request_sent is after
        assert len(tenant.outbox) == int(after)
    assert wire.json("/passwordless/start", **sms).status == 200


def test_a_delay_beyond_the_timeout_is_one_at_once(tenant: LocalTenant) -> None:
    transport = tenant.transport()
    tenant.faults.delay(3600, times=3)
    with pytest.raises(TransportTimeout) as caught:
        transport.send(get(tenant, timeout=5))
    assert caught.value.request_sent
    assert transport.send(get(tenant, timeout=None)).status == 200
    assert transport.send(get(tenant, timeout=3600)).status == 200
    assert transport.send(get(tenant, timeout=0.001)).status == 200


def test_a_delay_and_a_reset_may_come_together(tenant: LocalTenant) -> None:
    tenant.faults.delay(2)
    tenant.faults.reset(after=True)
    request = get(tenant)
    incoming_faults = tenant.faults.disturbance
    from anyauth0_transports.local.incoming import Incoming

    found = incoming_faults(Incoming.from_url("GET", request.url))
    assert (found.delay, found.reset_before, found.reset_after) == (2, False, True)


def test_another_host_is_no_host(tenant: LocalTenant) -> None:
    with pytest.raises(TransportError, match='"domain"') as caught:
        tenant.transport().send(Request(method="GET", url="https://other.example/"))
    assert not caught.value.request_sent
    assert len(tenant.requests) == 0


def test_the_client_finds_the_living_tenant_of_its_domain(tenant: LocalTenant) -> None:
    tenant.add_api("https://api.example", ["read:x"])
    options: Any = {
        "domain": tenant.domain,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "transport": "local",
    }
    with AuthenticationClient(**options) as auth:
        answer = auth.oauth.client_credentials_grant(audience="https://api.example")
        assert answer.data.scope == "read:x"
        assert answer.headers["x-auth0-requestid"]
    assert tenant.requests[-1].headers["user-agent"].startswith("anyauth0/")

    async def main() -> None:
        async with AsyncAuthenticationClient(**options) as auth:
            tokens = (await auth.oauth.client_credentials_grant(audience="https://api.example")).data
            assert tokens.expires_in == 86400

    asyncio.run(main())
    given = {**options, "transport": tenant.transport()}
    assert AuthenticationClient(**given).oauth.client_credentials_grant(audience="https://api.example").data


def test_a_domain_without_a_tenant_is_an_error_with_the_mend() -> None:
    with pytest.raises(ConfigurationError, match=r'LocalTenant\(domain="nobody.example"\)') as caught:
        AuthenticationClient(domain="nobody.example", transport="local")
    assert caught.value.option == "transport"
    gone = LocalTenant(domain="gone.example")
    AuthenticationClient(domain="gone.example", transport="local")
    del gone
    gc.collect()
    with pytest.raises(ConfigurationError):
        AuthenticationClient(domain="gone.example", transport="local")
    with LocalTenant(domain="closed.example"):
        pass
    with pytest.raises(ConfigurationError):
        AuthenticationClient(domain="closed.example", transport="local")


def test_the_newest_tenant_of_a_domain_answers() -> None:
    with LocalTenant(domain="twin.example") as first, LocalTenant(domain="twin.example") as second:
        auth = AuthenticationClient(domain="twin.example", client_id=second.client_id, transport="local")
        auth.passwordless.send_email(email="z@example.com", send="code", client_secret=second.client_secret)
        assert (len(first.outbox), len(second.outbox)) == (0, 1)


def test_the_errors_of_the_client_come_from_the_tenants_answers(tenant: LocalTenant) -> None:
    auth = AuthenticationClient(
        domain=tenant.domain,
        client_id=tenant.client_id,
        client_secret=tenant.client_secret,
        transport="local",
        retry=False,
    )
    tenant.faults.add(429, headers={"retry-after": "7"})
    with pytest.raises(RateLimited) as limited:
        auth.passwordless.send_email(email="z@example.com")
    assert limited.value.retry_after == 7
    tenant.faults.add(502, body=b"<html>bad gateway</html>")
    with pytest.raises(ServerError):
        auth.passwordless.send_email(email="z@example.com")


def test_sixteen_threads_each_get_their_own_answer(tenant: LocalTenant, wire: Any) -> None:
    failures: list[str] = []

    def work(number: int) -> None:
        for turn in range(8):
            name = f"user{number}-{turn}@example.com"
            response = wire.json(
                "/dbconnections/signup",
                client_id=tenant.client_id,
                connection="Username-Password-Authentication",
                email=name,
                password="correct-Horse-7",
            )
            if response.status != 200 or name.encode() not in response.body:
                failures.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert tenant.store.count("users") == tenant.store.count("passwords") == 128
    assert len({entry["log_id"] for entry in tenant.store.list("logs")}) == 128


def test_a_file_keeps_clients_users_and_keys(tmp_path: Path, signing_key: dict[str, Any]) -> None:
    database = tmp_path / "tenant.db"
    with LocalTenant(domain="kept.example", database=database) as first:
        first.store.add("keys", signing_key["kid"], signing_key)
        first.add_user(email="ada@example.com", password="correct-Horse-7")
        client_id, secret = first.client_id, first.client_secret
        keys = first.transport().send(get(first)).body
    with LocalTenant(domain="kept.example", database=database) as second:
        assert (second.client_id, second.client_secret) == (client_id, secret)
        assert second.transport().send(get(second)).body == keys
        assert [user["email"] for user in second.store.list("users")] == ["ada@example.com"]
        assert second.store.count("connections") == 3
        url = second.authorize(user="ada@example.com", redirect_uri="https://app.example")
        assert "code=" in url
    with LocalTenant(domain="renamed.example:8443", database=database) as third:
        [api] = third.store.list("resource_servers")
        assert api["identifier"] == "https://renamed.example:8443/api/v2/"


def test_the_last_requests_are_remembered_and_no_more(tenant: LocalTenant, wire: Any) -> None:
    for _ in range(1003):
        wire.get("/nothing?x=1&x=2&y=")
    assert len(tenant.requests) == 1000
    last = tenant.requests[-1]
    assert (last.method, last.path) == ("GET", "/nothing")
    assert last.query == {"x": ("1", "2"), "y": ("",)}
    assert (last.one("x"), last.one("y"), last.one("z")) == ("2", "", None)
