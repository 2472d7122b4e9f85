"""The extension points: who is asked, in which order, and what is said to a plugin that does not fit."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from anyauth0 import AuthenticationClient, ConfigurationError, Request, Response, hookimpl
from anyauth0.hooks import BUILT_IN, DEFAULTS, Plugins, resolve
from anyauth0.options import ClientOptions, check


class Here:
    """A transport that answers 200 to everything."""

    def send(self, request: Request, /) -> Response:
        return Response(status=200, body=b"{}")

    def close(self) -> None: ...


class Offers:
    """A plugin that implements one hook, by a function of the options."""

    def __init__(self, hook: str, function: Callable[[ClientOptions], Any]) -> None:
        self.function = function

        @hookimpl
        def implementation(options: ClientOptions) -> Any:
            return function(options)

        setattr(self, f"anyauth0_{hook}", implementation)


def options(*plugins: object, **more: Any) -> ClientOptions:
    given = {"domain": "t.auth0.com", "client_id": "app", "transport": Here(), "plugins": plugins, **more}
    return check(given, asynchronous=False, owner="Client")


def refused(*plugins: object, **more: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Plugins(options(*plugins, **more))
    assert len(str(caught.value)) <= 300
    return caught.value


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], None]:
    """Write a module of that name and source, and offer it as a built-in plugin of the same name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.setitem(BUILT_IN, name, name)
        monkeypatch.delitem(sys.modules, name, raising=False)

    return write


@pytest.mark.parametrize("name", sorted({*DEFAULTS, "client_secret_basic"}))
def test_every_plugin_that_we_ship_is_there_and_fits(name: str) -> None:
    plugin = resolve("plugins", name)
    Plugins(options(plugin, client_secret="s"))


def test_an_unknown_name_is_refused_with_the_names_on_offer() -> None:
    error = refused("retry")
    assert error.option == "plugins"
    assert '"retry"' in str(error)
    assert '"plugins"' in str(error)
    named = str(error).partition("there are ")[2].split(", ")
    for name, target in BUILT_IN.items():
        assert (name in named) is target.startswith("anyauth0_plugins."), name


def test_a_module_that_cannot_be_imported_is_refused_with_the_reason(
    module: Callable[[str, str], None],
) -> None:
    module("broken_plugin", "import a_module_that_is_nowhere")
    error = refused("broken_plugin")
    assert error.option == "plugins"
    assert '"broken_plugin"' in str(error)
    assert "a_module_that_is_nowhere" in str(error)
    assert isinstance(error.__cause__, ImportError)


def test_a_name_within_a_module_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "half", "anyauth0_plugins.client_secret:nothing")
    error = refused("half")
    assert "nothing" in str(error)
    assert isinstance(error.__cause__, AttributeError)


def test_a_class_is_refused_where_its_hooks_want_an_object() -> None:
    class Wants:
        @hookimpl
        def anyauth0_middleware(self, options: object) -> None: ...

    class Static:
        @staticmethod
        @hookimpl
        def anyauth0_middleware(options: object) -> None: ...

    assert "is a class; give an object of it: Wants(...)" in str(refused(Wants))
    AuthenticationClient(domain="t.auth0.com", client_id="app", plugins=[Static, Wants()]).close()


@pytest.mark.parametrize("plugin", [object(), Here, ModuleType("empty"), 3, None, lambda options: None])
def test_what_implements_no_hook_is_refused(plugin: object) -> None:
    error = refused(plugin)
    assert error.option == "plugins"
    assert "implements no hook" in str(error)
    assert "@hookimpl" in str(error)


def test_a_function_without_the_mark_is_no_hook() -> None:
    class Unmarked:
        def anyauth0_middleware(self, options: object) -> list[Any]:
            return []

    assert '"Unmarked"' in str(refused(Unmarked()))


def test_a_misspelt_hook_is_refused_by_its_name() -> None:
    class Misspelt:
        @hookimpl
        def anyauth0_transprt(self, options: object) -> None: ...

    error = refused(Misspelt())
    assert error.option == "plugins"
    assert "anyauth0_transprt" in str(error)


