"""How a client proves to the token endpoint that it is itself: the protocol of the strategies."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from ._json import as_object, parse
from .encoding import FORM, encode_form, encode_json
from .flow import Flow, Handler, send
from .messages import Request, Response
from .redaction import Model

__all__ = ["Authenticated", "ClientAuthentication", "own_proof", "prover"]


class Authenticated(Model, frozen=True, kw_only=True):
    """A request with the client's proof in it: the fields of its body, and headers to add."""

    form: Mapping[str, object]
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"<Authenticated by {', '.join(sorted({*self.form, *self.headers}))}>"


class ClientAuthentication(Protocol):
    """A strategy of client authentication (RFC 6749, section 2.3)."""

    def apply(self, form: Mapping[str, object]) -> Authenticated | Flow[Authenticated]:
        """Return `form` with the proof added, or a flow that returns it. `form` itself is not changed.

        A flow is for a proof that takes I/O: a signature by a key that is elsewhere.

        `form["client_id"]` is there. `client_secret` and `client_assertion` are not: where the caller of a
        method gave one, the strategy is not asked.
        """
        ...

    def address(self, url: str) -> str:
        """Return where a request for `url` goes: with mutual TLS an alias of it, else `url` itself.

        Source: RFC 8705, section 5.
        """
        ...


_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def own_proof(form: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Return the one proof that the caller of a method gave, if any, and `form` without it.

    An assertion says more than a secret; sending both is an error (RFC 6749, section 2.3).
    """
    rest = {name: value for name, value in form.items() if name not in _PROOFS}
    if form.get("client_assertion"):
        kind = form.get("client_assertion_type") or _ASSERTION_TYPE
        return {"client_assertion": form["client_assertion"], "client_assertion_type": kind}, rest
    if form.get("client_secret"):
        return {"client_secret": form["client_secret"]}, rest
    return {}, rest


def prover(strategy: ClientAuthentication, form: Mapping[str, object]) -> Handler:
    """Return the handler that adds the proof of `strategy` to a request with the fields `form`, and sends it.

    It stands next to the transport: each attempt has a proof of its own, since an assertion is good for one
    use, and no middleware sees it.
    """
    return _Prover(strategy, form)


class _Prover:
    # A traceback may be shown with its locals: none here is the form, which may hold a token or a password.
    __slots__ = ("_form", "_strategy")

    def __init__(self, strategy: ClientAuthentication, form: Mapping[str, object]) -> None:
        self._strategy = strategy
        self._form = form

    def __call__(self, request: Request) -> Flow[Response]:
        proof = self._strategy.apply(self._form)
        if not isinstance(proof, Authenticated):
            proof = yield from proof
        return (yield from send(self._with(proof, request)))

    def _with(self, proof: Authenticated, request: Request) -> Request:
        added = {name: value for name, value in proof.form.items() if name not in self._form}
        if added:
            request = msgspec.structs.replace(request, body=_with_fields(request, added))
        return request.with_headers(proof.headers) if proof.headers else request


def _with_fields(request: Request, fields: Mapping[str, object]) -> bytes:
    """Return the body of `request` with `fields` added: a form, or a JSON object."""
    body = request.body or b""
    if request.headers.get("content-type") == FORM:
        return b"&".join(filter(None, (body, encode_form(fields))))
    return encode_json({**as_object(parse(body)), **fields})
