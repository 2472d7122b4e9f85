"""Whom else a tenant believes: tokens of others that it exchanges, issuers, clients that register."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from anyauth0 import InvalidArgumentError

from .clients import key_credential
from .inventory import Inventory
from .users import find_connection
from .values import section

__all__ = ["NATIVE", "Resolver", "Trust"]

Resolver: TypeAlias = Callable[[str], str | Mapping[str, Any] | None]
"""Returns the user of somebody else's token: document, `user_id` or e-mail address; `None` refuses it."""

NATIVE = "http://auth0.com/oauth/token-type/"
"""How the types begin of what the native SDKs of Apple, Facebook, Google and others give an application."""

_RESERVED = (
    "http://auth0.com", "https://auth0.com", "http://okta.com", "https://okta.com", "urn:ietf", "urn:auth0",
    "urn:okta",
)  # fmt: skip
_VAULT = f"{NATIVE}federated-connection-access-token"


class Trust(Inventory):
    """The part of `LocalTenant` that believes others."""

    exchanges: dict[str, Resolver]

    def add_token_exchange(self, subject_token_type: str, resolver: Resolver) -> None:
        """Exchange tokens of this type for those of the user that `resolver` returns.

        `subject_token_type` is a URI of your own, or one of the types for native logins, such as
        `http://auth0.com/oauth/token-type/apple-authz-code`. Like the code of an action, it is not kept in
        the database.

        Raises `InvalidArgumentError` for a type that is reserved.
        """
        native = subject_token_type.startswith(NATIVE) and subject_token_type != _VAULT
        if ":" not in subject_token_type or (subject_token_type.startswith(_RESERVED) and not native):
            raise InvalidArgumentError(
                "subject_token_type",
                '"subject_token_type" must be a URI of your own; those of Auth0, Okta and IETF are reserved',
            )
        self.exchanges[subject_token_type] = resolver

    def allow_registration(self) -> None:
        """Let clients register themselves: the setting `enable_dynamic_client_registration` of the tenant."""
        with self.store.transaction():
            settings = self.store.get("tenants/settings", "") or {}
            flags = {**section(settings, "flags"), "enable_dynamic_client_registration": True}
            self.store.put("tenants/settings", "", {**settings, "flags": flags})

    def trust_issuer(
        self, issuer: str, public_key: str | bytes | Mapping[str, Any], *, connection: str
    ) -> None:
        """Believe what `issuer` signs with the key of `public_key` (PEM or JWK) about users of `connection`.

        It signs assertions (ID-JAG), and demands for revocation. `sub` is the user's id in the connection,
        which is what follows the bar in the `user_id`.

        Raises `InvalidArgumentError` for an unknown connection, `ConfigurationError` for a key that is none.
        """
        if find_connection(self, connection) is None:
            raise InvalidArgumentError(
                "connection", 'there is no such "connection"; make it with add_connection first'
            )
        kept = {"issuer": issuer, "connection": connection, "key": key_credential(public_key)}
        self.store.put("trusted_issuers", issuer, kept)
