"""The headers of the user, the custom domain, and the two that name this library."""

import runpy
import sys
import traceback
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import (
    AuthenticationClient,
    Call,
    ConfigurationError,
    Flow,
    ManagementClient,
    Request,
    Resource,
    Response,
    Sync,
    __version__,
    endpoint,
    hookimpl,
)
from anyauth0.flow import send
from anyauth0_plugins import headers as plugin
from anyauth0_plugins import telemetry


def read(client: Any) -> Any:
    return client.user_info.get("access-token")


def sign_up(client: Any) -> Any:
    return client.database.sign_up(email="a@b.c", password="canary-password", connection="db")


def sent(world: Any) -> dict[str, str]:
    return dict(world.requests[-1].headers)


def test_headers_of_the_client_go_to_every_request(world: Any) -> None:
    client = world.client(headers={"X-One": "1", "accept-language": "de"})
    read(client)
    sign_up(client)
    for request in world.requests:
        assert request.headers["x-one"] == "1"
        assert request.headers["accept-language"] == "de"


def test_headers_of_a_view_are_added_to_those_of_its_client(world: Any) -> None:
    client = world.client(headers={"X-One": "1", "X-Two": "2"})
    read(client.with_options(headers={"x-two": "zwei", "X-Three": "3"}))
    assert {name: value for name, value in sent(world).items() if name.startswith("x-")} == {
        "x-one": "1", "x-two": "zwei", "x-three": "3",
    }  # fmt: skip
    read(client)
    assert sent(world)["x-two"] == "2"


def test_what_a_call_sets_itself_wins(world: Any) -> None:
    client = world.client(headers={"Content-Type": "text/plain", "Authorization": "Bearer mine"})
    read(client)
    assert sent(world)["authorization"] == "Bearer access-token"
    sign_up(client)
    assert sent(world)["content-type"] == "application/json"


class Things(Resource[Sync]):
    @endpoint("GET", "/things")
    def get_all(self) -> Call[Any]:
        return Call(Any)


def test_an_authorization_of_the_users_wins_over_the_token_of_the_client(world: Any) -> None:
    management = ManagementClient(domain="tenant.eu.auth0.com", token="of-the-client", transport=world)
    Things(management._core).get_all()
    assert sent(world)["authorization"] == "Bearer of-the-client"
    Things(management.with_options(headers={"Authorization": "Bearer mine"})._core).get_all()
    assert sent(world)["authorization"] == "Bearer mine"


BREAKING = ["\r", "\n", "\0", "a\r\nx-evil: 1", "\x7f", "\x1b[0m", "sch\u00f6n\u20ac", "\u2028"]


@pytest.mark.parametrize("bad", BREAKING)
def test_a_value_that_would_break_the_request_is_refused_when_the_client_is_built(
    world: Any, bad: str
) -> None:
    with pytest.raises(ConfigurationError, match='"x-mine" in option "headers"') as caught:
        world.client(headers={"x-mine": f"canary{bad}canary"})
    assert caught.value.option == "headers"
    assert "canary" not in str(caught.value)
    client = world.client()
    with pytest.raises(ConfigurationError):
        client.with_options(headers={"x-mine": bad})


@pytest.mark.parametrize(
    "name", ["x mine", "x:mine", "x\r\nmine", "x\0", "ü", "(x)", "Content-Length", "transfer-encoding"]
)
def test_a_name_that_would_break_the_request_is_refused(world: Any, name: str) -> None:
    with pytest.raises(ConfigurationError, match='option "headers"') as caught:
        world.client(headers={name: "1"})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", ["", "plain", "tab\there", "München", 'a="b"; c'])
def test_any_other_value_goes_out_as_it_is(world: Any, value: str) -> None:
    read(world.client(headers={"x-mine": value}))
    assert sent(world)["x-mine"] == value


@given(name=st.text(min_size=1), value=st.text())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_let_through_is_one_line_of_latin_1(world: Any, name: str, value: str) -> None:
    try:
        client = world.client(headers={name: value})
    except ConfigurationError:
        return
    read(client)
    for line in world.requests[-1].headers.items():
        text = ": ".join(line).encode("latin-1")
        assert not {b"\r", b"\n", b"\0"} & {bytes([byte]) for byte in text}


def test_no_frame_of_a_traceback_holds_the_headers(world: Any) -> None:
    class Broken:
        @hookimpl
        def anyauth0_middleware(self, options: Any) -> list[Any]:
            # In the place of a layer that is further in than the headers.
            return [*plugin.anyauth0_middleware(options), self.fail]

        def fail(self, request: Request, inner: Any) -> Flow[Response]:
            # No generator, so it fails while the frames of the outer layers are still there.
            raise RuntimeError("broken")

    client = world.client(plugins=[Broken()], headers={"x-key": "canary-header"})
    with pytest.raises(RuntimeError) as caught:
        client.user_info.get("canary-token")
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    own = [frame for frame in frames.stack if "anyauth0_plugins" in frame.filename]
    assert [frame.name for frame in own] == ["__call__"]
    assert "canary" not in str(own[0].locals)


