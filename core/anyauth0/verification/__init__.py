"""Tokens verified by those who are sent them: APIs, and applications that are told of a logout.

    from anyauth0.verification import AccessTokenVerifier, TokenError

Nothing here is loaded by `import anyauth0`.
"""

from .access_tokens import AccessTokenVerifier, AsyncAccessTokenVerifier
from .challenges import DPoPMode
from .claims import AccessTokenClaims, Actor, ClaimValue
from .client import VerifierOptions
from .errors import TokenError
from .id_tokens import AsyncIdTokenVerifier, IdTokenVerifier
from .issuers import IssuerContext
from .logout_tokens import AsyncLogoutTokenVerifier, LogoutClaims, LogoutTokenVerifier
from .replay import MemoryReplayStore, ReplayStore
from .requests import Headers
from .resource_metadata import protected_resource_metadata, protected_resource_metadata_path

__all__ = [
    "AccessTokenClaims", "AccessTokenVerifier", "Actor", "AsyncAccessTokenVerifier", "AsyncIdTokenVerifier",
    "AsyncLogoutTokenVerifier", "ClaimValue", "DPoPMode", "Headers", "IdTokenVerifier", "IssuerContext",
    "LogoutClaims", "LogoutTokenVerifier", "MemoryReplayStore", "ReplayStore", "TokenError",
    "VerifierOptions", "protected_resource_metadata", "protected_resource_metadata_path",
]  # fmt: skip
