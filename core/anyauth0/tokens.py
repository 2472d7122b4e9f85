"""Access tokens of the client itself: kept, fetched once however many ask at the same time, renewed ahead."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

import msgspec

from .errors import DecodingError, RateLimited, ServerError, TransportError
from .flow import Flow, Handler, Middleware, exclusive, sleep
from .messages import Request, Response
from .redaction import Model, Secret

R = TypeVar("R")

__all__ = [
    "AccessToken", "MemoryTokenStore", "SharedTokenStore", "TokenSource", "TokenStore", "bearer",
    "lock_pauses", "token_key",
]  # fmt: skip

_AHEAD = 60.0
"""A token is renewed this many seconds before it expires."""
_RETRY_AFTER = 10.0
"""Where it could not be renewed, that is tried again after this many seconds."""
_STRIPES = 1024
"""A driver keeps each lock for ever, so users' tokens must not have one each."""


class AccessToken(Model, frozen=True, kw_only=True):
    """An access token and its times, in epoch seconds.

    It may be used until `expires_at`, and should be renewed from `renew_at` on. `scope` is what it is good
    for, where that is known. `refresh_token` is the one to use from now on, where it came by one.
    """

    value: str
    expires_at: float
    renew_at: float
    scope: str | None = None
    refresh_token: str | None = None

    @classmethod
    def issued(
        cls,
        value: str,
        *,
        lifetime: float,
        now: float,
        scope: str | None = None,
        refresh_token: str | None = None,
    ) -> AccessToken:
        """Return a token that lives `lifetime` seconds from `now` on.

        Raises `DecodingError` for a value that no header can carry (RFC 6749, appendix A.12).
        """
        if not (value.isascii() and value.isprintable()):
            # Kept, it would fail every call until it expires. A traceback that shows locals must not show it.
            del value
            raise DecodingError(
                "the token endpoint answered 2xx with an access token that is no token; check the domain"
            )
        expires_at = now + lifetime
        return cls(
            value=value,
            expires_at=expires_at,
            renew_at=expires_at - min(_AHEAD, lifetime / 2),
            scope=scope,
            refresh_token=refresh_token,
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


@runtime_checkable
class SharedTokenStore(TokenStore, Protocol):
    """A store that several clients or processes share, and that lets one of them at a time fetch a token."""

    def exclusive(self, key: str, flow: Flow[R]) -> Flow[R]:
        """Run `flow` while no other client runs one for `key`, and return what it returns.

        Where the lock cannot be had (see `lock_pauses`), run it without.
        """
        ...


def lock_pauses() -> Iterator[float]:
    """Yield the seconds to sleep between attempts at a lock; it ends when half a minute has been waited."""
    waited, pause = 0.0, 0.01
    while waited < 30:
        yield pause
        waited += pause
        pause = min(pause * 1.5, 0.25)


class MemoryTokenStore:
    """Keeps tokens in a dict, the last ten thousand of them. Clients of one process may share it."""

    __slots__ = ("_held", "_tokens")

    _MOST = 10_000

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}
        # By process: who held one when the process forked is not there to release it in the child.
        self._held: dict[tuple[int, str], object] = {}

    def load(self, key: str) -> Flow[AccessToken | None]:
        """Return the token of that key, or `None`."""
        return self._tokens.get(key)
        yield

    def save(self, key: str, token: AccessToken) -> Flow[None]:
        """Keep `token`; where there are too many, the oldest is forgotten."""
        # Taken out first, so that the newest is always the last.
        self._tokens.pop(key, None)
        self._tokens[key] = token
        if len(self._tokens) > self._MOST:
            # Another thread may be faster.
            self._tokens.pop(next(iter(tuple(self._tokens))), None)
        return
        yield

    def remove(self, key: str) -> Flow[None]:
        """Forget the token of that key."""
        self._tokens.pop(key, None)
        return
        yield

    def exclusive(self, key: str, flow: Flow[R]) -> Flow[R]:
        """Run `flow` while no other client runs one for `key`."""
        lock, me = (os.getpid(), key), object()
        for pause in lock_pauses():
            if self._held.setdefault(lock, me) is me:
                break
            yield from sleep(pause)
        try:
            return (yield from flow)
        finally:
            if self._held.get(lock) is me:
                del self._held[lock]

    def __reduce__(self) -> tuple[object, ...]:
        # Another process has a memory of its own, and tokens stay out of pickles.
        return MemoryTokenStore, ()

    def __repr__(self) -> str:
        return f"<MemoryTokenStore of {len(self._tokens)} tokens>"


def token_key(*parts: str | None) -> str:
    """Return the key of a token in a store, by what tells it apart: domain, application, audience, ..."""
    return msgspec.json.encode(parts).decode()


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
        return (yield from self.token()).value

    def token(self) -> Flow[AccessToken]:
        """Return what `get` does, with its times."""
        token = yield from self._fresh()
        if token is None:
            token = yield from exclusive(self._lock(), self._renew())
        return token

    def reject(self, value: str) -> Flow[None]:
        """Forget the token of that value, which the server did not accept; a newer one is kept."""
        value = Secret(value)
        token = yield from self._store.load(self._key)
        if token is not None and token.value == value:
            # Between a look and the removal another may have put a newer one there.
            yield from exclusive(self._lock(), self._forget(value))

    def _forget(self, value: str) -> Flow[None]:
        token = yield from self._store.load(self._key)
        if token is not None and token.value == value:
            yield from self._store.remove(self._key)

    def _lock(self) -> Hashable:
        return ("token", hash(self._key) % _STRIPES)

    def _fresh(self) -> Flow[AccessToken | None]:
        token = yield from self._store.load(self._key)
        return token if token is not None and token.renew_at > self._clock() else None

    def _renew(self) -> Flow[AccessToken]:
        if not isinstance(self._store, SharedTokenStore):
            return (yield from self._fetch_or_keep())
        # Whoever held the lock of this client may have fetched one: that of the store is dearer.
        token = yield from self._fresh()
        if token is None:
            token = yield from self._store.exclusive(self._key, self._fetch_or_keep())
        return token

    def _fetch_or_keep(self) -> Flow[AccessToken]:
        now = self._clock()
        token = yield from self._store.load(self._key)
        if token is not None and token.renew_at > now:
            return token
        try:
            renewed = yield from self._fetch()
        except (TransportError, RateLimited, ServerError):
            if token is None or token.expires_at <= self._clock():
                raise
            # All who wait would else ask an endpoint that is down, one after another.
            renew_at = self._clock() + _RETRY_AFTER
            renewed = msgspec.structs.replace(token, renew_at=min(renew_at, token.expires_at))
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
    headers = {**request.headers, "authorization": f"{_SCHEME}{token}"}
    return msgspec.structs.replace(request, headers=headers)
