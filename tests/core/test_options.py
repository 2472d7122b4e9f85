"""Options are checked once, when a client is built, and what is wrong is named with its mend."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import TLS, AuthenticationClient, ConfigurationError, RetryPolicy
from anyauth0.options import ClientOptions, Options, ViewOptions, check, check_domain

from .fakes import DOMAIN, KINDS, Blocking, Kind, things

NAMES = sorted(Options.__annotations__ | ViewOptions.__annotations__)


def checked(**given: Any) -> ClientOptions:
    return check({"domain": DOMAIN, **given}, asynchronous=False, owner="SomeClient")


def refused(call: Callable[[], Any]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        call()
    assert len(str(caught.value)) <= 300
    assert caught.value.option in str(caught.value)
    return caught.value


def test_every_option_of_the_types_is_a_field_and_the_other_way_round() -> None:
    assert set(NAMES) == set(ClientOptions.__struct_fields__) - {"asynchronous"}


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_option_is_refused_with_the_right_spelling(name: str) -> None:
    wrong = f"{name}x"
    error = refused(lambda: checked(**{wrong: 1}))
    assert error.option == wrong
    assert f'did you mean "{name}"?' in str(error)


def test_an_option_like_no_other_is_refused_with_all_there_are() -> None:
    error = refused(lambda: checked(qqqqqq=1))
    assert "SomeClient" in str(error)
    assert refused(lambda: checked(asynchronous=True)).option == "asynchronous"


WRONG: dict[str, list[Any]] = {
    "domain": [1, b"t.auth0.com", "", " "],
    "client_id": ["", " ", 5, b"x"],
    "client_secret": ["", 5, ["x"]],
    "client_assertion_signing_key": ["", b"", 5, ["x"]],
    "client_assertion_signing_key_id": ["", 5],
    "client_assertion_signing_key_password": ["", 5],
    "client_assertion_signing_alg": ["", 5],
    "id_token_signing_alg": ["", 5],
    "use_mtls": [None, 1, "true"],
    "mtls_endpoint_aliases": [5, {"a": 1}, {1: "a"}, {"": "a"}, ["a"]],
    "clock_tolerance": [-1, "60", True, float("nan"), float("inf")],
    "token": ["", " ", 5, b"x", ["x"], "Bearer eyJ"],
    "token_store": ["memory", 5, object()],
    "audience": ["", 5],
    "tls": [True, {"ca": "x"}, "x"],
    "proxy": [5, "", b"x"],
    "max_response_bytes": [0, -1, 1.5, "5", True],
    "plugins": ["logging", b"x", 5, None, {"logging"}],
    "headers": [None, 5, {"a": 1}, {1: "a"}, {"": "a"}, [("a", "b")]],
    "timeout": [0, -1, "5", True, float("nan"), float("inf"), 1e9],
    "deadline": [0, -1, "5", True, float("nan")],
    "retry": [
        5,
        "no",
        {"retries": 1},
        RetryPolicy(retries=-1),
        RetryPolicy(first_delay=-1),
        RetryPolicy(retries="3"),
    ],
    "telemetry": [None, 0, "off"],
    "custom_domain": ["", 5, "https://x", "a/b"],
    "extra_body": [5, "x", [("a", 1)]],
    "strict": [None, 1, "yes"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_value_of_a_wrong_kind_is_refused_by_name(name: str, value: Any) -> None:
    error = refused(lambda: checked(**{name: value}))
    assert error.option == name
    assert "must be" in str(error)


RIGHT: dict[str, list[Any]] = {
    "client_assertion_signing_key": ["PEM", b"PEM", {"kty": "RSA"}],
    "clock_tolerance": [0, 1.5],
    "token": ["t", lambda: "t"],
    "tls": [TLS(ca="x"), None],
    "proxy": ["http://proxy:8080", False, True, None],
    "max_response_bytes": [1, None],
    "plugins": [[], (), ["logging"], [object()]],
    "headers": [{}, {"a": "b"}],
    "timeout": [0.1, 5, None],
    "deadline": [0.1, 5, None],
    "retry": [RetryPolicy(), False],
    "extra_body": [{}, {"a": [1]}],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in RIGHT.items() for value in values]
)
def test_a_value_of_the_right_kind_is_taken_as_it_is(name: str, value: Any) -> None:
    found = getattr(checked(**{name: value}), name)
    assert found == (tuple(value) if name == "plugins" else value)


def test_defaults_are_those_of_the_documentation() -> None:
    options = checked()
    assert (options.timeout, options.deadline, options.retry) == (10, None, RetryPolicy())
    assert (options.clock_tolerance, options.telemetry, options.strict) == (60, True, False)
    assert (options.client_assertion_signing_alg, options.id_token_signing_alg) == ("RS256", "RS256")
    assert options.max_response_bytes == 64 * 1024 * 1024
    assert checked(retry=True).retry == RetryPolicy()


def test_none_is_as_good_as_absent_but_where_it_has_a_meaning() -> None:
    assert checked(client_id=None, audience=None, token=None) == checked()
    assert checked(timeout=None).timeout is None


def test_the_domain_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for empty in ({}, {"domain": None}):
        error = refused(lambda empty=empty: check(empty, asynchronous=False, owner="SomeClient"))  # type: ignore[misc]
        assert error.option == "domain"
        assert "tenant.eu.auth0.com" in str(error)


@pytest.mark.parametrize(
    "domain",
    [
        "t.auth0.com",
        "T.EU.Auth0.com",
        "login.example.org",
        "localhost:3000",
        "127.0.0.1:8443",
        "a",
        "a-b.c_d",
    ],
)
def test_a_bare_host_is_taken_in_lower_case(domain: str) -> None:
    assert check_domain("domain", domain) == domain.lower()


@pytest.mark.parametrize(
    ("domain", "says"),
    [
        ("https://t.auth0.com", "a scheme"),
        ("https://t.auth0.com/", "a scheme and a path"),
        ("HTTP://t.auth0.com", "a scheme"),
        ("t.auth0.com/", "a path"),
        ("t.auth0.com/api/v2", "a path"),
        ("t.auth0.com ", "blanks"),
        ("t.auth0 .com", "blanks"),
        ("t.auth0.com\r\n", "blanks"),
        ("user:canary@t.auth0.com", "bare host"),
        ("t.auth0.com@evil.org", "bare host"),
        ("t.auth0.com?x", "bare host"),
        ("t.auth0.com#x", "bare host"),
        ("t.auth0.com\\x", "bare host"),
        ("t.auth0.com:", "bare host"),
        ("t.auth0.com:port", "bare host"),
        ("tänant.auth0.com", "bare host"),
        ("t.auth0.com\u3002evil.org", "bare host"),
        ("\u212aelvin.auth0.com", "bare host"),
        ("t..auth0.com", "bare host"),
        (".auth0.com", "bare host"),
        ("-t.auth0.com", "bare host"),
        ("t.auth0.com.", "bare host"),
        ("%74.auth0.com", "bare host"),
        ("a" * 64 + ".com", "bare host"),
        ("a." * 200 + "com", "bare host"),
    ],
)
def test_anything_but_a_bare_host_is_refused_with_what_to_leave_out(domain: str, says: str) -> None:
    for option in ("domain", "custom_domain"):
        error = refused(lambda option=option: check_domain(option, domain))  # type: ignore[misc]
        assert error.option == option
        assert says in str(error)
        assert "canary" not in str(error)


@given(st.text(max_size=30))
def test_whatever_domain_is_given_it_is_the_whole_host_of_the_url_or_refused(text: str) -> None:
    from urllib.parse import urlsplit

    try:
        domain = check_domain("domain", text)
    except ConfigurationError:
        return
    url = urlsplit(f"https://{domain}/path")
    assert (url.netloc, url.path, url.username, url.query) == (domain, "/path", None, "")
    assert domain.isascii()


def test_a_transport_of_the_other_kind_is_refused(kind: Kind) -> None:
    other = KINDS[0 if kind.asynchronous else 1]

    async def asynchronous(request: Any) -> Any: ...

    def blocking(request: Any) -> Any: ...

    for transport in (other.transport(), blocking if kind.asynchronous else asynchronous):
        for client in (kind.authentication, kind.management):
            more = {"token": "t"} if client is kind.management else {}
            error = refused(lambda: client(domain=DOMAIN, transport=transport, **more))  # noqa: B023
            assert error.option == "transport"


@pytest.mark.parametrize("transport", ["nothing", 5, object(), "", ["urllib3"], Blocking])
def test_what_is_no_transport_is_refused(kind: Kind, transport: Any) -> None:
    assert refused(lambda: kind.authentication(domain=DOMAIN, transport=transport)).option == "transport"


def test_an_option_of_the_other_client_is_refused_with_where_it_belongs(kind: Kind) -> None:
    for name in ("token", "audience", "custom_domain"):
        error = refused(lambda name=name: kind.authentication(domain=DOMAIN, **{name: "x"}))  # type: ignore[misc]
        assert error.option == name


def test_a_management_client_needs_a_token_or_credentials(kind: Kind) -> None:
    transport = kind.transport()
    assert refused(lambda: kind.management(domain=DOMAIN, transport=transport)).option == "client_id"
    error = refused(lambda: kind.management(domain=DOMAIN, client_id="a", transport=transport))
    assert error.option == "client_secret"


def test_an_async_function_is_no_token_of_a_blocking_client() -> None:
    async def token() -> str:
        return "x"

    error = refused(lambda: KINDS[0].management(domain=DOMAIN, token=token, transport=Blocking()))
    assert error.option == "token"


VIEW = {"headers": {"a": "b"}, "timeout": 1, "deadline": 2, "retry": False, "telemetry": False,
        "custom_domain": "login.example.org", "extra_body": {"a": 1}, "strict": True,
        "read_ahead": True, "priority": "batch", "correlation_id": "x"}  # fmt: skip


def test_a_view_may_change_these_options_and_no_others(kind: Kind) -> None:
    client = kind.management_client(kind.transport())
    # A management client keeps its key: its token is bound to it.
    assert VIEW.keys() | {"dpop"} == ViewOptions.__annotations__.keys()
    view = client.with_options(**VIEW)
    assert {name: getattr(view._core.options, name) for name in VIEW} == VIEW
    assert type(view) is type(client)
    for name in set(NAMES) - VIEW.keys() - {"dpop"}:
        error = refused(lambda name=name: client.with_options(**{name: "x"}))  # type: ignore[misc]
        assert error.option == name
    assert refused(lambda: client.with_options(timeot=5)).option == "timeot"
    assert refused(lambda: client.with_options(timeout=0)).option == "timeout"


def test_headers_and_extra_body_are_added_and_everything_else_is_replaced(kind: Kind) -> None:
    transport = kind.transport()
    client = kind.management_client(transport, headers={"a": "1", "b": "1"}, extra_body={"x": 1}, timeout=7)
    view = client.with_options(headers={"b": "2"}, extra_body={"y": 2}).with_options(timeout=3)
    options = view._core.options
    assert (options.headers, options.extra_body, options.timeout) == (
        {"a": "1", "b": "2"},
        {"x": 1, "y": 2},
        3,
    )
    kind.do(lambda: things(view).create(name="n"))
    kind.do(lambda: things(client).create(name="n"))
    changed, own = transport.requests
    assert (changed.headers["b"], own.headers["b"]) == ("2", "1")
    assert b'"y":2' in changed.body
    assert b'"y"' not in own.body
    assert (changed.timeout, own.timeout) == (3, 7)


def test_from_env_reads_what_it_says_and_what_is_given_wins(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH0_DOMAIN", "env.auth0.com")
    monkeypatch.setenv("AUTH0_CLIENT_ID", "env-id")
    monkeypatch.setenv("AUTH0_CLIENT_SECRET", "env-secret")
    monkeypatch.setenv("AUTH0_AUDIENCE", "env-audience")
    monkeypatch.setenv("AUTH0_TOKEN", "")
    options = kind.management.from_env(client_id="given", transport=kind.transport())._core.options
    assert (options.domain, options.client_id, options.client_secret) == (
        "env.auth0.com",
        "given",
        "env-secret",
    )
    assert (options.audience, options.token) == ("env-audience", None)
    # What belongs to the other client alone is not in its way.
    assert kind.authentication.from_env(transport=kind.transport())._core.options.audience is None


def test_a_client_reads_no_environment_unless_asked(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH0_DOMAIN", "env.auth0.com")
    assert refused(lambda: kind.authentication(transport=kind.transport())).option == "domain"


def test_options_show_no_secret() -> None:
    client = AuthenticationClient(
        domain=DOMAIN,
        client_id="canary",
        client_secret="canary",
        transport=Blocking(),
        headers={"a": "canary"},
    )
    options = client._core.options
    tls = TLS(key_password="canary", ca=b"canary")
    assert "canary" not in f"{client!r} {client} {options!r} {options} {tls!r} {tls}"
    assert repr(tls) == "<TLS ca, key_password>"


def test_no_wrong_option_is_quoted_in_its_refusal() -> None:
    for name in ("client_secret", "token", "client_assertion_signing_key", "headers", "extra_body"):
        assert "canary" not in str(refused(lambda name=name: checked(**{name: ["canary"]})))  # type: ignore[misc]
