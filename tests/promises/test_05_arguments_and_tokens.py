"""Promise 5: no secret in the refusal of an argument, nor in the failure of what fetches or keeps a token."""

from collections.abc import Callable
from typing import Any

import pytest

from anyauth0 import (
    AccessToken,
    Auth0Error,
    AuthenticationApiError,
    ConfigurationError,
    Flow,
    Request,
    Response,
)
from anyauth0.client_authentication import Authenticated
from anyauth0.messages import Event
from anyauth0.tokens import MemoryTokenStore

from ..core.fakes import DOMAIN, Kind, json
from .leaks import CANARY, chain, leaks, shown_by_rich, told

SECRET = f"{CANARY}-secret-2"

WRONG: list[Callable[[Any], Any]] = [
    lambda auth: auth.oauth.password_grant(username="ada", password=SECRET, unknown="x"),
    lambda auth: auth.oauth.password_grant(password=SECRET),
    lambda auth: auth.oauth.password_grant(username=" ", password=SECRET),
    lambda auth: auth.oauth.password_grant(username=5, password=SECRET),
    lambda auth: auth.oauth.password_grant(SECRET),
    lambda auth: auth.oauth.refresh_token_grant(refresh_token=SECRET, scope=object()),
    lambda auth: auth.oauth.refresh_token_grant(refresh_token=[SECRET]),
    lambda auth: auth.user_info.get(SECRET, SECRET),
    lambda auth: auth.database.sign_up(
        email="e", password=SECRET, connection="c", user_metadata={"x": object()}
    ),
    lambda auth: auth.tokens.for_refresh_token(SECRET, unknown=SECRET),
    lambda auth: auth.mfa.verify_otp(mfa_token=SECRET, otp=None),
    lambda auth: auth.passwordless.login_with_email(email="e"),
]  # fmt: skip


@pytest.mark.parametrize("call", WRONG)
def test_the_refusal_of_an_argument_shows_none(kind: Kind, call: Callable[[Any], Any]) -> None:
    transport = kind.transport()
    auth = kind.authentication(domain=DOMAIN, client_id="app", client_secret=SECRET, transport=transport)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - some are TypeErrors of the encoder
        kind.do(lambda: call(auth))
    assert not transport.requests
    assert not leaks(told(caught.value))


PEM = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"
OPTIONS: list[dict[str, Any]] = [
    {"client_secret": [SECRET]},
    {"client_secrets": SECRET},
    {"token": {"x": SECRET}},
    {"headers": {"x": [SECRET]}},
    {"domain": f"https://u:{SECRET}@t"},
    {"client_assertion_signing_key": SECRET},
    {"client_assertion_signing_key": PEM},
    {"client_assertion_signing_key": {"kty": "RSA", "d": SECRET, "n": SECRET}},
]


