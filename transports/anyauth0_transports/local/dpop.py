"""Proofs that a client holds a key (RFC 9449): each is for one request, and good once."""

import hashlib
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from anyauth0 import ConfigurationError
from anyauth0.jose import JoseError, Token, load_public_jwk, parse_token, thumbprint, verify_signature

from .incoming import Incoming
from .store import Duplicate
from .values import base64url, section

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["ALGORITHMS", "BadProof", "check_proof"]

ALGORITHMS = ("ES256",)
_OLDEST = 300
_NEWEST = 30
_NONCE_LIFETIME = 300
_PORTS = {"https": 443, "http": 80}


class BadProof(Exception):
    """A proof that is not good, or one that must carry `nonce`."""

    def __init__(self, description: str, *, nonce: str | None = None) -> None:
        super().__init__(description)
        self.error = "invalid_dpop_proof" if nonce is None else "use_dpop_nonce"
        self.description = description
        self.headers = {} if nonce is None else {"dpop-nonce": nonce}


def check_proof(
    tenant: "LocalTenant", incoming: Incoming, *, nonce: bool, token: str | None = None
) -> str | None:
    """Return the thumbprint of the key that a request has a proof of, or `None` where it has no proof.

    With `nonce`, the proof must carry one that the tenant gave out; with `token`, it must be made for that
    access token. Raises `BadProof`.
    """
    given = incoming.headers.get("dpop")
    if given is None:
        return None
    try:
        proof = parse_token(given.strip(), ALGORITHMS)
        jkt = _key_of(proof)
        claims = proof.claims()
    except (JoseError, ConfigurationError):
        raise BadProof("The proof is not a JWT that its own ES256 key signed") from None
    if claims.get("htm") != incoming.method:
        raise BadProof(f"htm of the proof must be {incoming.method}")
    if _plain(claims.get("htu")) != _plain(incoming.url):
        raise BadProof("htu of the proof must be the URL of the request")
    made, now = claims.get("iat"), tenant.clock()
    if (
        isinstance(made, bool)
        or not isinstance(made, int | float)
        or not now - _OLDEST <= made <= now + _NEWEST
    ):
        raise BadProof("iat of the proof must be now")
    if token is not None and claims.get("ath") != base64url(hashlib.sha256(token.encode()).digest()):
        raise BadProof("ath of the proof must be the hash of the access token")
    if nonce:
        _check_nonce(tenant, claims.get("nonce"))
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise BadProof("The proof needs a jti")
    try:
        tenant.store.use_once("dpop_jtis", f"{jkt} {jti}", now=now, until=made + _OLDEST)
    except Duplicate:
        raise BadProof("The proof was used before") from None
    return jkt


def _key_of(proof: Token) -> str:
    """Return the thumbprint of the key in the header, which must have signed the proof."""
    jwk: dict[str, Any] = section(proof.header, "jwk")
    if proof.header.get("typ") != "dpop+jwt" or not jwk:
        raise BadProof("The proof must be of typ dpop+jwt, with a public key as jwk")
    key = load_public_jwk(jwk)
    verify_signature(proof, key)
    return thumbprint(key)


def _check_nonce(tenant: "LocalTenant", nonce: object) -> None:
    kept = tenant.store.get("dpop_nonces", nonce) if isinstance(nonce, str) else None
    if kept is None or kept["expires_at"] <= tenant.clock():
        fresh = secrets.token_urlsafe(24)
        tenant.store.add("dpop_nonces", fresh, {"expires_at": tenant.clock() + _NONCE_LIFETIME})
        raise BadProof("Authorization server requires nonce in DPoP proof", nonce=fresh)


def _plain(url: object) -> tuple[str, str, int | None, str] | None:
    """Return what has to be equal of two URLs: neither query nor fragment (RFC 9449, section 4.3)."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, parts.path or "/"
