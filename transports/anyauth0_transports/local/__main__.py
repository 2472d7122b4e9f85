"""`python -m anyauth0_transports.local`: serves a tenant until Ctrl-C."""

import argparse
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from .server import Server, serve
from .tenant import LocalTenant


def main(given: Sequence[str] | None = None, *, name: str = "python -m anyauth0_transports.local") -> int:
    """Read the arguments, serve, and return the exit code; `name` is that of the program in its help."""
    arguments = _parser(name).parse_args(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            LocalTenant(database=arguments.database or ":memory:") as tenant,
            serve(
                tenant,
                host=arguments.host,
                port=arguments.port,
                tls=arguments.tls,
                name=arguments.domain,
            ) as server,
        ):
            _introduce(tenant, server, arguments.database)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("\nStopped.")
    except OSError as error:
        where = f"{arguments.host}:{arguments.port}"
        print(f"Cannot serve on {where}: {error.strerror or error}; try another --port.", file=sys.stderr)
        return 1
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=name,
        description="An Auth0 tenant on this machine, for development and tests only.",
    )
    parser.add_argument("--port", type=int, default=0, help="the port; any that is free by default")
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on; this machine by default"
    )
    parser.add_argument(
        "--domain", metavar="NAME", help="the host name that clients use; localhost, or the host, by default"
    )
    parser.add_argument(
        "--tls", action="store_true", help="speak TLS, by a certificate made for the occasion"
    )
    parser.add_argument("--database", metavar="FILE", help="keep the data in this file; in memory by default")
    return parser


def _introduce(tenant: LocalTenant, server: Server, database: str | None) -> None:
    print(
        "An Auth0 tenant for development and tests only: never let it guard anything real.\n"
        f"  url            {server.url}\n"
        f"  domain         {server.domain}\n"
        f"  client_id      {tenant.client_id}\n"
        f"  client_secret  {tenant.client_secret}"
    )
    if server.url.startswith("https"):
        folder = Path(database).resolve().parent if database else Path(tempfile.gettempdir())
        authority = folder / f"anyauth0-local-{server.domain.rpartition(':')[2]}-ca.pem"
        authority.write_bytes(server.ca_pem)
        print(f"  authority      {authority}")
    print("Ctrl-C stops it.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
