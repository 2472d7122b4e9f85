"""What a new document has from the start and nobody sends: a status, a ticket, an address."""

from urllib.parse import urlencode

from ..values import random_id, timestamp
from .asked import Asked, Document

__all__ = ["begun"]

_WEEK = 7 * 86400


def begun(asked: Asked, body: Document) -> Document:
    """Return the fields of a document that is about to be created of `body`."""
    if asked.place.template == "actions/actions":
        # Nothing has to be built here: it can be deployed at once.
        return {"status": "built", "all_changes_deployed": False}
    if asked.place.template == "organizations/{}/invitations":
        return _invitation(asked, body)
    return {}


def _invitation(asked: Asked, body: Document) -> Document:
    """An invitation leads to the login page of its application, or else to that of the tenant."""
    store, ticket = asked.store, random_id(32)
    organization = store.get("organizations", asked.place.owners[0]) or {}
    client = store.get("clients", str(body.get("client_id"))) or {}
    settings = store.get("tenants/settings", "") or {}
    page = str(
        client.get("initiate_login_uri") or settings.get("default_redirection_uri") or asked.tenant.issuer
    )
    query = urlencode({
        "invitation": ticket,
        "organization": asked.place.owners[0],
        "organization_name": organization.get("name", ""),
    })  # fmt: skip
    seconds = body.get("ttl_sec")
    return {
        "ticket_id": ticket,
        "invitation_url": f"{page}{'&' if '?' in page else '?'}{query}",
        "expires_at": timestamp(asked.tenant.clock() + (seconds if isinstance(seconds, int) else _WEEK)),
    }
