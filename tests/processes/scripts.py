"""Programs that run in a process of their own against a server of the test, and fork as they like."""

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

from ..transports.servers import Handler, Peer, Server, answer

__all__ = ["Tenant", "arguments", "finished", "run", "start"]

# A process that hangs is killed: an alarm is no child's by inheritance.
_PRELUDE = """
    import logging, os, signal, sys, threading, traceback
    from pathlib import Path
    from anyauth0 import *
    from anyauth0_plugins.file_store import FileTokenStore

    # In development mode asyncio tells of a machine that is slow.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    signal.alarm(60)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = {
        "domain": sys.argv[1], "tls": TLS(ca=Path(sys.argv[2]).read_bytes()), "proxy": False,
        "client_id": "app", "client_secret": "s", "retry": False, "timeout": 60,
    }

    def fork(main, *arguments):
        process = os.fork()
        if process:
            return process
        signal.alarm(30)
        failed = 1
        try:
            main(*arguments)
            failed = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(failed)

    def join(*processes):
        for process in processes:
            assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program in development mode, where every warning but that of a fork among threads is an error.

    It finds `options`, `fork` and `join`.
    """
    program = textwrap.dedent(_PRELUDE) + textwrap.dedent(code)
    switches = ["-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning"]
    return subprocess.Popen(
        [sys.executable, *switches, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str], given: str = "") -> tuple[list[str], str]:
    """Return the lines that a program has said, and what it complained of; it must end well."""
    said, complained = process.communicate(given, timeout=90)
    assert process.returncode != -signal.SIGALRM, "it hangs"
    assert process.returncode == 0, complained
    return said.splitlines(), complained


def run(code: str, *arguments: object) -> list[str]:
    """Run a program that complains of nothing, and return the lines that it says."""
    said, complained = finished(start(code, *arguments))
    assert complained == ""
    return said


def arguments(server: Server, ca_file: Path) -> tuple[str, Path]:
    """Return the arguments from which a program makes its `options`."""
    return f"localhost:{server.port}", ca_file


class Tenant:
    """A handler for `serve`: gives out tokens, and answers a user by the id that was asked for.

    `conversations` has the ids of each connection. What the first `silent` requests for a token get is
    nothing; `asked` is set then. `answers` has other answers by target, which are the last of a connection.
    """

    def __init__(self, *, silent: int = 0) -> None:
        self.conversations: list[list[str]] = []
        self.answers: dict[str, Handler] = {}
        self.tokens = 0
        self.asked = threading.Event()
        self._silent = silent
        self._guard = threading.Lock()

    def __call__(self, peer: Peer) -> None:
        users: list[str] = []
        self.conversations.append(users)
        while (received := peer.read()) is not None:
            if received.target == "/oauth/token":
                with self._guard:
                    self.tokens += 1
                    silent, number = self.tokens <= self._silent, self.tokens
                if silent:
                    self.asked.set()
                    return peer.wait_until_gone()
                peer.send(answer(200, b'{"access_token":"t%d","expires_in":3600}' % number))
            elif received.target in self.answers:
                return self.answers[received.target](peer)
            else:
                users.append(received.target.rpartition("/")[2])
                peer.send(answer(200, b'{"user_id":"%s"}' % users[-1].encode()))
        return None
