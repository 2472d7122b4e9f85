"""What every verifier is: a client that needs no credentials, since all it fetches are public keys."""

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any, ClassVar, Self, TypedDict, Unpack, cast

from ..arguments import closest
from ..authentication.client import authentication_core
from ..client import Core, Session
from ..clients import Client
from ..endpoint import Mode
from ..errors import ConfigurationError
from ..jose import ALGORITHMS
from ..options import ClientOptions, Options, RetryPolicy, TransportOption, ViewOptions
from ..transport import TLS
from .issuers import Domains, Issuers, checked_domains

__all__ = ["Verification", "VerifierOptions", "allowed", "not_its_own", "texts"]


class VerifierOptions(TypedDict, total=False):
    """The options that every verifier has beside its own; those of a client that fetching a key set needs."""

    clock_tolerance: float
    """Seconds that the clocks may differ; 60 by default."""
    headers: Mapping[str, str]
    """Added to every request."""
    timeout: float | None
    """Seconds for one attempt; 10 by default, `None` for no limit."""
    deadline: float | None
    """Seconds for fetching a key set with its retries; no limit by default."""
    retry: RetryPolicy | bool
    """`False` for none, or a `RetryPolicy`."""
    telemetry: bool
    """Whether to name this library in the `Auth0-Client` header; on by default."""
    tls: TLS | None
    """Certificate authorities of a built-in transport."""
    proxy: str | bool | None
    """URL of a proxy, `False` for none; by default what the environment says."""
    max_response_bytes: int | None
    """The longest body that a built-in transport accepts; 64 MiB by default."""
    transport: TransportOption
    """A name, a transport, or a function `Request -> Response`."""
    plugins: Sequence[object]
    """Names, modules and objects."""
    clock: Callable[[], float]
    """Returns epoch seconds; for tests."""
    random: Callable[[], float]
    """Returns a number from 0 to 1; for tests."""


_SHARED = frozenset({"domain", *VerifierOptions.__annotations__})


def not_its_own(*own: str) -> dict[str, str]:
    """Return the options of other clients that a verifier with these of its own has not, each with a mend."""
    names = Options.__annotations__.keys() - _SHARED - frozenset(own)
    return dict.fromkeys(names, "a verifier only fetches public keys")


class Verification(Client[Mode]):
    """What every verifier has: the issuers that are accepted, and their keys."""

    __slots__ = ("_issuers",)
    _not_its_own: ClassVar[Mapping[str, str]] = not_its_own()
    _issuers: Issuers

    def __init__(
        self, *, domain: str | None = None, domains: Domains | None = None, **options: Unpack[VerifierOptions]
    ) -> None:
        """Build a verifier for the tokens of one domain, or of one of several.

        Raises `ConfigurationError` naming the option that is unknown, missing or wrong.
        """
        self._check_names(options)
        if domains is not None:
            if domain is not None:
                raise ConfigurationError("domains", 'give "domain" or "domains", not both')
            # A function says which one when a token comes; until then there is none to name.
            named = ("several-domains",) if callable(domains) else checked_domains(domains)
            if not named:
                raise ConfigurationError("domains", 'option "domains" is empty; name those of the tenant')
            domain = named[0]
        given = cast("Options", options if domain is None else {**options, "domain": domain})
        super().__init__(**given)
        self._issuers = Issuers(self._core, [self._core.options.domain] if domains is None else domains)

    def _check_names(self, options: Mapping[str, object]) -> None:
        for name in options.keys() - _SHARED - self._not_its_own.keys():
            own = [each for each in signature(type(self)).parameters if each != "options"]
            near = closest(name, [*own, *VerifierOptions.__annotations__])
            mend = (
                f'did you mean "{near}"?' if near else f"it has {', '.join(own)} and those of VerifierOptions"
            )
            raise ConfigurationError(name, f'{type(self).__name__} has no option "{name}": {mend}')

    def _build(self, options: ClientOptions) -> Core:
        return authentication_core(options, Session(options))

    def with_options(self, **changes: Unpack[ViewOptions]) -> Self:
        """Return a view of this verifier; keys are fetched as the verifier itself does, and shared."""
        view = super().with_options(**changes)
        own = [name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ())]
        for name in own:
            if name != "_core":
                setattr(view, name, getattr(self, name))
        return view


def allowed(option: str, names: Sequence[str], among: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the algorithms that an option names, all of public keys. Raises `ConfigurationError`."""
    known = among or [name for name, algorithm in ALGORITHMS.items() if algorithm.kind != "secret"]
    found = texts(option, names)
    for name in found:
        if name not in known:
            raise ConfigurationError(option, f'option "{option}" must name some of {", ".join(known)}')
    return found


def texts(option: str, given: str | Sequence[str]) -> tuple[str, ...]:
    """Return the texts that an option gives, one at least. Raises `ConfigurationError`."""
    named: tuple[Any, ...] = (given,) if isinstance(given, str) else tuple(given or ())
    if not named or not all(isinstance(name, str) and name.strip() for name in named):
        raise ConfigurationError(
            option, f'option "{option}" must be a text or a list of texts, none of them blank'
        )
    return named
