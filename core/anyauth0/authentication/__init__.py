"""The Authentication API: sign-up, tokens, passwordless, user info; blocking and asyncio."""

from .client import AsyncAuthenticationClient, AuthenticationClient

__all__ = ["AsyncAuthenticationClient", "AuthenticationClient"]