def refused(kind: Kind, options: dict[str, Any]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        kind.management(**{"domain": DOMAIN, "client_id": "app", **options})
    return caught.value


@pytest.mark.parametrize("options", OPTIONS)
def test_the_refusal_of_an_option_shows_none(kind: Kind, options: dict[str, Any]) -> None:
    # Without its frames: those are below.
    bare = [each.with_traceback(None) for each in chain(refused(kind, options))]
    assert not leaks("\n".join(map(told, bare)))


@pytest.mark.parametrize("options", OPTIONS)
def test_the_frames_that_refuse_an_option_show_none(kind: Kind, options: dict[str, Any]) -> None:
    assert not leaks(told(refused(kind, options)))


ANSWERS = [
    json({"error": "access_denied", "secret": SECRET}, 401), json({"access_token": [SECRET]}), json([SECRET]),
    Response(status=200, body=f"<p>{SECRET}".encode()), json({"access_token": SECRET, "expires_in": SECRET}),
    json({"access_token": f"{SECRET}\n", "expires_in": 9}),
]  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_client_whose_token_request_fails_shows_no_secret(kind: Kind, answer: Response) -> None:
    transport = kind.transport([answer], otherwise=json({"message": "no"}, 403))
    client = kind.management(
        domain=DOMAIN, client_id="app", client_secret=SECRET, transport=transport, retry=False
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 - an odd token cannot be a header
        kind.do(lambda: client.users.get("1"))
    assert isinstance(caught.value, Auth0Error | TypeError)
    assert not leaks(told(caught.value))


class BrokenStore(MemoryTokenStore):
    """A store whose server is gone."""

    gone = True

    def load(self, key: str) -> Flow[AccessToken | None]:
        if self.gone:
            raise OSError("the store is gone")
        return (yield from super().load(key))


def test_a_store_that_fails_shows_no_token_of_the_client(kind: Kind) -> None:
    store = BrokenStore()
    auth = kind.authentication(
        domain=DOMAIN, client_id="app", client_secret=SECRET, transport=kind.transport(), token_store=store
    )
    calls: list[Callable[[], Any]] = [
        lambda: auth.tokens.get(audience="a"),
        lambda: auth.tokens.for_refresh_token(SECRET, audience="a"),
        lambda: auth.tokens.for_connection("c", subject_token=SECRET),
    ]
    for call in calls:
        with pytest.raises(OSError, match="gone") as caught:
            kind.do(call)
        assert not leaks(told(caught.value))


REJECTIONS: list[Callable[[Any], Any]] = [
    lambda auth: auth.tokens.reject(SECRET, audience="a"),
    lambda auth: auth.tokens.for_refresh_token("r", audience="a", rejected=SECRET),
    lambda auth: auth.tokens.for_connection("c", subject_token="r", rejected=SECRET),
]


@pytest.mark.parametrize("call", REJECTIONS)
def test_a_store_that_fails_shows_no_token_that_is_rejected(kind: Kind, call: Callable[[Any], Any]) -> None:
    auth = kind.authentication(
        domain=DOMAIN, client_id="app", client_secret="s", transport=kind.transport(),
        token_store=BrokenStore(),
    )  # fmt: skip
    with pytest.raises(OSError, match="gone") as caught:
        kind.do(lambda: call(auth))
    assert not leaks(told(caught.value))


def test_a_store_that_fails_shows_no_token_that_the_server_refused(kind: Kind) -> None:
    store = BrokenStore()
    store.gone = False

    def answer(request: Request) -> Response:
        if request.url.endswith("/oauth/token"):
            return json({"access_token": SECRET, "expires_in": 86400})
        store.gone = True
        return json({"message": "no"}, 401)

    client = kind.management(
        domain=DOMAIN, client_id="app", client_secret="s", transport=kind.transport(otherwise=answer),
        token_store=store,
    )  # fmt: skip
    with pytest.raises(OSError, match="gone") as caught:
        kind.do(lambda: client.users.get("1"))
    assert not leaks(told(caught.value))


OTHERS = [
    Request(method="GET", url="https://h", headers={"authorization": SECRET}, body=SECRET.encode()),
    Response(status=200, headers={"set-cookie": SECRET}, body=SECRET.encode()),
    AccessToken.issued(SECRET, lifetime=60, now=0),
    Authenticated(form={"client_secret": SECRET}),
]


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: type(value).__name__)
def test_rich_shows_no_secret_of_what_travels(value: Any) -> None:
    assert not leaks(shown_by_rich(value))


def test_an_event_shows_no_secret() -> None:
    assert not leaks(repr(Event(type="user.created", event={"data": {"password": SECRET}})))


def test_a_secret_in_the_middle_of_a_sentence_is_redacted(kind: Kind) -> None:
    transport = kind.transport(
        otherwise=json({"error": "invalid_grant", "error_description": f"{SECRET} is bad"}, 403)
    )
    auth = kind.authentication(domain=DOMAIN, client_id="app", transport=transport, retry=False)
    with pytest.raises(AuthenticationApiError) as caught:
        kind.do(lambda: auth.oauth.password_grant(username="u", password=SECRET))
    assert not leaks(str(caught.value))
