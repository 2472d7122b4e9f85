"""Signed tokens: JWS in its compact form (RFC 7515), signed or verified, never decrypted.

Whoever verifies says which algorithms may come, and the key which ones fit it; the token has no say. What
`anyauth0.keys` has is offered here too.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from .keys import SigningKey, VerifyingKey, generate_key, secret_key
from .keys.algorithms import ALGORITHMS
from .keys.jwk import load_private_key, load_public_jwk, public_jwk, thumbprint
from .keys.text import JoseError, base64url_decode, base64url_encode, clip
from .redaction import Model

__all__ = [
    "ALGORITHMS", "JoseError", "SigningKey", "Token", "VerifyingKey", "base64url_decode", "base64url_encode",
    "generate_key", "load_private_key", "load_public_jwk", "parse_token", "public_jwk", "secret_key", "sign",
    "thumbprint", "verify", "verify_signature",
]  # fmt: skip

_LONGEST_TOKEN = 64 * 1024
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Token(Model, frozen=True):
    """A token taken apart and not yet verified: trust nothing in it before `verify_signature`.

    `alg` is the algorithm that the header names, one of those that the caller allowed.
    """

    alg: str
    header: Mapping[str, Any]
    payload: bytes
    signed: bytes
    signature: bytes

    def claims(self) -> dict[str, Any]:
        """Return the payload as a JSON object (RFC 7519, section 7.2). Raises `JoseError`."""
        return _object(self.payload, "payload")

    def __repr__(self) -> str:
        return f"<Token {self.alg}>"


def sign(
    claims: Mapping[str, object],
    key: SigningKey,
    *,
    algorithm: str = "RS256",
    headers: Mapping[str, object] | None = None,
) -> str:
    """Return `claims` as a signed token in compact form (RFC 7515, section 3.1).

    The header is `alg`, `typ: JWT` and what `headers` adds (`kid`, another `typ`); it cannot change `alg`.
    Raises `ConfigurationError` when `algorithm` does not fit `key`.
    """
    return key.sign(claims, algorithm=algorithm, headers=headers)


def parse_token(text: object, algorithms: Collection[str]) -> Token:
    """Take a compact token apart (RFC 7515, section 5.2), with `alg` one of `algorithms` and no `crit`.

    An answer may hold anything, so anything may be given; what is no token raises `JoseError`. Linear time.
    """
    if not isinstance(text, str) or len(text) > _LONGEST_TOKEN or not text.isascii():
        message = "the token is no ASCII text of at most 64 KiB; pass it as the server issued it"
        raise JoseError("format", message)
    raw = text.encode()
    signed, _, signature = raw.rpartition(b".")
    head, dot, payload = signed.partition(b".")
    if not dot or b"." in payload:
        count = raw.count(b".") + 1
        hint = "it is encrypted, turn that off" if count == 5 else "pass it as the server issued it"
        said = count if count <= 5 else "too many"
        raise JoseError("format", f"the token has {said} parts instead of 3; {hint}", expected=3)
    alg, header = _header(head)
    if alg is None or alg not in algorithms or alg not in ALGORITHMS:
        wanted, found = ", ".join(sorted(algorithms)), clip(header.get("alg"))
        mend = "check the application's settings"
        message = f"the token is signed with {found}, but {wanted} is expected; {mend}"
        raise JoseError("alg", message, expected=wanted, found=found)
    return Token(alg, header, base64url_decode(payload), signed, base64url_decode(signature))


@lru_cache(maxsize=32)
def _header(part: bytes) -> tuple[str | None, Mapping[str, Any]]:
    # A signer writes the same header over and over, so it is worth keeping; it must not be changed, then.
    header = _object(base64url_decode(part), "header")
    if "crit" in header:
        raise JoseError("crit", "the token has critical extensions (crit), and none is understood here")
    alg: object = header.get("alg")
    return alg if isinstance(alg, str) else None, MappingProxyType(header)


def verify_signature(token: Token, key: VerifyingKey) -> None:
    """Raise `JoseError` unless `key` signed `token` (RFC 7515, section 5.2)."""
    if not key.verify_bytes(token.signed, token.signature, token.alg):
        raise JoseError(
            "signature", "the signature of the token is not valid; it was altered or is from elsewhere"
        )


def verify(text: object, key: VerifyingKey, *, algorithms: Collection[str]) -> dict[str, Any]:
    """Return the claims of a token that `key` signed with one of `algorithms`; the claims are not judged."""
    token = parse_token(text, algorithms)
    verify_signature(token, key)
    return token.claims()


def _object(raw: bytes, part: str) -> dict[str, Any]:
    try:
        return _OBJECT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise JoseError("format", f"the {part} of the token is no JSON object; pass it as the server issued it")
