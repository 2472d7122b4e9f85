"""What an API says of itself (RFC 9728), so that a client finds out where to get a token for it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..errors import InvalidArgumentError

__all__ = ["protected_resource_metadata", "protected_resource_metadata_path"]

_WELL_KNOWN = "/.well-known/oauth-protected-resource"


def protected_resource_metadata(
    *,
    resource: str,
    authorization_servers: Sequence[str] = (),
    scopes: Sequence[str] = (),
    bearer_methods: Sequence[str] = ("header",),
    resource_name: str | None = None,
    resource_documentation: str | None = None,
    jwks_uri: str | None = None,
    dpop_algorithms: Sequence[str] = (),
    dpop_required: bool | None = None,
    certificate_required: bool | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the metadata document of an API (RFC 9728, section 2), without what is not given.

    - `resource`: its identifier, an https URL; the audience of its tokens
    - `authorization_servers`: issuers, for example `https://tenant.eu.auth0.com/`
    - `dpop_required`, `certificate_required`: whether every token must be bound to a key, to a certificate
    - `extra`: members that have no argument here

    Raises `InvalidArgumentError` for an identifier or issuer that is none.
    """
    _check("resource", resource)
    for issuer in authorization_servers:
        _check("authorization_servers", issuer, query=False)
    members = {
        "resource": resource,
        "authorization_servers": list(authorization_servers),
        "jwks_uri": jwks_uri,
        "scopes_supported": list(scopes),
        "bearer_methods_supported": list(bearer_methods),
        "resource_name": resource_name,
        "resource_documentation": resource_documentation,
        "dpop_signing_alg_values_supported": list(dpop_algorithms),
        "dpop_bound_access_tokens_required": dpop_required,
        "tls_client_certificate_bound_access_tokens": certificate_required,
        **(extra or {}),
    }
    # Section 3.2: a member without values must be left out.
    return {name: value for name, value in members.items() if value is not None and value != []}


def protected_resource_metadata_path(resource: str) -> str:
    """Return the path, with the query if there is one, where the document is served (RFC 9728, section 3.1).

    Raises `InvalidArgumentError` for an identifier that is none.
    """
    _check("resource", resource)
    parts = urlsplit(resource)
    path = "" if parts.path == "/" else parts.path
    return f"{_WELL_KNOWN}{path}{f'?{parts.query}' if parts.query else ''}"


def _check(argument: str, url: str, *, query: bool = True) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and "#" not in url and url.isprintable()
    except (ValueError, AttributeError, TypeError):
        good = False
    if not good or " " in url or (not query and "?" in url):
        rest = "no fragment" if query else "neither query nor fragment"
        raise InvalidArgumentError(argument, f'"{argument}" must be an https URL with {rest}')
