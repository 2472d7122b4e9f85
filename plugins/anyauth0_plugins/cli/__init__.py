"""The command `anyauth0`: what the library does, from a terminal."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command by the arguments of this process, and exit with its code."""
    try:
        from .app import app

        app(prog_name="anyauth0")
    except KeyboardInterrupt:
        # It may come while modules are still being imported.
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(f"anyauth0: the command needs {error.name}; pip install 'anyauth0[cli]'")
