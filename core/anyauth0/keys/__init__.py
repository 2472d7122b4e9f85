"""Keys that sign or verify: each knows the few algorithms that fit it, and shows nothing of itself.

The key decides what may be done with it, not the token, so that a public key can never serve as an HMAC
secret. `cryptography` is imported when a key pair is first used; HS256, HS384 and HS512 do without it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ..errors import ConfigurationError
from .algorithms import ALGORITHMS, Algorithm, fitting, need_cryptography, wanted, with_article
from .text import JoseError, base64url_encode, clip

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        ECDSA,
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    PrivateKey: TypeAlias = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
    PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey

__all__ = ["SigningKey", "VerifyingKey", "generate_key", "secret_key"]

_RSA_BITS = range(2048, 16384 + 1)


class SigningKey:
    """A private key, or an HMAC secret, parsed once. `kind` says what it is."""

    __slots__ = ("_key", "kind")

    def __init__(self, key: "PrivateKey | bytes") -> None:
        self._key = key
        self.kind = _kind(key if isinstance(key, bytes) else key.public_key())

    def __repr__(self) -> str:
        return f"<SigningKey {self.kind}>"

    @property
    def algorithms(self) -> frozenset[str]:
        """The algorithms that fit this key."""
        return fitting(self.kind)

    @property
    def verifying_key(self) -> "VerifyingKey":
        """The key that verifies what this one signs."""
        return VerifyingKey(self._key if isinstance(self._key, bytes) else self._key.public_key())

    def sign(
        self,
        claims: Mapping[str, object],
        *,
        algorithm: str = "RS256",
        headers: Mapping[str, object] | None = None,
    ) -> str:
        """Return `claims` as a signed token (see `anyauth0.jose.sign`)."""
        # The last `alg` wins, so that no header can change it; the first makes it the first member.
        header = {"alg": algorithm, "typ": "JWT", **(headers or {}), "alg": algorithm}  # noqa: F601
        signed = ".".join(base64url_encode(msgspec.json.encode(part)) for part in (header, dict(claims)))
        return f"{signed}.{base64url_encode(self.sign_bytes(signed.encode(), algorithm))}"

    def to_pem(self, *, password: str | None = None) -> bytes:
        """Return the private key as PEM (PKCS#8), encrypted where there is a `password`."""
        key = self._key
        if isinstance(key, bytes):
            raise TypeError("a secret is no key pair")
        from cryptography.hazmat.primitives import serialization as form

        encryption: form.KeySerializationEncryption = form.NoEncryption()
        if password is not None:
            encryption = form.BestAvailableEncryption(password.encode())
        return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, encryption)

    def sign_bytes(self, data: bytes, algorithm: str) -> bytes:
        """Return the bare signature of `data` (RFC 7518, section 3). Raises `ConfigurationError`."""
        key, found = self._key, wanted(algorithm, self.kind)
        if isinstance(key, bytes):
            import hmac

            return hmac.digest(key, data, f"sha{found.bits}")
        from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, found.rsa_padding, found.hash)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(found.hash)))
            size = found.bits // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return key.sign(data)


