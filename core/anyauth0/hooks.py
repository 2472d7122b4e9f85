"""The extension points: what a plugin may decide while a client is being built.

A plugin is a module or an object whose functions of these names are marked with `@hookimpl`. None of them is
called while a request is on its way.
"""

from collections.abc import Sequence
from importlib import import_module
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

import pluggy

from .arguments import closest
from .errors import ConfigurationError
from .flow import Middleware

if TYPE_CHECKING:
    from .client_authentication import ClientAuthentication
    from .options import ClientOptions
    from .tokens import TokenStore
    from .transport import AsyncTransport, Transport

hookspec = pluggy.HookspecMarker("anyauth0")
hookimpl = pluggy.HookimplMarker("anyauth0")
"""Marks a function of a plugin as the implementation of the hook of its name."""

__all__ = ["Plugins", "hookimpl", "resolve"]


class HookSpecs:
    """The hooks. Each is given the checked options of the client that is being built."""

    @hookspec(firstresult=True)
    def anyauth0_transport(self, options: "ClientOptions") -> "Transport | AsyncTransport | None":
        """Return the transport of the client, or `None` to leave it to others."""
        raise NotImplementedError

    @hookspec(firstresult=True)
    def anyauth0_client_authentication(self, options: "ClientOptions") -> "ClientAuthentication | None":
        """Return how the client proves to be itself, or `None` to leave it to others."""
        raise NotImplementedError

    @hookspec(firstresult=True)
    def anyauth0_token_store(self, options: "ClientOptions") -> "TokenStore | None":
        """Return where the client keeps its access tokens, or `None` to leave it to others."""
        raise NotImplementedError

    @hookspec
    def anyauth0_middleware(self, options: "ClientOptions") -> Sequence[Middleware] | None:
        """Return middleware that is run once for each call, outside of authorization and retries."""
        raise NotImplementedError

    @hookspec
    def anyauth0_attempt_middleware(self, options: "ClientOptions") -> Sequence[Middleware] | None:
        """Return middleware that is run for each attempt, next to the transport.

        The built-in retries are the outermost of these, so that whatever comes after them runs each time.
        """
        raise NotImplementedError


BUILT_IN: dict[str, str] = {
    "urllib3": "anyauth0_transports.urllib3",
    "aiohttp": "anyauth0_transports.aiohttp",
    "http_client": "anyauth0_transports.http_client",
    "fetch": "anyauth0_transports.fetch",
    "local": "anyauth0_transports.local",
    "client_secret": "anyauth0_plugins.client_secret",
    "client_secret_basic": "anyauth0_plugins.client_secret:basic",
    "client_assertion": "anyauth0_plugins.client_assertion",
    "mutual_tls": "anyauth0_plugins.mutual_tls",
    "headers": "anyauth0_plugins.headers",
    "logging": "anyauth0_plugins.logging",
    "opentelemetry": "anyauth0_plugins.opentelemetry:default",
    "retries": "anyauth0_plugins.retries",
    "telemetry": "anyauth0_plugins.telemetry",
    "timeouts": "anyauth0_plugins.timeouts",
}
"""What this distribution ships, so that no package metadata is read for it. All else is an entry point."""

# In the order of the pipeline, outermost first; the last three are asked in turn who the client is.
DEFAULTS = (
    "logging", "headers", "telemetry", "timeouts", "retries",
    "mutual_tls", "client_assertion", "client_secret",
)  # fmt: skip

_FOR = {
    "mutual_tls": "use_mtls",
    "client_assertion": "client_assertion_signing_key",
    "client_secret": "client_secret",
}
"""Of the defaults, those that have nothing to do without an option, which no view changes."""


def resolve(option: str, name: str) -> object:
    """Return the plugin of that name: one of ours, or an entry point of the group `anyauth0`.

    Raises `ConfigurationError` naming `option`, with the names on offer, when there is none.
    """
    target = BUILT_IN.get(name)
    if target is None:
        from importlib.metadata import entry_points

        offered = entry_points(group="anyauth0")
        for entry in offered:
            if entry.name == name:
                return _load(option, name, entry.value)
        package = "anyauth0_transports." if option == "transport" else "anyauth0_plugins."
        ours = {each for each, target in BUILT_IN.items() if target.startswith(package)}
        names = sorted(ours | ({entry.name for entry in offered} - BUILT_IN.keys()))
        near = closest(name, names)
        meant = f' (did you mean "{near}"?)' if near else ""
        raise ConfigurationError(
            option,
            f'nothing called "{name}" is installed for "{option}"{meant}; there are {", ".join(names)}',
        )
    return _load(option, name, target)


_EXTRAS = {
    "aiohttp": "aiohttp", "cryptography": "crypto", "opentelemetry": "opentelemetry", "trustme": "local",
}  # fmt: skip


