"""Access tokens, verified by the API that they are for, with what they are bound to."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Unpack

from ..clients import AsyncioClient, BlockingClient
from ..endpoint import Async, Mode, Sync, operation
from ..errors import ConfigurationError
from ..flow import Flow
from ..jose import base64url_encode
from .bindings import Certificate, check_binding
from .challenges import Challenges, DPoPMode
from .claims import AccessTokenClaims, ClaimValue, access_token_claims, check_claims, check_scopes
from .client import Verification, VerifierOptions, allowed, not_its_own, texts
from .dpop import PROOF_ALGORITHMS, Proof, verify_proof
from .errors import TokenError
from .issuers import Domains, verified_claims
from .replay import MemoryReplayStore, ReplayStore
from .requests import Headers, gather, scheme_of, token_of

__all__ = ["AccessTokenVerifier", "AccessTokens", "AsyncAccessTokenVerifier"]

_MODES = ("allowed", "required", "disabled")


class AccessTokens(Verification[Mode]):
    """The rules for access tokens (RFC 9068, RFC 6750, RFC 9449, RFC 8705)."""

    __slots__ = ("_audience", "_challenges", "_claims", "_replays")
    _not_its_own: ClassVar[Mapping[str, str]] = not_its_own("audience")

    def __init__(
        self,
        *,
        domain: str | None = None,
        domains: Domains | None = None,
        audience: str | Sequence[str] = (),
        algorithms: Sequence[str] = ("RS256",),
        dpop: DPoPMode = "allowed",
        dpop_algorithms: Sequence[str] = ("ES256",),
        replay_store: ReplayStore | None = None,
        realm: str = "api",
        resource_metadata: str | None = None,
        **options: Unpack[VerifierOptions],
    ) -> None:
        """Build a verifier of access tokens.

        - `domain`: the tenant's domain or custom domain, or `domains`: several, or a function that is given
          an `IssuerContext` and returns those that are accepted
        - `audience`: the identifier of this API, or several of them
        - `algorithms`: those that tokens may be signed with; never one with a shared secret
        - `dpop`: whether proofs are taken (`"allowed"`), the only way (`"required"`), or `"disabled"`
        - `dpop_algorithms`: ES256, ES384, EdDSA
        - `replay_store`: remembers the ids of proofs; in memory by default
        - `realm`, `resource_metadata`: what `WWW-Authenticate` says of this API (RFC 9728, section 5.1)

        Raises `ConfigurationError` naming the option that is unknown, missing or wrong.
        """
        super().__init__(domain=domain, domains=domains, **options)
        if dpop not in _MODES:
            raise ConfigurationError("dpop", f'option "dpop" must be one of {", ".join(_MODES)}')
        self._audience = texts("audience", audience)
        self._claims = partial(
            verified_claims,
            self._issuers,
            noun="access token",
            algorithms=allowed("algorithms", algorithms),
            types=("at+jwt", "jwt"),
        )
        self._replays = replay_store or MemoryReplayStore()
        self._challenges = Challenges(
            dpop=dpop,
            dpop_algorithms=allowed("dpop_algorithms", dpop_algorithms, PROOF_ALGORITHMS),
            realm=texts("realm", realm)[0],
            resource_metadata=resource_metadata,
        )

    @operation
    def verify(
        self, token: str, *, scopes: str | Sequence[str] = (), claims: Mapping[str, ClaimValue] = {}
    ) -> Flow[AccessTokenClaims]:
        """Return the claims of an access token that is good for whoever has it.

        The token must have every one of `scopes`, and each of `claims` with its value (`...` for any). A
        token that is bound to a key or a certificate is refused: only `verify_request` can check that.

        Raises `TokenError`, and what fetching the keys raises.
        """
        try:
            verified = self._judged((yield from self._claims(token)))
            check_binding(verified.raw, scheme="Bearer", proof_key=None, certificate=None)
            _check_demands(verified, scopes, claims)
        except TokenError as error:
            error.www_authenticate = self._challenges.header(error, "Bearer")
            raise
        return verified

    @operation
    def verify_request(
        self,
        method: str,
        url: str,
        headers: Headers,
        *,
        scopes: str | Sequence[str] = (),
        claims: Mapping[str, ClaimValue] = {},
        client_certificate: Certificate | None = None,
        nonces: Sequence[str] = (),
    ) -> Flow[AccessTokenClaims]:
        """Return the claims of the access token of a request, whose sender holds what it is bound to.

        - `url`: as the caller wrote it, so behind a proxy the outer one
        - `headers`: a mapping, or pairs where your framework keeps a header that came twice as two
        - `scopes`, `claims`: as for `verify`
        - `client_certificate`: that of the TLS connection, DER or PEM, verified by whoever ended it
        - `nonces`: the nonces of this server that a DPoP proof may carry, the one to offer first (RFC 9449,
          section 9); without, none is asked for

        Raises `TokenError` with `status` and `headers` of the answer, and what fetching the keys raises.
        """
        gathered = gather(headers)
        schemes = self._challenges.schemes
        scheme = scheme_of(gathered, schemes)
        try:
            if scheme is None:
                names = " or ".join(schemes)
                message = (
                    f"the request has no token in its Authorization header; send it with the scheme {names}"
                )
                raise TokenError("authorization", message, error=None, expected=names)
            token = token_of(gathered)
            verified = self._judged((yield from self._claims(token, url=url, headers=gathered)))
            proof = None
            if scheme == "DPoP":
                proof = self._proof(gathered, method, url, token, nonces)
            check_binding(
                verified.raw,
                scheme=scheme,
                proof_key=None if proof is None else proof.thumbprint,
                certificate=client_certificate,
            )
            if proof is not None:
                yield from self._use_up(proof)
            _check_demands(verified, scopes, claims)
        except TokenError as error:
            error.www_authenticate = self._challenges.header(error, scheme or schemes[0])
            raise
        return verified

    def _judged(self, claims: Mapping[str, Any]) -> AccessTokenClaims:
        options = self._core.options
        return access_token_claims(
            claims, audience=self._audience, now=options.clock(), tolerance=options.clock_tolerance
        )

    def _proof(
        self, headers: Mapping[str, list[str]], method: str, url: str, token: str, nonces: Sequence[str]
    ) -> Proof:
        return verify_proof(
            headers,
            method=method,
            url=url,
            token=token,
            algorithms=self._challenges.dpop_algorithms,
            nonces=nonces,
            now=self._core.options.clock(),
        )

    def _use_up(self, proof: Proof) -> Flow[None]:
        """Raise `TokenError` when the proof was used before."""
        # A hash, because whoever made the proof chose the id and its length.
        name = hashlib.sha256(f"{proof.thumbprint} {proof.id}".encode("utf-8", "surrogatepass")).digest()
        key = f"dpop:{base64url_encode(name)}"
        new = yield from self._replays.remember(key, now=self._core.options.clock(), until=proof.until)
        if not new:
            raise TokenError(
                "jti", "the DPoP proof was used before; make one a request", error="invalid_dpop_proof"
            )


class AccessTokenVerifier(AccessTokens[Sync], BlockingClient):
    """Verifies the access tokens that an API is sent, blocking. Safe to share between threads.

    verifier = AccessTokenVerifier(domain="tenant.eu.auth0.com", audience="https://api.example.com/")
    claims = verifier.verify_request(request.method, request.url, request.headers, scopes=("read:notes",))
    """

    __slots__ = ()


class AsyncAccessTokenVerifier(AccessTokens[Async], AsyncioClient):
    """Verifies the access tokens that an API is sent, for asyncio.

    verifier = AsyncAccessTokenVerifier(domain="tenant.eu.auth0.com", audience="https://api.example.com/")
    claims = await verifier.verify_request(method, url, headers, scopes=("read:notes",))
    """

    __slots__ = ()


def _check_demands(
    verified: AccessTokenClaims, scopes: str | Sequence[str], claims: Mapping[str, ClaimValue]
) -> None:
    if claims:
        check_claims(verified.raw, claims)
    if scopes:
        check_scopes(verified, scopes.split() if isinstance(scopes, str) else scopes)