def test_a_misspelt_hook_beside_a_good_one_is_refused_too() -> None:
    class Half:
        @hookimpl
        def anyauth0_middleware(self, options: object) -> list[Any]:
            return []

        @hookimpl
        def anyauth0_token_stor(self, options: object) -> None: ...

    assert "anyauth0_token_stor" in str(refused(Half()))


def test_a_hook_that_asks_for_what_there_is_not_is_refused() -> None:
    class Curious:
        @hookimpl
        def anyauth0_middleware(self, request: object) -> list[Any]:
            return []

    error = refused(Curious())
    assert error.option == "plugins"
    assert '"Curious"' in str(error)
    assert "request" in str(error)


def test_a_hook_may_leave_the_options_out() -> None:
    class Modest:
        @hookimpl
        def anyauth0_middleware(self) -> list[Any]:
            return [self.layer]

        def layer(self, request: Request, inner: Any) -> Any:
            return inner(request)

    plugin = Modest()
    assert Plugins(options(plugin)).middleware(options(plugin))[0] == plugin.layer


def layer(request: Request, inner: Any) -> Any:
    return inner(request)


def other(request: Request, inner: Any) -> Any:
    return inner(request)


def test_middleware_of_the_users_is_outermost_for_a_call_and_innermost_for_an_attempt() -> None:
    given = options(
        Offers("middleware", lambda _: [layer]),
        Offers("middleware", lambda _: [other]),
        Offers("attempt_middleware", lambda _: [layer]),
        Offers("attempt_middleware", lambda _: [other]),
    )
    plugins = Plugins(given)
    calls, attempts = plugins.middleware(given), plugins.attempt_middleware(given)
    assert calls[:2] == [layer, other]
    assert attempts[-2:] == [other, layer]
    assert len(calls) > 2
    assert len(attempts) > 2


def test_the_defaults_are_in_the_order_of_the_pipeline() -> None:
    given = options(headers={"x": "1"}, deadline=5)
    homes = [getattr(found, "__module__", "") for found in Plugins(given).middleware(given)]
    assert [home.rpartition(".")[2] for home in homes] == [
        "logging", "headers", "telemetry", "timeouts",
    ]  # fmt: skip
    homes = [getattr(found, "__module__", "") for found in Plugins(given).attempt_middleware(given)]
    assert [home.rpartition(".")[2] for home in homes] == ["retries", "timeouts", "logging"]


def test_a_plugin_may_offer_nothing() -> None:
    given = options(Offers("middleware", lambda _: None), Offers("attempt_middleware", lambda _: None))
    Plugins(given).middleware(given)
    Plugins(given).attempt_middleware(given)


def test_a_plugin_that_is_given_twice_runs_once() -> None:
    plugin = Offers("middleware", lambda _: [layer])
    given = options(plugin, plugin)
    assert Plugins(given).middleware(given).count(layer) == 1


def test_a_plugin_given_twice_has_the_place_of_its_first_mention() -> None:
    first, second = Offers("middleware", lambda _: [layer]), Offers("middleware", lambda _: [other])
    given = options(first, second, first)
    assert Plugins(given).middleware(given)[:2] == [layer, other]


def test_a_default_that_is_named_moves_to_the_front() -> None:
    given = options("telemetry")
    found = Plugins(given).middleware(given)
    homes = [getattr(each, "__module__", "").rpartition(".")[2] for each in found]
    assert homes[0] == "telemetry"
    assert homes.count("telemetry") == 1


def test_two_plugins_of_one_name_are_refused() -> None:
    def make() -> ModuleType:
        made = ModuleType("same_name")

        @hookimpl
        def anyauth0_middleware(options: object) -> list[Any]:
            return []

        made.anyauth0_middleware = anyauth0_middleware  # type: ignore[attr-defined]
        return made

    assert '"same_name"' in str(refused(make(), make()))


