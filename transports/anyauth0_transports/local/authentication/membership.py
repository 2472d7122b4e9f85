"""Who may log in to an organization: its members, and those who come with an invitation for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..authorization import find_organization

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["invitation_of", "is_member"]


def invitation_of(tenant: "LocalTenant", parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the invitation that an authorization request brings, if it is one of its organization."""
    organization = find_organization(tenant, parameters.get("organization", ""))
    if organization is None:
        return None
    kind = f"organizations/{quote(organization['id'], safe='')}/invitations"
    found = tenant.store.find(kind, ticket_id=parameters["invitation"])
    return found[0] if found else tenant.store.get(kind, parameters["invitation"])


def is_member(
    tenant: "LocalTenant", organization_id: str, user: Mapping[str, Any], parameters: Mapping[str, str]
) -> bool:
    """Return whether a user may log in to an organization; who was invited is a member from now on."""
    kind = f"organizations/{quote(organization_id, safe='')}"
    if tenant.store.get(f"{kind}/members", user["user_id"]) is not None:
        return True
    invitation = invitation_of(tenant, parameters) if "invitation" in parameters else None
    invitee: dict[str, Any] = {} if invitation is None else invitation.get("invitee") or {}
    if invitation is None or str(invitee.get("email")).lower() != user.get("email"):
        return False
    tenant.store.remove(f"{kind}/invitations", invitation["id"])
    tenant.add_member(organization_id, user)
    return True
