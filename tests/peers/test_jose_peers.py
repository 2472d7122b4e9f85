"""Keys, tokens and proofs of joserfc and PyJWT are read here, and ours are read by them, by each algorithm.

What `tests/authentication` proves is not repeated: client assertions (`test_client_assertions.py`), access
tokens by RS256, PS256 and ES256 (`test_access_tokens.py`).
"""

import base64
import hashlib
import json
from typing import Any

import joserfc.jwk
import joserfc.jwt
import jwt
import jwt.algorithms
import pytest

from anyauth0 import AuthenticationClient, IdTokenChecks, IdTokenError
from anyauth0.dpop import DPoPKey
from anyauth0.jose import generate_key, load_private_key, load_public_jwk, public_jwk, thumbprint, verify
from anyauth0.verification import AccessTokenVerifier, IdTokenVerifier, TokenError
from anyauth0_transports.local import LocalTenant

from ..core import fakes
from ..core.fakes import DOMAIN, START, Blocking, Clock

# joserfc says so of RFC 9864; Auth0 has no other name for it.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
AUDIENCE, URL = "https://api.example.com/", "https://api.example.com/notes"
MADE = {
    "RSA": joserfc.jwk.RSAKey.generate_key(2048),
    "ES256": joserfc.jwk.ECKey.generate_key("P-256"),
    "ES384": joserfc.jwk.ECKey.generate_key("P-384"),
    "EdDSA": joserfc.jwk.OKPKey.generate_key("Ed25519"),
}
OURS = {name: generate_key("RS256" if name == "RSA" else name) for name in MADE}


def kind_of(algorithm: str) -> str:
    return "RSA" if algorithm[:2] in ("RS", "PS") else algorithm


