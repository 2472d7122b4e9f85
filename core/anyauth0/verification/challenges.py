"""What an API says in `WWW-Authenticate` (RFC 6750, 3; RFC 9449, 7.1; RFC 9728, 5.1)."""

from typing import Literal

import msgspec

from .errors import TokenError

__all__ = ["Challenges", "DPoPMode", "Scheme"]

DPoPMode = Literal["allowed", "required", "disabled"]
Scheme = Literal["Bearer", "DPoP"]


class Challenges(msgspec.Struct, frozen=True, kw_only=True):
    """The schemes that an API takes, and what it says of itself with each."""

    dpop: DPoPMode
    dpop_algorithms: tuple[str, ...]
    realm: str
    resource_metadata: str | None

    @property
    def schemes(self) -> tuple[Scheme, ...]:
        """The schemes that are taken."""
        if self.dpop == "allowed":
            return ("Bearer", "DPoP")
        return ("DPoP",) if self.dpop == "required" else ("Bearer",)

    def header(self, error: TokenError, used: Scheme) -> str:
        """Return the value that answers `error`: one challenge a scheme, with the error at the one used.

        A scheme that is not taken has no challenge, so its error is at the first that is.
        """
        told = used if used in self.schemes else self.schemes[0]
        return ", ".join(
            self._challenge(scheme, error if scheme == told else None) for scheme in self.schemes
        )

    def _challenge(self, scheme: Scheme, error: TokenError | None) -> str:
        members: dict[str, str | None] = {"realm": self.realm}
        if scheme == "DPoP":
            members["algs"] = " ".join(self.dpop_algorithms)
        if error is not None and error.error is not None:
            members["error"] = error.error
            # What comes after it is for those who run the API.
            members["error_description"] = str(error).partition("; ")[0]
            members["scope"] = " ".join(error.scopes)
        members["resource_metadata"] = self.resource_metadata
        return f"{scheme} {', '.join(f'{name}={_quoted(text)}' for name, text in members.items() if text)}"


def _quoted(text: str) -> str:
    """Return a quoted string (RFC 9110, section 5.6.4) of ASCII that can be seen."""
    seen = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    return '"' + seen.replace("\\", "\\\\").replace('"', '\\"') + '"'
