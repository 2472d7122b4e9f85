"""Protect an API: verify the access token of every request, and tell callers what was wrong with theirs."""

from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from anyauth0 import AuthenticationClient
from anyauth0.verification import AccessTokenVerifier, TokenError
from setting import Setting, run

SCOPES = {"GET": "read:things", "DELETE": "delete:things"}


@contextmanager
def api(verifier: AccessTokenVerifier) -> Generator[str, None, None]:
    """Serve an API on this machine for the length of a `with`; return where."""

    class Things(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url, scope = f"http://{self.headers['host']}{self.path}", SCOPES[self.command]
            try:
                claims = verifier.verify_request(self.command, url, self.headers.items(), scopes=scope)
                status, text, headers = 200, f"Hello {claims.subject}", {}
            except TokenError as error:
                status, text, headers = error.status, error.error or "no token", error.headers
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the caller does."""

    with HTTPServer(("127.0.0.1", 0), Things) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def call(host: str, method: str, headers: dict[str, str]) -> None:
    """Send a request to the API, and say what it answers."""
    connection = HTTPConnection(host, timeout=10)
    connection.request(method, "/things", headers=headers)
    answer = connection.getresponse()
    print(f"{method}: {answer.status} {answer.read().decode()} {answer.headers['www-authenticate'] or ''}")
    connection.close()


def main(setting: Setting) -> None:
    """Call the API without a token, with too small a scope, and as it should be."""
    # One for the life of the program: it keeps the tenant's public keys.
    verifier = AccessTokenVerifier(domain=setting.domain, audience=setting.api, **setting.verifier_options)
    with AuthenticationClient(**setting.options) as auth, verifier, api(verifier) as host:
        token = auth.oauth.client_credentials_grant(audience=setting.api).data.access_token
        call(host, "GET", {})
        call(host, "DELETE", {"authorization": f"Bearer {token}"})
        call(host, "GET", {"authorization": f"Bearer {token}"})


if __name__ == "__main__":
    run(main)
