"""The rules for DPoP proofs (RFC 9449, section 4.3)."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn
from urllib.parse import urlsplit

from .._json import is_object
from ..id_token import seconds
from ..jose import (
    JoseError,
    Token,
    VerifyingKey,
    base64url_encode,
    load_public_jwk,
    parse_token,
    thumbprint,
    verify_signature,
)
from ..keys.text import clip
from ..redaction import Model
from .bindings import same_text
from .errors import TokenError

__all__ = ["PROOF_ALGORITHMS", "Proof", "normalised", "verify_proof"]

PROOF_ALGORITHMS = ("ES256", "ES384", "EdDSA")
"""What a proof may be signed with: its key comes with it, and these are quickly checked whatever it is."""

OLDEST, NEWEST = 300.0, 30.0
"""How many seconds before now, and after, a proof may have been made."""

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PORTS = {"https": 443, "http": 80}
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
_SEEN = re.compile(r"[!-~]+", re.ASCII)
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Proof(Model, frozen=True, kw_only=True):
    """A proof that is good: the thumbprint of its key, and the id that is good for one use, until then."""

    thumbprint: str
    id: str
    until: float


def verify_proof(
    headers: Mapping[str, list[str]],
    *,
    method: str,
    url: str,
    token: str,
    algorithms: Sequence[str],
    nonces: Sequence[str],
    now: float,
) -> Proof:
    """Return the one proof among `headers`, which must be made for this method, URL and token.

    With `nonces`, it must carry one of them. Whether its id was used before is not judged here. Raises
    `TokenError`.
    """
    values = headers.get("dpop", [])
    if len(values) != 1:
        _refuse("dpop", "the request must have one DPoP header", expected=1, found=len(values))
    try:
        proof = parse_token(values[0].strip(" \t"), algorithms)
        key = _key(proof)
        verify_signature(proof, key)
        claims = proof.claims()
    except JoseError as error:
        # What a proof is has another word in their messages; only the rule is passed on.
        refusal = _refusal(error.rule, _SAID[error.rule], expected=error.expected, found=error.found)
        raise refusal from error.with_traceback(None)
    htm: object = claims.get("htm")
    if not isinstance(htm, str) or htm.upper() != method.upper():
        _refuse("htm", "the DPoP proof is for another method", expected=method, found=clip(htm))
    htu: object = claims.get("htu")
    wanted = normalised(url)
    if wanted is None or not isinstance(htu, str) or normalised(htu) != wanted:
        _refuse("htu", "the DPoP proof is for another URL", expected=wanted, found=clip(htu))
    iat: object = claims.get("iat")
    made = seconds(iat)
    if made is None or not now - OLDEST <= made <= now + NEWEST:
        window = f"{now - OLDEST:.0f} to {now + NEWEST:.0f}"
        _refuse("iat", "the DPoP proof was not made just now", expected=window, found=clip(iat))
    if not same_text(claims.get("ath"), base64url_encode(hashlib.sha256(token.encode()).digest())):
        _refuse("ath", "the DPoP proof is for another access token")
    jti: object = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        _refuse("jti", "the DPoP proof has no id (jti)", expected="a text", found=clip(jti))
    if nonces and not any(same_text(claims.get("nonce"), nonce) for nonce in nonces):
        message = "the DPoP proof must carry the nonce of the DPoP-Nonce header"
        raise TokenError("nonce", message, error="use_dpop_nonce", dpop_nonce=nonces[0])
    # A second more, because it is still good in the last one.
    return Proof(thumbprint=thumbprint(key), id=jti, until=made + OLDEST + 1)


_SAID = {
    "format": "the DPoP proof is no signed token",
    "alg": "the DPoP proof is signed with an algorithm that is not taken here",
    "crit": "the DPoP proof has critical extensions (crit), and none is understood here",
    "key": "the DPoP proof has no good public key in its header (jwk)",
    "signature": "the signature of the DPoP proof is not valid",
}


def _key(proof: Token) -> VerifyingKey:
    typ, jwk = proof.header.get("typ"), proof.header.get("jwk")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "dpop+jwt":
        _refuse("typ", "the DPoP header holds a token of another kind", expected="dpop+jwt", found=clip(typ))
    if not is_object(jwk) or jwk.keys() & _PRIVATE:
        _refuse("jwk", "the DPoP proof must have a public key in its header (jwk), and no private one")
    return load_public_jwk(jwk)


def normalised(url: str) -> str | None:
    """Return a URL as RFC 3986, section 6.2, has it, without query and fragment; `None` for one that is none.

    Case of scheme and host, default ports, empty paths, percent-encoding and dot segments make no difference.
    """
    if not _SEEN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    default = _PORTS.get(parts.scheme)
    if default is None or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    address = host if port in (None, default) else f"{host}:{port}"
    return f"{parts.scheme}://{address}{_without_dots(_ENCODED.sub(_decoded, parts.path))}"


def _decoded(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if letter in _UNRESERVED else found[0].upper()


def _without_dots(path: str) -> str:
    """Return a path without its dot segments (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _refusal(rule: str, message: str, *, expected: object = None, found: object = None) -> TokenError:
    return TokenError(rule, message, error="invalid_dpop_proof", expected=expected, found=found)


def _refuse(rule: str, message: str, *, expected: object = None, found: object = None) -> NoReturn:
    raise _refusal(rule, message, expected=expected, found=found)
