"""What went wrong, as one line and an exit code: 1 for an error, 2 for a wrong command, 130 for Ctrl-C."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import typer

from anyauth0 import Auth0Error, ConfigurationError, InvalidArgumentError

__all__ = ["say", "told"]

_FAILED, _WRONG, _STOPPED = 1, 2, 130
# What a shell says of a program that wrote to a pipe which nobody reads any more.
_CLOSED = 141


def say(message: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"anyauth0: {message}\n")


@contextmanager
def told(*, debug: bool = False) -> Generator[None]:
    """Turn errors into a line and an exit code; with `debug` they come as they are."""
    try:
        yield
    except typer.Exit:
        raise
    except (KeyboardInterrupt, typer.Abort):
        code, line = _STOPPED, "stopped"
    except BrokenPipeError:
        # Or the interpreter would try to write the rest when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code, line = _CLOSED, ""
    except Exception as error:
        if debug:
            raise
        code, line = _code(error), _sentence(error)
    else:
        return
    if line:
        say(line)
    raise typer.Exit(code)


def _code(error: Exception) -> int:
    return _WRONG if isinstance(error, ConfigurationError | InvalidArgumentError) else _FAILED


def _sentence(error: Exception) -> str:
    if isinstance(error, Auth0Error):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'a file'}: {error.strerror}"
    # What is not of this library may hold anything in its message.
    return f"unexpected {type(error).__name__}; --debug shows where"
