"""Tokens for tokens (RFC 8693): by profiles of the tenant, on behalf of a user, for a session."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from anyauth0 import InvalidArgumentError

from ..authorization import find_organization
from ..incoming import Refusal, oauth_refusal
from ..trust import NATIVE
from ..users import record_login, user_of
from ..values import section
from .asking import Asking, Outcome, new_login
from .client import is_public
from .issuing import OIDC, check_user
from .refresh import usable_refresh_token
from .session_transfer import session_transfer, transfer_audience

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["ACCESS_TOKEN", "REFRESH_TOKEN", "token_exchange"]

REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
_DEEPEST = 5


def token_exchange(tenant: "LocalTenant", asking: Asking) -> Outcome | dict[str, Any]:
    """Exchange a token, as its type says."""
    kind, token = asking.need("subject_token_type"), asking.need("subject_token")
    if asking.form.get("audience") == transfer_audience(tenant):
        if kind != REFRESH_TOKEN:
            raise _bad("A session transfer token takes a refresh token as its subject_token")
        return session_transfer(tenant, asking, usable_refresh_token(tenant, asking, token))
    if asking.form.get("requested_token_type") not in (None, ACCESS_TOKEN):
        raise _bad("requested_token_type is not one that is known here")
    native = kind.startswith(NATIVE)
    if is_public(asking.client) and not native:
        raise oauth_refusal(401, "unauthorized_client", "A public application may not do this")
    if kind == ACCESS_TOKEN:
        return _on_behalf_of(tenant, asking, token)
    return _by_profile(tenant, asking, kind, token, native=native)


def _bad(why: str) -> Refusal:
    return oauth_refusal(400, "invalid_request", why)


def _by_profile(tenant: "LocalTenant", asking: Asking, kind: str, token: str, *, native: bool) -> Outcome:
    """Log the user in whom the resolver of the profile names."""
    form = asking.form
    if native and "user_profile" in form:
        _check_profile(form["user_profile"])
    user = record_login(
        tenant, check_user(tenant, _resolved(tenant, kind, token, "subject_token")["user_id"])
    )
    org_id: str | None = None
    if form.get("organization"):
        organization = find_organization(tenant, form["organization"])
        if organization is None:
            raise _bad("parameter organization is invalid")
        org_id = organization["id"]
    login = new_login(form, gty=None if native else "token-exchange", org_id=org_id)
    actor = _actor(tenant, asking)
    if actor is not None:
        login = msgspec.structs.replace(login, act={"sub": actor})
    # Who acts for somebody else does so for now, and not for as long as a refresh token lives.
    return Outcome(user=user, login=login, renew=actor is None, more={"issued_token_type": ACCESS_TOKEN})


def _resolved(tenant: "LocalTenant", kind: str, token: str, name: str) -> dict[str, Any]:
    resolver = tenant.exchanges.get(kind)
    if resolver is None:
        raise _bad(f"There is no token exchange profile for this {name}_type")
    found = resolver(token)
    try:
        if found is not None:
            return user_of(tenant, found)
    except InvalidArgumentError:
        pass
    raise _bad(f"The {name} is not good")


def _check_profile(text: str) -> None:
    try:
        profile: object = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        profile = None
    if not isinstance(profile, dict):
        raise _bad("user_profile must be a JSON object")


def _actor(tenant: "LocalTenant", asking: Asking) -> str | None:
    token, kind = asking.form.get("actor_token"), asking.form.get("actor_token_type")
    if token is None and kind is None:
        return None
    if not token or not kind:
        raise _bad("actor_token and actor_token_type go together")
    if kind != _ID_TOKEN:
        return str(_resolved(tenant, kind, token, "actor_token")["user_id"])
    try:
        # An ID token of this client: access tokens have another audience.
        return str(tenant.tokens.verify_access_token(token, asking.client["client_id"])["sub"])
    except Refusal:
        raise _bad("The actor_token is not good") from None


def _on_behalf_of(tenant: "LocalTenant", asking: Asking, token: str) -> Outcome:
    """Give an API that was called with an access token one for another API, for the same user."""
    asking.need("audience")
    own: str | None = asking.client.get("resource_server_identifier")
    try:
        claims = tenant.tokens.verify_access_token(token, own)
    except Refusal as refusal:
        raise _bad(f"The subject_token is not good: {refusal.body['message']}") from None
    # Only access tokens have a `jti` here, and only those of applications a subject with an @.
    if "jti" not in claims or claims.get("gty") == "client-credentials":
        raise _bad("The subject_token must be an access token of a user")
    before = section(claims, "act")
    if _depth(before) >= _DEEPEST:
        raise _bad(f"The subject_token has passed through {_DEEPEST} actors already")
    act = {"sub": asking.client["client_id"], **({"act": before} if before else {})}
    scope = " ".join(name for name in asking.form.get("scope", "").split() if name not in OIDC)
    login = new_login({**asking.form, "scope": scope}, org_id=claims.get("org_id"))
    return Outcome(
        user=check_user(tenant, str(claims["sub"])),
        login=msgspec.structs.replace(login, act=act),
        renew=False,
        final=True,
        more={"issued_token_type": ACCESS_TOKEN},
    )


def _depth(act: Mapping[str, Any]) -> int:
    depth = 0
    while act:
        depth, act = depth + 1, cast("Mapping[str, Any]", act.get("act") or {})
    return depth
