"""Who is asking: exactly one proof of a client is checked, the one for which it is registered."""

import hmac
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from anyauth0 import ConfigurationError
from anyauth0.jose import JoseError, Token, parse_token, verify_signature

from ..clients import fingerprint, verifying_key
from ..dpop import BadProof, check_proof
from ..incoming import Incoming, Refusal, oauth_refusal
from ..store import Duplicate
from ..values import section

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["authenticate_client", "certificate_of", "is_public", "shown_key"]

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TLS = ("self_signed_tls_client_auth", "tls_client_auth")
_LONGEST_ASSERTION = 2048
_LONGEST_LIFETIME = 300
_SKEW = 10
_LONGEST_TEXT = 64


def is_public(client: Mapping[str, Any]) -> bool:
    """Say whether an application has no proof of its own (RFC 6749, section 2.1)."""
    return client.get("token_endpoint_auth_method") == "none"


def authenticate_client(
    tenant: "LocalTenant", incoming: Incoming, form: Mapping[str, str], *, public: bool = True
) -> dict[str, Any]:
    """Return the application that sent the request, once it has proved itself.

    Raises `Refusal`: 400 for two proofs at once, 401 for a wrong one or none, and for a public application
    where `public` ones are not admitted.
    """
    basic = incoming.basic()
    secret, assertion = form.get("client_secret"), form.get("client_assertion")
    if sum(proof is not None for proof in (basic, secret, assertion)) > 1:
        raise oauth_refusal(400, "invalid_request", "More than one way of client authentication was used")
    client_id = form.get("client_id")
    if basic is not None:
        name, secret = unquote_plus(basic[0]), unquote_plus(basic[1])
        if client_id not in (None, name):
            raise oauth_refusal(400, "invalid_request", "client_id is not that of the Authorization header")
        client_id = name
    parsed = None if assertion is None else _parse(assertion, form.get("client_assertion_type"))
    if client_id is None and parsed is not None:
        client_id = str(parsed.claims().get("sub"))
    if not client_id:
        raise oauth_refusal(400, "invalid_request", "Missing required parameter: client_id")
    client = tenant.store.get("clients", client_id)
    if client is None:
        raise _denied()
    keys = _credentials(client, "private_key_jwt")
    certificates = _credentials(client, *_TLS)
    if parsed is not None:
        _check_assertion(tenant, client_id, parsed, keys)
    elif secret is not None:
        if (
            keys
            or certificates
            or not hmac.compare_digest(_secret(client), secret.encode("utf-8", "replace"))
        ):
            raise _denied()
    elif certificates:
        _check_certificate(incoming, certificates)
    elif not is_public(client):
        raise _denied()
    if is_public(client) and not public:
        raise oauth_refusal(401, "unauthorized_client", "A public application may not do this")
    return client


def shown_key(tenant: "LocalTenant", incoming: Incoming, client: Mapping[str, Any]) -> str | None:
    """Return the thumbprint of the key that a client shows a DPoP proof of, or `None` (see `check_proof`)."""
    try:
        return check_proof(tenant, incoming, nonce=tenant.demand_dpop_nonce or is_public(client))
    except BadProof as bad:
        body = {"error": bad.error, "error_description": bad.description}
        raise Refusal(400, body, bad.headers) from None


def certificate_of(incoming: Incoming, client: Mapping[str, Any]) -> str | None:
    """Return the thumbprint of the certificate by which a client has proved itself, or `None`."""
    if incoming.client_certificate is None or not _credentials(client, *_TLS):
        return None
    return fingerprint(incoming.client_certificate)


def _credentials(client: Mapping[str, Any], *names: str) -> list[dict[str, Any]]:
    methods = section(client, "client_authentication_methods")
    found: list[dict[str, Any]] = []
    for name in names:
        found += section(methods, name).get("credentials") or ()
    return found


def _secret(client: Mapping[str, Any]) -> bytes:
    return str(client.get("client_secret") or "").encode()


def _denied() -> Refusal:
    return oauth_refusal(401, "access_denied", "Unauthorized")


def _invalid(why: str) -> Refusal:
    return oauth_refusal(401, "invalid_client", why)


def _check_certificate(incoming: Incoming, credentials: Sequence[Mapping[str, Any]]) -> None:
    presented = incoming.client_certificate
    if presented is None:
        raise _invalid("No client certificate was presented")
    if fingerprint(presented) not in {credential.get("thumbprint_sha256") for credential in credentials}:
        raise _invalid("The client certificate is not one of those registered")


def _parse(assertion: str, kind: str | None) -> Token:
    if kind != _ASSERTION_TYPE:
        raise oauth_refusal(
            400, "invalid_request", "client_assertion_type is not that of a JWT bearer assertion"
        )
    if len(assertion) > _LONGEST_ASSERTION:
        raise _invalid(f"The client assertion is longer than {_LONGEST_ASSERTION} bytes")
    try:
        # The key decides which of these are its own; a secret is never one of the keys.
        parsed = parse_token(
            assertion, ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
        )
        parsed.claims()
    except JoseError:
        raise _invalid("The client assertion is not a signed JWT") from None
    return parsed


def _check_assertion(
    tenant: "LocalTenant", client_id: str, parsed: Token, credentials: Sequence[Mapping[str, Any]]
) -> None:
    """Check an assertion as RFC 7523, section 3, says; its `jti` is spent with it."""
    kid = parsed.header.get("kid")
    named = [credential for credential in credentials if credential.get("kid") == kid]
    if not any(_signed_by(parsed, credential) for credential in named or credentials):
        raise _invalid("The signature of the client assertion does not fit any registered key")
    claims = parsed.claims()
    audience = claims.get("aud")
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _invalid("iss and sub of the client assertion must be the client_id")
    if audience != tenant.issuer and not (isinstance(audience, list) and tenant.issuer in audience):
        raise _invalid(f"aud of the client assertion must be {tenant.issuer}")
    now = tenant.clock()
    expires = _moment(claims, "exp", None)
    issued = _moment(claims, "iat", now)
    if expires <= now:
        raise _invalid("The client assertion has expired")
    if expires - issued > _LONGEST_LIFETIME:
        raise _invalid(f"The client assertion lives longer than {_LONGEST_LIFETIME} seconds")
    if max(issued, _moment(claims, "nbf", now)) > now + _SKEW:
        raise _invalid("The client assertion is from the future")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_TEXT:
        raise _invalid(f"The client assertion needs a jti of at most {_LONGEST_TEXT} characters")
    try:
        tenant.store.use_once("jtis", f"{client_id} {jti}", now=now, until=expires)
    except Duplicate:
        raise _invalid("The client assertion was used before") from None


def _moment(claims: Mapping[str, Any], name: str, default: float | None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid(f"The client assertion needs a number of seconds in {name}")
    return value


def _signed_by(parsed: Token, credential: Mapping[str, Any]) -> bool:
    try:
        verify_signature(parsed, verifying_key(credential))
    except (JoseError, ConfigurationError):
        return False
    return True
