"""Authorization requests as one value: the address to send a user to, and what the way back is checked by."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import msgspec

from ..arguments import require_address
from ..encoding import encode_query, json_text
from ..errors import AuthorizationError, InvalidArgumentError
from ..id_token import IdTokenChecks
from ..pkce import code_challenge, code_verifier
from ..redaction import Model

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["AuthorizationRequest", "authorization_request", "code_of", "split_address"]

DEFAULT_SCOPE = "openid profile email"
_OURS = {
    "client_id": "it is that of the client",
    "code_challenge": "it is made from a secret of our own",
    "code_challenge_method": "it is S256",
    "response_type": "it is code: the only one that this flow can complete",
    "request_uri": "give pushed=True, or use oauth.pushed_authorization",
}


class AuthorizationRequest(Model, frozen=True, kw_only=True):
    """An authorization request that is under way: send the user to `url`, keep the rest until the callback.

    It holds secrets (`state`, `nonce`, `code_verifier`): keep it in a session on the server, or in an
    encrypted cookie. `to_bytes` and `from_bytes` write and read it.
    """

    url: str
    state: str
    code_verifier: str
    redirect_uri: str
    nonce: str | None = None
    max_age: float | None = None
    organization: str | None = None

    def to_bytes(self) -> bytes:
        """Return it as JSON, for a session store."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes | str, /) -> "AuthorizationRequest":
        """Return what `to_bytes` wrote.

        Raises `InvalidArgumentError` for anything else.
        """
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
            pass
        raise InvalidArgumentError("data", 'this "data" was not written by AuthorizationRequest.to_bytes()')

    def __repr__(self) -> str:
        from urllib.parse import urlsplit

        host = urlsplit(self.url).hostname
        return f"<AuthorizationRequest to {host}, back to {urlsplit(self.redirect_uri).hostname}>"


def authorization_request(
    base_url: str, client_id: str, fields: Mapping[str, object], more: Mapping[str, object]
) -> tuple[AuthorizationRequest, dict[str, object]]:
    """Return the request with its address, and its parameters for who wants to push them.

    `fields` are the parameters that have a name of their own, `more` any others.
    """
    require_address("authorize", "redirect_uri", fields.get("redirect_uri"))
    for name, reason in _OURS.items():
        if name in more:
            raise InvalidArgumentError(name, f'authorize takes no "{name}": {reason}')
    verifier = code_verifier()
    parameters: dict[str, object] = {
        "response_type": "code",
        "client_id": client_id,
        **{name: json_text(value) for name, value in {**fields, **more}.items() if value is not None},
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    import secrets

    parameters.setdefault("state", secrets.token_urlsafe(24))
    if "openid" in str(parameters.get("scope", "")).split():
        parameters.setdefault("nonce", secrets.token_urlsafe(24))
    checks = IdTokenChecks(
        nonce=_of(parameters, "nonce"),
        max_age=cast("float | None", fields.get("max_age")),
        organization=_of(parameters, "organization"),
    )
    request = AuthorizationRequest(
        url=f"{base_url}/authorize?{encode_query(parameters)}",
        state=str(parameters["state"]),
        code_verifier=verifier,
        redirect_uri=str(parameters["redirect_uri"]),
        nonce=checks.nonce,
        max_age=checks.max_age,
        organization=checks.organization,
    )
    return request, parameters


def _of(parameters: Mapping[str, object], name: str) -> str | None:
    value = parameters.get(name)
    return None if value is None else str(value)


def code_of(request: AuthorizationRequest, callback: str | Mapping[str, str], issuer: str) -> str:
    """Return the code of an authorization response, after the checks of RFC 9700, section 4.

    Raises `InvalidArgumentError` for what is no callback, `AuthorizationError` when it belongs to another
    request, or tells of an error.
    """
    from hmac import compare_digest

    answer = _parameters(callback)
    states = (text.encode("utf-8", "surrogatepass") for text in (answer.get("state", ""), request.state))
    if not compare_digest(*states):
        raise AuthorizationError(
            "state_mismatch",
            "the callback does not belong to this authorization request (its state differs); "
            "start the login again, and look whether the session was lost",
        )
    if answer.get("iss", issuer) != issuer:
        raise AuthorizationError(
            "issuer_mismatch", f"the callback is not from {issuer} (RFC 9207); start the login again"
        )
    if error := answer.get("error"):
        said = answer.get("error_description")
        raise AuthorizationError(
            error, f"the login ended with {error}{f': {said}' if said else ''}", description=said
        )
    if not answer.get("code"):
        raise AuthorizationError(
            "no_code", "the callback has no code; give the whole address that the user came back to"
        )
    return answer["code"]


def split_address(name: str, address: str) -> "SplitResult":
    """Split an address. Raises `InvalidArgumentError` for what is none."""
    from urllib.parse import urlsplit

    try:
        if isinstance(cast("object", address), str):
            return urlsplit(address)
    except ValueError:
        # The error may hold the whole of it.
        pass
    raise InvalidArgumentError(name, f'this "{name}" is no address; give it as the user came to it')


def _parameters(callback: str | Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a callback: its address, its query alone, or the fields of a form."""
    from urllib.parse import parse_qsl

    pairs: list[tuple[str, str]]
    if isinstance(callback, str):
        parts = split_address("callback", callback)
        query = parts.query or parts.fragment
        if not query and not parts.scheme:
            query = callback
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
    elif isinstance(cast("object", callback), Mapping):
        pairs = list(callback.items())
    else:
        raise InvalidArgumentError(
            "callback",
            'auth.complete: "callback" must be the address that the user came back to, or a mapping',
        )
    found = dict(pairs)
    if len(found) < len(pairs):
        # Whoever sees one of two values checks another than the one that is used.
        raise InvalidArgumentError(
            "callback", 'a parameter is in the "callback" twice; start the login again'
        )
    return found
