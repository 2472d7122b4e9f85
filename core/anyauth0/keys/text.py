"""What tokens and keys are written in: base64url in its one strict form, or a `JoseError`."""

import binascii

import msgspec

from ..errors import Auth0Error

__all__ = ["JoseError", "base64url_decode", "base64url_encode", "clip"]


class JoseError(Auth0Error):
    """A token or a key is refused; each verifier turns this into an error of its own.

    `rule` is `"format"`, `"alg"`, `"crit"`, `"key"` or `"signature"`; `expected` and `found` say how.
    """

    def __init__(self, rule: str, message: str, *, expected: object = None, found: object = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.expected = expected
        self.found = found


_ANY = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes(
    b"+/"[b"-_".index(byte)] if byte in b"-_" else byte if byte in _ANY else 0x21 for byte in range(256)
)
"""Every byte that has no place in base64url becomes one that has none in base64 either."""
_ENDINGS = {0: (b'"', _ANY), 2: (b'=="', _ANY[::16]), 3: (b'="', _ANY[::4])}
"""By the length modulo 4: the padding, and the last characters that set no unused bit."""
_DECODER = msgspec.json.Decoder(bytes)
"""Decodes base64 in half the time of `binascii`."""


def base64url_encode(data: bytes) -> str:
    """Return `data` as base64url without padding (RFC 7515, section 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def base64url_decode(text: str | bytes) -> bytes:
    """Return the bytes of a base64url text (RFC 7515, section 2).

    Raises `JoseError` for padding, white space, any other character, and unused bits that are not zero.
    """
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    ending = _ENDINGS.get(len(raw) % 4)
    if ending is not None and (not raw or raw[-1] in ending[1]):
        try:
            return _DECODER.decode(b'"' + raw.translate(_FROM_URL) + ending[0])
        except msgspec.ValidationError:
            pass
    raise JoseError("format", "a part is not base64url without padding (RFC 7515); it was altered or cut off")


def clip(value: object) -> str:
    """Return what an error may say of a value from elsewhere: a short text or number, else its type."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}...")
    if isinstance(value, int | float):
        return str(value)[:60]
    return "nothing" if value is None else f"a {type(value).__name__}"
