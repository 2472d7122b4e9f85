"""What a tenant tells identity providers and applications of other protocols: webfinger, SAML, WS-Fed."""

import base64
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from anyauth0 import Response
from anyauth0.jose import base64url_decode

from ..incoming import Incoming, json_response, oauth_refusal
from ..values import section

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["saml_metadata", "webfinger", "wsfed_metadata"]

_DOMAIN = "urn:auth0:discovery:domain:"
_ISSUER = "http://openid.net/specs/connect/1.0/issuer"
_NOT_ENTERPRISE = ("auth0", "email", "sms")
_SAML = "urn:oasis:names:tc:SAML"


def webfinger(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /.well-known/webfinger (RFC 7033): 404 unless an enterprise connection has the domain."""
    resource, rel = incoming.one("resource"), incoming.one("rel")
    if resource is None:
        raise oauth_refusal(400, "invalid_request", "Missing required parameter: resource")
    domain = resource.removeprefix(_DOMAIN).lower()
    known = resource.startswith(_DOMAIN) and any(
        domain in _domains(connection) for connection in tenant.store.list("connections")
    )
    if not known or rel not in (None, _ISSUER):
        raise oauth_refusal(404, "not_found", "No connection is responsible for the resource")
    link = {"rel": _ISSUER, "href": tenant.issuer}
    return json_response({"subject": resource, "links": [link]}, headers={"cache-control": "max-age=60"})


def _domains(connection: dict[str, Any]) -> set[str]:
    if connection["strategy"] in _NOT_ENTERPRISE:
        return set()
    options = section(connection, "options")
    names = (*(options.get("domain_aliases") or ()), options.get("tenant_domain"))
    return {str(name).lower() for name in names if name}


def saml_metadata(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /samlp/metadata/{client_id}. The key stands there by itself, without a certificate."""
    if tenant.store.get("clients", path[0]) is None:
        raise oauth_refusal(404, "not_found", "There is no such application")
    address = f"{tenant.issuer}samlp/{path[0]}"
    binding = f"{_SAML}:2.0:bindings:HTTP-Redirect"
    return _xml(
        f"<EntityDescriptor entityID={quoteattr(f'urn:{tenant.domain}')} "
        f'xmlns="{_SAML}:2.0:metadata">'
        f'<IDPSSODescriptor protocolSupportEnumeration="{_SAML}:2.0:protocol">{_key(tenant)}'
        f'<SingleLogoutService Binding="{binding}" Location={quoteattr(f"{address}/logout")}/>'
        f"<NameIDFormat>{_SAML}:1.1:nameid-format:emailAddress</NameIDFormat>"
        f'<SingleSignOnService Binding="{binding}" Location={quoteattr(address)}/>'
        "</IDPSSODescriptor></EntityDescriptor>"
    )


def wsfed_metadata(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /wsfed/FederationMetadata/2007-06/FederationMetadata.xml (see `saml_metadata`)."""
    federation = "http://docs.oasis-open.org/wsfed/federation/200706"
    return _xml(
        f"<EntityDescriptor entityID={quoteattr(f'urn:{tenant.domain}')} "
        f'xmlns="{_SAML}:2.0:metadata">'
        f'<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:fed="{federation}" '
        f'xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="{federation}">{_key(tenant)}'
        '<fed:PassiveRequestorEndpoint><EndpointReference xmlns="http://www.w3.org/2005/08/addressing">'
        f"<Address>{escape(tenant.issuer)}wsfed</Address>"
        "</EndpointReference></fed:PassiveRequestorEndpoint></RoleDescriptor></EntityDescriptor>"
    )


def _key(tenant: "LocalTenant") -> str:
    """Return the current signing key of the tenant (XML Signature, section 4.5.2.2)."""
    key = tenant.tokens.jwks()["keys"][0]
    modulus, exponent = (base64.b64encode(base64url_decode(key[name])).decode() for name in ("n", "e"))
    return (
        '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyValue>'
        f"<RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>{exponent}</Exponent></RSAKeyValue>"
        "</KeyValue></KeyInfo></KeyDescriptor>"
    )


def _xml(text: str) -> Response:
    return Response(
        status=200,
        headers={"content-type": "application/xml; charset=utf-8"},
        body=f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode(),
    )
