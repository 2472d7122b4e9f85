"""Client authentication by a signed assertion, `private_key_jwt` (OpenID Connect Core, section 9)."""

import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from anyauth0 import Authenticated, ClientAuthentication, ClientOptions, hookimpl

if TYPE_CHECKING:
    from anyauth0.jose import SigningKey

__all__ = ["ASSERTION_TYPE", "ClientAssertion"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = 60


class ClientAssertion:
    """Signs a new assertion for every request: each is good for one minute, and for one use."""

    def __init__(
        self,
        key: "SigningKey",
        *,
        audience: str,
        algorithm: str = "RS256",
        key_id: str | None = None,
        clock: Callable[[], float],
    ) -> None:
        self._key = key
        self._audience = audience
        self._algorithm = algorithm
        self._headers = {"kid": key_id} if key_id else {}
        self._clock = clock

    def apply(self, form: Mapping[str, object]) -> Authenticated:
        """Return `form` with a new assertion."""
        now = int(self._clock())
        claims = {
            "iss": form["client_id"],
            "sub": form["client_id"],
            "aud": self._audience,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        assertion = self._key.sign(claims, algorithm=self._algorithm, headers=self._headers)
        return Authenticated(
            form={**form, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
        )

    def address(self, url: str) -> str:
        """Return `url` itself."""
        return url


@hookimpl
def anyauth0_client_authentication(options: ClientOptions) -> ClientAuthentication | None:
    """Offer `private_key_jwt` to a client that has a signing key.

    Raises `ConfigurationError` when the key cannot be read or does not fit the algorithm.
    """
    if not options.client_assertion_signing_key:
        return None
    # Every client loads this module; only one that has a key needs what signs.
    from anyauth0.jose import load_private_key

    algorithm = options.client_assertion_signing_alg
    key = load_private_key(
        options.client_assertion_signing_key,
        password=options.client_assertion_signing_key_password,
        algorithm=algorithm,
    )
    return ClientAssertion(
        key,
        # The tenant itself, also where the request goes to its mTLS host.
        audience=f"https://{options.domain}/",
        algorithm=algorithm,
        key_id=options.client_assertion_signing_key_id,
        clock=options.clock,
    )
