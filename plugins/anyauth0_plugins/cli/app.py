"""The commands, by their names: a resource, a verb, or one of the few that do more than a call."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from anyauth0 import __version__

from . import accounts, logs, users
from .calls import run, run_verb
from .operations import resources, shell_name

__all__ = ["app"]

app = typer.Typer(
    name="anyauth0",
    help="Auth0's Management API from a terminal. Credentials come from AUTH0_DOMAIN, AUTH0_CLIENT_ID and "
    "AUTH0_CLIENT_SECRET, or from the keyring (anyauth0 login).",
    no_args_is_help=True,
    # It would show local variables, and these may be secrets.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

# What comes after these is read elsewhere: which options there are depends on the operation.
_ANYTHING: dict[Any, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}
_VERBS = {
    "get": "List a resource, or get one of it.",
    "create": "Create one of a resource.",
    "update": "Update one of a resource.",
    "delete": "Delete one of a resource.",
}


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"anyauth0 {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def _handing_on(to: Callable[[str, list[str]], None], name: str) -> Callable[[typer.Context], None]:
    def command(ctx: typer.Context) -> None:
        to(name, ctx.args)

    return command


for _name, _help in _VERBS.items():
    app.command(_name, help=_help, context_settings=_ANYTHING)(_handing_on(run_verb, _name))
app.command("import")(users.import_users)
app.command("export")(users.export_users)
app.command("logs", context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})(
    logs.logs
)
app.command("token")(accounts.token)
app.command("login")(accounts.login)
app.command("logout")(accounts.logout)
app.command("tenant", context_settings=_ANYTHING)(accounts.tenant)
for _name, _help in resources().items():
    if _name != "logs":
        app.command(shell_name(_name), help=_help, context_settings=_ANYTHING)(_handing_on(run, _name))
