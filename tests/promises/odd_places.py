"""Odd places as programs: what makes a place, and how to run calls over the base install in it."""

import json
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree

from ..transports.servers import Server

__all__ = [
    "CALLS", "CAPPED", "FORBIDDING_FILES", "FORBIDDING_THREADS", "MEBIBYTES", "PLACES", "SILENT", "WAYS",
    "Base", "without",
]  # fmt: skip

# The interpreter looks at neither environment, user nor site: the base install is all there is.
BARE = ("-I", "-S", "-B", "-X", "dev", "-W", "error")

WAYS = {
    "function": "made, calls = dict(transport=fetch), blocking",
    "async function": "made, calls = dict(transport=fetch_async), asynchronous",
    "urllib3": "made, calls = dict(transport='urllib3', **server), blocking",
    "http_client": "made, calls = dict(transport='http_client', **server), blocking",
}

# It tells what it got by the number of a descriptor: there may be no standard output.
PROGRAM = """
import os, sys
from anyauth0 import *

_, domain, ca = sys.argv
who = dict(client_id="app", client_secret="s", retry=False)
server = dict(domain=domain, tls=TLS(ca=ca), proxy=False)

def fetch(request):
    if request.url.endswith("/oauth/token"):
        return Response(status=200, body=b'{"access_token":"t","expires_in":3600}')
    assert request.headers["authorization"] == "Bearer t", request.headers
    return Response(status=200, body=b'{"user_id":"%s"}' % request.url.rpartition("/")[2].encode())

async def fetch_async(request):
    return fetch(request)

def blocking(who):
    with ManagementClient(**who) as management, AuthenticationClient(**who) as auth:
        user = management.users.get("ada").data
        return user, auth.oauth.client_credentials_grant(audience="api").data

def asynchronous(who):
    import asyncio, logging
    # In development mode asyncio tells of a machine that is slow.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    async def main():
        async with AsyncManagementClient(**who) as management, AsyncAuthenticationClient(**who) as auth:
            user = (await management.users.get("ada")).data
            return user, (await auth.oauth.client_credentials_grant(audience="api")).data
    return asyncio.run(main())

def message(function, *arguments, **options):
    try:
        function(*arguments, **options)
    except Auth0Error as error:
        return str(error)
    raise AssertionError("nothing was refused")

who["domain"] = "tenant.example.com"
"""
CALLS = """
user, tokens = calls(who | made)
assert user.user_id == "ada", user
assert tokens.access_token.startswith("t"), tokens
os.write(1, b"done")
"""

# The places: what comes before the program

FORBIDDING_FILES = """
import os, sys
def forbid(event, arguments):
    if event == "open":
        mode, flags = arguments[1:]
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    else:
        writes = event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate")
    if writes:
        raise OSError(30, "Read-only file system", str(arguments[0]))
sys.addaudithook(forbid)
"""
FORBIDDING_THREADS = """
import _thread, threading
def refuse(*arguments, **options):
    raise RuntimeError("can't start new thread")
_thread.start_new_thread = _thread.start_new = threading.Thread.start = refuse
threading._start_new_thread = refuse
"""
BLOCKING = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""
MEBIBYTES = 128
CAPPED = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({MEBIBYTES} << 20, {MEBIBYTES} << 20))
"""
SILENT = """
import os, sys
sys.stdin = sys.stdout = sys.stderr = sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None
"""


def without(*names: str) -> str:
    """Return what makes modules as good as not there."""
    return BLOCKING.format(names=names)


PLACES = {
    "no HOME, no cryptography": "",
    "a file system that is read only": FORBIDDING_FILES,
    "no threads": FORBIDDING_THREADS,
    "no standard streams": SILENT,
}
if sys.platform == "linux":
    PLACES[f"{MEBIBYTES} MiB of addresses"] = CAPPED


class Base:
    """The base install in folders of its own, and how to run a program over it."""

    def __init__(self, folder: Path, server: Server, ca: Path) -> None:
        self.folder = folder
        self.arguments = f"localhost:{server.port}", str(ca)
        self.packages: dict[str, Path] = {}
        for name in ("anyauth0", "anyauth0_transports", "anyauth0_plugins", "msgspec", "pluggy", "urllib3"):
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            self.packages[name] = Path(spec.origin).parent
        # Ours are where they are; what is beside the others in their folder must not be found.
        for name in ("msgspec", "pluggy", "urllib3"):
            copytree(self.packages[name], folder / name)
        self.path = [*(str(path.parent) for name, path in self.packages.items() if "anyauth0" in name)]
        self.path.append(str(folder))

    def run(self, before: str, code: str, *switches: str, path: list[str] | None = None) -> str:
        """Run a program to its end, and return what it says; it must complain of nothing."""
        paths = f"import sys; sys.path[:0] = {json.dumps(path or self.path)}\n"
        return self.start(before + paths + PROGRAM + textwrap.dedent(code), *switches)

    def start(self, program: str, *switches: str) -> str:
        """Run a program as it is."""
        done = subprocess.run(
            [sys.executable, *BARE, *switches, "-c", program, *self.arguments],
            env={}, cwd="/", capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout
