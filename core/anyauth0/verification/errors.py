"""The error of a token that is refused, with all that the answer to its bearer needs."""

from ..errors import Auth0Error

__all__ = ["TokenError"]

_STATUS = {"invalid_request": 400, "insufficient_scope": 403}


class TokenError(Auth0Error):
    """A request or a token is refused.

    - `rule`: which rule it breaks (`"exp"`, `"aud"`, `"signature"`, `"htu"`, ...); `expected` and `found` say
      how, the token itself is in none of them
    - `error`: the word for it: `invalid_request`, `invalid_token` or `insufficient_scope` (RFC 6750, section
      3.1), `invalid_dpop_proof` or `use_dpop_nonce` (RFC 9449, section 7.1); `None` where no token came
    - `status`: 400, 401 or 403, the HTTP status to answer with
    - `www_authenticate`: the value of that header; empty for a logout token, which has none
    - `dpop_nonce`: with `use_dpop_nonce`, the nonce to use
    - `scopes`: with `insufficient_scope`, the scopes that are needed
    """

    def __init__(
        self,
        rule: str,
        message: str,
        *,
        error: str | None = "invalid_token",
        expected: object = None,
        found: object = None,
        scopes: tuple[str, ...] = (),
        dpop_nonce: str | None = None,
    ) -> None:
        super().__init__(message)
        self.rule = rule
        self.error = error
        self.status = _STATUS.get(error or "", 401)
        self.expected = expected
        self.found = found
        self.scopes = scopes
        self.dpop_nonce = dpop_nonce
        self.www_authenticate = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers to answer with: `WWW-Authenticate`, and `DPoP-Nonce` where there is one."""
        found = {"WWW-Authenticate": self.www_authenticate, "DPoP-Nonce": self.dpop_nonce}
        return {name: value for name, value in found.items() if value}
