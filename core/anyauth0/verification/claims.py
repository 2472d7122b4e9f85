"""What a verified access token says (RFC 9068, section 2.2; RFC 8693, section 4.1)."""

from collections.abc import Collection, Mapping
from types import EllipsisType
from typing import Any

from .._json import as_array, is_object
from ..redaction import Model
from .errors import TokenError
from .rules import audiences, broken, check_times, optional_texts

__all__ = ["AccessTokenClaims", "Actor", "ClaimValue", "access_token_claims", "check_claims", "check_scopes"]

ClaimValue = str | int | float | bool | list[Any] | dict[str, Any] | EllipsisType | None

_NOUN = "access token"
_MOST_ACTORS = 10


class Actor(Model, frozen=True, kw_only=True):
    """Who acts for the subject of a token.

    `claims` is the member `act` as it came, those who acted before included.
    """

    subject: str | None
    issuer: str | None
    client_id: str | None
    claims: Mapping[str, Any]

    def __repr__(self) -> str:
        return "<Actor>"


class AccessTokenClaims(Model, frozen=True, kw_only=True):
    """The claims of a verified access token.

    - `subject`: the user, or `{client_id}@clients` where an application asked for itself
    - `scopes`: of `scope`; `permissions` are those that Auth0 adds where the API has RBAC on
    - `client_id`: of `azp`, else `client_id`: the application that asked for the token
    - `organization_id`, `organization_name`: of `org_id`, `org_name`
    - `expires_at`, `issued_at`: epoch seconds
    - `actors`: who acts for the subject, now first, then those before (the delegation chain)
    - `raw`: all claims as they came
    """

    issuer: str
    subject: str | None
    audience: tuple[str, ...]
    scopes: frozenset[str]
    permissions: frozenset[str]
    client_id: str | None
    organization_id: str | None
    organization_name: str | None
    expires_at: float
    issued_at: float
    actors: tuple[Actor, ...]
    raw: Mapping[str, Any]

    @property
    def current_actor(self) -> Actor | None:
        """Who acts for the subject now; `None` where the subject acts for itself."""
        return self.actors[0] if self.actors else None

    def __repr__(self) -> str:
        return f"<AccessTokenClaims of {self.issuer}>"


def access_token_claims(
    claims: Mapping[str, Any], *, audience: Collection[str], now: float, tolerance: float
) -> AccessTokenClaims:
    """Return the claims of a token whose signature and issuer are good. Raises `TokenError`."""
    named = audiences(_NOUN, "audience", claims, audience)
    expires_at, issued_at = check_times(_NOUN, claims, now, tolerance)
    client = "client_id" if claims.get("azp") is None else "azp"
    subject, client_id, organization_id, organization_name = optional_texts(
        _NOUN, claims, "sub", client, "org_id", "org_name"
    )
    scope = claims.get("scope")
    return AccessTokenClaims(
        issuer=claims["iss"],
        subject=subject,
        audience=named,
        scopes=frozenset(scope.split() if isinstance(scope, str) else ()),
        permissions=frozenset(_texts(claims["permissions"])) if "permissions" in claims else frozenset(),
        client_id=client_id,
        organization_id=organization_id,
        organization_name=organization_name,
        expires_at=expires_at,
        issued_at=issued_at,
        actors=_actors(claims) if "act" in claims else (),
        raw=claims,
    )


def check_claims(claims: Mapping[str, Any], wanted: Mapping[str, ClaimValue]) -> None:
    """Raise `TokenError` unless each claim has the value that is wanted; `...` is any but null."""
    for name, value in wanted.items():
        found: object = claims.get(name)
        # To Python, True is 1.
        same = found is not None if value is ... else type(found) is type(value) and found == value
        if not same or name not in claims:
            expected = "something" if value is ... else value
            raise broken(_NOUN, name, 'this API asks for it by "claims"', expected, found)


def check_scopes(claims: AccessTokenClaims, wanted: Collection[str]) -> None:
    """Raise `TokenError` unless the token has every scope that is wanted."""
    missing = [scope for scope in wanted if scope not in claims.scopes]
    if missing:
        raise TokenError(
            "scope",
            f"the access token lacks the scope {', '.join(missing)}; ask for it with the token",
            error="insufficient_scope",
            expected=" ".join(wanted),
            found=" ".join(sorted(claims.scopes))[:200],
            scopes=tuple(wanted),
        )


def _texts(value: object) -> list[str]:
    return [each for each in as_array(value) if isinstance(each, str)]


def _actors(claims: Mapping[str, Any]) -> tuple[Actor, ...]:
    actors: list[Actor] = []
    while "act" in claims:
        found: object = claims["act"]
        if not is_object(found):
            raise broken(_NOUN, "act", "an actor is an object (RFC 8693)", "an object", found)
        if len(actors) == _MOST_ACTORS:
            raise broken(_NOUN, "act", "too many act for one another", f"{_MOST_ACTORS} actors", "more")
        subject, issuer, client_id = optional_texts(_NOUN, found, "sub", "iss", "client_id")
        actors.append(Actor(subject=subject, issuer=issuer, client_id=client_id, claims=found))
        claims = found
    return tuple(actors)