CUSTOM = [
    "/jobs/verification-email", "/tickets/email-verification", "/tickets/password-change",
    "/organizations/org_1/invitations", "/users", "/users/auth0%7C1", "/guardian/enrollments/ticket",
    "/self-service-profiles/ssp_1/sso-ticket",
]  # fmt: skip
OTHER = [
    "/clients", "/users/auth0%7C1/roles", "/users-by-email", "/jobs", "/jobs/users-imports", "/organizations",
    "/organizations/org_1", "/organizations/org_1/members", "/organizations/a/b/invitations", "/tickets",
    "/self-service-profiles/ssp_1", "/v2/users", "/api/v2/users",
]  # fmt: skip


def pass_through(options: Any, url: str) -> Request:
    flows = plugin.anyauth0_middleware(options)
    request = Request(method="POST", url=url)
    for layer in flows:
        request = next(layer(request, send))  # type: ignore[assignment]
    return request


@pytest.mark.parametrize("path", CUSTOM)
def test_the_custom_domain_goes_where_it_is_taken(world: Any, path: str) -> None:
    management = ManagementClient(
        domain="tenant.eu.auth0.com", token="t", custom_domain="Login.example.com", transport=world
    )
    for query in ("", "?per_page=2"):
        request = pass_through(management._core.options, f"https://tenant.eu.auth0.com/api/v2{path}{query}")
        assert request.headers["auth0-custom-domain"] == "login.example.com"


@pytest.mark.parametrize("path", OTHER)
def test_the_custom_domain_goes_nowhere_else(world: Any, path: str) -> None:
    management = ManagementClient(
        domain="tenant.eu.auth0.com", token="t", custom_domain="login.example.com", transport=world
    )
    for url in (f"https://t.auth0.com/api/v2{path}", f"https://t.auth0.com{path}?x=/api/v2/users"):
        if not url.endswith("com/api/v2/users?x=/api/v2/users"):
            assert "auth0-custom-domain" not in pass_through(management._core.options, url).headers


def test_the_custom_domain_can_be_set_for_one_call(world: Any) -> None:
    management = ManagementClient(domain="tenant.eu.auth0.com", token="t", transport=world)
    view = management.with_options(custom_domain="login.example.com")
    url = "https://tenant.eu.auth0.com/api/v2/users"
    assert pass_through(view._core.options, url).headers == {"auth0-custom-domain": "login.example.com"}
    assert pass_through(management._core.options, url).headers == {}


def test_a_correlation_id_goes_to_every_request_unless_a_header_says_another(world: Any) -> None:
    client = world.client(correlation_id="checkout-7")
    read(client)
    sign_up(client)
    assert [request.headers["x-correlation-id"] for request in world.requests] == ["checkout-7"] * 2
    read(client.with_options(headers={"X-Correlation-ID": "of this call"}))
    assert sent(world)["x-correlation-id"] == "of this call"
    read(world.client())
    assert "x-correlation-id" not in sent(world)


def test_a_function_gives_each_call_a_correlation_id_of_its_own_and_keeps_it_for_all_attempts(
    world: Any,
) -> None:
    ids = iter(["one", "two"])
    client = world.client(correlation_id=lambda: next(ids))
    world.answers(503, 200)
    read(client)
    read(client)
    assert [request.headers["x-correlation-id"] for request in world.requests] == ["one", "one", "two"]


@pytest.mark.parametrize("given", ["a\r\nb: c", lambda: "a\nb", lambda: None, "", 5])
def test_a_correlation_id_that_is_none_is_refused_before_anything_is_sent(world: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match='"correlation_id"'):
        read(world.client(correlation_id=given))
    assert not world.requests


def test_the_library_names_itself_and_nothing_else(world: Any) -> None:
    read(world.client())
    python = ".".join(map(str, sys.version_info[:3]))
    encoded = sent(world)["auth0-client"]
    assert not set(encoded) & set("+/=")
    about = msgspec.json.decode(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    assert about == {"name": "anyauth0", "version": __version__, "env": {"python": python}}
    assert sent(world)["user-agent"] == f"anyauth0/{__version__} Python/{python}"


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "1.10.0", "1.10.10"])
def test_its_name_is_never_padded_however_long_the_version_is(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anyauth0.__version__", version)
    header = runpy.run_path(telemetry.__file__)["_HEADERS"]["auth0-client"]
    assert "=" not in header
    assert version in urlsafe_b64decode(header + "=" * (-len(header) % 4)).decode()


def test_the_library_can_be_told_not_to_name_itself(world: Any) -> None:
    read(world.client(telemetry=False))
    read(world.client().with_options(telemetry=False))
    for request in world.requests:
        assert not {"auth0-client", "user-agent"} & set(request.headers)


def test_the_user_may_name_it_otherwise(world: Any) -> None:
    read(world.client(headers={"User-Agent": "mine/1", "Auth0-Client": "e30"}))
    assert sent(world)["user-agent"] == "mine/1"
    assert sent(world)["auth0-client"] == "e30"


def test_a_client_without_options_of_its_own_is_left_alone(world: Any) -> None:
    client = AuthenticationClient(domain="t.auth0.com", client_id="app", transport=world)
    assert plugin.anyauth0_middleware(client._core.options) == []
