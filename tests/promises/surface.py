"""The public surface as text, one fact a line, out of the sources as a type checker reads them.

    python tests/promises/surface.py        writes surface.txt anew

Nothing is imported, so that the text is the same under every version of Python.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("surface.txt")
CORE = Path(__file__).parents[2] / "core"
LONGEST = 300

# The packages whose modules are public as a whole, and modules of which only this much is.
PACKAGES = ("anyauth0.authentication", "anyauth0.management")
PARTS = {
    "anyauth0.endpoint": ("ClientAuthenticationRule",),
    "anyauth0.errors": (),
    "anyauth0.hooks": ("HookSpecs",),
    "anyauth0.jose": ("JoseError",),
    "anyauth0.options": ("PrivateKey", "TokenOption", "TransportOption"),
    "anyauth0.pagination": ("AsyncPagedMethod", "PagedMethod"),
}
# What a `with`, a `for` or a call does is public, though its name begins with an underscore.
SPECIAL = {"__init__", "__call__", "__enter__", "__aenter__", "__iter__", "__len__", "__getitem__"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """A source file: what it defines, and where the names that it imports come from."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        self.imports: dict[str, tuple[str, str]] = {}
        self.definitions: dict[str, list[ast.stmt]] = {}
        self.exported: list[str] | None = None
        self._read(ast.parse(path.read_text(encoding="utf-8")).body)

    def _read(self, body: list[ast.stmt]) -> None:
        for node in body:
            match node:
                case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                    self._read(node.body)
                case ast.ImportFrom():
                    self._import(node)
                case ast.Assign(targets=[ast.Name(id="__all__")]):
                    self.exported = ast.literal_eval(node.value)
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.definitions.setdefault(node.name, []).append(node)
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    self.definitions.setdefault(name, []).append(node)

    def _import(self, node: ast.ImportFrom) -> None:
        parents = self.package.split(".")
        above = parents[: len(parents) - node.level + 1] if node.level else []
        source = ".".join([*above, *filter(None, [node.module])])
        for each in node.names:
            self.imports[each.asname or each.name] = (source, each.name)

    @property
    def public(self) -> list[str]:
        names = self.definitions if self.exported is None else self.exported
        return [name for name in names if name[0] != "_" or name == "__version__"]


