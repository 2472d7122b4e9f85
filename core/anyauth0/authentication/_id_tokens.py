"""Token requests, whose answer is checked before the caller sees it: an ID token in it must be good."""

from collections.abc import Mapping

from .._json import as_text
from ..client import Core
from ..endpoint import Call
from ..errors import AuthorizationError, DecodingError, IdTokenError
from ..flow import Flow
from ..id_token import IdTokenChecks, verify_id_token
from ..jwks import JwksCache
from ..messages import ApiResponse
from .models import TokenSet


def token_call(
    grant_type: str | None,
    form: Mapping[str, object],
    checks: IdTokenChecks | None = None,
    *,
    headers: Mapping[str, str] = {},
    refuse_unexpected_nonce: bool = False,
    as_json: bool = False,
    needed: bool = True,
) -> Call[TokenSet]:
    """Return the call of one grant at the token endpoint.

    With `refuse_unexpected_nonce`, an ID token with a nonce that `checks` does not expect is refused. A grant
    whose fields are nested goes `as_json`; `grant_type` is `None` where there is none to say. With `needed`,
    an answer without an ID token is an error where there are checks.
    """

    def check(core: Core, answer: ApiResponse[TokenSet]) -> Flow[None]:
        tokens = answer.data
        if not isinstance(tokens, TokenSet) or as_text(tokens.access_token) is None:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DecodingError("POST /oauth/token answered 2xx without an access token; check the domain")
        _check_bond(tokens, bound=core.options.dpop is not None)
        if tokens.id_token is not None:
            yield from _verify(
                core, tokens.id_token, form, checks or IdTokenChecks(), refuse_unexpected_nonce
            )
        elif needed and checks is not None and checks != IdTokenChecks():
            raise IdTokenError(
                "id_token",
                "the answer has no ID token to check; ask for the scope openid, or leave out id_token=",
            )

    fields = form if grant_type is None else {**form, "grant_type": grant_type}
    if as_json:
        return Call(TokenSet, json=fields, headers=headers, check=check)
    return Call(TokenSet, form=fields, headers=headers, check=check)


def _check_bond(tokens: TokenSet, *, bound: bool) -> None:
    """Refuse a token that is bound to no key though one was given, or to a key though none was.

    Raises `AuthorizationError` (RFC 9449, section 5).
    """
    kind = str(tokens.token_type).lower()
    if bound and kind == "bearer":
        raise AuthorizationError(
            "token_type",
            "the token is not bound to the key of option dpop; turn DPoP on for the API and the client",
        )
    if not bound and kind == "dpop":
        raise AuthorizationError(
            "token_type",
            'the token is bound to a key (DPoP) that this client does not have; give option "dpop"',
        )


def _verify(
    core: Core, token: str, form: Mapping[str, object], checks: IdTokenChecks, refuse_unexpected_nonce: bool
) -> Flow[None]:
    options = core.options
    session = core.session
    if session.jwks is None:
        url = f"https://{options.domain}/.well-known/jwks.json"
        session.jwks = JwksCache(url, lambda: core.get(url), clock=options.clock)
    yield from verify_id_token(
        token,
        issuer=f"https://{options.domain}/",
        client_id=str(form.get("client_id") or options.client_id),
        algorithm=options.id_token_signing_alg,
        jwks=session.jwks,
        client_secret=as_text(form.get("client_secret")) or options.client_secret,
        checks=checks,
        clock_tolerance=options.clock_tolerance,
        now=options.clock(),
        refuse_unexpected_nonce=refuse_unexpected_nonce,
    )
