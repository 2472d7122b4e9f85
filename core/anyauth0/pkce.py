"""Proof key for code exchange (RFC 7636): a secret that stays here, and its hash that goes ahead."""

import re

from .errors import InvalidArgumentError

__all__ = ["code_challenge", "code_verifier"]

_VERIFIER = r"[A-Za-z0-9._~-]{43,128}"


def code_verifier() -> str:
    """Return a new secret: 43 characters that hold 256 random bits (RFC 7636, section 4.1)."""
    import secrets

    return secrets.token_urlsafe(32)


def code_challenge(verifier: str, /) -> str:
    """Return the `code_challenge` of a verifier, for the method `S256` (RFC 7636, section 4.2).

    Raises `InvalidArgumentError` for what is no verifier. There is no other method: `plain` proves nothing.
    """
    if not re.fullmatch(_VERIFIER, verifier):
        raise InvalidArgumentError(
            "verifier", 'a "verifier" has 43 to 128 letters, digits and -._~; make one by code_verifier()'
        )
    import hashlib
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
