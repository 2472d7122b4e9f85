"""Proof of possession (RFC 9449): tokens that are good only with the key they were made for."""

import re
import uuid
from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any

from ._json import as_object, parse
from .errors import ConfigurationError
from .flow import Flow, Handler, Middleware
from .messages import Request, Response

if TYPE_CHECKING:
    from .keys import SigningKey

__all__ = ["DPoPAuth", "DPoPKey", "bound"]

ALGORITHM = "ES256"
_TOKEN_ENDPOINTS = frozenset({"POST /oauth/token", "POST /oauth/par"})
_RESOURCES = ("GET /userinfo",)
_BEARER, _DPOP = "Bearer ", "DPoP "
_LONGEST_NONCE = 1024


class DPoPKey:
    """A key pair that tokens are bound to: on the curve P-256, for ES256, as Auth0 wants it.

    Keep it as long as the refresh tokens that are bound to it: `to_pem()` writes it, `from_pem` reads it.
    """

    __slots__ = ("_header", "_key", "thumbprint")

    def __init__(self, key: "SigningKey") -> None:
        """Take a private key. Raises `ConfigurationError` for one that is not on the curve P-256."""
        from .keys.jwk import public_jwk, thumbprint

        if ALGORITHM not in key.algorithms:
            raise ConfigurationError("dpop", f"a DPoP key is for {ALGORITHM}, and this is for {key.kind}")
        self._key = key
        self._header = {"typ": "dpop+jwt", "jwk": public_jwk(key, use=None)}
        self.thumbprint: str = thumbprint(key)
        """The thumbprint of the public key (RFC 7638): `dpop_jkt` of a request, `cnf.jkt` of a token."""

    @classmethod
    def generate(cls) -> "DPoPKey":
        """Return a new key."""
        from .keys import generate_key

        return cls(generate_key(ALGORITHM))

    @classmethod
    def from_pem(cls, pem: str | bytes | Mapping[str, Any], *, password: str | None = None) -> "DPoPKey":
        """Read a private key: PEM, or a JWK. Raises `ConfigurationError`."""
        from .keys.jwk import load_private_key

        return cls(load_private_key(pem, password=password, algorithm=ALGORITHM))

    def to_pem(self, *, password: str | None = None) -> bytes:
        """Return the private key as PEM (PKCS#8), encrypted where there is a `password`."""
        return self._key.to_pem(password=password)

    def proof(
        self,
        method: str,
        url: str,
        *,
        now: float,
        access_token: str | None = None,
        nonce: str | None = None,
    ) -> str:
        """Return a proof for one request (RFC 9449, section 4.2), or for one with a token."""
        claims: dict[str, object] = {
            "jti": str(uuid.uuid4()),
            "htm": method.upper(),
            "htu": re.split("[?#]", url, maxsplit=1)[0],
            "iat": int(now),
        }
        if access_token is not None:
            import hashlib

            from .keys.text import base64url_encode

            claims["ath"] = base64url_encode(hashlib.sha256(access_token.encode()).digest())
        if nonce is not None:
            claims["nonce"] = nonce
        return self._key.sign(claims, algorithm=ALGORITHM, headers=self._header)

    def __reduce__(self) -> tuple[object, ...]:
        # A private key does not slip into a pickle.
        raise TypeError(
            "a DPoPKey cannot be pickled: give away key.to_pem(), and read it by DPoPKey.from_pem"
        )

    def __repr__(self) -> str:
        return f"<DPoPKey {self.thumbprint}>"


def bound(key: DPoPKey, nonces: dict[str, str], clock: Callable[[], float]) -> Middleware:
    """Return middleware that proves possession of `key` where a client of Auth0 has to.

    `nonces` keeps what each server last demanded (RFC 9449, section 8).
    """

    def prove(request: Request, inner: Handler) -> Flow[Response]:
        given = request.headers.get("authorization", "")
        if request.endpoint in _TOKEN_ENDPOINTS:
            return _proved(key, nonces, clock, request, None, inner)
        if given.startswith((_BEARER, _DPOP)) and (
            request.endpoint in _RESOURCES or "/api/v2/" in request.url
        ):
            return _proved(key, nonces, clock, request, given.partition(" ")[2], inner)
        return inner(request)

    return prove


def _proved(
    key: DPoPKey,
    nonces: dict[str, str],
    clock: Callable[[], float],
    request: Request,
    access_token: str | None,
    inner: Handler,
) -> Flow[Response]:
    """Send `request` with a proof, and once more where the server wants a nonce of its own in it."""
    origin = _origin(request.url)
    headers = {} if access_token is None else {"authorization": f"{_DPOP}{access_token}"}
    for last in (False, True):
        known = nonces.get(origin)
        proof = key.proof(request.method, request.url, now=clock(), access_token=access_token, nonce=known)
        response = yield from inner(request.with_headers({**headers, "dpop": proof}))
        _note(nonces, origin, response.headers)
        # It was refused for the proof alone, so the server has done nothing.
        if last or nonces.get(origin) == known or not _wants_nonce(response):
            break
    return response


def _origin(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"


def _note(nonces: dict[str, str], origin: str, headers: Mapping[str, str]) -> None:
    nonce = headers.get("dpop-nonce")
    if nonce and nonce.isascii() and nonce.isprintable() and len(nonce) <= _LONGEST_NONCE:
        nonces[origin] = nonce


def _wants_nonce(response: Response) -> bool:
    if response.status not in (400, 401):
        return False
    challenge = response.headers.get("www-authenticate", "")
    return "use_dpop_nonce" in challenge or as_object(parse(response.body)).get("error") == "use_dpop_nonce"


class DPoPAuth:
    """Calls any resource server with a token that is bound to a key.

    It is middleware for clients of this library (`plugins=`), and makes the headers for any other:

        auth = DPoPAuth(key, token)
        answer = requests.get(url, headers=auth.headers("GET", url))

    `token` is the access token, or a function that returns it.
    """

    __slots__ = ("_clock", "_key", "_nonces", "_token")

    def __init__(
        self, key: DPoPKey, token: str | Callable[[], str], *, clock: Callable[[], float] = time
    ) -> None:
        self._key = key
        self._token = token
        self._clock = clock
        self._nonces: dict[str, str] = {}

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the headers `Authorization` and `DPoP` for one request (RFC 9449, section 7.1)."""
        token = self._current()
        nonce = self._nonces.get(_origin(url))
        proof = self._key.proof(method, url, now=self._clock(), access_token=token, nonce=nonce)
        return {"authorization": f"{_DPOP}{token}", "dpop": proof}

    def note(self, url: str, headers: Mapping[str, str]) -> bool:
        """Keep the nonce that an answer of `url` has in its headers; say whether it is a new one.

        After an answer 401 with a new one the request is worth another try (RFC 9449, section 9).
        """
        origin = _origin(url)
        before = self._nonces.get(origin)
        _note(self._nonces, origin, {name.lower(): value for name, value in headers.items()})
        return self._nonces.get(origin) != before

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        """Send `request` with token and proof: as middleware next to the transport."""
        return _proved(self._key, self._nonces, self._clock, request, self._current(), inner)

    def _current(self) -> str:
        return self._token if isinstance(self._token, str) else self._token()

    def __repr__(self) -> str:
        return f"<DPoPAuth by {self._key!r}>"
