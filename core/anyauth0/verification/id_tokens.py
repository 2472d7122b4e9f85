"""ID tokens that came by another way than a call of this library, verified by the same rules."""

from collections.abc import Mapping
from typing import Any, ClassVar, Unpack

from ..clients import AsyncioClient, BlockingClient
from ..endpoint import Async, Mode, Sync, operation
from ..errors import ConfigurationError, IdTokenError
from ..flow import Flow
from ..id_token import IdTokenChecks, check_id_token_claims, refused
from ..jose import ALGORITHMS, JoseError, VerifyingKey, parse_token, secret_key, verify_signature
from ..keys.text import clip
from .client import Verification, VerifierOptions, not_its_own, texts
from .issuers import Domains

__all__ = ["AsyncIdTokenVerifier", "IdTokenVerifier", "IdTokens"]


class IdTokens(Verification[Mode]):
    """The rules for ID tokens (OpenID Connect Core, section 3.1.3.7)."""

    __slots__ = ("_algorithms", "_client_id", "_secret")
    _not_its_own: ClassVar[Mapping[str, str]] = not_its_own(
        "client_id", "client_secret", "id_token_signing_alg"
    )

    def __init__(
        self,
        *,
        domain: str | None = None,
        domains: Domains | None = None,
        client_id: str = "",
        client_secret: str | None = None,
        id_token_signing_alg: str = "RS256",
        **options: Unpack[VerifierOptions],
    ) -> None:
        """Build a verifier of ID tokens.

        - `domain`: the tenant's domain or custom domain, or `domains`: several, or a function that is given
          an `IssuerContext` and returns those that are accepted
        - `client_id`: the application that the user logged in to
        - `client_secret`: its secret, for HS256
        - `id_token_signing_alg`: the only algorithm that is accepted

        Raises `ConfigurationError` naming the option that is unknown, missing or wrong.
        """
        super().__init__(domain=domain, domains=domains, **options)
        (self._client_id,) = texts("client_id", client_id)
        if id_token_signing_alg not in ALGORITHMS:
            names = ", ".join(ALGORITHMS)
            raise ConfigurationError(
                "id_token_signing_alg", f'option "id_token_signing_alg" must be one of {names}'
            )
        self._secret: VerifyingKey | None = None
        if id_token_signing_alg.startswith("HS"):
            if not client_secret:
                message = f'{id_token_signing_alg} needs option "client_secret"'
                raise ConfigurationError("client_secret", message)
            self._secret = secret_key(client_secret).verifying_key
        self._algorithms = (id_token_signing_alg,)

    @operation
    def verify(self, token: str, *, checks: IdTokenChecks = IdTokenChecks()) -> Flow[Mapping[str, Any]]:  # noqa: B008
        """Return the claims of an ID token, which must be good for `checks` too.

        Raises `IdTokenError` with the `rule`, and what fetching the keys raises.
        """
        try:
            parsed = parse_token(token, self._algorithms)
            claims = parsed.claims()
            issuer: Any = claims.get("iss")
            keys = self._issuers.held(issuer) or (yield from self._issuers.find(issuer))
            if keys is None:
                message = f'the ID token was issued by {clip(issuer)}, which is not accepted; check "domain"'
                raise IdTokenError("iss", message, expected="an issuer that is accepted", found=clip(issuer))
            header = parsed.header
            verify_signature(parsed, self._secret or keys.held(header) or (yield from keys.find(header)))
        except JoseError as error:
            raise refused(error) from error.with_traceback(None)
        options = self._core.options
        check_id_token_claims(
            claims,
            issuer=issuer,
            client_id=self._client_id,
            checks=checks,
            clock_tolerance=options.clock_tolerance,
            now=options.clock(),
        )
        return claims


class IdTokenVerifier(IdTokens[Sync], BlockingClient):
    """Verifies ID tokens, blocking. Safe to share between threads.

    verifier = IdTokenVerifier(domain="tenant.eu.auth0.com", client_id=...)
    claims = verifier.verify(token, checks=IdTokenChecks(nonce=nonce))
    """

    __slots__ = ()


class AsyncIdTokenVerifier(IdTokens[Async], AsyncioClient):
    """Verifies ID tokens, for asyncio.

    verifier = AsyncIdTokenVerifier(domain="tenant.eu.auth0.com", client_id=...)
    claims = await verifier.verify(token, checks=IdTokenChecks(nonce=nonce))
    """

    __slots__ = ()
