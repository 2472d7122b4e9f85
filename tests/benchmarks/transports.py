"""What a call costs over each blocking transport: processor time, as a ratio to bare urllib3 in the same run.

python tests/benchmarks/transports.py
"""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import trustme
import urllib3

from anyauth0 import TLS, Request
from anyauth0_transports.http_client import HttpClientTransport
from anyauth0_transports.urllib3 import Urllib3Transport

ROUNDS = 30
CALLS = 200
HEADERS = {
    "authorization": "Bearer " + "t" * 900,
    "user-agent": "anyauth0/1.0 python/3.13",
    "auth0-client": "eyJuYW1lIjoiYW55YXV0aDAifQ",
    "accept": "application/json",
}
BODY = b'{"user_id":"auth0|0123456789","email":"ada@example.com","name":"%s"}' % (b"x" * 600)
# As many headers as the API sends.
ANSWER = b"\r\n".join(
    [
        b"HTTP/1.1 200 OK", b"Date: Tue, 24 Nov 2026 15:46:57 GMT", b"Content-Type: application/json",
        b"Content-Length: %d" % len(BODY), b"Connection: keep-alive", b"CF-RAY: 0123456789abcdef-FRA",
        b"CF-Cache-Status: DYNAMIC", b"Cache-Control: no-cache", b"Vary: origin,accept-encoding",
        b"Strict-Transport-Security: max-age=31536000; includeSubDomains", b"X-Content-Type-Options: nosniff",
        b"X-RateLimit-Limit: 100", b"X-RateLimit-Remaining: 99", b"X-RateLimit-Reset: 1795535217",
        b"Auth0-Quota-Tenant-Limit: b=per_hour;q=100;r=99;t=1", b"Server: cloudflare", b"", BODY,
    ]
)  # fmt: skip


def serve(certificate: str) -> None:
    """Answer for ever at two ports, which are printed: in the clear, and over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def converse(sock: socket.socket, settings: ssl.SSLContext | None) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if settings is not None:
            sock = settings.wrap_socket(sock, server_side=True)
        with sock:
            while sock.recv(65536):
                sock.sendall(ANSWER)

    def accept(listener: socket.socket, settings: ssl.SSLContext | None) -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=converse, args=(sock, settings), daemon=True).start()

    for settings in (None, context):
        listener = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        threading.Thread(target=accept, args=(listener, settings), daemon=True).start()
    sys.stdout.flush()
    sys.stdin.read()


def measure(what: str, url: str, ca: Path) -> None:
    """Measure, each in turn with the others so that all meet the same machine, and print."""
    request = Request(method="GET", url=url, headers=HEADERS, timeout=20)
    tls = TLS(ca=ca)
    ours = [Urllib3Transport(tls=tls, proxy=False), HttpClientTransport(tls=tls, proxy=False)]
    with urllib3.PoolManager(ca_certs=str(ca)) as pool:
        calls: dict[str, Callable[[], object]] = {
            "urllib3": lambda: pool.request("GET", url, headers=HEADERS, timeout=20, retries=False).data,
            "Urllib3Transport": lambda: ours[0].send(request).body,
            "HttpClientTransport": lambda: ours[1].send(request).body,
        }
        assert {call() for call in calls.values()} == {BODY}
        best = dict.fromkeys(calls, float("inf"))
        for _ in range(ROUNDS):
            for name, call in calls.items():
                begun = process_time()
                for _ in range(CALLS):
                    call()
                best[name] = min(best[name], (process_time() - begun) / CALLS)
    for transport in ours:
        transport.close()
    for name, seconds in best.items():
        against = " ".join(f"{seconds / best[other]:6.2f} x" for other in ("urllib3", "Urllib3Transport"))
        sys.stdout.write(f"{what:6} {name:20} {seconds * 1e6:7.1f} us {against}\n")


def main() -> None:
    """Start the server in a process of its own, so that its time does not count."""
    authority = trustme.CA()
    with TemporaryDirectory() as folder:
        certificate, ca = Path(folder, "server.pem"), Path(folder, "ca.pem")
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        authority.cert_pem.write_to_path(ca)
        command = [sys.executable, __file__, str(certificate)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            plain, secure = (int(server.stdout.readline()) for _ in range(2))
            sys.stdout.write("                               per call  urllib3  ours over it\n")
            measure("http", f"http://localhost:{plain}/api/v2/users/1", ca)
            measure("https", f"https://localhost:{secure}/api/v2/users/1", ca)
            # The end of its input is the end of the server.
            server.communicate()


if __name__ == "__main__":
    serve(sys.argv[1]) if sys.argv[1:] else main()
