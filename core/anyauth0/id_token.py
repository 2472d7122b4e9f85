"""The rules for ID tokens (OpenID Connect Core, section 3.1.3.7)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._json import is_array
from .arguments import require
from .errors import ConfigurationError, IdTokenError, InvalidArgumentError
from .flow import Flow
from .redaction import Model

if TYPE_CHECKING:
    from .jwks import JwksCache
    from .keys.text import JoseError

__all__ = ["IdTokenChecks", "check_id_token_claims", "refused", "seconds", "verify_id_token"]

_LATEST = 2**53


class IdTokenChecks(Model, frozen=True, kw_only=True):
    """What an ID token must be good for, beside the rules that hold for every one.

    - `nonce`: the value that was sent with the authorization request
    - `max_age`: seconds since the user last logged in; 0 is "just now", `None` is not checked
    - `organization`: an id (`org_...`), compared with `org_id`, or a name, compared with `org_name`

    Raises `InvalidArgumentError` for a blank text, or a `max_age` that is negative or no number.
    """

    nonce: str | None = None
    max_age: float | None = None
    organization: str | None = None

    def __post_init__(self) -> None:
        given = {"nonce": self.nonce, "organization": self.organization}
        require("IdTokenChecks", **{name: value for name, value in given.items() if value is not None})
        if self.max_age is not None and (seconds(self.max_age) is None or self.max_age < 0):
            raise InvalidArgumentError(
                "max_age",
                'IdTokenChecks: "max_age" must be a number of seconds, 0 or more; leave it out for no check',
            )

    def __repr__(self) -> str:
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        return f"<IdTokenChecks of {', '.join(given) or 'nothing more'}>"


_NO_MORE = IdTokenChecks()


def verify_id_token(
    token: str,
    *,
    issuer: str,
    client_id: str,
    algorithm: str = "RS256",
    jwks: "JwksCache | None",
    client_secret: str | None = None,
    checks: IdTokenChecks = _NO_MORE,
    clock_tolerance: float = 60.0,
    now: float,
    refuse_unexpected_nonce: bool = False,
) -> Flow[Mapping[str, Any]]:
    """Return the claims of an ID token: its signature is verified first, then every claim that has a rule.

    `algorithm` is the only one that is accepted; HS256, HS384 and HS512 use `client_secret`, all others a key
    of `jwks`. `now` is in epoch seconds, `clock_tolerance` in seconds, for `exp`, `nbf`, `iat`, `auth_time`.
    With `refuse_unexpected_nonce`, a nonce that `checks` does not expect is refused.

    Raises `IdTokenError` with the `rule`, `ConfigurationError` for an algorithm that cannot be, and what
    fetching the keys raises. Source: OpenID Connect Core, section 3.1.3.7.
    """
    # `import anyauth0` needs this module for `IdTokenChecks`, and nothing of signatures.
    from . import jose

    if algorithm not in jose.ALGORITHMS:
        option = "id_token_signing_alg"
        raise ConfigurationError(option, f'"{option}" must be one of {", ".join(sorted(jose.ALGORITHMS))}')
    try:
        parsed = jose.parse_token(token, (algorithm,))
        if algorithm.startswith("HS"):
            key = jose.secret_key(client_secret or "").verifying_key
        elif jwks is None:
            raise ConfigurationError(
                "jwks", f'{algorithm} needs "jwks"; only HS256, HS384 and HS512 do without'
            )
        else:
            key = jwks.held(parsed.header) or (yield from jwks.find(parsed.header))
        jose.verify_signature(parsed, key)
        claims = parsed.claims()
    except jose.JoseError as error:
        raise refused(error) from error.with_traceback(None)
    check_id_token_claims(
        claims,
        issuer=issuer,
        client_id=client_id,
        checks=checks,
        clock_tolerance=clock_tolerance,
        now=now,
        refuse_unexpected_nonce=refuse_unexpected_nonce,
    )
    return claims


def refused(error: "JoseError") -> IdTokenError:
    """Return the error of an ID token that is no good as a signed token."""
    return IdTokenError(error.rule, str(error), expected=error.expected, found=error.found)


def check_id_token_claims(
    claims: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    checks: IdTokenChecks,
    clock_tolerance: float,
    now: float,
    refuse_unexpected_nonce: bool = False,
) -> None:
    """Raise `IdTokenError` for a claim that breaks a rule; the signature is another matter."""
    _check_parties(claims, issuer, client_id)
    _check_times(claims, now, clock_tolerance, checks.max_age)
    if checks.nonce is not None or refuse_unexpected_nonce:
        _check_nonce(claims, checks.nonce)
    if checks.organization is not None:
        _check_organization(claims, checks.organization)


def _check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    iss, sub, aud = claims.get("iss"), claims.get("sub"), claims.get("aud")
    if iss != issuer:
        raise _broken("iss", 'check "domain", which must be the one that the user logged in at', issuer, iss)
    if not isinstance(sub, str) or not sub:
        raise _broken("sub", "it is missing or no text, so it is about nobody", "a text", sub)
    if aud == client_id:
        return
    mend = 'check "client_id", the token was issued to another application'
    if is_array(aud):
        if client_id not in aud or not all(isinstance(name, str) for name in aud):
            raise _broken("aud", mend, client_id, aud)
        if len(aud) > 1 and claims.get("azp") != client_id:
            raise _broken("azp", mend, client_id, claims.get("azp"))
    else:
        raise _broken("aud", mend, client_id, aud)


def _check_times(claims: Mapping[str, Any], now: float, tolerance: float, max_age: float | None) -> None:
    expires = seconds(claims.get("exp"))
    if expires is None:
        raise _no_time(claims, "exp")
    if now >= expires + tolerance:
        mend = 'it has expired; check the clock of this machine, or raise "clock_tolerance"'
        raise _broken("exp", mend, f"after {now:.0f}", expires)
    _check_past(claims, "iat", now, tolerance)
    if "nbf" in claims:
        _check_past(claims, "nbf", now, tolerance)
    if max_age is not None and now > _check_past(claims, "auth_time", now, tolerance) + max_age + tolerance:
        mend = 'the login is older than "max_age", send the user to log in again'
        raise _broken("auth_time", mend, f"from {now - max_age:.0f} on", claims["auth_time"])


def _check_past(claims: Mapping[str, Any], name: str, now: float, tolerance: float) -> float:
    time = seconds(claims.get(name))
    if time is None:
        raise _no_time(claims, name)
    if time > now + tolerance:
        mend = 'it is from the future; check the clock of this machine, or raise "clock_tolerance"'
        raise _broken(name, mend, f"up to {now:.0f}", time)
    return time


def _check_nonce(claims: Mapping[str, Any], expected: str | None) -> None:
    # The nonce ties the token to one login, so its value is in no error.
    found = claims.get("nonce")
    if expected is not None:
        import hmac

        if not isinstance(found, str) or not hmac.compare_digest(_bytes(found), _bytes(expected)):
            raise IdTokenError(
                "nonce", 'the ID token does not carry the "nonce" that was expected; start the login again'
            )
    elif found is not None:
        raise IdTokenError(
            "nonce", "the ID token carries a nonce and none was expected; pass IdTokenChecks(nonce=...)"
        )


def _check_organization(claims: Mapping[str, Any], expected: str) -> None:
    name = "org_id" if expected.startswith("org_") else "org_name"
    found = claims.get(name)
    same = (
        found == expected if name == "org_id" else isinstance(found, str) and _fold(found) == _fold(expected)
    )
    if not same:
        mend = 'check "organization"; the user logged in to another organization, or to none'
        raise _broken(name, mend, expected, found)


def _fold(name: str) -> str:
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", name).lower())


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def seconds(value: Any) -> float | None:
    """Return a number of seconds, or `None` for anything else."""
    # A bool is an int to Python; NaN, which compares false with everything, would pass every other check.
    return float(value) if type(value) in (int, float) and -_LATEST <= value <= _LATEST else None


def _no_time(claims: Mapping[str, Any], name: str) -> IdTokenError:
    return _broken(name, "it is missing or no number of seconds", "a number of seconds", claims.get(name))


def _broken(rule: str, mend: str, expected: object, found: object) -> IdTokenError:
    from .keys.text import clip

    said = clip(found)
    message = f"the ID token has {said} as {rule} instead of {clip(expected)}; {mend}"
    return IdTokenError(rule, message, expected=expected, found=said)
