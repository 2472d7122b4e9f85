"""Promise 8: your transport is the transport: with every socket forbidden, all goes through it."""

import asyncio
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from anyauth0 import AuthenticationApiError, DPoPKey
from anyauth0.verification import (
    AccessTokenVerifier,
    AsyncAccessTokenVerifier,
    AsyncIdTokenVerifier,
    AsyncLogoutTokenVerifier,
    IdTokenVerifier,
    LogoutTokenVerifier,
)
from anyauth0_transports.local import LocalTenant

from ..core.fakes import Kind
from .conversations import FILES, PASSWORD, Steps, World, no_sockets, query

API = "https://api.example.com"
BACK = "https://app.example.com/callback"
DATABASE = "Username-Password-Authentication"
KEY = DPoPKey.generate()
TOKEN, KEYS = "POST /oauth/token", "GET /.well-known/jwks.json"

CONVERSATIONS: dict[str, tuple[Callable[[World], Steps], tuple[str, ...]]] = {}


@pytest.fixture(autouse=True)
def nothing_but_the_function() -> Iterator[None]:
    with no_sockets():
        yield


@pytest.fixture(scope="module")
def only_tenant() -> Iterator[LocalTenant]:
    now = time.time()
    with LocalTenant(domain="tenant.example.com", clock=lambda: now) as tenant:
        tenant.add_api(API, ["read:things"])
        yield tenant


@pytest.fixture
def tenant(only_tenant: LocalTenant, monkeypatch: pytest.MonkeyPatch) -> LocalTenant:
    """Return a tenant whose clock goes on where a driver sleeps."""
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        only_tenant.advance(seconds)
        await real(0)

    monkeypatch.setattr(time, "sleep", only_tenant.advance)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    only_tenant.requests.clear()
    return only_tenant


def asks(*requests: str) -> Callable[[Callable[[World], Steps]], None]:
    """Note a conversation, and which requests it comes to."""

    def note(steps: Callable[[World], Steps]) -> None:
        CONVERSATIONS[steps.__name__.replace("_", " ")] = steps, requests

    return note


def log_in(world: World, **more: Any) -> Generator[Any, Any, Any]:
    """Yield a login by password; return the user and the tokens."""
    user = world.user()
    scope = "openid email offline_access read:things"
    login = {"username": user["email"], "password": PASSWORD, "scope": scope, "audience": API}
    answer = yield world.auth(**more).oauth.password_grant(**login)
    return user, answer.data


# The Authentication API


@asks(TOKEN, KEYS)
def a_login_by_code(world: World) -> Steps:
    auth, user = world.auth(), world.user()
    request = yield auth.authorize(redirect_uri=BACK)
    callback = world.tenant.authorize(user=user, **query(request.url))
    assert (yield auth.complete(request, callback)).data.claims["sub"] == user["user_id"]


@asks("POST /oauth/par", TOKEN, KEYS)
def a_login_by_a_pushed_request(world: World) -> Steps:
    auth = world.auth()
    request = yield auth.authorize(redirect_uri=BACK, pushed=True)
    callback = world.tenant.authorize(user=world.user(), **query(request.url))
    assert (yield auth.complete(request, callback)).data.id_token


@asks(TOKEN, KEYS, TOKEN, KEYS, "POST /oauth/revoke")
def a_refresh_and_a_revocation(world: World) -> Steps:
    _, tokens = yield from log_in(world)
    auth = world.auth()
    assert (yield auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token)).data.id_token
    assert (yield auth.oauth.revoke_refresh_token(token=tokens.refresh_token)).status == 200


@asks(TOKEN, KEYS, "GET /userinfo")
def user_info(world: World) -> Steps:
    user, _ = yield from log_in(world)
    token = world.tenant.tokens.access_token(
        {"client_id": world.tenant.client_id}, subject=user["user_id"], lifetime=60, scope="openid email",
        audience=[f"{world.tenant.issuer}userinfo"], gty=None,
    )  # fmt: skip
    assert (yield world.auth().user_info.get(token)).data.email == user["email"]


