"""The server of the benchmarks, in a process of its own so that its time does not count."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
import msgspec
import trustme

from .samples import answer, page, user

ROOT = Path(__file__).parents[2]


class Server(msgspec.Struct, frozen=True):
    """Where it listens (`localhost:1234`), in the clear and over TLS, and the authorities to trust."""

    plain: str
    secure: str
    authorities: str

    def environment(self) -> dict[str, str]:
        """Return the environment in which a fresh process trusts it, whatever library it uses."""
        return {"SSL_CERT_FILE": self.authorities, "REQUESTS_CA_BUNDLE": self.authorities}


@contextmanager
def serving() -> Iterator[Server]:
    """Start the server, and end it by the end of its input."""
    authority = trustme.CA()
    with TemporaryDirectory() as folder:
        certificate, bundle = Path(folder, "server.pem"), Path(folder, "authorities.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        # As many authorities as a real system has: reading them is much of the first call.
        bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        command = [sys.executable, "-m", __name__, str(certificate)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            plain, secure = (int(process.stdout.readline()) for _ in range(2))
            try:
                yield Server(f"localhost:{plain}", f"localhost:{secure}", str(bundle))
            finally:
                process.communicate()


def _serve(certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    one, many = answer(user(1)), answer(page())

    def converse(sock: socket.socket, settings: ssl.SSLContext | None) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if settings is not None:
                sock = settings.wrap_socket(sock, server_side=True)
            with sock:
                asked = b""
                while received := sock.recv(65536):
                    asked += received
                    if asked.endswith(b"\r\n\r\n"):
                        sock.sendall(many if b"/users?" in asked.partition(b"\r\n")[0] else one)
                        asked = b""
        except OSError:
            # A client that is gone in the middle is none of its business.
            pass

    def accept(listener: socket.socket, settings: ssl.SSLContext | None) -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=converse, args=(sock, settings), daemon=True).start()

    for settings in (None, context):
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        threading.Thread(target=accept, args=(listener, settings), daemon=True).start()
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _serve(sys.argv[1])
