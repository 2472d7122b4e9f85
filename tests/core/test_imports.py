"""What imports what: the house stands on its own, and starts light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import anyauth0

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "anyauth0"

HEAVY = {
    "urllib3", "aiohttp", "ssl", "_ssl", "asyncio", "cryptography", "importlib.metadata", "http.client",
    "email",    "sqlite3", "anyauth0_transports", "anyauth0_plugins",
}  # fmt: skip

LAYERS = [
    {"messages", "rate_limits", "_json", "pages", "redaction", "_error_hints"},
    {"errors", "transport"},
    {"sse"},
    {"pkce", "flow", "arguments", "encoding", "multipart", "jose", "keys", "rows"},
    {"client_authentication", "dpop"},
    {"options"},
    {"blocking", "aio", "tokens", "jwks", "hooks", "id_token"},
    {
        "timestamps",
        "endpoint",
        "iteration",
        "page_steps",
        "windows",
        "pagination",
        "decoding",
        "client",
        "clients",
        "fan_out",
        "streaming",
    },
    {"authentication", "verification"},
    {"management"},
    {"__init__"},
]
"""From the ground up: a module imports from its own layer and those before it only."""


def imported(path: Path) -> set[str]:
    """Return the absolute names of everything that a module imports, inside functions too."""
    names: set[str] = set()
    package = path.relative_to(CORE.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)} if module else set()
    return names


def only_for_types(path: Path) -> set[str]:
    """Return the names that a module imports under `TYPE_CHECKING`."""
    source = ast.parse(path.read_text())
    blocks = [
        node
        for node in ast.walk(source)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    nested = [child for block in blocks for child in ast.walk(block) if isinstance(child, ast.ImportFrom)]
    return {child.module or "" for child in nested}


MODULES = sorted(CORE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_imports_neither_transports_nor_plugins(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert not tops & {"anyauth0_transports", "anyauth0_plugins"}
    allowed = {"anyauth0", "msgspec", "pluggy", "cryptography", *sys.stdlib_module_names}
    assert tops <= allowed


@pytest.mark.parametrize(
    "path",
    sorted(p for folder in ("transports", "plugins") for p in (ROOT / folder).rglob("*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_what_we_ship_uses_public_names_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "anyauth0":
            assert "._" not in f".{node.module}".replace(".__init__", "")
            assert not [
                alias.name
                for alias in node.names
                if alias.name.startswith("_") and alias.name != "__version__"
            ]


def layer(module: str) -> int:
    parts = module.split(".")
    name = parts[1] if len(parts) > 1 else "__init__"
    return next(number for number, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_imports_only_go_down(path: Path) -> None:
    parts = path.relative_to(CORE.parent).with_suffix("").parts
    own = layer(".".join(parts))
    known = {name for names in LAYERS for name in names}
    typing_only = only_for_types(path)
    for name in imported(path):
        pieces = name.split(".")
        if pieces[0] != "anyauth0" or len(pieces) < 2 or pieces[1] not in known or pieces[1] in typing_only:
            continue
        assert layer(name) <= own, f"{path.name} imports {name}, which is above it"


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_a_misspelt_name_is_told_with_the_right_one_and_only_then_compared() -> None:
    for name, mend in (
        ("ManagmentClient", "; did you mean 'ManagementClient'?"),
        ("RetryPolice", "; did you mean 'RetryPolicy'?"),
        ("zzz", ""),
        ("__managementclient__", ""),
    ):
        with pytest.raises(AttributeError) as caught:
            getattr(anyauth0, name)
        assert str(caught.value) == f"module 'anyauth0' has no attribute {name!r}{mend}"
    assert "difflib" not in loaded_by("import anyauth0; anyauth0.Request; hasattr(anyauth0, '__path')")
    assert "difflib" in loaded_by("import anyauth0; hasattr(anyauth0, 'Requests')")


def test_importing_the_package_loads_nothing_heavy() -> None:
    before = loaded_by("")
    assert not (loaded_by("import anyauth0") - before) & HEAVY


def test_building_a_client_over_a_function_loads_no_http_library() -> None:
    code = (
        "from anyauth0 import AuthenticationClient, Response\n"
        "AuthenticationClient(domain='t.auth0.com', client_id='c', client_secret='s',"
        " transport=lambda request: Response(status=200))"
    )
    assert not loaded_by(code) & {
        "urllib3",
        "aiohttp",
        "ssl",
        "asyncio",
        "cryptography",
        "importlib.metadata",
    }


def test_a_blocking_client_never_loads_asyncio() -> None:
    code = (
        "from anyauth0 import AuthenticationClient\nAuthenticationClient(domain='t.auth0.com', client_id='c')"
    )
    assert not loaded_by(code) & {"aiohttp", "asyncio", "cryptography"}