class Joserfc:
    """Signs and reads by joserfc, by keys as JWK."""

    def sign(self, header: Any, claims: Any, jwk: Any) -> str:
        return joserfc.jwt.encode(header, claims, joserfc.jwk.import_key(jwk), algorithms=[header["alg"]])

    def read(self, token: str, algorithm: str, jwk: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        found = joserfc.jwt.decode(token, joserfc.jwk.import_key(jwk), algorithms=[algorithm])
        return found.header, found.claims


class PyJwt:
    """Signs and reads by PyJWT, by keys as JWK."""

    def sign(self, header: Any, claims: Any, jwk: Any) -> str:
        algorithm = header["alg"]
        return jwt.encode(claims, jwt.PyJWK(jwk, algorithm).key, algorithm, headers=header)

    def read(self, token: str, algorithm: str, jwk: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        unjudged: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        key = jwt.PyJWK(jwk, algorithm).key
        found = jwt.decode_complete(token, key, algorithms=[algorithm], options=unjudged)
        return found["header"], found["payload"]


LIBRARIES = [Joserfc(), PyJwt()]


@pytest.fixture(params=LIBRARIES, ids=["joserfc", "PyJWT"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


def serving(*jwks: Any) -> dict[str, Any]:
    """Return the options of a verifier that gets these keys from the tenant."""
    transport = Blocking(otherwise=fakes.json({"keys": list(jwks)}))
    return {"domain": DOMAIN, "transport": transport, "clock": Clock(), "retry": False}


# Keys


@pytest.mark.parametrize("name", MADE)
def test_their_keys_are_read_and_have_the_same_thumbprint(name: str) -> None:
    theirs = MADE[name]
    public, private = theirs.as_dict(private=False), theirs.as_dict(private=True)
    assert thumbprint(public) == theirs.thumbprint()
    for source in (private, json.dumps(private), theirs.as_pem(private=True)):
        assert thumbprint(load_private_key(source)) == theirs.thumbprint()
    encrypted = theirs.as_pem(private=True, password="password")
    assert thumbprint(load_private_key(encrypted, password="password")) == theirs.thumbprint()


@pytest.mark.parametrize("name", MADE)
def test_our_keys_are_read_by_both_and_have_the_same_thumbprint(name: str) -> None:
    jwk: Any = public_jwk(OURS[name], kid="k", alg="RS256" if name == "RSA" else name)
    theirs = joserfc.jwk.KeySet.import_key_set({"keys": [jwk]}).keys[0]
    assert (theirs.kid, theirs.thumbprint()) == ("k", thumbprint(OURS[name]))
    key = jwt.PyJWKSet.from_dict({"keys": [jwk]})["k"].key
    kinds: dict[str, Any] = {"RSA": jwt.algorithms.RSAAlgorithm, "EdDSA": jwt.algorithms.OKPAlgorithm}
    again = kinds.get(name, jwt.algorithms.ECAlgorithm).to_jwk(key, as_dict=True)
    assert thumbprint(load_public_jwk({**again, "key_ops": ["verify"]})) == thumbprint(OURS[name])


# Tokens

CLAIMS = {
    "iss": f"https://{DOMAIN}/", "sub": "auth0|é", "aud": AUDIENCE, "scope": "read:a", "nonce": "n",
    "iat": int(START), "exp": int(START) + 60,
}  # fmt: skip


def altered(token: str) -> str:
    """Return the token with another first letter of its signature."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


@pytest.mark.parametrize("algorithm", sorted({*ALGORITHMS} - {"RS256", "PS256", "ES256"}))
def test_their_access_tokens_are_verified(library: Any, algorithm: str) -> None:
    theirs = MADE[kind_of(algorithm)]
    header = {"alg": algorithm, "kid": "theirs", "typ": "at+jwt"}
    token = library.sign(header, CLAIMS, theirs.as_dict(private=True))
    keys = serving({**theirs.as_dict(private=False), "kid": "theirs"})
    with AccessTokenVerifier(audience=AUDIENCE, algorithms=(algorithm,), **keys) as verifier:
        assert verifier.verify(token, scopes=("read:a",)).subject == "auth0|é"
        with pytest.raises(TokenError) as caught:
            verifier.verify(altered(token))
        assert caught.value.rule == "signature"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_their_id_tokens_are_verified(library: Any, algorithm: str) -> None:
    theirs = MADE[kind_of(algorithm)]
    token = library.sign({"alg": algorithm, "kid": "theirs"}, CLAIMS, theirs.as_dict(private=True))
    keys = serving({**theirs.as_dict(private=False), "kid": "theirs"})
    with IdTokenVerifier(client_id=AUDIENCE, id_token_signing_alg=algorithm, **keys) as verifier:
        assert verifier.verify(token, checks=IdTokenChecks(nonce="n")) == CLAIMS
        with pytest.raises(IdTokenError) as caught:
            verifier.verify(altered(token))
        assert caught.value.rule == "signature"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_their_id_tokens_by_the_secret_are_verified(library: Any, algorithm: str) -> None:
    secret = b"a secret that is long enough even for HS512, and then some more."
    jwk = {"kty": "oct", "k": base64.urlsafe_b64encode(secret).decode().rstrip("=")}
    token = library.sign({"alg": algorithm}, CLAIMS, jwk)
    options: Any = {"client_id": AUDIENCE, "id_token_signing_alg": algorithm, **serving()}
    with IdTokenVerifier(client_secret=secret.decode(), **options) as verifier:
        assert verifier.verify(token) == CLAIMS
    with IdTokenVerifier(client_secret="another", **options) as verifier:
        with pytest.raises(IdTokenError) as caught:
            verifier.verify(token)
        assert caught.value.rule == "signature"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_our_tokens_are_read_by_both(library: Any, algorithm: str) -> None:
    key = OURS[kind_of(algorithm)]
    token = key.sign(CLAIMS, algorithm=algorithm, headers={"kid": "ours", "typ": "at+jwt"})
    header, claims = library.read(token, algorithm, public_jwk(key))
    assert header == {"alg": algorithm, "typ": "at+jwt", "kid": "ours"}
    assert claims == CLAIMS
    with pytest.raises((joserfc.errors.BadSignatureError, jwt.InvalidSignatureError)):
        library.read(altered(token), algorithm, public_jwk(key))


def test_the_tokens_of_the_embedded_tenant_are_read_by_both() -> None:
    tenant = LocalTenant(domain="peers.local.example")
    tenant.add_api(AUDIENCE, ["read:a"])
    tenant.add_user(email="jane@example.com", password="correct-Horse-battery-9")
    options = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    with tenant, AuthenticationClient(domain=tenant.domain, transport="local", **options) as auth:
        keys: Any = auth.discovery.jwks().data
        tokens = auth.oauth.password_grant(
            username="jane@example.com",
            password="correct-Horse-battery-9",
            realm="Username-Password-Authentication",
            audience=AUDIENCE,
            scope="openid email",
        ).data
    assert tokens.id_token
    registry = joserfc.jwt.JWTClaimsRegistry(iss={"essential": True, "value": tenant.issuer})
    for token, audience in ((tokens.id_token, tenant.client_id), (tokens.access_token, AUDIENCE)):
        theirs = joserfc.jwt.decode(token, joserfc.jwk.KeySet.import_key_set(keys), algorithms=["RS256"])
        registry.validate(theirs.claims)
        kid = jwt.get_unverified_header(token)["kid"]
        key = jwt.PyJWKSet.from_dict(keys)[kid]
        read = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=tenant.issuer)
        assert read == theirs.claims
        assert read["sub"] == tokens.claims["sub"]


# Proofs of possession

PROOF_ALGORITHMS = ("ES256", "ES384", "EdDSA")


def ath_of(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")


@pytest.mark.parametrize("algorithm", PROOF_ALGORITHMS)
def test_their_proofs_are_verified_once(library: Any, algorithm: str) -> None:
    theirs, issuer = MADE[algorithm], OURS["RSA"]
    bound = {**CLAIMS, "cnf": {"jkt": theirs.thumbprint()}}
    token = issuer.sign(bound, algorithm="RS256", headers={"kid": "k", "typ": "at+jwt"})
    header = {"alg": algorithm, "typ": "dpop+jwt", "jwk": theirs.as_dict(private=False)}
    claims = {"jti": "1", "htm": "POST", "htu": URL, "iat": int(START), "ath": ath_of(token)}
    proof = library.sign(header, claims, theirs.as_dict(private=True))
    other = library.sign(header, {**claims, "ath": ath_of("another")}, theirs.as_dict(private=True))
    keys = serving(public_jwk(issuer, kid="k"))
    with AccessTokenVerifier(audience=AUDIENCE, dpop_algorithms=(algorithm,), **keys) as verifier:
        for sent, rule in ((other, "ath"), (altered(proof), "signature"), (proof, None), (proof, "jti")):
            headers = {"authorization": f"DPoP {token}", "dpop": sent}
            if rule is None:
                assert verifier.verify_request("POST", URL, headers).subject == "auth0|é"
                continue
            with pytest.raises(TokenError) as caught:
                verifier.verify_request("POST", URL, headers)
            assert caught.value.rule == rule


def test_our_proofs_are_read_by_both_with_the_key_that_they_bring(library: Any) -> None:
    key = DPoPKey.generate()
    proof = key.proof("post", f"{URL}?page=2#top", now=START + 0.5, access_token="a.token", nonce="n-1")
    jwk: Any = jwt.get_unverified_header(proof)["jwk"]
    header, claims = library.read(proof, "ES256", jwk)
    assert header == {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
    assert jwk.keys() == {"kty", "crv", "x", "y"}, "the public half and nothing else"
    assert joserfc.jwk.import_key(jwk).thumbprint() == key.thumbprint
    assert len(claims.pop("jti")) >= 16
    assert claims == {
        "htm": "POST", "htu": URL, "iat": int(START), "ath": ath_of("a.token"), "nonce": "n-1",
    }  # fmt: skip


def test_a_key_of_theirs_proves_for_us(library: Any) -> None:
    theirs = MADE["ES256"]
    key = DPoPKey.from_pem(theirs.as_pem(private=True))
    proof = key.proof("GET", URL, now=START)
    assert key.thumbprint == theirs.thumbprint()
    assert library.read(proof, "ES256", theirs.as_dict(private=False))[1]["htu"] == URL
    public = load_public_jwk(theirs.as_dict(private=False))
    assert verify(proof, public, algorithms=["ES256"])["htm"] == "GET"