def test_a_module_is_a_plugin(module: Callable[[str, str], None]) -> None:
    module(
        "modular_plugin",
        "from anyauth0 import hookimpl\n@hookimpl\ndef anyauth0_middleware(options):\n    return ['layer']\n",
    )
    assert Plugins(options("modular_plugin")).middleware(options())[0] == "layer"
    given = options(sys.modules["modular_plugin"])
    assert Plugins(given).middleware(given)[0] == "layer"


def test_the_first_that_offers_a_transport_is_taken() -> None:
    one, two = Here(), Here()
    given = options(
        Offers("transport", lambda _: None),
        Offers("transport", lambda _: one),
        Offers("transport", lambda _: two),
    )
    assert Plugins(given).transport(given) is one


def test_a_transport_of_a_plugin_is_asked_for_by_name(module: Callable[[str, str], None]) -> None:
    module(
        "sky",
        "from anyauth0 import Response, hookimpl\n"
        "class Sky:\n"
        "    def send(self, request): return Response(status=204)\n"
        "    def close(self): self.closed = True\n"
        "sky = Sky()\n"
        "@hookimpl\ndef anyauth0_transport(options):\n"
        "    return sky if options.transport == 'sky' else None\n",
    )
    with AuthenticationClient(domain="t.auth0.com", client_id="app", transport="sky") as client:
        assert client.user_info.get("token").status == 204
    assert sys.modules["sky"].sky.closed


def test_a_transport_that_nobody_offers_in_the_end_is_refused(module: Callable[[str, str], None]) -> None:
    module(
        "void",
        "from anyauth0 import hookimpl\n@hookimpl\ndef anyauth0_transport(options):\n    return None\n",
    )
    with pytest.raises(ConfigurationError, match='"void"') as caught:
        AuthenticationClient(domain="t.auth0.com", client_id="app", transport="void")
    assert caught.value.option == "transport"


def test_who_the_client_is_can_be_a_plugins_business() -> None:
    strategy = object()
    given = options(Offers("client_authentication", lambda _: strategy), client_secret="canary")
    assert Plugins(given).client_authentication(given) is strategy


def test_a_client_without_credentials_has_no_strategy() -> None:
    assert Plugins(options()).client_authentication(options()) is None


def test_tokens_are_kept_where_a_plugin_says() -> None:
    store = object()
    given = options(Offers("token_store", lambda _: None), Offers("token_store", lambda _: store))
    assert Plugins(given).token_store(given) is store
    assert Plugins(options()).token_store(options()) is None


def test_every_hook_is_given_the_options_of_the_client() -> None:
    seen: list[Any] = []
    hooks = ("transport", "client_authentication", "token_store", "middleware", "attempt_middleware")
    given = options(*(Offers(hook, seen.append) for hook in hooks))
    plugins = Plugins(given)
    changed = msgspec.structs.replace(given, timeout=1)
    for hook in hooks:
        getattr(plugins, hook)(changed)
    assert len(seen) == len(hooks)
    assert all(each is changed for each in seen)


def test_a_view_asks_for_middleware_anew_and_for_nothing_else() -> None:
    seen: list[str] = []
    hooks = ("client_authentication", "token_store", "middleware", "attempt_middleware")

    def note(hook: str) -> Offers:
        return Offers(hook, lambda options: seen.append(f"{hook} {options.timeout}"))

    client = AuthenticationClient(
        domain="t.auth0.com", client_id="app", transport=Here(), plugins=[note(hook) for hook in hooks]
    )
    assert sorted(seen) == sorted(f"{hook} 10.0" for hook in hooks)
    seen.clear()
    client.with_options(timeout=2)
    assert sorted(seen) == ["attempt_middleware 2", "middleware 2"]
    seen.clear()
    client.user_info.get("token")
    assert seen == []


def test_an_error_of_a_plugin_reaches_the_user_as_it_is() -> None:
    def fail(options: ClientOptions) -> Any:
        raise ConfigurationError("mine", 'option "mine" is missing')

    with pytest.raises(ConfigurationError, match='"mine"'):
        AuthenticationClient(
            domain="t.auth0.com", client_id="app", transport=Here(), plugins=[Offers("middleware", fail)]
        )