class VerifyingKey:
    """A public key, or an HMAC secret, with the algorithms that it may be used for; `kid` is its name."""

    __slots__ = ("_key", "_verifiers", "algorithms", "kid", "kind")

    def __init__(self, key: "PublicKey | bytes", *, kid: str | None = None, only: str | None = None) -> None:
        self._key = key
        self._verifiers: dict[str, Callable[[bytes, bytes], bool]] = {}
        self.kid = kid
        self.kind = _kind(key)
        self.algorithms = fitting(self.kind) if only is None else fitting(self.kind) & {only}

    def __repr__(self) -> str:
        return f"<VerifyingKey {self.kind}>"

    def verify_bytes(self, data: bytes, signature: bytes, algorithm: str) -> bool:
        """Return whether `signature` is that of `data`. Raises `JoseError` for an algorithm of other keys."""
        verifier = self._verifiers.get(algorithm)
        if verifier is None:
            if algorithm not in self.algorithms:
                raise JoseError(
                    "alg", f"the key is {with_article(self.kind)} key and not for {clip(algorithm)}"
                )
            verifier = self._verifiers[algorithm] = _verifier(self._key, ALGORITHMS[algorithm])
        return verifier(data, signature)

    def numbers(self) -> dict[str, str]:
        """Return the required members of this key as a JWK (RFC 7518, section 6; RFC 8037, section 2)."""
        key = self._key
        if isinstance(key, bytes):
            raise TypeError("a secret has no public part")
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        if isinstance(key, rsa.RSAPublicKey):
            rsa_numbers = key.public_numbers()
            return {"e": _from_number(rsa_numbers.e), "kty": "RSA", "n": _from_number(rsa_numbers.n)}
        if isinstance(key, ec.EllipticCurvePublicKey):
            point, size = key.public_numbers(), (key.key_size + 7) // 8
            x, y = _from_number(point.x, size), _from_number(point.y, size)
            return {"crv": self.kind.removeprefix("EC "), "kty": "EC", "x": x, "y": y}
        return {"crv": "Ed25519", "kty": "OKP", "x": base64url_encode(key.public_bytes_raw())}


def _verifier(key: "PublicKey | bytes", algorithm: Algorithm) -> Callable[[bytes, bytes], bool]:
    """Return the function of (data, signature) for a key, with all that can be made in advance."""
    if isinstance(key, bytes):
        import hmac

        name = f"sha{algorithm.bits}"
        return lambda data, signature: hmac.compare_digest(hmac.digest(key, data, name), signature)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    check: Callable[..., None] = key.verify
    rest: tuple[object, ...] = ()
    if isinstance(key, rsa.RSAPublicKey):
        rest = (algorithm.rsa_padding, algorithm.hash)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        check, rest = _verify_ecdsa, (key, ec.ECDSA(algorithm.hash), algorithm.bits // 8)

    def verify(data: bytes, signature: bytes) -> bool:
        try:
            check(signature, data, *rest)
        except InvalidSignature:
            return False
        return True

    return verify


def _verify_ecdsa(
    signature: bytes, data: bytes, key: "EllipticCurvePublicKey", ecdsa: "ECDSA", size: int
) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    key.verify(encode_dss_signature(r, s), data, ecdsa)


def secret_key(secret: str | bytes) -> SigningKey:
    """Return the HMAC key of a client secret. Raises `ConfigurationError`."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if not raw or raw.lstrip().startswith(b"-----BEGIN"):
        raise ConfigurationError(
            "client_secret",
            '"client_secret" is empty or a key file; HS256 needs the secret of the application',
        )
    return SigningKey(raw)


def generate_key(algorithm: str = "RS256") -> SigningKey:
    """Return a new key for `algorithm`: RSA of 2048 bits, of its curve, or a random secret."""
    found = wanted(algorithm)
    if found.kind == "secret":
        import secrets

        return SigningKey(secrets.token_bytes(found.bits // 8))
    need_cryptography()
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if found.kind == "RSA":
        return SigningKey(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS.start))
    if found.kind == "Ed25519":
        return SigningKey(ed25519.Ed25519PrivateKey.generate())
    return SigningKey(ec.generate_private_key(ec.SECP256R1() if found.kind == "EC P-256" else ec.SECP384R1()))


def _from_number(number: int, size: int | None = None) -> str:
    return base64url_encode(number.to_bytes(size or (number.bit_length() + 7) // 8, "big"))


def _kind(key: "PublicKey | bytes") -> str:
    if isinstance(key, bytes):
        return "secret"
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, rsa.RSAPublicKey):
        return "RSA" if key.key_size in _RSA_BITS else f"RSA {key.key_size}-bit"
    if isinstance(key, ec.EllipticCurvePublicKey):
        curves = {"secp256r1": "P-256", "secp384r1": "P-384"}
        return f"EC {curves.get(key.curve.name, key.curve.name)}"
    # `cryptography` reads more kinds of keys than are of use here.
    return "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "unsupported"  # pyright: ignore[reportUnnecessaryIsInstance]
