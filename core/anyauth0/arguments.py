"""The arguments of a call, checked against the method's signature before anything is sent."""

import re
from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any, TypeVar, Unpack, cast, get_args, get_origin, get_type_hints

from .errors import InvalidArgumentError

__all__ = ["Arguments", "checked", "closest", "misspelt", "require", "require_a", "require_address"]

F = TypeVar("F", bound=Callable[..., Any])


_BETWEEN_WORDS = r"(?<=[a-z])(?=[A-Z])"
# That of a web page, or of an application by its own scheme: `com.example.app:/callback`.
_ADDRESS = r"(?i)(?:https?://[^\s/?#]|(?!https?:)[a-z][a-z0-9+.-]*:[^\s\d])\S*"


class Arguments:
    """Knows which keywords a function takes, those of `**body: Unpack[SomeTypedDict]` included."""

    __slots__ = ("_body", "function")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._body: tuple[frozenset[str], frozenset[str]] | None = None

    @property
    def title(self) -> str:
        """The function as a user writes it, without the client: `users_by_email.get`, `map`."""
        owner, _, name = self.function.__qualname__.rpartition(".")
        if owner.endswith("Client"):
            return name
        return f"{re.sub(_BETWEEN_WORDS, '_', owner).lower()}.{name}"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the body, sorted; empty without `**body`."""
        known, required = self._body or self._read_body()
        return tuple(f"{name} (needed)" if name in required else name for name in sorted(known))

    def apply(self, resource: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function.

        Raises `InvalidArgumentError` when an argument is unknown, missing or one too many.
        """
        known, required = self._body or self._read_body()
        if known:
            for name in sorted(kwargs.keys() - known):
                raise InvalidArgumentError(name, self._unknown(name, known))
            for name in sorted(required - kwargs.keys()):
                raise InvalidArgumentError(name, f'{self.title} needs "{name}"')
        try:
            return self.function(resource, *args, **kwargs)
        except TypeError as error:
            name, message = self._mismatch(args, kwargs)
            if message:
                raise InvalidArgumentError(name, message) from error.with_traceback(None)
            raise

    def _read_body(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return all keywords, and the required ones of the body; two empty sets without `**body`."""
        code = self.function.__code__
        self._body = (frozenset(), frozenset())
        if code.co_flags & 0x08:  # CO_VARKEYWORDS
            count = code.co_argcount + code.co_kwonlyargcount
            name = code.co_varnames[count + bool(code.co_flags & 0x04)]  # CO_VARARGS
            hint = self.function.__annotations__.get(name)
            if isinstance(hint, str):
                hint = get_type_hints(self.function)[name]
            if get_origin(hint) is Unpack:
                fields = get_args(hint)[0]
                named = frozenset(code.co_varnames[max(1, code.co_posonlyargcount) : count])
                known = fields.__required_keys__ | fields.__optional_keys__ | named
                self._body = (known, fields.__required_keys__)
        return self._body

    def _unknown(self, name: str, known: frozenset[str]) -> str:
        code = self.function.__code__
        if name in code.co_varnames[: code.co_posonlyargcount]:
            return f'{self.title} takes "{name}" by its position, not by its name'
        near = closest(name, known)
        mend = f'did you mean "{near}"?' if near else "see its docstring for the fields"
        return (
            f'{self.title} has no field "{name}": {mend} '
            f"(a field newer than this release goes through with_options(extra_body=...))"
        )

    def _mismatch(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str]:
        """Return the argument that does not fit the signature and the reason, or two empty strings."""
        import inspect

        title = self.title
        signature = inspect.signature(self.function)
        try:
            signature.bind(None, *args, **kwargs)
        except TypeError as error:
            takes = [parameter for parameter in signature.parameters if parameter != "self"]
            # With a body, every keyword has been looked at already.
            for name in () if self._body and self._body[0] else kwargs:
                if name not in takes:
                    near = closest(name, takes)
                    mend = f'did you mean "{near}"?' if near else f"it takes {', '.join(takes) or 'none'}"
                    return name, f'{title} has no argument "{name}": {mend}'
            quoted = str(error).partition("'")[2].partition("'")[0]
            if quoted in kwargs:
                return quoted, f'{title} takes "{quoted}" by its position, not by its name'
            if quoted in takes:
                return quoted, f'{title} needs "{quoted}"'
            return quoted, f"{title}: {error}; it takes {', '.join(takes) or 'no argument'}"
        return "", ""


def checked(method: F) -> F:
    """Let a method that sends nothing check its arguments as an endpoint does (see `Arguments.apply`)."""
    arguments = Arguments(method)

    @wraps(method)
    def call(self: object, /, *args: Any, **kwargs: Any) -> Any:
        try:
            return arguments.apply(self, args, kwargs)
        except InvalidArgumentError as error:
            refusal = error.with_traceback(None)
        # A traceback that shows locals must not show tokens.
        del args, kwargs
        raise refusal

    return cast("F", call)


def closest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known name that `name` was most likely meant to be; 1 is the `likeness` of the same name."""
    import difflib

    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=likeness)
    return near[0] if near else None


def misspelt(names: Iterable[str], known: Collection[str]) -> tuple[str, str] | None:
    """Return the first name that is nearly a known one, and that one; any other name may be a new one."""
    for name in names:
        near = None if name in known else closest(name, known, likeness=0.8)
        if near is not None:
            return name, near
    return None


def require(title: str, **values: object) -> None:
    """Refuse a value that is `None`, blank, or not text.

    Raises `InvalidArgumentError` naming the argument.
    """
    for name, value in values.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            raise InvalidArgumentError(name, f'{title} needs "{name}": it is missing or blank')
        if not isinstance(value, str):
            raise InvalidArgumentError(
                name, f'{title}: "{name}" must be a string, not {type(value).__name__}'
            )


def require_address(title: str, name: str, value: object) -> None:
    """Refuse what is no address that a browser can be sent to.

    Raises `InvalidArgumentError` naming the argument.
    """
    require(title, **{name: value})
    if not re.fullmatch(_ADDRESS, str(value)):
        raise InvalidArgumentError(
            name, f'{title}: "{name}" must be a whole address, such as "https://app.example.com/path"'
        )


def require_a(kind: type, title: str, name: str, value: object) -> None:
    """Refuse a value of another kind than the call that it comes from returns.

    Raises `InvalidArgumentError` naming the argument.
    """
    if not isinstance(value, kind):
        raise InvalidArgumentError(
            name, f'{title}: "{name}" must be {kind.__name__}(...), not {type(value).__name__}'
        )
