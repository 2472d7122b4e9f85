"""Shows resources as their users meet them: what a call gives, not what a method hands to the client."""

from typing import Any

import griffe


class Calls(griffe.Extension):
    """Says of each method of a resource what a call of it returns, and nothing of its making."""

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Leave out how a resource is made: the client does that."""
        if cls.path == "anyauth0.endpoint.Resource":
            cls.del_member("__init__")

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """Leave out what only the interpreter and the type checker look at."""
        if attr.name.startswith("_") or str(attr.value).startswith(("TypeVar(", "ParamSpec(")):
            attr.public = False

    def on_function_instance(self, *, func: griffe.Function, **_: Any) -> None:
        """Put `ApiResponse[X]` for `Call[X]`, `X` for `Flow[X]`, an iterator of `X` for what goes on."""
        if func.name.startswith("_"):
            func.public = False
        returns = func.returns
        if not isinstance(returns, griffe.ExprSubscript):
            return
        inner = returns.slice
        decorators = {str(each.value).partition("(")[0] for each in func.decorators}
        if decorators & {"endpoint", "paged"}:
            func.returns = _of("ApiResponse", inner)
        elif "operation" in decorators:
            func.returns = inner
        elif "subscription" in decorators:
            func.returns = _of("Iterator", inner)
        elif "iteration" in decorators and isinstance(inner, griffe.ExprSubscript):
            func.returns = _of("Iterator", inner.slice)


def _of(name: str, inner: str | griffe.Expr) -> griffe.Expr:
    """Return `name[inner]`, where the name is that of a class of ours or of an iterator."""
    module = "collections.abc" if name == "Iterator" else "anyauth0.messages"
    return griffe.ExprSubscript(griffe.ExprName(name, parent=module), inner)
