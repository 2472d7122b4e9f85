"""To whom a token is bound (`cnf`, RFC 7800): to a DPoP key (RFC 9449) or a certificate (RFC 8705)."""

import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from .._json import is_object
from ..errors import InvalidArgumentError
from ..jose import base64url_encode
from .challenges import Scheme
from .errors import TokenError

__all__ = ["Certificate", "check_binding", "same_text"]

Certificate = bytes | str
"""A client certificate, as DER or PEM."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----", re.ASCII)


def check_binding(
    claims: Mapping[str, Any], *, scheme: Scheme, proof_key: str | None, certificate: Certificate | None
) -> None:
    """Raise `TokenError` unless whoever sent the token holds what it is bound to.

    `proof_key` is the thumbprint of the key of the DPoP proof. A token that is bound to anything else than
    such a key or a certificate is refused: nobody could tell whose it is.
    """
    if "cnf" not in claims:
        if scheme == "DPoP":
            raise _refused(
                "cnf", "the access token is not bound to a key; send it as Bearer, or get one by DPoP"
            )
        return
    cnf: object = claims["cnf"]
    members = cnf if is_object(cnf) else {}
    thumbprint: object = members.get("jkt")
    fingerprint: object = members.get("x5t#S256")
    if thumbprint is None and fingerprint is None:
        raise _refused("cnf", "the access token is bound to something that cannot be checked here (cnf)")
    if thumbprint is not None or scheme == "DPoP":
        if proof_key is None:
            raise _refused("cnf", "the access token is bound to a key; send it as DPoP, with a proof")
        if not same_text(thumbprint, proof_key):
            raise _refused("jkt", "the access token is bound to another key than that of the proof")
    if fingerprint is not None:
        if certificate is None:
            raise _refused(
                "x5t#S256",
                "the access token is bound to a certificate, and the request came without; "
                'pass it as "client_certificate"',
            )
        if not same_text(fingerprint, base64url_encode(hashlib.sha256(_der(certificate)).digest())):
            raise _refused(
                "x5t#S256", "the access token is bound to another certificate than that of the request"
            )


def same_text(found: object, expected: str) -> bool:
    """Say whether `found` is that text, in a time that does not tell how much of it is."""
    return isinstance(found, str) and hmac.compare_digest(
        found.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )


def _refused(rule: str, message: str) -> TokenError:
    return TokenError(rule, message)


def _der(certificate: Certificate) -> bytes:
    if isinstance(certificate, bytes):
        if not certificate.lstrip().startswith(b"-----BEGIN"):
            return certificate
        certificate = certificate.decode("latin-1")
    found = _PEM.search(certificate)
    try:
        if found is None:
            raise ValueError("no PEM block")
        return binascii.a2b_base64("".join(found[1].split()), strict_mode=True)
    except ValueError:
        pass
    raise InvalidArgumentError(
        "client_certificate", '"client_certificate" must be one certificate, as DER bytes or PEM text'
    )
