"""Logout tokens, by which a tenant tells an application that a user has logged out elsewhere."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from .._json import as_object, is_object
from ..clients import AsyncioClient, BlockingClient
from ..endpoint import Async, Mode, Sync, operation
from ..errors import ConfigurationError
from ..flow import Flow
from ..jose import base64url_encode
from ..redaction import Model
from .client import Verification, VerifierOptions, allowed, not_its_own, texts
from .errors import TokenError
from .issuers import Domains, verified_claims
from .replay import MemoryReplayStore, ReplayStore
from .rules import audiences, broken, check_times, optional_texts, time_of

__all__ = ["AsyncLogoutTokenVerifier", "LogoutClaims", "LogoutTokenVerifier", "LogoutTokens"]

_NOUN = "logout token"
_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class LogoutClaims(Model, frozen=True, kw_only=True):
    """Who has logged out: a session, or with no `session_id` all sessions of a user.

    `raw` holds all claims as they came, `issued_at` is in epoch seconds.
    """

    issuer: str
    subject: str | None
    session_id: str | None
    id: str
    issued_at: float
    raw: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<LogoutClaims of {self.issuer}>"


class LogoutTokens(Verification[Mode]):
    """The rules for logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.6)."""

    __slots__ = ("_algorithms", "_client_id", "_max_age", "_replays")
    _not_its_own: ClassVar[Mapping[str, str]] = not_its_own("client_id")

    def __init__(
        self,
        *,
        domain: str | None = None,
        domains: Domains | None = None,
        client_id: str = "",
        algorithms: Sequence[str] = ("RS256",),
        max_age: float = 300.0,
        replay_store: ReplayStore | None = None,
        **options: Unpack[VerifierOptions],
    ) -> None:
        """Build a verifier of logout tokens.

        - `domain`: the tenant's domain or custom domain, or `domains`: several, or a function that is given
          an `IssuerContext` and returns those that are accepted
        - `client_id`: the application that is told
        - `algorithms`: those that tokens may be signed with; never one with a shared secret
        - `max_age`: how many seconds ago a token may have been issued
        - `replay_store`: remembers the ids of tokens; in memory by default

        Raises `ConfigurationError` naming the option that is unknown, missing or wrong.
        """
        super().__init__(domain=domain, domains=domains, **options)
        if not 0 < max_age < 1e9:
            raise ConfigurationError("max_age", 'option "max_age" must be a number of seconds above 0')
        self._client_id = texts("client_id", client_id)
        self._algorithms = allowed("algorithms", algorithms)
        self._max_age = max_age
        self._replays = replay_store or MemoryReplayStore()

    @operation
    def verify(self, token: str) -> Flow[LogoutClaims]:
        """Return who has logged out, once: a token that was verified before is refused.

        Raises `TokenError` with the `rule` and status 400 (section 2.8), and what fetching the keys raises.
        """
        try:
            claims = yield from verified_claims(
                self._issuers,
                token,
                noun=_NOUN,
                algorithms=self._algorithms,
                types=("logout+jwt", "jwt"),
            )
            found = self._judged(claims)
            yield from self._use_up(found)
        except TokenError as error:
            error.error, error.status = "invalid_request", 400
            raise
        return found

    def _judged(self, claims: Mapping[str, Any]) -> LogoutClaims:
        now, tolerance = self._core.options.clock(), self._core.options.clock_tolerance
        audiences(_NOUN, "client_id", claims, self._client_id)
        if "exp" in claims:
            check_times(_NOUN, claims, now, tolerance)
        issued_at = time_of(_NOUN, claims, "iat")
        if not now - self._max_age - tolerance <= issued_at <= now + tolerance:
            window = f"{now - self._max_age:.0f} to {now:.0f}"
            raise broken(
                _NOUN, "iat", 'it is too old, or from the future; check "max_age"', window, issued_at
            )
        if not is_object(as_object(claims.get("events")).get(_EVENT)):
            raise broken(_NOUN, "events", "it tells of something else", _EVENT, claims.get("events"))
        if "nonce" in claims:
            raise TokenError(
                "nonce", "the logout token has a nonce; it may be an ID token, which does not log out"
            )
        subject, session_id, token_id = optional_texts(_NOUN, claims, "sub", "sid", "jti")
        if subject is None and session_id is None:
            raise broken(_NOUN, "sid", "it names neither session (sid) nor user (sub)", "a text", None)
        if token_id is None:
            raise broken(_NOUN, "jti", "without it a replay cannot be told", "a text", None)
        return LogoutClaims(
            issuer=claims["iss"],
            subject=subject,
            session_id=session_id,
            id=token_id,
            issued_at=issued_at,
            raw=claims,
        )

    def _use_up(self, found: LogoutClaims) -> Flow[None]:
        options = self._core.options
        name = hashlib.sha256(f"{found.issuer} {found.id}".encode("utf-8", "surrogatepass")).digest()
        # A second more, because it is still good in the last one.
        until = found.issued_at + self._max_age + options.clock_tolerance + 1
        new = yield from self._replays.remember(
            f"logout:{base64url_encode(name)}", now=options.clock(), until=until
        )
        if not new:
            raise TokenError(
                "jti", "the logout token was used before; it was sent again, or by somebody else"
            )


class LogoutTokenVerifier(LogoutTokens[Sync], BlockingClient):
    """Verifies logout tokens, blocking. Safe to share between threads.

    verifier = LogoutTokenVerifier(domain="tenant.eu.auth0.com", client_id=...)
    logout = verifier.verify(request.form["logout_token"])
    """

    __slots__ = ()


class AsyncLogoutTokenVerifier(LogoutTokens[Async], AsyncioClient):
    """Verifies logout tokens, for asyncio.

    verifier = AsyncLogoutTokenVerifier(domain="tenant.eu.auth0.com", client_id=...)
    logout = await verifier.verify(form["logout_token"])
    """

    __slots__ = ()
