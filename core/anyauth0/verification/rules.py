"""The rules that hold for the claims of every token that is sent to somebody (RFC 7519, section 4.1)."""

from collections.abc import Collection, Mapping
from typing import Any

from .._json import is_array
from ..keys.text import clip
from .errors import TokenError

__all__ = ["audiences", "broken", "check_times", "is_time", "optional_text", "time_of"]

_LATEST = 2.0**53


def broken(noun: str, rule: str, mend: str, expected: object, found: object) -> TokenError:
    """Return the error of a claim that is not as it must be."""
    said = clip(found)
    message = f"the {noun} has {said} as {rule} instead of {clip(expected)}; {mend}"
    return TokenError(rule, message, expected=expected, found=said)


def is_time(value: object) -> bool:
    """Say whether `value` is a number of seconds."""
    # A bool is an int to Python; NaN, which compares false with everything, would pass every other check.
    return not isinstance(value, bool) and isinstance(value, int | float) and -_LATEST <= value <= _LATEST


def time_of(noun: str, claims: Mapping[str, Any], name: str) -> float:
    """Return a claim that is a number of seconds. Raises `TokenError`."""
    value: object = claims.get(name)
    if not is_time(value):
        raise broken(noun, name, "it is missing or no number of seconds", "a number of seconds", value)
    return float(claims[name])


def check_times(noun: str, claims: Mapping[str, Any], now: float, tolerance: float) -> tuple[float, float]:
    """Return `exp` and `iat`, which must be there; the token must be good now, give or take `tolerance`.

    Raises `TokenError`.
    """
    mend = 'check the clock of this machine, or raise "clock_tolerance"'
    expires, issued = time_of(noun, claims, "exp"), time_of(noun, claims, "iat")
    if now >= expires + tolerance:
        raise broken(noun, "exp", "it has expired, get a new one", f"after {now:.0f}", expires)
    for name in ("iat", "nbf"):
        if (name == "iat" or name in claims) and (time := time_of(noun, claims, name)) > now + tolerance:
            raise broken(noun, name, f"it is from the future; {mend}", f"up to {now:.0f}", time)
    return expires, issued


def audiences(noun: str, option: str, claims: Mapping[str, Any], wanted: Collection[str]) -> tuple[str, ...]:
    """Return the audiences of a token, one of which must be `wanted`. Raises `TokenError` naming `option`."""
    found: object = claims.get("aud")
    named: list[object] = found if is_array(found) else [found]
    texts = tuple(name for name in named if isinstance(name, str))
    if len(texts) != len(named) or not any(name in wanted for name in texts):
        mend = f'check "{option}", it was issued for something else'
        raise broken(noun, "aud", mend, ", ".join(wanted), texts[0] if len(texts) == 1 else found)
    return texts


def optional_text(noun: str, claims: Mapping[str, Any], name: str) -> str | None:
    """Return a claim that is a text if it is there. Raises `TokenError`."""
    value: object = claims.get(name)
    if value is not None and not (isinstance(value, str) and value):
        raise broken(noun, name, "it is no text", "a text", value)
    return value or None
