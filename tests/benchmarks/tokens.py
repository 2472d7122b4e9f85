"""RS256: a token verified with all its claims, against the signature alone and against other libraries."""

import json
import time
from collections.abc import Callable

import joserfc.jwk
import joserfc.jwt
import jwt
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from anyauth0 import Request, Response
from anyauth0.verification import AccessTokenVerifier, IdTokenVerifier

from .common import Comparison, Scale, interleaved, processor

DOMAIN = "tenant.eu.auth0.com"
ISSUER = f"https://{DOMAIN}/"
CLIENT = "a-client"


def compare(scale: Scale) -> list[Comparison]:
    """Compare our verifiers with `public_key.verify` of cryptography, PyJWT and joserfc."""
    key = generate_private_key(65537, 2048)
    public, now = key.public_key(), int(time.time())
    claims = {"iss": ISSUER, "sub": "auth0|1", "aud": CLIENT, "iat": now, "exp": now + 86400, "sid": "s" * 32}
    token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "first"})
    signed, _, rest = token.rpartition(".")
    message, signature = signed.encode(), jwt.utils.base64url_decode(rest)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public)) | {"kid": "first", "use": "sig"}

    def keys(request: Request) -> Response:
        return Response(status=200, headers={}, body=json.dumps({"keys": [jwk]}).encode())

    id_tokens = IdTokenVerifier(domain=DOMAIN, client_id=CLIENT, transport=keys)
    access_tokens = AccessTokenVerifier(domain=DOMAIN, audience=CLIENT, transport=keys)
    their_key = joserfc.jwk.RSAKey.import_key(jwk)
    rules = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": CLIENT},
        exp={"essential": True},
    )

    def joserfc_verify() -> None:
        rules.validate(joserfc.jwt.decode(token, their_key, algorithms=["RS256"]).claims)

    required = {"require": ["iss", "sub", "aud", "exp", "iat"]}
    cases: dict[str, Callable[[], object]] = {
        "cryptography, the signature alone": lambda: public.verify(signature, message, PKCS1v15(), SHA256()),
        "id": lambda: id_tokens.verify(token),
        "access": lambda: access_tokens.verify(token),
        "PyJWT": lambda: jwt.decode(
            token, public, algorithms=["RS256"], audience=CLIENT, issuer=ISSUER, options=required
        ),
        "joserfc": joserfc_verify,
    }
    taken = interleaved({n: processor(call, scale.calls) for n, call in cases.items()}, scale.rounds)
    return [
        Comparison(
            group="tokens",
            what=what,
            against=against,
            ours=taken[ours],
            other=taken[against],
            target=1.4 if against.startswith("cryptography") else None,
        )
        for ours, what in (("id", "IdTokenVerifier, RS256"), ("access", "AccessTokenVerifier, RS256"))
        for against in ("cryptography, the signature alone", "PyJWT", "joserfc")
    ]
