"""Let processes share access tokens: one of them fetches a token, encrypted on the disk for all others."""

import multiprocessing
import secrets
import tempfile
from pathlib import Path

from anyauth0 import AuthenticationClient, Options, Request, Response
from anyauth0_plugins.file_store import FileTokenStore
from setting import Setting, run


def worker(directory: str, key: bytes, domain: str, client_id: str, audience: str) -> bool:
    """Get the token in a process of its own; return whether it was there already."""
    requests: list[str] = []

    def nowhere(request: Request) -> Response:
        requests.append(request.endpoint)
        return Response(status=503)

    store = FileTokenStore(directory, key)
    with AuthenticationClient(
        domain=domain, client_id=client_id, client_secret="-", token_store=store, transport=nowhere
    ) as auth:
        return bool(auth.tokens.get(audience=audience)) and not requests


def main(setting: Setting) -> None:
    """Fetch a token, and find it again in two other processes."""
    # For machines that share no disk: RedisTokenStore("redis://...", key).
    key = secrets.token_bytes(32)
    with tempfile.TemporaryDirectory() as parent:
        directory = str(Path(parent) / "tokens")
        options: Options = {**setting.options, "token_store": FileTokenStore(directory, key)}
        with AuthenticationClient(**options) as auth:
            auth.tokens.get(audience=setting.api)
        task = (directory, key, setting.domain, setting.client_id, setting.api)
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            found = pool.starmap(worker, [task, task])
            pool.close()
            pool.join()
    print(f"{sum(found)} other processes had the token without a request.")


if __name__ == "__main__":
    run(main)
