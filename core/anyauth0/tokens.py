"""Access tokens of the client itself: kept, fetched once however many ask at the same time, renewed ahead."""

from collections.abc import Callable, Hashable
from typing import Protocol

import msgspec

from .errors import RateLimited, ServerError, TransportError
from .flow import Flow, Handler, Middleware, exclusive
from .messages import Request, Response

__all__ = ["AccessToken", "MemoryTokenStore", "TokenSource", "TokenStore", "bearer"]

_AHEAD = 60.0
"""A token is renewed this many seconds before it expires."""


class AccessToken(msgspec.Struct, frozen=True, kw_only=True):
    """An access token and its times, in epoch seconds.

    It may be used until `expires_at`, and should be renewed from `renew_at` on.
    """

    value: str
    expires_at: float
    renew_at: float
    scope: str | None = None

    @classmethod
    def issued(cls, value: str, *, lifetime: float, now: float, scope: str | None = None) -> "AccessToken":
        """Return a token that lives `lifetime` seconds from `now` on."""
        expires_at = now + lifetime
        return cls(
            value=value, expires_at=expires_at, renew_at=expires_at - min(_AHEAD, lifetime / 2), scope=scope
        )

    def __repr__(self) -> str:
        return f"<AccessToken until {self.expires_at:.0f}>"


class TokenStore(Protocol):
    """Keeps access tokens by key. Each method is a flow, so that one store serves both kinds of client."""

    def load(self, key: str) -> Flow[AccessToken | None]:
        """Return the token of that key, or `None`."""
        ...

    def save(self, key: str, token: AccessToken) -> Flow[None]:
        """Keep `token`, until it expires at least."""
        ...

    def remove(self, key: str) -> Flow[None]:
        """Forget the token of that key."""
        ...


class MemoryTokenStore:
    """Keeps tokens in a dict, for as long as the client lives."""

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}

    def load(self, key: str) -> Flow[AccessToken | None]:
        """Return the token of that key, or `None`."""
        return self._tokens.get(key)
        yield

    def save(self, key: str, token: AccessToken) -> Flow[None]:
        """Keep `token`."""
        self._tokens[key] = token
        return
        yield

    def remove(self, key: str) -> Flow[None]:
        """Forget the token of that key."""
        self._tokens.pop(key, None)
        return
        yield

    def __repr__(self) -> str:
        return f"<MemoryTokenStore of {len(self._tokens)} tokens>"


class TokenSource:
    """Gives the access token of one audience.

    `fetch` asks the server for a new one; `key` tells it apart in `store`.
    """

    __slots__ = ("_clock", "_fetch", "_key", "_store")

    def __init__(
        self, key: str, fetch: Callable[[], Flow[AccessToken]], store: TokenStore, clock: Callable[[], float]
    ) -> None:
        self._key = key
        self._fetch = fetch
        self._store = store
        self._clock = clock

    def get(self) -> Flow[str]:
        """Return a token that is good for a while; fetch one where there is none.

        Raises what the token endpoint raises, unless the token at hand is still good.
        """
        token = yield from self._store.load(self._key)
        if token is None or token.renew_at <= self._clock():
            token = yield from exclusive(self._lock(), self._renew())
        return token.value

    def reject(self, value: str) -> Flow[None]:
        """Forget the token of that value, which the server did not accept; a newer one is kept."""
        token = yield from self._store.load(self._key)
        if token is not None and token.value == value:
            yield from self._store.remove(self._key)

    def _lock(self) -> Hashable:
        return ("token", self._key)

    def _renew(self) -> Flow[AccessToken]:
        # Whoever held the lock before may have fetched one.
        token = yield from self._store.load(self._key)
        if token is not None and token.renew_at > self._clock():
            return token
        try:
            renewed = yield from self._fetch()
        except (TransportError, RateLimited, ServerError):
            if token is not None and token.expires_at > self._clock():
                return token
            raise
        yield from self._store.save(self._key, renewed)
        return renewed


def bearer(get: Callable[[], Flow[str]], reject: Callable[[str], Flow[None]] | None = None) -> Middleware:
    """Return middleware that authorises each request by a bearer token (RFC 6750, section 2.1).

    With `reject`, a token that is answered by 401 is rejected and the request is sent once more with another:
    a server that does not know the caller has done nothing.
    """
    return _Bearer(get, reject)


class _Bearer:
    # A traceback may be shown with its locals: none here holds the token, nor a function that holds it.
    __slots__ = ("_get", "_reject")

    def __init__(
        self, get: Callable[[], Flow[str]], reject: Callable[[str], Flow[None]] | None = None
    ) -> None:
        self._get = get
        self._reject = reject

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        if "authorization" in request.headers:
            return (yield from inner(request))
        authorized = _with_token(request, (yield from self._get()))
        response = yield from inner(authorized)
        if response.status == 401 and self._reject is not None:
            yield from self._reject(authorized.headers["authorization"].removeprefix(_SCHEME))
            response = yield from inner(_with_token(request, (yield from self._get())))
        return response


_SCHEME = "Bearer "


def _with_token(request: Request, token: str) -> Request:
    return request.with_headers({"authorization": f"{_SCHEME}{token}"})
