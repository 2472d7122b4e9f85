"""Clients that register themselves, where the settings of the tenant let anybody do so."""

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from ..values import section

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["register"]

_METHODS = ("none", "client_secret_post", "client_secret_basic")
_GRANTS = ["authorization_code", "refresh_token"]


def register(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oidc/register (RFC 7591, section 3)."""
    settings = tenant.store.get("tenants/settings", "") or {}
    if not section(settings, "flags").get("enable_dynamic_client_registration"):
        raise oauth_refusal(403, "access_denied", "Dynamic client registration is not enabled for the tenant")
    body = incoming.json()
    redirect_uris = _texts(body, "redirect_uris", None)
    if not redirect_uris or not all(_is_address(uri) for uri in redirect_uris):
        raise oauth_refusal(400, "invalid_redirect_uri", "redirect_uris must be a list of addresses")
    method, name = body.get("token_endpoint_auth_method", "client_secret_post"), body.get("client_name", "")
    if method not in _METHODS:
        raise _invalid(f"token_endpoint_auth_method must be one of {', '.join(_METHODS)}")
    if not isinstance(name, str):
        raise _invalid("client_name must be a text")
    client = tenant.add_client(
        name,
        grant_types=_texts(body, "grant_types", _GRANTS),
        callbacks=redirect_uris,
        # Nobody has said yet what this stranger may call.
        apis={},
        token_endpoint_auth_method=method,
        is_first_party=False,
    )
    tenant.log("sapi", client_id=client["client_id"], description="Dynamic client registration")
    answer: dict[str, Any] = {
        "client_id": client["client_id"],
        "client_name": name,
        "redirect_uris": redirect_uris,
        "token_endpoint_auth_method": method,
        "grant_types": client["grant_types"],
        "client_id_issued_at": int(tenant.clock()),
    }
    if method != "none":
        answer |= {"client_secret": client["client_secret"], "client_secret_expires_at": 0}
    return json_response(answer, 201, {"cache-control": "no-store"})


def _is_address(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not parts.fragment


def _invalid(why: str) -> Refusal:
    return oauth_refusal(400, "invalid_client_metadata", why)


def _texts(body: dict[str, Any], name: str, default: list[str] | None) -> list[str]:
    value = body.get(name, default)
    items = cast("list[object]", value) if isinstance(value, list) else []
    texts = [item for item in items if isinstance(item, str)]
    if not isinstance(value, list) or len(texts) != len(items):
        error = "invalid_redirect_uri" if name == "redirect_uris" else "invalid_client_metadata"
        raise oauth_refusal(400, error, f"{name} must be a list of texts")
    return texts
