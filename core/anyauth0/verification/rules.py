"""The rules that hold for the claims of every token that is sent to somebody (RFC 7519, section 4.1)."""

from collections.abc import Collection, Mapping
from typing import Any

from .._json import is_array
from ..id_token import seconds
from ..keys.text import clip
from .errors import TokenError

__all__ = ["audiences", "broken", "check_times", "optional_texts", "time_of"]


def broken(noun: str, rule: str, mend: str, expected: object, found: object) -> TokenError:
    """Return the error of a claim that is not as it must be."""
    said = clip(found)
    message = f"the {noun} has {said} as {rule} instead of {clip(expected)}; {mend}"
    return TokenError(rule, message, expected=expected, found=said)


def time_of(noun: str, claims: Mapping[str, Any], name: str) -> float:
    """Return a claim that is a number of seconds. Raises `TokenError`."""
    time = seconds(claims.get(name))
    if time is None:
        mend = "it is missing or no number of seconds"
        raise broken(noun, name, mend, "a number of seconds", claims.get(name))
    return time


def check_times(noun: str, claims: Mapping[str, Any], now: float, tolerance: float) -> tuple[float, float]:
    """Return `exp` and `iat`, which must be there; the token must be good now, give or take `tolerance`.

    Raises `TokenError`.
    """
    expires, issued = time_of(noun, claims, "exp"), time_of(noun, claims, "iat")
    if now >= expires + tolerance:
        raise broken(noun, "exp", "it has expired, get a new one", f"after {now:.0f}", expires)
    if issued > now + tolerance:
        raise _too_early(noun, "iat", now, issued)
    if "nbf" in claims and (begins := time_of(noun, claims, "nbf")) > now + tolerance:
        raise _too_early(noun, "nbf", now, begins)
    return expires, issued


def _too_early(noun: str, name: str, now: float, found: float) -> TokenError:
    mend = 'it is from the future; check the clock of this machine, or raise "clock_tolerance"'
    return broken(noun, name, mend, f"up to {now:.0f}", found)


def audiences(noun: str, option: str, claims: Mapping[str, Any], wanted: Collection[str]) -> tuple[str, ...]:
    """Return the audiences of a token, one of which must be `wanted`. Raises `TokenError` naming `option`."""
    found: object = claims.get("aud")
    if isinstance(found, str) and found in wanted:
        return (found,)
    named: list[object] = found if is_array(found) else [found]
    texts = tuple(name for name in named if isinstance(name, str))
    if len(texts) != len(named) or not any(name in wanted for name in texts):
        mend = f'check "{option}", it was issued for something else'
        raise broken(noun, "aud", mend, ", ".join(wanted), texts[0] if len(texts) == 1 else found)
    return texts


def optional_texts(noun: str, claims: Mapping[str, Any], *names: str) -> list[str | None]:
    """Return claims that are texts if they are there. Raises `TokenError`."""
    values: list[Any] = list(map(claims.get, names))
    for value in values:
        if value is not None and not (isinstance(value, str) and value):
            name = names[values.index(value)]
            raise broken(noun, name, "it is no text", "a text", value)
    return values
