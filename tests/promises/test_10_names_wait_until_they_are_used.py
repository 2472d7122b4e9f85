"""Promise 10: small and quick to start: a name of the package is loaded when it is used, and is found."""

import ast
import pickle
from pathlib import Path
from typing import Any

import pytest

import anyauth0
from anyauth0 import (
    AuthenticationClient,
    ManagementClient,
    PageLimitReached,
    RateLimited,
    Request,
    Response,
    TransportTimeout,
)

from .test_10_small_and_quick_to_start import run

SOURCE = ast.parse(Path(anyauth0.__file__).read_text(encoding="utf-8"))


def imports(nodes: list[ast.stmt]) -> dict[str, set[str]]:
    """Return the names that statements import from modules of ours, by module."""
    found = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {node.module or "": {alias.name for alias in node.names} for node in found}


def test_the_three_lists_of_names_agree() -> None:
    (typed,) = (node.body for node in SOURCE.body if isinstance(node, ast.If))
    later = {module: set(names.split()) for module, names in anyauth0._NAMES.items()}
    assert imports(typed) == later
    at_once = imports(SOURCE.body)
    everything = [name for names in (*at_once.values(), *later.values()) for name in names]
    assert sorted([*everything, "__version__"]) == sorted(anyauth0.__all__)


def test_every_name_is_found_by_whoever_asks_for_it_first() -> None:
    # A circle of imports shows only to the first who comes in at the wrong place.
    said = run("""
        import sys
        import anyauth0
        for name in anyauth0.__all__:
            for each in [each for each in sys.modules if each.partition(".")[0] == "anyauth0"]:
                del sys.modules[each]
            import anyauth0
            assert name in anyauth0.__dict__ or name in anyauth0._MODULES, name
            value = getattr(anyauth0, name)
            assert vars(anyauth0)[name] is value, name
            module = anyauth0._MODULES.get(name)
            assert module is None or vars(sys.modules[f"anyauth0.{module}"])[name] is value, name
        print("done")
    """)
    assert said == "done\n"


def test_no_module_hides_a_name_whatever_is_imported_first() -> None:
    said = run("""
        import pkgutil, sys, types
        import anyauth0
        for each in pkgutil.walk_packages(anyauth0.__path__, "anyauth0."):
            __import__(each.name)
        for name in anyauth0.__all__:
            assert not isinstance(getattr(anyauth0, name), types.ModuleType), name
        print("done")
    """)
    assert said == "done\n"


def test_a_star_takes_every_name_and_dir_lists_them() -> None:
    said = run("""
        import anyauth0
        assert set(anyauth0.__all__) <= set(dir(anyauth0))
        names = {}
        exec("from anyauth0 import *", names)
        assert names.keys() - {"__builtins__"} == set(anyauth0.__all__)
        print("done")
    """)
    assert said == "done\n"


def test_an_unknown_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'anyauth0' has no attribute 'ManagmentClient'"):
        anyauth0.ManagmentClient  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'ManagmentClient' from 'anyauth0'"):
        exec("from anyauth0 import ManagmentClient")
    assert not hasattr(anyauth0, "__wrapped__")


def test_threads_that_import_at_the_same_time_get_the_same_objects() -> None:
    said = run("""
        import sys, threading
        sys.setswitchinterval(1e-6)
        together, found = threading.Barrier(16), []
        def ask(turn):
            together.wait()
            import anyauth0
            names = anyauth0.__all__[turn * 4:] + anyauth0.__all__[:turn * 4]
            found.append({name: getattr(anyauth0, name) for name in names})
        threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 16
        assert all(each == found[0] for each in found)
        assert all(each[name] is value for each in found for name, value in found[0].items())
        print(len(found[0]))
    """)
    assert said == f"{len(anyauth0.__all__)}\n"


def test_errors_and_models_come_out_of_a_pickle_in_a_process_that_has_imported_nothing() -> None:
    def answer(request: Request) -> Response:
        if request.url.endswith("/missing"):
            return Response(status=429, headers={"retry-after": "7"}, body=b'{"errorCode":"too_many"}')
        if request.url.endswith("/oauth/token"):
            return Response(status=200, body=b'{"access_token":"t","expires_in":60}')
        return Response(status=200, body=b'{"user_id":"ada","logins_count":3}')

    options: Any = {"domain": "t.example.com", "client_id": "c", "client_secret": "s", "transport": answer}
    with ManagementClient(**options) as management, AuthenticationClient(**options) as authentication:
        user = management.users.get("ada").data
        tokens = authentication.oauth.client_credentials_grant(audience="api").data
        with pytest.raises(RateLimited) as caught:
            management.with_options(retry=False).users.get("missing")
    errors = [
        caught.value,
        TransportTimeout("no answer", request_sent=True),
        PageLimitReached("no more", received=1000, total=None),
    ]
    code = """
        import pickle, sys
        assert "anyauth0" not in sys.modules
        value = pickle.loads(sys.stdin.buffer.read())
        assert "ssl" not in sys.modules
        print(type(value).__mro__[0].__name__, {})
    """
    seen = [
        (caught.value, "value.status, value.retry_after, value.code", "429 7.0 too_many"),
        (errors[1], "value.request_sent, value", "True no answer"),
        (errors[2], "value.received, value.total", "1000 None"),
        (user, "value.user_id, value.logins_count", "ada 3"),
        (tokens, "value.access_token, value.expires_in", "t 60"),
    ]
    for value, shown, said in seen:
        assert run(code.format(shown), pickle.dumps(value)) == f"{type(value).__name__} {said}\n"
