"""What a tenant says of itself: its endpoints, its keys, its metadata for SAML and WS-Federation."""

from typing import Any

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint, operation
from ..errors import Auth0Error
from ..flow import Flow

_ISSUER = "http://openid.net/specs/connect/1.0/issuer"


class Discovery(Resource[Mode]):
    """Read what the tenant says of itself."""

    @endpoint("GET", "/.well-known/openid-configuration")
    def openid_configuration(self) -> Call[dict[str, Any]]:
        """Get the issuer, the endpoints, and what the tenant can do.

        GET /.well-known/openid-configuration (OpenID Connect Discovery 1.0, section 4).
        """
        return Call(dict[str, Any])

    @endpoint("GET", "/.well-known/jwks.json")
    def jwks(self) -> Call[dict[str, Any]]:
        """Get the public keys of the tenant.

        GET /.well-known/jwks.json (RFC 7517, section 5).
        """
        return Call(dict[str, Any])

    @endpoint("GET", "/.well-known/webfinger")
    def webfinger(self, *, resource: str, rel: str = _ISSUER) -> Call[dict[str, Any]]:
        """Ask who is responsible for a resource. Raises `NotFound` where nobody is.

        GET /.well-known/webfinger (RFC 7033).
        """
        require("discovery.webfinger", resource=resource)
        return Call(dict[str, Any], query={"resource": resource, "rel": rel})

    @operation
    def is_federated_domain(self, domain: str, /) -> Flow[bool]:
        """Say whether an enterprise connection is responsible for the e-mail addresses of a domain.

        Whatever goes wrong is a no: the user can log in the usual way.

        GET /.well-known/webfinger.
        """
        require("discovery.is_federated_domain", domain=domain)
        try:
            yield from Discovery.webfinger.flow(self, resource=f"urn:auth0:discovery:domain:{domain}")
        except Auth0Error:
            return False
        return True

    @endpoint("GET", "/samlp/metadata/{client_id}")
    def saml_metadata(self, client_id: str, /) -> Call[str]:
        """Get the SAML metadata of the tenant for a client, as XML.

        GET /samlp/metadata/{client_id}.
        """
        return Call(str, path=(client_id,), headers={"accept": "application/xml"})

    @endpoint("GET", "/wsfed/FederationMetadata/2007-06/FederationMetadata.xml")
    def wsfed_metadata(self) -> Call[str]:
        """Get the WS-Federation metadata of the tenant, as XML.

        GET /wsfed/FederationMetadata/2007-06/FederationMetadata.xml.
        """
        return Call(str, headers={"accept": "application/xml"})
