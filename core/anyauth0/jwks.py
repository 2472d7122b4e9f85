"""The public keys of an issuer (RFC 7517), fetched when needed, once however many ask at the same time."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from math import ceil, inf
from typing import Any

import msgspec

from ._json import as_object, is_array, parse
from .errors import ApiError, Auth0Error, DecodingError, TransportError
from .flow import Flow, exclusive
from .keys import VerifyingKey
from .keys.jwk import load_public_jwk
from .keys.text import JoseError, clip
from .messages import Response

__all__ = ["JwksCache"]

_LIFETIME = 600.0
_SHORTEST_LIFETIME, _LONGEST_LIFETIME = 60.0, 3600.0
_COOLDOWN = 30.0
_COOLDOWN_WITHOUT_KEYS = 1.0
_USABLE = 86400.0
_MOST_KEYS = 100
_MAX_AGE = re.compile(r"""(?:^|[\s,])max-age\s*=\s*"?(\d{1,10})""", re.IGNORECASE)


class _KeySet(msgspec.Struct, frozen=True):
    """The keys by id and algorithm; under no id, the only one that fits the algorithm."""

    keys: Mapping[tuple[str | None, str], VerifyingKey]
    fetched_at: float
    lifetime: float


class JwksCache:
    """Keeps the key set at one URL: 10 minutes, or as `Cache-Control: max-age` says (1 minute to 1 hour).

    `fetch` is a flow that answers the response of `url`, and raises `TransportError` or `ApiError`; `clock`
    answers seconds. While fetching fails, known keys stay good for a day. A key set that cannot be
    read, or holds no key of use, is a failure too. Without any key, a failure is the answer for a second.
    """

    __slots__ = (
        "_attempted_at", "_attempts", "_clock", "_failure", "_fetch", "_fetching", "_known", "_url",
    )  # fmt: skip

    def __init__(self, url: str, fetch: Callable[[], Flow[Response]], *, clock: Callable[[], float]) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._known: _KeySet | None = None
        self._failure: Auth0Error | None = None
        # The process that fetches: a child that was forked meanwhile does not.
        self._fetching: int | None = None
        self._attempts = 0
        self._attempted_at = -inf

    def __repr__(self) -> str:
        return f"<JwksCache of {self._url}>"

    def held(self, header: Mapping[str, Any]) -> VerifyingKey | None:
        """Return what `find` would, if that need not look at more than the keys that are fresh."""
        known = self._known
        if known is None or not 0 <= self._clock() - known.fetched_at < known.lifetime:
            return None
        kid: Any = header.get("kid")
        alg: Any = header.get("alg")
        return known.keys.get((kid, alg)) if kid is None or isinstance(kid, str) else None

    def find(self, header: Mapping[str, Any]) -> Flow[VerifyingKey]:
        """Return the key for the header of a token: by its `kid`, or the only one that fits its `alg`.

        A key that is not there is looked for anew, at most every 30 seconds.

        Raises `JoseError` with the rule `"key"` when there is none; when it might be where the last fetch did
        not reach, what that raised, or `DecodingError`, with the time when it is tried again.
        """
        kid, alg = header.get("kid"), header.get("alg")
        if not isinstance(alg, str) or not (kid is None or isinstance(kid, str)):
            raise JoseError(
                "key", "the token names its key (kid) or its algorithm (alg) by something other than text"
            )
        now = self._clock()
        known = self._usable(now)
        key = known and known.keys.get((kid, alg))
        if known and key:
            fresh = _within(known.lifetime, known.fetched_at, now)
            if fresh or self._fetching == os.getpid() or self._rest(now):
                return key
        yield from exclusive(("jwks", self._url), self._refresh(self._attempts))
        known = self._usable(self._clock())
        key = known and known.keys.get((kid, alg))
        if key:
            return key
        if self._failure is not None:
            raise _retold(self._failure, self._rest(self._clock())) from self._failure
        which = "that alone would fit (the token names none)" if kid is None else f"of the id {clip(kid)}"
        mend = 'check "domain", and the signing keys of the tenant'
        raise JoseError("key", f"the issuer has no key for {alg} {which}; {mend}", found=clip(kid))

    def _usable(self, now: float) -> _KeySet | None:
        known = self._known
        return known if known is not None and _within(_USABLE, known.fetched_at, now) else None

    def _rest(self, now: float) -> float:
        """Return for how many seconds nobody need fetch, because somebody has a short time ago."""
        rest = _COOLDOWN if self._usable(now) else _COOLDOWN_WITHOUT_KEYS
        return self._attempted_at + rest - now if _within(rest, self._attempted_at, now) else 0.0

    def _refresh(self, attempts: int) -> Flow[None]:
        """Fetch the key set, unless that was tried after the first `attempts`, or a short time ago."""
        now = self._clock()
        if self._attempts != attempts or self._rest(now):
            return
        self._fetching = os.getpid()
        try:
            response = yield from self._fetch()
            self._known, self._failure = _read(response, now), None
        except (TransportError, ApiError, DecodingError) as error:
            self._failure = error
        finally:
            self._fetching = None
        # Not before: a fetch that was cancelled is no attempt, and one that timed out took its time.
        self._attempted_at = self._clock()
        self._attempts += 1


def _within(seconds: float, since: float, now: float) -> bool:
    # A clock that was set back must not make a moment last for ever.
    return 0 <= now - since < seconds


def _retold(failure: Auth0Error, rest: float) -> Auth0Error:
    # A copy, because many flows may raise it, and each would lengthen its traceback.
    error = copy(failure)
    said = str(failure)
    said = said if len(said) <= 240 else f"{said[:239]}…"
    error.args = (f"{said}; the keys of the issuer are fetched again in {max(ceil(rest), 1)} s",)
    return error


def _read(response: Response, now: float) -> _KeySet:
    listed = as_object(parse(response.body)).get("keys")
    found: list[VerifyingKey] = []
    for jwk in listed[:_MOST_KEYS] if is_array(listed) else []:
        # One key that is of no use must not cost those that are.
        with suppress(JoseError):
            found.append(load_public_jwk(as_object(jwk)))
    if not found:
        # No fault of the token, which may be good.
        raise DecodingError('the key set of the issuer holds no public key of use; check "domain"')
    keys: dict[tuple[str | None, str], VerifyingKey] = {}
    for alg in {alg for key in found for alg in key.algorithms}:
        fitting = [key for key in found if alg in key.algorithms]
        keys.update({(key.kid, alg): key for key in reversed(fitting)})
        # Without an id only a key that can be no other will do: none is tried out.
        keys.pop((None, alg), None)
        if len(fitting) == 1:
            keys[None, alg] = fitting[0]
    return _KeySet(keys, now, _lifetime(response.headers.get("cache-control", "")))


def _lifetime(cache_control: str) -> float:
    found = _MAX_AGE.search(cache_control)
    if found is None:
        return _LIFETIME
    return min(max(float(found[1]), _SHORTEST_LIFETIME), _LONGEST_LIFETIME)
