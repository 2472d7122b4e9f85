"""The rules for logout tokens, one after another, and what breaks each of them."""

from typing import Any

import pytest

from anyauth0 import ConfigurationError
from anyauth0.verification import (
    AsyncLogoutTokenVerifier,
    LogoutTokenVerifier,
    MemoryReplayStore,
    TokenError,
)

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json
from .test_access_tokens import EC_KEY, FOREIGN_KEY, ISSUER, KEYS, MISSING, handmade, sound, token_of

EVENT = "http://schemas.openid.net/event/backchannel-logout"
OTHERS = dict.fromkeys(("azp", "scope", "permissions", "org_id", "org_name"), MISSING)
CLAIMS: dict[str, Any] = {
    **OTHERS, "aud": "client", "exp": START + 120, "jti": "one", "sid": "session", "events": {EVENT: {}},
}  # fmt: skip


def logout_token(*, header: Any = None, **changes: Any) -> str:
    key = {name: changes.pop(name) for name in ("key", "algorithm") if name in changes}
    return token_of(**key, header=header or {"typ": "logout+jwt"}, **{**CLAIMS, **changes})


class App:
    """A verifier of either kind, and a clock that stands still."""

    def __init__(self, kind: Kind = KINDS[0], **options: Any) -> None:
        self.kind = kind
        self.clock = Clock()
        kinds = (LogoutTokenVerifier, AsyncLogoutTokenVerifier)
        given = {"domain": DOMAIN, "client_id": "client", **options}
        transport = kind.transport(otherwise=json({"keys": KEYS}))
        self.verifier: Any = kinds[kind.asynchronous](
            transport=transport, clock=self.clock, retry=False, **given
        )

    def verify(self, token: Any) -> Any:
        return self.kind.do(lambda: self.verifier.verify(token))

    def refused(self, token: Any) -> TokenError:
        with pytest.raises(TokenError) as caught:
            self.verify(token)
        error = sound(caught.value, token)
        assert (error.status, error.error, error.www_authenticate) == (400, "invalid_request", "")
        return error


@pytest.mark.parametrize("typ", ["logout+jwt", "JWT", "application/logout+jwt"])
def test_a_good_token_says_who_has_logged_out(kind: Kind, typ: str) -> None:
    logout = App(kind).verify(logout_token(header={"typ": typ}))
    assert (logout.issuer, logout.subject, logout.session_id) == (ISSUER, "auth0|1", "session")
    assert (logout.id, logout.issued_at, logout.raw["events"]) == ("one", START - 10, {EVENT: {}})
    assert "auth0|1" not in repr(logout)


def test_a_session_or_a_user_is_enough(kind: Kind) -> None:
    assert App(kind).verify(logout_token(sub=MISSING)).session_id == "session"
    logout = App(kind).verify(logout_token(sid=MISSING))
    assert (logout.session_id, logout.subject) == (None, "auth0|1")


def test_a_token_need_not_say_when_it_expires(kind: Kind) -> None:
    assert App(kind).verify(logout_token(exp=MISSING)).id == "one"


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("typ", {"header": {"typ": "at+jwt"}}),
    ("typ", {"header": {"typ": MISSING}}),
    ("kid", {"header": {"typ": "logout+jwt", "kid": MISSING}}),
    ("alg", {"key": EC_KEY, "algorithm": "ES256"}),
    ("signature", {"key": FOREIGN_KEY}),
    ("iss", {"iss": "https://evil.example/"}),
    ("iss", {"iss": MISSING}),
    ("aud", {"aud": "another client"}),
    ("aud", {"aud": MISSING}),
    ("iat", {"iat": MISSING}),
    ("iat", {"iat": "now"}),
    ("iat", {"iat": START - 361}),
    ("iat", {"iat": START + 61}),
    ("iat", {"iat": START + 61, "exp": MISSING}),
    ("exp", {"exp": START - 60}),
    ("exp", {"exp": None}),
    ("jti", {"jti": MISSING}),
    ("jti", {"jti": ""}),
    ("jti", {"jti": 5}),
    ("events", {"events": MISSING}),
    ("events", {"events": EVENT}),
    ("events", {"events": [EVENT]}),
    ("events", {"events": {"http://schemas.openid.net/event/other": {}}}),
    ("events", {"events": {EVENT: None}}),
    ("events", {"events": {EVENT: True}}),
    ("nonce", {"nonce": "n"}),
    ("nonce", {"nonce": None}),
    ("sid", {"sid": MISSING, "sub": MISSING}),
    ("sid", {"sid": 5}),
    ("sub", {"sub": ["auth0|1"]}),
]


@pytest.mark.parametrize(
    ("rule", "changes"), BROKEN, ids=[f"{rule} {change}"[:40] for rule, change in BROKEN]
)
def test_a_token_that_breaks_a_rule_is_refused(kind: Kind, rule: str, changes: dict[str, Any]) -> None:
    assert App(kind).refused(logout_token(**changes)).rule == rule


def test_a_token_without_a_signature_is_refused(kind: Kind) -> None:
    header = {"alg": "none", "typ": "logout+jwt", "kid": "rsa"}
    assert App(kind).refused(handmade(header, {"iss": ISSUER}, lambda _: b"")).rule == "alg"
    assert App(kind).refused("no token").rule == "format"


def test_a_token_is_good_once_for_as_long_as_it_is_good_at_all(kind: Kind) -> None:
    app, token = App(kind), logout_token(exp=MISSING)
    app.verify(token)
    for later in (0, 350):
        app.clock.now = START + later
        assert app.refused(token).rule == "jti"
    app.clock.now = START + 351
    assert app.refused(token).rule == "iat"


def test_a_token_that_was_refused_is_not_used_up() -> None:
    app = App()
    assert app.refused(logout_token(nonce="n")).rule == "nonce"
    app.verify(logout_token())


def test_several_verifiers_may_share_their_memory() -> None:
    store = MemoryReplayStore()
    App(replay_store=store).verify(logout_token())
    assert App(replay_store=store).refused(logout_token()).rule == "jti"
    assert App(replay_store=store).verify(logout_token(jti="two")).id == "two"


def test_how_old_a_token_may_be_can_be_said() -> None:
    assert App(max_age=5, clock_tolerance=0).refused(logout_token()).rule == "iat"
    App(max_age=10, clock_tolerance=0).verify(logout_token())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"client_id": ""}, "client_id"), ({"max_age": 0}, "max_age"), ({"max_age": -1}, "max_age"),
        ({"algorithms": ("HS256",)}, "algorithms"), ({"audience": "a"}, "audience"),
        ({"domain": None}, "domain"), ({"max_agee": 5}, "max_age"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(kind: Kind, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f'"{named}"'):
        App(kind, **options)
