"""Where the token of a request is: in its one `Authorization` header (RFC 6750, section 2.1)."""

import re
from collections.abc import Iterable, Mapping
from typing import cast

from ..errors import InvalidArgumentError
from .challenges import Scheme
from .errors import TokenError

__all__ = ["Headers", "gather", "scheme_of", "token_of"]

Headers = Mapping[str, str] | Iterable[tuple[str, str]] | Iterable[tuple[bytes, bytes]]
"""The headers of a request as frameworks have them: a mapping, or pairs, as text or as bytes."""

_CREDENTIALS = re.compile(r"[A-Za-z]+ +([A-Za-z0-9._~+/-]+=*)", re.ASCII)


def gather(headers: Headers) -> dict[str, list[str]]:
    """Return the values of each header, by its name in lower case. Raises `InvalidArgumentError`."""
    # The mappings of Starlette and aiohttp, and the pairs of Werkzeug, name a header again that came twice.
    pairs = cast(
        "Iterable[tuple[object, object]]", headers.items() if isinstance(headers, Mapping) else headers
    )
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(_text(name).lower(), []).append(_text(value))
    return found


def _text(part: object) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, bytes):
        return part.decode("latin-1")
    raise InvalidArgumentError(
        "headers", f'"headers" holds a {type(part).__name__}; pass names and values as text or bytes'
    )


def scheme_of(headers: Mapping[str, list[str]], schemes: tuple[Scheme, ...]) -> Scheme | None:
    """Return the scheme of the `Authorization` header, if it is one of `schemes`."""
    values = headers.get("authorization", [""])
    named = values[0].strip(" \t").partition(" ")[0].lower()
    for scheme in schemes:
        if scheme.lower() == named:
            return scheme
    return None


def token_of(headers: Mapping[str, list[str]]) -> str:
    """Return the token of a request whose scheme is known. Raises `TokenError`."""
    values = headers["authorization"]
    if len(values) > 1:
        raise _malformed("the request has more than one Authorization header; send one")
    found = _CREDENTIALS.fullmatch(values[0].strip(" \t"))
    if found is None:
        raise _malformed("the Authorization header is not a scheme and one token; send it once, as issued")
    return found[1]


def _malformed(message: str) -> TokenError:
    return TokenError("authorization", message, error="invalid_request")
