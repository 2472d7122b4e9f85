"""Which signature algorithms there are, and which kind of key each of them needs."""

from typing import TYPE_CHECKING, NoReturn

import msgspec

from ..errors import ConfigurationError
from .text import clip

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

__all__ = ["ALGORITHMS", "Algorithm", "fitting", "need_cryptography", "refuse", "wanted", "with_article"]

_KEY_OPTION = "client_assertion_signing_key"


class Algorithm(msgspec.Struct, frozen=True):
    """What an algorithm asks of a key, and the length of its hash."""

    kind: str
    bits: int
    pss: bool = False

    @property
    def hash(self) -> "HashAlgorithm":
        """The hash."""
        from cryptography.hazmat.primitives import hashes

        by_bits: dict[int, HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
        return by_bits[self.bits]

    @property
    def rsa_padding(self) -> "AsymmetricPadding":
        """The padding, for RSA (RFC 7518, sections 3.3 and 3.5)."""
        from cryptography.hazmat.primitives.asymmetric import padding

        if self.pss:
            return padding.PSS(padding.MGF1(self.hash), padding.PSS.DIGEST_LENGTH)
        return padding.PKCS1v15()


ALGORITHMS = {
    "RS256": Algorithm("RSA", 256),
    "RS384": Algorithm("RSA", 384),
    "RS512": Algorithm("RSA", 512),
    "PS256": Algorithm("RSA", 256, pss=True),
    "PS384": Algorithm("RSA", 384, pss=True),
    "PS512": Algorithm("RSA", 512, pss=True),
    "ES256": Algorithm("EC P-256", 256),
    "ES384": Algorithm("EC P-384", 384),
    "EdDSA": Algorithm("Ed25519", 512),
    "HS256": Algorithm("secret", 256),
    "HS384": Algorithm("secret", 384),
    "HS512": Algorithm("secret", 512),
}
"""By the names of RFC 7518, section 3.1, and RFC 8037; `none` does not exist here."""


def fitting(kind: str) -> frozenset[str]:
    """Return the algorithms that fit a kind of key."""
    return frozenset(name for name, algorithm in ALGORITHMS.items() if algorithm.kind == kind)


def wanted(name: str, kind: str | None = None) -> Algorithm:
    """Return the algorithm of that name, which must fit `kind` if given. Raises `ConfigurationError`."""
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        option = "client_assertion_signing_alg"
        names = ", ".join(ALGORITHMS)
        raise ConfigurationError(option, f'"{option}" is {clip(name)}, and must be one of {names}')
    if kind is not None and kind != algorithm.kind:
        fit = ", ".join(sorted(fitting(kind)))
        mend = f"set the algorithm to one of {fit}" if fit else "use RSA of 2048 bits, EC P-256 or Ed25519"
        refuse(f"is {with_article(kind)} key, but {name} needs {with_article(algorithm.kind)} key; {mend}")
    return algorithm


def refuse(what: str, cause: Exception | None = None) -> NoReturn:
    """Raise the `ConfigurationError` of a signing key."""
    if cause is not None:
        # Its frames hold the key.
        cause.with_traceback(None)
    raise ConfigurationError(_KEY_OPTION, f'"{_KEY_OPTION}" {what}') from cause


def need_cryptography() -> None:
    """Raise `ConfigurationError` where the package `cryptography` is not installed."""
    try:
        import cryptography as _  # noqa: F401
    except ImportError as error:
        mend = "pip install 'anyauth0[crypto]'"
        message = f'the package "cryptography" is needed for every algorithm but HS256 and its like; {mend}'
        raise ConfigurationError("cryptography", message) from error


def with_article(kind: str) -> str:
    """Return a kind of key with its article."""
    return f"an {kind}" if kind.startswith(("RSA", "E", "u")) else f"a {kind}"
