"""What a tenant has: applications, APIs, connections, users, organizations, and how a test adds them."""

import secrets
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from anyauth0 import InvalidArgumentError
from anyauth0.arguments import misspelt

from .clients import ALL_GRANTS, client_document
from .passwords import weakness
from .store import Duplicate, Store
from .users import create_user, find_connection, set_password, user_of
from .values import random_id, section

__all__ = ["DATABASE_CONNECTION", "Inventory"]

DATABASE_CONNECTION = "Username-Password-Authentication"


class Inventory:
    """The part of `LocalTenant` that fills it.

    Each method returns the document of what it added, as the Management API shows it. A field whose name is
    nearly that of a known one raises `InvalidArgumentError`.
    """

    store: Store

    @property
    @abstractmethod
    def domain(self) -> str:
        """The host name of the tenant."""

    @abstractmethod
    def clock(self) -> float:
        """Return the time in epoch seconds."""

    def add_client(
        self,
        name: str = "Application",
        *,
        public: bool = False,
        public_key: str | bytes | Mapping[str, Any] | None = None,
        certificate: str | bytes | None = None,
        grant_types: Sequence[str] = ALL_GRANTS,
        callbacks: Sequence[str] = (),
        apis: Mapping[str, Sequence[str]] | None = None,
        id_token_alg: str = "RS256",
        rotating: bool = False,
        **fields: Any,
    ) -> dict[str, Any]:
        """Register an application and return its document.

        It proves itself by its `client_secret`, by what fits `public_key` (PEM or JWK: `private_key_jwt`), or
        by the TLS `certificate` (PEM); a `public` one by nothing. `apis` are the audiences that it may call
        for itself, each with its scopes; all that there are when left out. Without `callbacks` it may be sent
        back to any URL. `rotating` gives each refresh token one use. `fields` are further fields of the
        document.

        Raises `ConfigurationError` for a key or certificate that is none.
        """
        _refuse_misspelt("add_client", fields, "clients", "Client")
        document = client_document(
            name,
            public=public,
            public_key=public_key,
            certificate=certificate,
            grant_types=grant_types,
            callbacks=callbacks,
            id_token_alg=id_token_alg,
            rotating=rotating,
            **fields,
        )
        client_id = document["client_id"]
        with self.store.transaction():
            self.store.add("clients", client_id, document)
            if apis is None:
                for api in self.store.list("resource_servers"):
                    self._allow(client_id, api["identifier"], None)
            else:
                for audience, scopes in apis.items():
                    self._allow(client_id, audience, scopes)
        return document

    def add_api(
        self, audience: str, scopes: Sequence[str] = (), *, name: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Register an API and return its document.

        Every application that there is may call it, with all of its scopes.
        """
        _refuse_misspelt("add_api", fields, "resource_servers", "ResourceServer")
        document: dict[str, Any] = {
            "id": secrets.token_hex(12),
            "name": name or audience,
            "identifier": audience,
            "scopes": [{"value": scope, "description": scope} for scope in scopes],
            "signing_alg": "RS256",
            "allow_offline_access": True,
            "token_lifetime": 86400,
            "is_system": False,
            **fields,
        }
        with self.store.transaction():
            if self.store.find("resource_servers", identifier=audience):
                raise InvalidArgumentError("audience", 'there is an API of this "audience"; use another one')
            self.store.add("resource_servers", document["id"], document)
            for client in self.store.list("clients"):
                self._allow(client["client_id"], audience, None)
        return document

    def _allow(self, client_id: str, audience: str, scopes: Sequence[str] | None) -> None:
        grant_id = f"cgr_{random_id(16)}"
        self.store.add(
            "client_grants",
            grant_id,
            {
                "id": grant_id,
                "client_id": client_id,
                "audience": audience,
                "scope": list(scopes or ()),
                "allow_all_scopes": scopes is None,
                "subject_type": "client",
            },
        )

    def add_connection(self, name: str, strategy: str = "auth0", **fields: Any) -> dict[str, Any]:
        """Add a connection and return its document.

        `strategy` is `auth0` for a database; `options={"passwordPolicy": ...}` sets the rules for passwords
        (`none`, `low`, `fair`, `good`, `excellent`; `good` by default).
        """
        _refuse_misspelt("add_connection", fields, "connections", "Connection")
        document: dict[str, Any] = {
            "id": f"con_{random_id(16)}",
            "name": name,
            "strategy": strategy,
            "options": {"passwordPolicy": "good"} if strategy == "auth0" else {},
            "realms": [name],
            "is_domain_connection": False,
            "enabled_clients": [client["client_id"] for client in self.store.list("clients")],
            **fields,
        }
        with self.store.transaction():
            if find_connection(self, name) is not None:
                raise InvalidArgumentError("name", 'there is a connection of this "name"; use another one')
            self.store.add("connections", document["id"], document)
        return document

    def add_user(
        self, *, connection: str = DATABASE_CONNECTION, password: str | None = None, **profile: Any
    ) -> dict[str, Any]:
        """Add a user and return the document.

        `profile` holds `email`, `username`, `phone_number`, `name`, `user_metadata` and so on, as the
        Management API calls them. Raises `InvalidArgumentError` for a user who exists, an unknown connection
        or a weak password.
        """
        _refuse_misspelt("add_user", profile, "users", "User")
        found = find_connection(self, connection)
        if found is None:
            raise InvalidArgumentError(
                "connection", 'there is no such "connection"; make it with add_connection first'
            )
        policy = section(found, "options").get("passwordPolicy") or "good"
        if password is not None and weakness(password, policy) is not None:
            raise InvalidArgumentError(
                "password", f'"password" breaks the policy "{policy}" of the connection'
            )
        try:
            return create_user(self, found, profile, password)
        except Duplicate:
            raise InvalidArgumentError(
                "email", 'there is a user of this "email" in the connection already; remove that one first'
            ) from None

    def set_password(self, user_id: str, password: str) -> None:
        """Change a user's password, as if the link of the mail had been followed."""
        if self.store.get("users", user_id) is None:
            raise InvalidArgumentError("user_id", 'there is no user of this "user_id"')
        set_password(self, user_id, password)

    def add_organization(self, name: str, **fields: Any) -> dict[str, Any]:
        """Add an organization and return its document."""
        _refuse_misspelt("add_organization", fields, "organizations", "Organization")
        document = {"id": f"org_{random_id(16)}", "name": name.lower(), "display_name": name, **fields}
        self.store.add("organizations", document["id"], document)
        return document

    def add_member(self, organization: str, user: str | Mapping[str, Any]) -> None:
        """Make a user a member of an organization, which is an id or a name.

        Raises `InvalidArgumentError` where there is no such one.
        """
        from .management.links import link
        from .management.places import Place

        with self.store.transaction():
            found = self.store.get("organizations", organization)
            named = [found] if found else self.store.find("organizations", name=organization.lower())
            if not named:
                raise InvalidArgumentError(
                    "organization", 'there is no such "organization"; make it with add_organization first'
                )
            members = Place("many", "organizations/{}/members", (named[0]["id"],))
            link(self.store, members, user_of(self, user)["user_id"], {})

    def link_identity(
        self, user_id: str, *, connection: str, access_token: str, scope: str = "", expires_in: int = 3600
    ) -> dict[str, Any]:
        """Link a user to an account at an identity provider, whose token the vault keeps from now on.

        Returns the user's document. Raises `InvalidArgumentError` for an unknown user or connection.
        """
        with self.store.transaction():
            user = self.store.get("users", user_id)
            found = find_connection(self, connection)
            if user is None or found is None:
                name = "user_id" if user is None else "connection"
                raise InvalidArgumentError(name, f'there is no such "{name}"; add it first')
            if not any(identity.get("connection") == connection for identity in user["identities"]):
                user["identities"].append(
                    {
                        "connection": connection,
                        "provider": found["strategy"],
                        "user_id": secrets.token_hex(10),
                        "isSocial": True,
                    }
                )
            self.store.put("users", user_id, user)
            kept: dict[str, Any] = {
                "id": f"{user_id} {connection}",
                "user_id": user_id,
                "access_token": access_token,
                "scope": scope,
                "expires_at": self.clock() + expires_in,
            }
            self.store.put("federated_tokens", kept["id"], kept)
        return user


def _refuse_misspelt(title: str, fields: Mapping[str, object], module: str, model: str) -> None:
    if not fields:
        return
    known = getattr(import_module(f"anyauth0.management.{module}"), model).__struct_fields__
    # Others are taken: identity providers add fields of their own to a user, and Auth0 adds new ones.
    found = misspelt(fields, known)
    if found is not None:
        name, near = found
        raise InvalidArgumentError(name, f'{title}: there is no field "{name}", did you mean "{near}"?')
