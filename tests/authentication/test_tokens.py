"""`auth.tokens`: of the application for any API, of users by one refresh token, of identity providers."""

import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from anyauth0 import (
    AccessToken,
    ConfigurationError,
    DPoPKey,
    Forbidden,
    InvalidArgumentError,
    Request,
    Response,
    TransportError,
    Unauthorized,
)
from anyauth0.tokens import MemoryTokenStore

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json, things

LIFETIME = 3600
DOWN = [
    TransportError("down; try again", request_sent=False),
    json({"error": "too_many_requests"}, 429),
    Response(status=503),
]


class Server:
    """A token endpoint that numbers what it issues, and rotates refresh tokens if told to."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.failure: Any = None
        self.rotates = False
        self.valid = {"r0"}
        self.more: dict[str, Any] = {}

    def __call__(self, request: Request) -> Response:
        form = dict(parse_qsl((request.body or b"").decode()))
        self.forms.append(form)
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return self.failure  # type: ignore[no-any-return]
        answer: dict[str, Any] = {"access_token": f"t{len(self.forms)}", "expires_in": LIFETIME, **self.more}
        if "refresh_token" in form:
            if form["refresh_token"] not in self.valid:
                return json({"error": "invalid_grant"}, 403)
            if self.rotates:
                answer["refresh_token"] = f"r{len(self.forms)}"
                self.valid = {answer["refresh_token"]}
        return json(answer)


class World:
    """A client, its server and its clock."""

    def __init__(self, kind: Kind, clock: Clock, server: Server | None = None, **options: Any) -> None:
        self.kind = kind
        self.clock = clock
        self.server = server or Server()
        self.options = {"domain": DOMAIN, "client_id": "app", "client_secret": "s", "retry": False, **options}
        transport = kind.transport(otherwise=self.server)
        self.client = kind.authentication(transport=transport, clock=clock, **self.options)

    def get(self, audience: str = "api", **arguments: Any) -> str:
        return str(self.kind.do(lambda: self.client.tokens.get(audience=audience, **arguments)))

    def user(self, refresh_token: str = "r0", **arguments: Any) -> AccessToken:
        found = self.kind.do(lambda: self.client.tokens.for_refresh_token(refresh_token, **arguments))
        assert isinstance(found, AccessToken)
        return found

    def vault(self, connection: str = "google", subject_token: str = "r0", **arguments: Any) -> str:
        tokens = self.client.tokens
        return str(
            self.kind.do(lambda: tokens.for_connection(connection, subject_token=subject_token, **arguments))
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(kind: Kind, clock: Clock) -> World:
    return World(kind, clock)


def test_a_token_of_the_application_is_asked_for_by_client_credentials(world: World) -> None:
    world.get(scope="write read", organization="org_1")
    assert world.server.forms == [
        {
            "grant_type": "client_credentials",
            "client_id": "app",
            "client_secret": "s",
            "audience": "api",
            "scope": "write read",
            "organization": "org_1",
        }
    ]


def test_each_audience_scope_and_organization_has_a_token_of_its_own_and_keeps_it(world: World) -> None:
    asked: list[dict[str, Any]] = [
        {},
        {"audience": "other"},
        {"scope": "read"},
        {"scope": "read write"},
        {"organization": "org_1"},
    ]
    first = [world.get(**arguments) for arguments in asked]
    assert first == ["t1", "t2", "t3", "t4", "t5"]
    assert [world.get(**arguments) for arguments in asked] == first
    assert world.get(scope=" write  read write") == "t4"


def test_a_view_that_adds_to_the_body_has_tokens_of_its_own(world: World) -> None:
    assert world.get() == "t1"
    view = world.client.with_options(extra_body={"organization": "org_1"})
    assert world.kind.do(lambda: view.tokens.get(audience="api")) == "t2"
    assert world.server.forms[-1]["organization"] == "org_1"
    assert world.get() == "t1"


def test_the_token_of_the_management_api_is_shared_with_a_management_client(kind: Kind, clock: Clock) -> None:
    store = MemoryTokenStore()
    world = World(kind, clock, token_store=store)
    token = world.get(f"https://{DOMAIN}/api/v2/")
    transport = kind.transport()
    management = kind.management(transport=transport, clock=clock, **world.options)
    kind.do(lambda: things(management).get("1"))
    assert [request.headers["authorization"] for request in transport.requests] == [f"Bearer {token}"]


def test_tokens_that_are_bound_to_another_key_are_kept_apart(kind: Kind, clock: Clock) -> None:
    store, server, key = MemoryTokenStore(), Server(), DPoPKey.generate()
    bonds: list[dict[str, Any]] = [
        {},
        {"dpop": key},
        {"dpop": DPoPKey.generate()},
        {"use_mtls": True},
        {"dpop": key},
    ]
    worlds = [World(kind, clock, server, token_store=store, **bond) for bond in bonds]
    assert [world.get() for world in worlds] == ["t1", "t2", "t3", "t4", "t2"]


@pytest.mark.parametrize("arguments", [{"audience": ""}, {"audience": " "}, {"audience": None}])
def test_a_blank_audience_is_refused_before_anything_is_sent(world: World, arguments: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        world.get(**arguments)
    assert caught.value.argument == "audience"
    assert not world.server.forms


def test_a_client_without_credentials_is_told_what_it_needs(kind: Kind, clock: Clock) -> None:
    world = World(kind, clock)
    transport = kind.transport(otherwise=world.server)
    public = kind.authentication(domain=DOMAIN, client_id="app", transport=transport, clock=clock)
    with pytest.raises(ConfigurationError, match="client_secret"):
        kind.do(lambda: public.tokens.get(audience="api"))


def test_a_rejected_token_is_replaced_and_a_newer_one_is_kept(world: World) -> None:
    def reject(token: str) -> None:
        world.kind.do(lambda: world.client.tokens.reject(token, audience="api"))

    assert world.get() == "t1"
    reject("t1")
    assert world.get() == "t2"
    reject("t1")
    assert world.get() == "t2"


# One refresh token, many APIs.


def test_a_user_s_token_is_asked_for_by_the_refresh_token(world: World) -> None:
    token = world.user(audience="api", scope="read")
    assert (token.value, token.refresh_token, token.scope) == ("t1", "r0", "read")
    assert token.expires_at == START + LIFETIME
    assert world.server.forms == [
        {
            "grant_type": "refresh_token",
            "client_id": "app",
            "client_secret": "s",
            "refresh_token": "r0",
            "audience": "api",
            "scope": "read",
        }
    ]


def test_a_token_that_is_good_for_more_serves_who_asks_for_less(world: World) -> None:
    world.server.more = {"scope": "a b c"}
    assert world.user(audience="api", scope="a b c").value == "t1"
    world.server.more = {"scope": "a b"}
    assert world.user(audience="api", scope="b").value == "t1"
    assert world.user(audience="api", scope="c b a").value == "t1"
    assert world.user(audience="api", scope="a d").value == "t2"
    assert world.user(audience="other", scope="a").value == "t3"
    assert world.user(audience="api").value == "t4", "what the default is, nobody knows"
    assert world.user(audience="api").value == "t4"


def test_the_token_that_is_good_for_the_least_is_taken(world: World) -> None:
    world.user(audience="api", scope="a b c")
    world.user(audience="other", scope="a b")
    world.user(audience="api", scope="a d")
    assert world.user(audience="api", scope="a").value == "t3"


def test_a_token_that_was_asked_for_alike_is_taken_before_others(world: World) -> None:
    world.server.more = {"scope": "a b c"}
    world.user(audience="api", scope="a")
    world.server.more = {}
    world.user(audience="api", scope="a d")
    assert world.user(audience="api", scope="a").value == "t1"


def test_a_fresh_token_is_taken_before_one_that_would_have_to_be_renewed(world: World, clock: Clock) -> None:
    world.user(audience="api", scope="a")
    clock.now += LIFETIME - 30
    world.user(audience="api", scope="a b")
    assert world.user(audience="api", scope="a").value == "t2"


def test_a_server_that_grants_less_than_asked_for_is_not_asked_again(world: World) -> None:
    world.server.more = {"scope": "a"}
    assert world.user(audience="api", scope="a b").scope == "a"
    assert world.user(audience="api", scope="a b").value == "t1"


def test_a_refresh_token_that_was_rotated_leads_to_the_newest(world: World, clock: Clock) -> None:
    world.server.rotates = True
    assert world.user(audience="one").refresh_token == "r1"
    assert world.user(audience="two").refresh_token == "r2", "an old one is given, the newest is sent"
    assert world.server.forms[-1]["refresh_token"] == "r1"
    clock.now += LIFETIME
    assert world.user("r1", audience="one").refresh_token == "r3", "a middle one"
    assert world.user("r3", audience="two").refresh_token == "r4", "the newest"
    assert world.user("r0", audience="two").value == "t4", "all of them are one family"
    assert len(world.server.forms) == 4


def test_the_answer_names_the_newest_refresh_token_where_the_token_was_at_hand(world: World) -> None:
    world.server.rotates = True
    world.user(audience="one")
    world.user(audience="two")
    assert world.user(audience="one") == AccessToken(
        value="t1",
        expires_at=START + LIFETIME,
        renew_at=START + LIFETIME - 60,
        refresh_token="r2",
    )


def test_the_tokens_of_two_users_are_kept_apart(world: World) -> None:
    world.server.valid = {"r0", "s0"}
    assert world.user("r0", audience="api").value == "t1"
    assert world.user("s0", audience="api").value == "t2"
    assert world.user("r0", audience="api").value == "t1"


def test_a_refresh_token_that_is_refused_is_an_error_each_time(world: World) -> None:
    for _ in range(2):
        with pytest.raises(Forbidden):
            world.user("other", audience="api")
    assert len(world.server.forms) == 2


def test_a_user_s_token_that_was_rejected_is_replaced_for_every_scope(world: World) -> None:
    assert world.user(audience="api", scope="a b").value == "t1"
    assert world.user(audience="api", scope="a", rejected="t1").value == "t2"
    assert world.user(audience="api", scope="a", rejected="t1").value == "t2"
    assert world.user(audience="api", scope="a b").value == "t3"


@pytest.mark.parametrize("failure", DOWN, ids=["down", "429", "503"])
def test_a_user_s_token_is_used_while_it_is_good_and_the_server_is_down(
    world: World, clock: Clock, failure: Any
) -> None:
    world.server.rotates = True
    world.user(audience="api")
    clock.now += LIFETIME - 30
    world.server.failure = failure
    token = world.user(audience="api")
    assert (token.value, token.refresh_token) == ("t1", "r1")
    world.server.failure = None
    clock.now += 10
    assert world.user(audience="api").refresh_token == "r3"


def test_a_token_that_is_used_while_the_server_is_down_brings_no_old_refresh_token_back(
    world: World, clock: Clock
) -> None:
    world.server.rotates = True
    world.user(audience="one")
    world.user(audience="two")
    clock.now += LIFETIME - 30
    world.server.failure = DOWN[0]
    assert world.user(audience="one").refresh_token == "r2"
    world.server.failure = None
    clock.now += 10
    world.user(audience="one")
    assert world.server.forms[-1]["refresh_token"] == "r2"


def test_what_another_release_wrote_is_not_believed(kind: Kind, clock: Clock) -> None:
    store = MemoryTokenStore()
    world = World(kind, clock, token_store=store)
    world.user(audience="api")
    for key, token in tuple(store._tokens.items()):
        store._tokens[key] = AccessToken(
            value='{"members": 1}', expires_at=token.expires_at, renew_at=token.renew_at
        )
    assert world.user(audience="api").value == "t2"


def test_an_access_token_that_has_expired_leaves_the_store(kind: Kind, clock: Clock) -> None:
    store = MemoryTokenStore()
    world = World(kind, clock, token_store=store)
    world.user(audience="one")
    clock.now += LIFETIME
    world.user(audience="two")
    (kept,) = store._tokens.values()
    assert '"t2"' in kept.value
    assert '"t1"' not in kept.value


# The Token Vault.


def test_a_token_of_an_identity_provider_is_kept(world: World, clock: Clock) -> None:
    assert world.vault() == "t1"
    assert world.vault() == "t1"
    form = world.server.forms[0]
    assert (form["connection"], form["subject_token"]) == ("google", "r0")
    clock.now += LIFETIME - 60
    assert world.vault() == "t2"


def test_tokens_of_identity_providers_are_kept_apart_by_all_that_was_asked(world: World) -> None:
    asked: list[dict[str, Any]] = [
        {},
        {"connection": "github"},
        {"subject_token": "other"},
        {"login_hint": "jane"},
        {"scope": "mail"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
    ]
    first = [world.vault(**arguments) for arguments in asked]
    assert len(set(first)) == len(asked)
    assert [world.vault(**arguments) for arguments in asked] == first


def test_a_rejected_token_of_an_identity_provider_is_replaced(world: World) -> None:
    assert world.vault() == "t1"
    assert world.vault(rejected="t1") == "t2"
    assert world.vault(rejected="t1") == "t2"


def test_a_user_without_that_identity_is_an_error_and_nothing_is_kept(world: World) -> None:
    world.server.failure = json({"error": "federated_connection_refresh_token_not_found"}, 401)
    with pytest.raises(Unauthorized):
        world.vault()
    world.server.failure = None
    assert world.vault() == "t2"


@pytest.mark.parametrize("wrong", ["", "Bearer canary", " canary"])
def test_a_subject_token_that_is_none_is_refused_even_before_the_store_is_asked(
    world: World, wrong: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        world.vault(subject_token=wrong)
    assert caught.value.argument == "subject_token"
    assert "canary" not in str(caught.value)


# What they have in common.


def test_no_key_of_the_store_holds_a_token(kind: Kind, clock: Clock) -> None:
    store = MemoryTokenStore()
    world = World(kind, clock, token_store=store)
    world.server.valid = {"canary"}
    world.user("canary", audience="api")
    world.vault(subject_token="canary")
    assert len(store._tokens) == 2
    assert "canary" not in " ".join(store._tokens)


def test_a_transport_that_breaks_shows_no_token_in_its_traceback(kind: Kind, clock: Clock) -> None:
    world = World(kind, clock)
    world.server.failure = RuntimeError("a bug of the transport")
    calls: list[Callable[[], Any]] = [
        lambda: world.client.tokens.get(audience="api"),
        lambda: world.client.tokens.for_refresh_token("canary" + "-1", audience="api"),
        lambda: world.client.tokens.for_connection("google", subject_token="canary" + "-2"),
    ]
    for call in calls:
        with pytest.raises(RuntimeError) as caught:
            kind.do(call)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        ours = [
            f"{frame.name}: {frame.locals}"
            for frame in shown.stack
            if "anyauth0/" in frame.filename and "tests/" not in frame.filename
        ]
        assert ours
        assert not [frame for frame in ours if "canary" in frame]


def test_two_threads_that_come_first_make_one_store(clock: Clock) -> None:
    client = World(KINDS[0], clock).client
    first, second = (type(client.tokens).get.flow(client.tokens, audience="api") for _ in range(2))
    stores = [next(flow) for flow in (first, second)]
    assert [step.key for step in stores] == ["token store"] * 2, "they take turns"
    made = [client._core.run(step.flow) for step in stores]
    assert made[0] is made[1]


def test_the_default_store_is_one_for_a_client_and_its_views(world: World) -> None:
    world.get()
    view = world.client.with_options(timeout=1)
    assert world.kind.do(lambda: view.tokens.get(audience="api")) == "t1"