@cache
def module(name: str) -> Module | None:
    place = CORE.joinpath(*name.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return Module(name, path)
    return None


def home(name: str, within: str) -> tuple[str, str] | None:
    """Return the module that defines a name, and the name that it has there; `None` where it is not ours."""
    here = module(within)
    if here is None or name in here.definitions:
        return here and (within, name)
    return home(here.imports[name][1], here.imports[name][0]) if name in here.imports else None


def bases(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        if isinstance(plain, ast.Name):
            yield plain.id


def modules(package: str) -> Iterator[str]:
    """Go through the modules of a package that are public, those below it included."""
    for path in sorted((CORE / package.replace(".", "/")).rglob("*.py")):
        parts = path.relative_to(CORE).with_suffix("").parts
        if not parts[-1].startswith("_"):
            yield ".".join(parts)


def types(name: str) -> Iterator[str]:
    """Go through the public classes and names of types of a module; its functions are for its neighbours."""
    here = module(name)
    for each in here.public if here else ():
        for node in here.definitions.get(each, ()) if here else ():
            if not isinstance(node, Function) and not isinstance(getattr(node, "value", None), ast.Constant):
                yield each


def surface() -> str:
    """Return the text."""
    lines: set[str] = set()
    found: set[tuple[str, str]] = set()
    waiting: list[tuple[str, str]] = []
    for name in ("anyauth0", *PACKAGES):
        for each in getattr(module(name), "public", ()):
            origin = home(each, name)
            assert origin, f"{name} exports {each}, which is not ours"
            lines.add(f"from {name} import {each}: {'.'.join(origin)}")
            waiting.append(origin)
    whole = [name for package in PACKAGES for name in modules(package)]
    for name in (*whole, *PARTS):
        waiting += [(name, each) for each in PARTS.get(name) or types(name)]
    while waiting:
        owner, name = waiting.pop()
        here = module(owner)
        if here is None or (owner, name) in found:
            continue
        found.add((owner, name))
        for node in here.definitions.get(name, ()):
            settle(node, owner)
            lines.update(described(f"{owner}.{name}", node))
            if isinstance(node, ast.ClassDef):
                # What is inherited is public too, wherever it comes from.
                waiting += filter(None, (home(base, owner) for base in bases(node)))
    lines.update(f"plugin {name}" for name in plugins())
    return "".join(f"{line}\n" for line in sorted(line.removeprefix("anyauth0.") for line in lines))


def settle(node: ast.stmt, within: str) -> None:
    """Put the values of constants where they are the defaults of parameters."""
    for each in ast.walk(node):
        if isinstance(each, ast.arguments):
            each.defaults = [value(default, within) for default in each.defaults]
            each.kw_defaults = [default and value(default, within) for default in each.kw_defaults]


def value(default: ast.expr, within: str) -> ast.expr:
    origin = home(default.id, within) if isinstance(default, ast.Name) else None
    here = module(origin[0]) if origin else None
    for node in here.definitions[origin[1]] if here and origin else ():
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            return node.value
    return default


def plugins() -> Iterator[str]:
    """Go through the names that `transport=` and `plugins=` take."""
    hooks = module("anyauth0.hooks")
    assert hooks is not None
    for node in hooks.definitions["BUILT_IN"]:
        assert isinstance(node, ast.AnnAssign)
        assert node.value is not None
        yield from (f"{name} is {target}" for name, target in ast.literal_eval(node.value).items())


def described(name: str, node: ast.stmt) -> Iterator[str]:
    """Go through the lines that a definition takes."""
    match node:
        case ast.ClassDef():
            head = ", ".join(text(each) for each in (*node.bases, *node.keywords))
            yield f"{name} is a class({head})"
            for each in node.body:
                yield from member(name, each)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from function(name, node)
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypedDict"), args=[_, ast.Dict() as fields])):
            yield f"{name} is a class(TypedDict)"
            for key, value in zip(fields.keys, fields.values, strict=True):
                yield f"{name}[{text(key)}]: {hint(value)}"
        case ast.Assign() if name.endswith(".__version__"):
            yield f"{name} is a str"
        case ast.Assign() | ast.AnnAssign(value=ast.expr()):
            yield from alias(name, node.value)


def alias(name: str, value: ast.expr | None) -> Iterator[str]:
    line = f"{name} = {text(value) if isinstance(value, ast.Call) else hint(value)}"
    if len(line) <= LONGEST:
        yield line
        return
    # A long enumeration: a line for each value.
    for each in ast.walk(value or ast.Tuple()):
        if isinstance(each, ast.Constant):
            yield f"{name} has {each.value!r}"


def member(owner: str, node: ast.stmt) -> Iterator[str]:
    """Go through the lines that something in the body of a class takes."""
    match node:
        case ast.AnnAssign(target=ast.Name(id=name)) if name[0] != "_":
            default = f" = {text(node.value)}" if node.value else ""
            yield f"{owner}.{name}: {hint(node.annotation)}{default}"
        case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name[0] != "_" or node.name in SPECIAL:
            yield from function(f"{owner}.{node.name}", node)
            if node.name == "__init__":
                yield from (f"{owner}.{name} is an attribute" for name in attributes(node))
        case ast.Assign(targets=[ast.Name(id=name)]) if name[0] != "_":
            yield f"{owner}.{name} = {text(node.value)}"


def attributes(node: Function) -> Iterator[str]:
    """Go through the public attributes that a method gives to `self`."""
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and each.attr[0] != "_":
            yield each.attr


def function(name: str, node: Function) -> Iterator[str]:
    """Return a function as one line, or in parts where it is long."""
    marks = ["async"] if isinstance(node, ast.AsyncFunctionDef) else []
    marks += [f"@{text(each)}" for each in node.decorator_list]
    parameters = list(signature(node.args))
    returns = f" -> {hint(node.returns)}" if node.returns else ""
    line = " ".join([f"{name}({', '.join(parameters)}){returns}", *marks])
    if len(line) <= LONGEST:
        yield line
        return
    yield " ".join([f"{name}(...){returns}", *marks])
    by_name = False
    for place, each in enumerate(parameters):
        by_name = by_name or each.startswith("*")
        if each not in ("self", "/", "*"):
            yield f"{name}({'by name' if by_name else place}) {each}"


def signature(given: ast.arguments) -> Iterator[str]:
    """Go through the parameters of a function, the two marks between them included."""
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + [*given.defaults]
    for place, (argument, default) in enumerate(zip(positional, defaults, strict=True), 1):
        yield parameter(argument, default)
        if place == len(given.posonlyargs):
            yield "/"
    if given.vararg:
        yield f"*{parameter(given.vararg, None)}"
    elif given.kwonlyargs:
        yield "*"
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield parameter(argument, default)
    if given.kwarg:
        yield f"**{parameter(given.kwarg, None)}"


def parameter(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = f": {hint(argument.annotation)}" if argument.annotation else ""
    return argument.arg + annotation + (f" = {text(default)}" if default else "")


class _Unquoted(ast.NodeTransformer):
    """Annotations without the quotes around what is defined further down, or only for the checker."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            return node
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.parse(node.value, mode="eval").body if isinstance(node.value, str) else node


def hint(node: ast.expr | None) -> str:
    return "" if node is None else ast.unparse(_Unquoted().visit(node))


def text(node: ast.AST | None) -> str:
    return "" if node is None else ast.unparse(node)


if __name__ == "__main__":
    FILE.write_text(surface(), encoding="utf-8")
