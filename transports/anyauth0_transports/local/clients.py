"""Applications as the tenant keeps them: documents as the Management API shows them, secret included."""

import hashlib
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from anyauth0 import ConfigurationError
from anyauth0.jose import VerifyingKey, load_public_jwk, thumbprint

from .in_process import first_certificate
from .values import base64url, random_id

__all__ = ["ALL_GRANTS", "client_document", "fingerprint", "key_credential", "verifying_key"]

ALL_GRANTS = (
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "password",
    "http://auth0.com/oauth/grant-type/password-realm",
    "http://auth0.com/oauth/grant-type/passwordless/otp",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:okta:params:oauth:grant-type:webauthn",
    "http://auth0.com/oauth/grant-type/mfa-otp",
    "http://auth0.com/oauth/grant-type/mfa-oob",
    "http://auth0.com/oauth/grant-type/mfa-recovery-code",
    "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
)


def client_document(
    name: str,
    *,
    public: bool = False,
    public_key: str | bytes | Mapping[str, Any] | None = None,
    certificate: str | bytes | None = None,
    grant_types: Sequence[str] = ALL_GRANTS,
    callbacks: Sequence[str] = (),
    id_token_alg: str = "RS256",
    rotating: bool = False,
    **fields: Any,
) -> dict[str, Any]:
    """Return the document of a new application (see `LocalTenant.add_client`)."""
    if sum((public, public_key is not None, certificate is not None)) > 1:
        raise ConfigurationError(
            "public_key",
            'an application has one of "public", "public_key" and "certificate"; leave out the others',
        )
    methods: dict[str, Any] | None = None
    if public_key is not None:
        methods = {"private_key_jwt": {"credentials": [key_credential(public_key)]}}
    elif certificate is not None:
        methods = {"self_signed_tls_client_auth": {"credentials": [_certificate_credential(certificate)]}}
    document: dict[str, Any] = {
        "client_id": random_id(32),
        "client_secret": random_id(64),
        "name": name,
        "app_type": "spa" if public else "regular_web",
        "is_first_party": True,
        "oidc_conformant": True,
        "grant_types": list(grant_types),
        "callbacks": list(callbacks),
        "jwt_configuration": {"alg": id_token_alg, "lifetime_in_seconds": 36000},
        "refresh_token": {
            "rotation_type": "rotating" if rotating else "non-rotating",
            "expiration_type": "expiring" if rotating else "non-expiring",
            "leeway": 0,
            "token_lifetime": 2592000,
            "idle_token_lifetime": 1296000,
        },
    }
    if methods is not None:
        document["client_authentication_methods"] = methods
    else:
        document["token_endpoint_auth_method"] = "none" if public else "client_secret_post"
    return {**document, **fields}


def key_credential(public_key: str | bytes | Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a public key, PEM or JWK. Raises `ConfigurationError`."""
    text = public_key.decode() if isinstance(public_key, bytes) else public_key
    credential: dict[str, Any] = {"id": f"cred_{random_id(22)}", "credential_type": "public_key"}
    credential |= {"jwk": dict(text)} if isinstance(text, Mapping) else {"pem": text}
    key = verifying_key(credential)
    return {**credential, "kid": key.kid or thumbprint(key)}


def verifying_key(credential: Mapping[str, Any]) -> VerifyingKey:
    """Return the key of a credential, which holds it as `jwk` or as `pem`. Raises `ConfigurationError`."""
    if "jwk" in credential:
        return load_public_jwk(credential["jwk"])
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(str(credential.get("pem")).encode())
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise ConfigurationError(
            "public_key", 'argument "public_key" must be a public key of RSA, EC or Ed25519, as PEM or JWK'
        )
    return VerifyingKey(key, only=credential.get("alg"))


def _certificate_credential(certificate: str | bytes) -> dict[str, Any]:
    try:
        pem = first_certificate(certificate if isinstance(certificate, str) else certificate.decode("ascii"))
        der = ssl.PEM_cert_to_DER_cert(pem)
    except ValueError:
        raise ConfigurationError(
            "certificate", 'argument "certificate" must be a certificate in PEM'
        ) from None
    return {
        "id": f"cred_{random_id(22)}",
        "credential_type": "x509_cert",
        "pem": pem,
        "thumbprint_sha256": fingerprint(der),
    }


def fingerprint(der: bytes) -> str:
    """Return the SHA-256 thumbprint of a certificate, base64url (`x5t#S256` of RFC 8705, section 3.1)."""
    return base64url(hashlib.sha256(der).digest())