def _load(option: str, name: str, target: str) -> object:
    module, _, attributes = target.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in filter(None, attributes.split(".")):
            found = getattr(found, attribute)
    except Exception as error:
        # It may be anybody's code that runs here, so anything may go wrong in it.
        extra = _EXTRAS.get(error.name or "") if isinstance(error, ModuleNotFoundError) else None
        mend = f"; pip install 'anyauth0[{extra}]'" if extra and "pip install" not in str(error) else ""
        if isinstance(error, ModuleNotFoundError) and error.name == "urllib3":
            mend = '; pip install urllib3, or pass transport="http_client", which needs no package'
        raise ConfigurationError(
            option, f'"{name}" of "{option}" cannot be loaded: {type(error).__name__}: {error}{mend}'
        ) from error
    return found


class _Manager(pluggy.PluginManager):
    def parse_hookimpl_opts(self, plugin: object, name: str) -> "pluggy.HookimplOpts | None":
        # A look at everything in a module takes longer than to make a client.
        if isinstance(plugin, ModuleType) and not hasattr(plugin.__dict__.get(name), "anyauth0_impl"):
            return None
        return super().parse_hookimpl_opts(plugin, name)


class Plugins:
    """The plugins of one client, asked by kind. The typed front of pluggy."""

    __slots__ = ("_hook",)

    def __init__(self, options: "ClientOptions") -> None:
        """Register the defaults, then those of `options`.

        Raises `ConfigurationError` for one that is unknown, broken, or implements no hook.
        """
        manager = _Manager("anyauth0")
        manager.add_hookspecs(HookSpecs)
        transport = options.transport
        if transport is None:
            transport = "aiohttp" if options.asynchronous else "urllib3"
        # pluggy asks the newest first: what the user gave comes before the defaults, and among these the
        # first of the list comes first.
        names = [
            *(name for name in DEFAULTS if name not in _FOR or getattr(options, _FOR[name])),
            *([transport] if options.transport is None and isinstance(transport, str) else []),
        ]
        for name in reversed(names):
            option = "transport" if name == transport else "plugins"
            self._register(manager, option, resolve(option, name))
        for plugin in reversed(options.plugins):
            found = resolve("plugins", plugin) if isinstance(plugin, str) else plugin
            self._register(manager, "plugins", found)
        if isinstance(options.transport, str):
            self._register(manager, "transport", resolve("transport", options.transport))
        elif options.transport is not None and not hasattr(options.transport, "send"):
            self._register(manager, "transport", resolve("transport", "fetch"))
        try:
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise ConfigurationError("plugins", f'option "plugins": {error}') from error
        self._hook: Any = manager.hook

    def _register(self, manager: pluggy.PluginManager, option: str, plugin: object) -> None:
        if manager.is_registered(plugin):
            # Named again by the user: it moves to the front.
            manager.unregister(plugin)
        label = getattr(plugin, "__name__", type(plugin).__name__)
        try:
            manager.register(plugin)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise ConfigurationError(
                option, f'plugin "{label}" of "{option}" does not fit: {error}'
            ) from error
        callers = manager.get_hookcallers(plugin)
        if isinstance(plugin, type) and any(
            isinstance(plugin.__dict__.get(each.name), FunctionType) for each in callers or ()
        ):
            # These hooks want an object; static ones would not.
            raise ConfigurationError(
                option, f'plugin "{label}" of "{option}" is a class; give an object of it: {label}(...)'
            )
        if not callers:
            raise ConfigurationError(
                option,
                f'plugin "{label}" of "{option}" implements no hook; mark a function called anyauth0_... '
                "with @hookimpl",
            )

    def transport(self, options: "ClientOptions") -> "Transport | AsyncTransport | None":
        """Return the transport of the client."""
        return cast("Transport | AsyncTransport | None", self._hook.anyauth0_transport(options=options))

    def client_authentication(self, options: "ClientOptions") -> "ClientAuthentication | None":
        """Return how the client proves to be itself; `None` for a public client."""
        return cast("ClientAuthentication | None", self._hook.anyauth0_client_authentication(options=options))

    def token_store(self, options: "ClientOptions") -> "TokenStore | None":
        """Return where the client keeps its access tokens."""
        return cast("TokenStore | None", self._hook.anyauth0_token_store(options=options))

    def middleware(self, options: "ClientOptions") -> list[Middleware]:
        """Return the middleware of a call, outermost first."""
        offered: list[Sequence[Middleware]] = self._hook.anyauth0_middleware(options=options)
        return [layer for layers in offered for layer in layers]

    def attempt_middleware(self, options: "ClientOptions") -> list[Middleware]:
        """Return the middleware of an attempt, outermost first: the user's is next to the transport."""
        offered: list[Sequence[Middleware]] = self._hook.anyauth0_attempt_middleware(options=options)
        return [layer for layers in reversed(offered) for layer in layers]
