"""The tokens that the tenant signs, the keys it signs them with, and the check of those that come back."""

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from anyauth0.jose import (
    JoseError,
    SigningKey,
    parse_token,
    public_jwk,
    secret_key,
    sign,
    verify_signature,
)

from .incoming import Refusal
from .values import section

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["Tokens", "profile_claims"]

_PROFILE = ("name", "given_name", "family_name", "nickname", "picture", "updated_at")


class Tokens:
    """Signs and checks the tokens of one tenant. Its key is made when first needed, and kept in the store."""

    def __init__(self, tenant: "LocalTenant") -> None:
        self._tenant = tenant
        self._keys: dict[str, SigningKey] = {}

    def rotate_key(self) -> str:
        """Sign with a new key from now on and return its `kid`; the old ones still verify."""
        # RSA keys of the `cryptography` library can be written down, those of `anyauth0.jose` show nothing.
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        kid = secrets.token_urlsafe(12)
        self._tenant.store.add("keys", kid, {"kid": kid, "pem": pem.decode()})
        return kid

    def revoke_key(self, kid: str) -> None:
        """Let a key that is not the current one verify no more."""
        self._tenant.store.remove("keys", kid)

    def _all_keys(self) -> dict[str, SigningKey]:
        """Return the keys by `kid`, the oldest first."""
        store = self._tenant.store
        with store.transaction():
            last = store.last("keys")
            kid = self.rotate_key() if last is None else last["kid"]
            if kid not in self._keys or len(self._keys) != store.count("keys"):
                self._keys = {key["kid"]: _loaded(key["pem"]) for key in store.list("keys")}
            return self._keys

    def jwks(self) -> dict[str, Any]:
        """Return the public keys, the current one first (RFC 7517, section 5)."""
        keys = reversed(self._all_keys().items())
        return {"keys": [public_jwk(key, kid=kid, alg="RS256") for kid, key in keys]}

    def sign(self, claims: Mapping[str, object], *, typ: str = "JWT") -> str:
        """Return `claims` as a token, signed with the current key."""
        kid, key = list(self._all_keys().items())[-1]
        return sign(claims, key, algorithm="RS256", headers={"kid": kid, "typ": typ})

    def access_token(
        self,
        client: Mapping[str, Any],
        *,
        subject: str,
        audience: Sequence[str],
        scope: str,
        gty: str | None,
        lifetime: int,
        org: Mapping[str, Any] | None = None,
        more: Mapping[str, object] = {},
    ) -> str:
        """Return an access token, in the profile of Auth0 (`gty`, `azp`). `lifetime` is in seconds.

        `more` are further claims.
        """
        now = int(self._tenant.clock())
        claims: dict[str, object] = {
            "iss": self._tenant.issuer,
            "sub": subject,
            "aud": audience[0] if len(audience) == 1 else list(audience),
            "iat": now,
            "exp": now + lifetime,
            "jti": secrets.token_urlsafe(16),
            "azp": client["client_id"],
        }
        if scope:
            claims["scope"] = scope
        if org is not None:
            claims["org_id"] = org["id"]
        if gty is not None:
            claims["gty"] = gty
        return self.sign({**claims, **more})

    def id_token(
        self,
        client: Mapping[str, Any],
        user: Mapping[str, Any],
        *,
        scope: str,
        nonce: str | None = None,
        auth_time: int | None = None,
        org: Mapping[str, Any] | None = None,
        sid: str | None = None,
        more: Mapping[str, object] = {},
    ) -> str:
        """Return an ID token, RS256, or HS256 where the client is so configured.

        `more` are further claims.
        """
        now = int(self._tenant.clock())
        configuration = section(client, "jwt_configuration")
        claims: dict[str, object] = {
            **profile_claims(user, scope),
            "iss": self._tenant.issuer,
            "sub": user["user_id"],
            "aud": client["client_id"],
            "iat": now,
            "exp": now + int(configuration.get("lifetime_in_seconds") or 36000),
        }
        optional = {
            "nonce": nonce,
            "auth_time": auth_time,
            "sid": sid,
            "org_id": org and org["id"],
            "org_name": org and org["name"],
        }
        claims |= {name: value for name, value in optional.items() if value is not None}
        claims |= more
        if configuration.get("alg") == "HS256":
            return sign(claims, secret_key(client["client_secret"]), algorithm="HS256")
        return self.sign(claims)

    def verify_access_token(self, token: str, audience: str | None) -> dict[str, Any]:
        """Return the claims of an access token of this tenant for `audience`, or for any when that is `None`.

        Raises `Refusal` with 401, in the shape of the Management API.
        """
        claims = self.verify_signature(token)
        found: str | list[str] = claims["aud"]
        audiences = [found] if isinstance(found, str) else found
        if claims.get("iss") != self._tenant.issuer:
            raise _unauthorized(f"Invalid issuer, expected: {self._tenant.issuer}")
        if audience is not None and audience not in audiences:
            raise _unauthorized(f"Bad audience, expected: {audience}")
        if claims["exp"] <= self._tenant.clock():
            raise _unauthorized("Expired token received for JSON Web Token validation")
        return claims

    def verify_signature(self, token: str) -> dict[str, Any]:
        """Return the claims of a token of this tenant, however old, and whoever it is for.

        Raises `Refusal` (see `verify_access_token`).
        """
        try:
            parsed = parse_token(token, ("RS256",))
            key = self._all_keys().get(str(parsed.header.get("kid")))
            if key is None:
                raise _unauthorized("Invalid signature received for JSON Web Token validation")
            verify_signature(parsed, key.verifying_key)
            return parsed.claims()
        except JoseError as error:
            reason = "Invalid signature" if error.rule == "signature" else "Invalid token"
            raise _unauthorized(f"{reason} received for JSON Web Token validation") from None


def _loaded(pem: str) -> SigningKey:
    # OpenSSL looks for 40 ms at whether a key is one; this one was made here.
    key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return SigningKey(key)


def _unauthorized(message: str) -> Refusal:
    body = {
        "statusCode": 401,
        "error": "Unauthorized",
        "message": message,
        "attributes": {"error": message},
    }
    return Refusal(401, body, {"www-authenticate": 'Bearer error="invalid_token"'})


def profile_claims(user: Mapping[str, Any], scope: str) -> dict[str, Any]:
    """Return the claims of a user that a scope opens (OpenID Connect Core, section 5.4)."""
    scopes = scope.split()
    names: list[str] = []
    if "profile" in scopes:
        names += _PROFILE
    if "email" in scopes:
        names += ("email", "email_verified")
    if "phone" in scopes:
        names += ("phone_number", "phone_number_verified")
    claims = {name: user[name] for name in names if user.get(name) is not None}
    if "phone_number" in claims:
        # The Management API calls it by another name.
        claims["phone_number_verified"] = bool(user.get("phone_verified"))
    return claims
