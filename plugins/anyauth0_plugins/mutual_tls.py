"""Client authentication by the certificate of the TLS connection (RFC 8705)."""

from collections.abc import Mapping

from anyauth0 import Authenticated, ClientAuthentication, ClientOptions, ConfigurationError, hookimpl

__all__ = ["MutualTls"]

_ALIASED = {
    "/oauth/token": "token_endpoint",
    "/oauth/par": "pushed_authorization_request_endpoint",
    "/oauth/revoke": "revocation_endpoint",
    "/bc-authorize": "backchannel_authentication_endpoint",
    "/oauth/device/code": "device_authorization_endpoint",
    "/userinfo": "userinfo_endpoint",
}
"""The endpoints that a tenant serves under an alias, by their names in the discovery document."""


class MutualTls:
    """Sends the id only, to the host that asks for the certificate.

    `aliases` is `mtls_endpoint_aliases` of the discovery document (RFC 8705, section 5); what it leaves out
    is at `mtls.{domain}`.
    """

    def __init__(self, domain: str, aliases: Mapping[str, str]) -> None:
        self._targets = {
            f"https://{domain}{path}": aliases.get(name) or f"https://mtls.{domain}{path}"
            for path, name in _ALIASED.items()
        }

    def apply(self, form: Mapping[str, object]) -> Authenticated:
        """Return `form` as it is: the proof lies in the connection."""
        return Authenticated(form=form)

    def address(self, url: str) -> str:
        """Return the alias of `url`, where it has one."""
        return self._targets.get(url, url)


@hookimpl
def anyauth0_client_authentication(options: ClientOptions) -> ClientAuthentication | None:
    """Offer mutual TLS to a client with `use_mtls=True`.

    Raises `ConfigurationError` when the certificate is missing, unless the transport is the user's own and so
    may hold it, or when an alias is no `https` URL.
    """
    if not options.use_mtls:
        return None
    by_name = options.transport is None or isinstance(options.transport, str)
    tls = options.tls
    # The embedded tenant in process has no connection that could carry a certificate.
    if by_name and options.transport != "local" and (tls is None or not (tls.cert or tls.context)):
        raise ConfigurationError(
            "tls", 'option "use_mtls" needs the client certificate in tls=TLS(cert=..., key=...)'
        )
    for name, url in options.mtls_endpoint_aliases.items():
        if not url.startswith("https://"):
            raise ConfigurationError(
                "mtls_endpoint_aliases", f'"{name[:60]}" in "mtls_endpoint_aliases" must be an https:// URL'
            )
    return MutualTls(options.domain, options.mtls_endpoint_aliases)