@asks("GET /.well-known/openid-configuration", KEYS, "GET /.well-known/webfinger")
def discovery(world: World) -> Steps:
    of = world.auth().discovery
    assert (yield of.openid_configuration()).data["issuer"] == world.tenant.issuer
    assert (yield of.jwks()).data["keys"]
    assert (yield of.is_federated_domain("nobody.example")) is False


@asks("POST /oauth/device/code", TOKEN, KEYS)
def a_device(world: World) -> Steps:
    television = world.tenant.add_client("Television", public=True)
    auth = world.auth(client_id=television["client_id"], client_secret=None)
    started = (yield auth.device.start(scope="openid")).data
    world.tenant.approve_device(started.user_code, world.user())
    assert (yield auth.device.poll(started)).data.id_token


@asks("POST /bc-authorize", TOKEN, KEYS)
def a_decision_elsewhere(world: World) -> Steps:
    back = world.auth().backchannel
    started = (yield back.authorize(user_id=world.user()["user_id"], binding_message="m")).data
    world.tenant.approve_backchannel(started.auth_req_id)
    assert (yield back.poll(started)).data.id_token


@asks(TOKEN, "POST /mfa/associate", "GET /mfa/authenticators", "POST /mfa/challenge", TOKEN, KEYS)
def a_second_factor(world: World) -> Steps:
    auth, user = world.auth(), world.user()
    world.tenant.require_mfa(user)
    login = {"username": user["email"], "password": PASSWORD, "scope": "openid"}
    error = yield world.refused(lambda: auth.oauth.password_grant(**login), AuthenticationApiError)
    made = (yield auth.mfa.associate(error, authenticator_types=["oob"], oob_channels=["email"])).data
    assert (yield auth.mfa.get_authenticators(error)).data
    yield world.refused(lambda: auth.mfa.challenge(error), AuthenticationApiError)
    code = str(world.tenant.outbox[-1].code)
    answer = yield auth.mfa.verify_oob(error, oob_code=made.oob_code, binding_code=code)
    assert answer.data.claims["amr"] == ["mfa"]


@asks("POST /passwordless/start", TOKEN, KEYS)
def a_code_by_mail(world: World) -> Steps:
    email, auth = world.user()["email"], world.auth()
    yield auth.passwordless.send_email(email=email, send="code")
    code = str(world.tenant.outbox[-1].code)
    login = {"email": email, "code": code, "scope": "openid"}
    assert (yield auth.passwordless.login_with_email(**login)).data.id_token


@asks("POST /dbconnections/signup", "POST /dbconnections/change_password")
def a_sign_up(world: World) -> Steps:
    email, database = f"new-{world.user()['email']}", world.auth().database
    yield database.sign_up(email=email, password=PASSWORD, connection=DATABASE)
    assert (yield database.change_password(email=email, connection=DATABASE)).status == 200


@asks(TOKEN, TOKEN, TOKEN)
def a_proof_that_needs_a_nonce(world: World) -> Steps:
    world.tenant.demand_dpop_nonce = True
    try:
        auth = world.auth(dpop=KEY)
        for _ in range(2):
            answer = yield auth.oauth.client_credentials_grant(audience=API)
            assert answer.data.token_type == "DPoP"
    finally:
        world.tenant.demand_dpop_nonce = False


@asks(TOKEN, KEYS, TOKEN, TOKEN, KEYS, TOKEN)
def tokens_that_are_kept(world: World) -> Steps:
    user, tokens = yield from log_in(world)
    name, auth = f"idp-{user['email'][:12]}", world.auth()
    world.tenant.add_connection(name, strategy="github")
    world.tenant.link_identity(user["user_id"], connection=name, access_token="theirs")
    for _ in range(2):
        assert (yield auth.tokens.get(audience=API))
        assert (yield auth.tokens.for_refresh_token(tokens.refresh_token, audience=API)).value
        assert (yield auth.tokens.for_connection(name, subject_token=tokens.refresh_token)) == "theirs"


# The Management API


