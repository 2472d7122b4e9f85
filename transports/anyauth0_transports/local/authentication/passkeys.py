"""Passkeys: sign-up and login by a key of the user's device, as the messages of WebAuthn have it.

No signature is verified here, and no attestation: that a device answers is checked by the challenge, which
must be that of the session, and by the id of the credential, which must be one that was registered.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from anyauth0 import Response
from anyauth0.jose import JoseError, base64url_decode

from ..authorization import find_organization
from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from ..store import Duplicate
from ..users import create_user, find_connection, find_user, record_login
from ..values import base64url, digest, section
from .asking import Asking, Outcome, new_login
from .client import authenticate_client
from .issuing import check_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["challenge_passkey", "register_passkey", "webauthn"]

_LIFETIME = 300
_DEFAULT_DIRECTORY = "Username-Password-Authentication"
_NAMES = ("email", "phone_number", "username")
_PROFILE = (*_NAMES, "name", "given_name", "family_name", "nickname", "picture")
# ES256 and RS256 (IANA COSE Algorithms).
_KEYS = [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}]


def register_passkey(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /passkey/register: the sign-up of a user."""
    body = incoming.json()
    if "client_assertion" in body:
        raise _invalid("A client_assertion is not taken here")
    realm = _realm(tenant, body)
    given = section(body, "user_profile")
    profile = {name: given[name] for name in _PROFILE if given.get(name) is not None}
    names = [profile[name] for name in _NAMES if name in profile]
    if not names or not all(
        isinstance(value, str) and value.strip() and value.isprintable() for value in profile.values()
    ):
        raise _invalid("user_profile needs one of email, phone_number and username, as texts")
    metadata = section(body, "user_metadata")
    if len(metadata) > 10 or not all(isinstance(value, str) for value in metadata.values()):
        raise _invalid("user_metadata takes at most 10 texts")
    if any(find_user(tenant, realm, name) is not None for name in names):
        raise _invalid("The user exists already")
    handle = secrets.token_urlsafe(24)
    kept = {"profile": {**profile, "user_metadata": metadata} if metadata else profile, "handle": handle}
    session, challenge = _start(tenant, incoming, body, {"realm": realm, "sign_up": kept})
    shown = str(profile.get("name") or names[0])
    return json_response(
        {
            "auth_session": session,
            "authn_params_public_key": {
                "challenge": challenge,
                "timeout": _LIFETIME * 1000,
                "rp": {"id": _host(tenant), "name": _host(tenant)},
                "user": {"id": base64url(handle.encode()), "name": names[0], "displayName": shown},
                "pubKeyCredParams": _KEYS,
                "authenticatorSelection": {"residentKey": "required", "userVerification": "preferred"},
            },
        }
    )


def challenge_passkey(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /passkey/challenge: a login, of whom only the device knows."""
    body = incoming.json()
    session, challenge = _start(tenant, incoming, body, {"realm": _realm(tenant, body), "sign_up": None})
    parameters = {
        "challenge": challenge,
        "timeout": _LIFETIME * 1000,
        "rpId": _host(tenant),
        "userVerification": "preferred",
    }
    return json_response({"auth_session": session, "authn_params_public_key": parameters})


def _start(
    tenant: "LocalTenant", incoming: Incoming, body: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[str, str]:
    """Return a new session and its challenge."""
    given = {name: value for name, value in body.items() if isinstance(value, str)}
    client = authenticate_client(tenant, incoming, given)
    session, challenge = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    document = {
        **fields,
        "client_id": client["client_id"],
        "challenge": challenge,
        "expires_at": tenant.clock() + _LIFETIME,
    }
    tenant.store.add("passkey_sessions", digest(session), document)
    return session, challenge


def _host(tenant: "LocalTenant") -> str:
    return tenant.domain.partition(":")[0]


def _invalid(why: str) -> Refusal:
    return oauth_refusal(400, "invalid_request", why)


def _realm(tenant: "LocalTenant", body: Mapping[str, Any]) -> str:
    realm = body.get("realm", _DEFAULT_DIRECTORY)
    connection = find_connection(tenant, realm) if isinstance(realm, str) else None
    if connection is None or connection["strategy"] != "auth0":
        raise _invalid("realm must be a database connection")
    return str(connection["name"])


def webauthn(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange what the device answered to a challenge, once. No signature is verified."""
    key = digest(asking.need("auth_session"))
    kept = tenant.store.get("passkey_sessions", key)
    tenant.store.remove("passkey_sessions", key)
    if (
        kept is None
        or kept["expires_at"] <= tenant.clock()
        or kept["client_id"] != asking.client["client_id"]
        or asking.form.get("realm") not in (None, kept["realm"])
    ):
        raise oauth_refusal(403, "invalid_grant", "The auth_session is unknown, used or expired")
    answer = section(asking.body, "authn_response")
    credential, response = answer.get("id"), section(answer, "response")
    if not isinstance(credential, str) or not credential or answer.get("type") != "public-key":
        raise _invalid("authn_response must be a credential of WebAuthn, as JSON")
    sign_up = kept["sign_up"]
    data = _client_data(response)
    if data.get("type") != ("webauthn.get" if sign_up is None else "webauthn.create"):
        raise _invalid("The type in clientDataJSON is not that of the challenge")
    if data.get("challenge") != kept["challenge"]:
        raise oauth_refusal(403, "invalid_grant", "The challenge is not that of the auth_session")
    if sign_up is None:
        user = _owner(tenant, credential, response)
    elif "attestationObject" not in response:
        raise _invalid("A sign-up needs an attestationObject")
    else:
        user = _sign_up(tenant, kept["realm"], credential, sign_up)
    org_id: str | None = None
    if asking.form.get("organization"):
        organization = find_organization(tenant, asking.form["organization"])
        if organization is None:
            raise _invalid("parameter organization is invalid")
        org_id = organization["id"]
    # What the device has, and what unlocks it: that is two factors.
    return Outcome(user=record_login(tenant, user), login=new_login(asking.form, org_id=org_id), final=True)


def _client_data(response: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return msgspec.json.decode(base64url_decode(str(response.get("clientDataJSON"))), type=dict[str, Any])
    except (JoseError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _invalid("clientDataJSON is not JSON in base64url") from None


def _owner(tenant: "LocalTenant", credential: str, response: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user whose passkey this is."""
    found = tenant.store.get("passkeys", credential)
    if "signature" not in response or "authenticatorData" not in response:
        raise _invalid("A login needs authenticatorData and signature")
    if found is None or response.get("userHandle") not in (None, base64url(found["handle"].encode())):
        raise oauth_refusal(403, "invalid_grant", "The passkey is not one that was registered")
    return check_user(tenant, found["user_id"])


def _sign_up(
    tenant: "LocalTenant", realm: str, credential: str, sign_up: Mapping[str, Any]
) -> dict[str, Any]:
    connection = find_connection(tenant, realm)
    if connection is None or tenant.store.get("passkeys", credential) is not None:
        raise oauth_refusal(403, "invalid_grant", "The connection is gone, or the passkey is there already")
    try:
        user = create_user(tenant, connection, sign_up["profile"])
    except Duplicate:
        raise _invalid("The user exists already") from None
    document = {"id": credential, "user_id": user["user_id"], "handle": sign_up["handle"]}
    tenant.store.add("passkeys", credential, document)
    return user
