"""Whom the command acts for: the environment, or a profile in the keyring; never the command line."""

import os
from importlib import import_module
from typing import Any, Protocol, cast

import msgspec

from anyauth0 import Auth0Error, AuthenticationClient, ConfigurationError, ManagementClient, Options
from anyauth0.options import from_environment

__all__ = ["authentication", "forget", "management", "store"]

_SERVICE = "anyauth0"
_DEFAULT = "default"
_OF_MANAGEMENT = ("token", "audience", "custom_domain")


class Stored(msgspec.Struct, frozen=True):
    """What the keyring keeps of a profile."""

    domain: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"<Stored for {self.domain}>"


class _Keyring(Protocol):
    def get_password(self, service: str, username: str, /) -> str | None: ...
    def set_password(self, service: str, username: str, password: str, /) -> None: ...
    def delete_password(self, service: str, username: str, /) -> None: ...


def management(profile: str | None) -> ManagementClient:
    """Return a management client. Raises `ConfigurationError` where no credentials are found."""
    return ManagementClient(**_options(profile))


def authentication(profile: str | None) -> tuple[AuthenticationClient, str]:
    """Return a client that asks for tokens, and the audience of the Management API.

    Raises `ConfigurationError` where no credentials are found.
    """
    return _authentication(_options(profile))


def store(profile: str | None, *, domain: str, client_id: str, client_secret: str) -> None:
    """Keep the credentials of a profile in the keyring, once a token has been had by them.

    Raises `Auth0Error` where there is none to be had.
    """
    options: Options = {"domain": domain, "client_id": client_id, "client_secret": client_secret}
    client, audience = _authentication(options)
    with client:
        client.tokens.get(audience=audience)
    text = msgspec.json.encode(Stored(domain, client_id, client_secret)).decode()
    _ask("set_password", profile or _DEFAULT, text)


def forget(profile: str | None) -> None:
    """Remove the credentials of a profile from the keyring."""
    _ask("delete_password", profile or _DEFAULT)


def _authentication(options: Options) -> tuple[AuthenticationClient, str]:
    audience = options.get("audience") or f"https://{options.get('domain')}/api/v2/"
    own = {name: value for name, value in options.items() if name not in _OF_MANAGEMENT}
    return AuthenticationClient(**cast("Options", own)), audience


def _options(profile: str | None) -> Options:
    """Return what the environment says, or what is in the keyring under the name of a profile."""
    if profile is None and os.environ.get("AUTH0_DOMAIN"):
        return cast("Options", from_environment({}))
    name = profile or _DEFAULT
    try:
        text = _ask("get_password", name)
        missing = f'the profile "{name}" is not in the keyring'
    except Auth0Error as error:
        text, missing = None, str(error)
    if not text:
        raise ConfigurationError(
            "profile",
            f"no credentials: set AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, "
            f"or run anyauth0 login ({missing})",
        )
    try:
        found = msgspec.json.decode(text, type=Stored)
    except (msgspec.DecodeError, ValueError, RecursionError):
        refusal = ConfigurationError(
            "profile", f'what the keyring has for the profile "{name}" is not ours; run anyauth0 login'
        )
    else:
        return {"domain": found.domain, "client_id": found.client_id, "client_secret": found.client_secret}
    raise refusal


def _ask(what: str, *arguments: str) -> Any:
    """Call a function of the keyring, and tell of its failure without what it was given."""
    try:
        keyring = cast("_Keyring", import_module("keyring"))
    except ModuleNotFoundError:
        refusal: Auth0Error = ConfigurationError(
            "keyring", "profiles need the package keyring (pip install keyring); the environment does not"
        )
    else:
        try:
            return getattr(keyring, what)(_SERVICE, *arguments)
        except Exception as error:
            refusal = Auth0Error(
                f"the keyring failed ({type(error).__name__}); is it unlocked, is there one?"
            )
    del arguments
    raise refusal
