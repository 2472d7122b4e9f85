"""Keys as text: read from PEM and JWK, written as JWK."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from .._json import as_object, as_text, is_array, parse
from . import SigningKey, VerifyingKey
from .algorithms import need_cryptography, refuse, wanted, with_article
from .text import JoseError, base64url_decode, base64url_encode

if TYPE_CHECKING:
    from . import PrivateKey, PublicKey

__all__ = ["load_private_key", "load_public_jwk", "public_jwk", "thumbprint"]

_LONGEST_NUMBER = 4096


def public_jwk(
    key: SigningKey | VerifyingKey, *, kid: str | None = None, alg: str | None = None, use: str | None = "sig"
) -> dict[str, str]:
    """Return the public half of `key` as a JWK (RFC 7517), with the members that are given."""
    public = key.verifying_key if isinstance(key, SigningKey) else key
    members = {"kid": kid, "alg": alg, "use": use}
    return public.numbers() | {name: value for name, value in members.items() if value is not None}


def thumbprint(key: SigningKey | VerifyingKey | Mapping[str, object]) -> str:
    """Return the SHA-256 thumbprint of a key or a public JWK, base64url (RFC 7638). Raises `JoseError`."""
    import hashlib

    public = load_public_jwk(key) if isinstance(key, Mapping) else key
    required = public_jwk(public, use=None)
    return base64url_encode(hashlib.sha256(msgspec.json.encode(required, order="sorted")).digest())


def load_public_jwk(jwk: Mapping[str, object]) -> VerifyingKey:
    """Parse a public key out of a JWK (RFC 7517; RSA, EC and OKP), bound to its `alg` where it names one.

    Raises `JoseError` for one that is incomplete, too small, private, or not for signatures.
    """
    need_cryptography()
    if "d" in jwk or "k" in jwk:
        raise JoseError("key", "the JWK holds a private key or a secret; publish the public half only")
    operations = jwk.get("key_ops")
    if jwk.get("use", "sig") != "sig" or (is_array(operations) and "verify" not in operations):
        raise JoseError("key", "the JWK is not for signatures (its use or key_ops)")
    alg = jwk.get("alg")
    if alg is not None and not isinstance(alg, str):
        raise JoseError("key", "the JWK has an alg that is no text")
    key = VerifyingKey(_public_from_jwk(jwk), kid=as_text(jwk.get("kid")), only=alg)
    if not key.algorithms:
        raise JoseError(
            "key", f"the JWK is {with_article(key.kind)} key, and fits no algorithm here or not its own alg"
        )
    return key


def load_private_key(
    source: str | bytes | Mapping[str, object],
    *,
    password: str | bytes | None = None,
    algorithm: str | None = None,
) -> SigningKey:
    """Parse a private key: PEM (PKCS#8, PKCS#1, SEC1; encrypted with `password`) or JWK (mapping or JSON).

    Raises `ConfigurationError` when it is none, does not open, or does not fit `algorithm`.
    """
    need_cryptography()
    if isinstance(source, Mapping):
        key = _private_from_jwk(source)
    else:
        raw = (source.encode("utf-8", "replace") if isinstance(source, str) else source).strip()
        if raw.startswith(b"{"):
            key = _private_from_jwk(as_object(parse(raw)))
        else:
            key = _private_from_pem(raw, password)
    signing_key = SigningKey(key)
    if algorithm is not None or not signing_key.algorithms:
        wanted(algorithm or "RS256", signing_key.kind)
    return signing_key


def _private_from_pem(raw: bytes, password: str | bytes | None) -> "PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    first_line = raw.partition(b"\n")[0]
    if not first_line.startswith(b"-----BEGIN"):
        refuse("is neither PEM nor JWK; pass the content of the key file, not its name")
    if b"\\n" in raw:
        refuse("has the two characters \\n where its lines should end; replace them by line breaks")
    if b"PRIVATE KEY" not in first_line:
        refuse("is a public key or a certificate; pass the private key")
    secret = password.encode() if isinstance(password, str) else password
    try:
        # A key of any other type is refused later, by its kind.
        return cast("PrivateKey", load_pem_private_key(raw, secret or None))
    except TypeError as error:
        given = "is not encrypted; leave out" if secret else "is encrypted; pass"
        refuse(f'{given} "client_assertion_signing_key_password"', error)
    except (ValueError, UnsupportedAlgorithm) as error:
        mend = (
            'check "client_assertion_signing_key_password"' if secret else "pass the PEM as it was generated"
        )
        refuse(f"cannot be read; {mend}", error)


def _private_from_jwk(jwk: Mapping[str, object]) -> "PrivateKey":
    if "d" not in jwk:
        refuse("is a JWK without a private half (d); pass the private key")
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        public = _public_from_jwk(jwk)
        if isinstance(public, rsa.RSAPublicKey):
            d, numbers = _number(jwk, "d"), public.public_numbers()
            p, q = rsa.rsa_recover_prime_factors(numbers.n, numbers.e, d)
            rest = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
            return rsa.RSAPrivateNumbers(p, q, d, *rest, numbers).private_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            return ec.EllipticCurvePrivateNumbers(_number(jwk, "d"), public.public_numbers()).private_key()
        key = ed25519.Ed25519PrivateKey.from_private_bytes(_octets(jwk, "d"))
        if key.public_key().public_bytes_raw() != public.public_bytes_raw():
            raise ValueError("the two halves belong to different keys")
    except (JoseError, ValueError) as error:
        refuse("is a JWK that is incomplete or wrong; pass it as it was generated", error)
    return key


def _public_from_jwk(jwk: Mapping[str, object]) -> "PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "RSA", _:
                return rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key()
            case "EC", ("P-256" | "P-384") as name:
                curve = ec.SECP256R1() if name == "P-256" else ec.SECP384R1()
                x, y = _octets(jwk, "x"), _octets(jwk, "y")
                if not len(x) == len(y) == curve.key_size // 8:
                    raise JoseError("key", "the JWK has coordinates of another length than its curve")
                return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)
            case "OKP", "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x"))
            case _:
                raise JoseError("key", "the JWK is neither RSA, EC P-256, EC P-384 nor Ed25519")
    except (ValueError, OverflowError, UnsupportedAlgorithm) as error:
        raise JoseError("key", "the JWK has numbers that make no key") from error


def _octets(jwk: Mapping[str, object], name: str) -> bytes:
    text = jwk.get(name)
    if not isinstance(text, str) or len(text) > _LONGEST_NUMBER:
        raise JoseError("key", f'the JWK lacks "{name}", or it is no text or too long')
    return base64url_decode(text)


def _number(jwk: Mapping[str, object], name: str) -> int:
    return int.from_bytes(_octets(jwk, name), "big")
