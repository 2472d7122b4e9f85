"""Whose tenant it is: profiles kept and removed, a token shown, and a tenant of one's own started."""

import sys
from typing import Annotated

import typer

from anyauth0 import InvalidArgumentError

from . import credentials
from .failures import say, told
from .output import on_a_terminal

__all__ = ["Debug", "Profile", "login", "logout", "tenant", "token"]

Profile = Annotated[str | None, typer.Option(help="The credentials of that name in the keyring.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def login(profile: Profile = None, debug: Debug = False) -> None:
    """Ask for credentials, try them, and keep them in the keyring."""
    with told(debug=debug):
        domain = str(typer.prompt("Domain", err=True)).strip()
        client_id = str(typer.prompt("Client ID", err=True)).strip()
        secret = str(typer.prompt("Client secret", hide_input=True, err=True)).strip()
        credentials.store(profile, domain=domain, client_id=client_id, client_secret=secret)
        say(f"the credentials for {domain} are in the keyring")


def logout(profile: Profile = None, debug: Debug = False) -> None:
    """Remove credentials from the keyring."""
    with told(debug=debug):
        credentials.forget(profile)
        say("the credentials are out of the keyring")


def token(
    audience: Annotated[
        str | None, typer.Option(help="The API that it is for; the Management API by default.")
    ] = None,
    scope: Annotated[
        str | None, typer.Option(help="Scopes, by blanks; all that are granted by default.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="The organization that it is for.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print it to a terminal too.")] = False,
    profile: Profile = None,
    debug: Debug = False,
) -> None:
    """Print an access token of the application, for a pipe or a variable."""
    with told(debug=debug):
        if on_a_terminal() and not show:
            raise InvalidArgumentError("show", 'a token is not printed to a terminal without "--show"')
        client, management = credentials.authentication(profile)
        with client:
            found = client.tokens.get(audience=audience or management, scope=scope, organization=organization)
        sys.stdout.write(f"{found}\n")


def tenant(ctx: typer.Context) -> None:
    """Start the embedded tenant, for development and tests: --port, --tls, --database FILE, --help."""
    with told(debug="--debug" in ctx.args):
        # Its arguments are its own, and read there.
        from anyauth0_transports.local import __main__ as local

        code = local.main(ctx.args, name="anyauth0 tenant")
    raise typer.Exit(code)
