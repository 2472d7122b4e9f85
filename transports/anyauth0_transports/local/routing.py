"""Finds who answers a request of the Management API, by the endpoints that the SDK itself has."""

import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from anyauth0 import Response

from .incoming import Handler, Incoming, management_refusal
from .management import HANDLERS
from .management.documents import answer
from .management.places import Facts, endpoints
from .resources import access_claims

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["find", "scopes"]

_BASE = "/api/v2"


def find(method: str, path: str) -> tuple[Handler, tuple[str, ...]] | None:
    """Return the handler of a request and the decoded parameters of its path, or `None`."""
    for pattern, handler in _table().get(method, ()):
        match = pattern.fullmatch(path)
        if match is not None:
            return handler, tuple(unquote(value) for value in match.groups())
    return None


@cache
def scopes() -> frozenset[str]:
    """Return every scope that an endpoint of the Management API asks for."""
    return frozenset(scope for endpoint in endpoints() for scope in endpoint.scopes)


@cache
def _table() -> dict[str, list[tuple[re.Pattern[str], Handler]]]:
    table: dict[str, list[tuple[re.Pattern[str], Handler]]] = {}
    # A literal segment goes before a parameter in the same place.
    for endpoint in sorted(endpoints(), key=lambda endpoint: endpoint.path.replace("{", "~")):
        pattern = re.compile(_BASE + re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(endpoint.path)))
        table.setdefault(endpoint.method, []).append((pattern, _handler(endpoint)))
    return table


def _handler(endpoint: Facts) -> Handler:
    special = HANDLERS.get((endpoint.method, endpoint.path))

    def handle(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
        _authorize(tenant, incoming, endpoint.scopes)
        response = special(tenant, incoming, path) if special else answer(tenant, incoming, path, endpoint)
        if incoming.method != "GET":
            tenant.log("sapi", description=endpoint.title)
        return response

    return handle


def _authorize(tenant: "LocalTenant", incoming: Incoming, wanted: tuple[str, ...]) -> None:
    claims = access_claims(tenant, incoming, tenant.management_audience)
    if claims is None:
        raise management_refusal(401, None, "Missing authentication")
    if wanted and not set(wanted) & set(str(claims.get("scope", "")).split()):
        message = f"Insufficient scope, expected any of: {','.join(wanted)}"
        raise management_refusal(403, "insufficient_scope", message)
