"""Everything that can be shown of an error or a value: what promise 5 searches for canaries."""

import pickle
import traceback
from collections.abc import Iterator
from itertools import count
from typing import Any

CANARY = "canary7"
"""Part of each secret of these tests, and of nothing else."""

_numbers = count()


def canary() -> str:
    """Return a secret that is no other's."""
    return f"{CANARY}-{next(_numbers)}-x0"


def chain(error: BaseException) -> Iterator[BaseException]:
    """Go through an error, its causes and contexts, suppressed ones and those of groups included."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [more for more in (each.__cause__, each.__context__) if more is not None]
            waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()


def told(error: BaseException) -> str:
    """Return all that logs, crash reporters and pickles keep of an error, locals of every frame included.

    The frames of the tests themselves are left out: they made the secrets.
    """
    lines: list[str] = []
    for each in chain(error):
        whole = traceback.TracebackException.from_exception(each, capture_locals=True, compact=True)
        for frame in whole.stack:
            if "/tests/" not in frame.filename:
                lines += [f"{frame.name}: {name} = {text}" for name, text in (frame.locals or {}).items()]
        lines += [str(each), repr(each), repr(each.args), *whole.format_exception_only()]
        if type(each).__module__.startswith("anyauth0"):
            state = {**vars(each), "_body": None, "mfa_token": None}
            lines += [repr(state), repr(pickle.dumps(each))]
    return "\n".join(lines)


def leaks(text: str) -> list[str]:
    """Return the lines of a text that have a canary in them."""
    return [line[:300] for line in text.splitlines() if CANARY in line]


def shown_by_rich(value: Any) -> str:
    """Return what `rich` shows of a value, in its tracebacks for one."""
    from rich.pretty import pretty_repr

    return pretty_repr(value, max_width=200)