@asks(TOKEN, "GET /users", "PATCH /users/{id}")
def calls_of_the_management_api(world: World) -> Steps:
    management, user = world.management(), world.user()
    assert (yield management.users.get_all(per_page=1)).status == 200
    assert (yield management.users.update(user["user_id"], name="Ada")).data.name == "Ada"


@asks(TOKEN, "GET /connections/{id}", "PATCH /connections/{id}")
def an_edit(world: World) -> Steps:
    connection = world.tenant.store.list("connections")[0]["id"]
    yield world.management().connections.edit(connection, {"mark": world.user()["user_id"]})


@asks(TOKEN, *["GET /users/{id}"] * 5)
def many_calls_at_once(world: World) -> Steps:
    management = world.management()
    ids = [world.user()["user_id"] for _ in range(5)]
    outcomes = yield world.listed(management.map(management.users.get, ids))
    assert [outcome.response.data.user_id for outcome in outcomes] == ids


@asks(TOKEN, *["GET /roles"] * 3)
def pages_that_are_read_ahead(world: World) -> Steps:
    management = world.management(read_ahead=world.kind.asynchronous)
    roles = yield world.listed(management.roles.get_all.iter(per_page=2))
    assert len(roles) == 5


@asks(TOKEN, "POST /jobs/users-imports", "GET /jobs/{id}")
def an_import(world: World) -> Steps:
    rows = [{"email": f"in-{world.user()['email']}"}]
    connection = world.tenant.store.list("connections")[0]["id"]
    result = yield world.management().jobs.import_all(rows, connection_id=connection)
    assert (result.total, result.inserted) == (1, 1)


EXPORT = (TOKEN, "POST /jobs/users-exports", "GET /jobs/{id}", "GET (exported file)")


@asks(*EXPORT)
def an_export(world: World) -> Steps:
    world.user()
    assert (yield world.listed(world.management().jobs.export_all(fields=["email"])))
    check_file(world)


@asks(*EXPORT)
def a_download(world: World) -> Steps:
    jobs, user = world.management().jobs, world.user()
    job = yield jobs.wait((yield jobs.export_users(format="json")).data.id)
    rows = yield world.listed(jobs.download(job))
    assert user["user_id"] in [row["user_id"] for row in rows]
    check_file(world)


def check_file(world: World) -> None:
    [file] = [request for request in world.seen if urlsplit(request.url).hostname == FILES]
    assert "authorization" not in file.headers


# Verifiers


@asks(KEYS, KEYS, KEYS)
def the_verifiers(world: World) -> Steps:
    now = int(world.tenant.clock())
    claims = {
        "iss": world.tenant.issuer, "sub": "u", "aud": [API], "iat": now, "exp": now + 60, "jti": "one",
        "azp": world.tenant.client_id,
    }  # fmt: skip
    sign = world.tenant.tokens.sign
    access = world.verifier((AccessTokenVerifier, AsyncAccessTokenVerifier), audience=API)
    for _ in range(2):
        assert (yield access.verify(sign(claims))).subject == "u"
    app = {"client_id": world.tenant.client_id}
    claims["aud"] = world.tenant.client_id
    identity = world.verifier((IdTokenVerifier, AsyncIdTokenVerifier), **app)
    assert (yield identity.verify(sign(claims)))["sub"] == "u"
    logout = world.verifier((LogoutTokenVerifier, AsyncLogoutTokenVerifier), **app)
    event = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
    assert (yield logout.verify(sign({**claims, **event}, typ="logout+jwt"))).subject == "u"


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_all_requests_go_through_the_function(kind: Kind, tenant: LocalTenant, name: str) -> None:
    steps, requests = CONVERSATIONS[name]
    world = World(kind, tenant)
    for number in range(5 - tenant.store.count("roles")):
        tenant.store.add("roles", f"rol_{number}", {"id": f"rol_{number}", "name": f"role {number}"})
    world.play(steps(world))
    assert world.asked == list(requests)
    assert len(tenant.requests) == len(requests), "the tenant was asked by nobody else"
