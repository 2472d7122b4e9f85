"""Whose tokens are accepted: the domains that may have issued one, and the keys of each."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from ..client import Core
from ..errors import Auth0Error, ConfigurationError
from ..flow import Flow, perform
from ..jose import JoseError, Token, parse_token, verify_signature
from ..jwks import JwksCache
from ..keys.text import clip
from ..messages import Response
from ..options import check_domain
from .errors import TokenError
from .rules import broken

__all__ = ["Domains", "IssuerContext", "Issuers", "checked_domains", "verified_claims"]

_MOST_ISSUERS = 100


class IssuerContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a function that names the domains is told.

    - `issuer`: who the token says has issued it; nothing of the token is verified yet
    - `url`, `headers`: of the request, names in lower case; `None` and none where only a token was given
    """

    issuer: str
    url: str | None = None
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"<IssuerContext of {clip(self.issuer)}>"


Domains = (
    Sequence[str]
    | Callable[[IssuerContext], Sequence[str]]
    | Callable[[IssuerContext], Awaitable[Sequence[str]]]
)


class Issuers:
    """Knows the domains that are accepted, and keeps the keys of each, of 100 at the most."""

    __slots__ = ("_accepted", "_core", "_key_sets", "_resolver")

    def __init__(self, core: Core, domains: Domains) -> None:
        """Raise `ConfigurationError` for a domain that is none, or a function that cannot be called."""
        self._core = core
        self._key_sets: dict[str, JwksCache] = {}
        self._accepted: frozenset[str] = frozenset()
        self._resolver: Callable[[IssuerContext], Flow[object]] | None = None
        if callable(domains):
            self._resolver = _resolver(domains, asynchronous=core.options.asynchronous)
        else:
            self._accepted = _issuers_of(domains)

    def held(self, issuer: object) -> JwksCache | None:
        """Return what `find` would, if nobody need be asked and the keys are known."""
        return self._key_sets.get(issuer) if self._resolver is None and isinstance(issuer, str) else None

    def find(
        self, issuer: object, url: str | None = None, headers: Mapping[str, list[str]] = {}
    ) -> Flow[JwksCache | None]:
        """Return the keys of the issuer that a token names, or `None` where it is not accepted.

        `url` and `headers` are those of the request, for the function that names the domains.
        """
        if not isinstance(issuer, str):
            return None
        accepted = self._accepted
        if self._resolver is not None:
            joined = {name: ", ".join(values) for name, values in headers.items()}
            context = IssuerContext(issuer=issuer, url=url, headers=joined)
            accepted = _issuers_of((yield from self._resolver(context)))
        if issuer not in accepted:
            return None
        keys = self._key_sets.get(issuer)
        if keys is None:
            url = f"{issuer}.well-known/jwks.json"
            cache = JwksCache(url, partial(self._fetch, url), clock=self._core.options.clock)
            keys = self._key_sets.setdefault(issuer, cache)
            for oldest in list(self._key_sets)[:-_MOST_ISSUERS]:
                self._key_sets.pop(oldest, None)
        return keys

    def _fetch(self, url: str) -> Flow[Response]:
        if self._core.session.closed:
            raise Auth0Error("the verifier is closed; make another one, or close it later")
        response: Response = yield from self._core.get(url)
        return response


def verified_claims(
    issuers: Issuers,
    text: object,
    *,
    noun: str,
    algorithms: Collection[str],
    types: Collection[str],
    url: str | None = None,
    headers: Mapping[str, list[str]] = {},
) -> Flow[dict[str, Any]]:
    """Return the claims of a token that an accepted issuer signed; the claims but `iss` are not judged.

    `types` are the values of `typ` that may come; `url` and `headers` are of the request that it came with.
    Raises `TokenError`, and what fetching the keys raises.
    """
    try:
        token = parse_token(text, algorithms)
        claims = token.claims()
        _check_header(noun, token, types)
        issuer: object = claims.get("iss")
        keys = issuers.held(issuer) or (yield from issuers.find(issuer, url, headers))
        if keys is None:
            raise broken(noun, "iss", 'check "domain" or "domains"', "an issuer that is accepted", issuer)
        key = keys.held(token.header) or (yield from keys.find(token.header))
        verify_signature(token, key)
    except JoseError as error:
        raise TokenError(error.rule, str(error), expected=error.expected, found=error.found) from (
            error.with_traceback(None)
        )
    return claims


def _check_header(noun: str, token: Token, types: Collection[str]) -> None:
    kid, typ = token.header.get("kid"), token.header.get("typ")
    if not isinstance(kid, str) or not kid:
        raise broken(noun, "kid", "it does not name the key that signed it", "a text", kid)
    # RFC 7515, section 4.1.9: a media type, whose "application/" may be left out.
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise broken(noun, "typ", "it is a token of another kind", " or ".join(types), typ)


def _resolver(function: Callable[..., Any], *, asynchronous: bool) -> Callable[[IssuerContext], Flow[object]]:
    called = getattr(function, "__call__", None)  # noqa: B004
    if not (inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)):
        return lambda context: perform(partial(function, context))
    if not asynchronous:
        raise ConfigurationError(
            "domains",
            'option "domains" is an async function, which a blocking verifier cannot await; use a plain one',
        )
    return lambda context: perform(asynchronous=partial(function, context))


def _issuers_of(domains: object) -> frozenset[str]:
    return frozenset([f"https://{domain}/" for domain in checked_domains(domains)])


def checked_domains(domains: object) -> tuple[str, ...]:
    """Return the domains that were given or named. Raises `ConfigurationError`."""
    if inspect.iscoroutine(domains):
        domains.close()
    kind = type(domains).__name__
    if not isinstance(domains, Sequence) or isinstance(domains, str | bytes):
        raise ConfigurationError(
            "domains", f'option "domains" must be or return a list of domains, not a {kind}'
        )
    named = cast("Sequence[object]", domains)
    for domain in named:
        if not isinstance(domain, str):
            raise ConfigurationError("domains", f'option "domains" holds {clip(domain)}, which is no domain')
    return tuple(check_domain("domains", cast("str", domain)) for domain in named)
