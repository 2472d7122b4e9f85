"""Access tokens as bytes that may lie about: encrypted where there is a key, and nothing but themselves."""

import hashlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from anyauth0 import AccessToken, ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Key", "Sealing"]

Key = str | bytes
"""32 bytes, or a passphrase."""

_MARK = b"\x01"
_NONCE = 12
_SALT = b"anyauth0 token store"
_SHORTEST = 12


class Sealing:
    """Writes tokens by the first key and reads them by any: put a new key in front to replace one.

    AES-256-GCM (NIST SP 800-38D) with a random nonce; the name of the token is authenticated too, so that no
    token can be put in the place of another. Without a key, tokens are plain JSON.
    """

    __slots__ = ("_ciphers", "keys")

    def __init__(self, key: Key | Sequence[Key] | None) -> None:
        """Take the keys. Raises `ConfigurationError` for one that is too short or of another type."""
        self._ciphers: list[AESGCM] = []
        # For a store in another process, which would else derive them once more.
        self.keys: list[bytes] | None = None
        if key is not None:
            given: Sequence[Key] = [key] if isinstance(key, str | bytes) else key
            _check(given)
            self.keys = [_derived(each) for each in given]
            self._ciphers = [_cipher(each) for each in self.keys]

    def seal(self, name: str, token: AccessToken) -> bytes:
        """Return the token as bytes that are good under `name` only."""
        plain = msgspec.json.encode(token)
        if not self._ciphers:
            return plain
        nonce = os.urandom(_NONCE)
        return _MARK + nonce + self._ciphers[0].encrypt(nonce, plain, name.encode())

    def open(self, name: str, data: bytes) -> AccessToken | None:
        """Return the token, or `None` where the bytes are anything else: cut off, altered, by another key.

        With a key, what is not encrypted is not believed.
        """
        plain = self._decrypted(name, data) if self._ciphers else data
        try:
            return None if plain is None else msgspec.json.decode(plain, type=AccessToken)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def _decrypted(self, name: str, data: bytes) -> bytes | None:
        if data[:1] != _MARK:
            return None
        from cryptography.exceptions import InvalidTag

        nonce, rest = data[1 : 1 + _NONCE], data[1 + _NONCE :]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, rest, name.encode())
            except (InvalidTag, ValueError):
                continue
        return None

    def __repr__(self) -> str:
        return f"<Sealing by {len(self._ciphers)} keys>"


def _check(keys: object) -> None:
    if not isinstance(keys, Sequence) or not keys or not all(map(_is_key, cast("Sequence[object]", keys))):
        message = f'"key" must be 32 bytes, or a passphrase of at least {_SHORTEST} characters'
        raise ConfigurationError("key", f"{message}, or a list of such")
    try:
        import cryptography as _  # noqa: F401
    except ImportError as error:
        message = '"key" needs the package "cryptography"; pip install \'anyauth0[crypto]\''
        raise ConfigurationError("key", message) from error


def _is_key(key: object) -> bool:
    return len(key) == 32 if isinstance(key, bytes) else isinstance(key, str) and len(key) >= _SHORTEST


def _derived(key: Key) -> bytes:
    if isinstance(key, bytes):
        return key
    # All processes must come to the same key, so the salt is fixed.
    return hashlib.scrypt(
        key.encode("utf-8", "surrogatepass"), salt=_SALT, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=32
    )


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
