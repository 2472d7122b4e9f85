"""Ids, times and digests in the forms that Auth0 gives them."""

import base64
import hashlib
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

__all__ = ["base64url", "digest", "random_id", "s256", "section", "timestamp"]

_ALPHABET = string.ascii_letters + string.digits


def base64url(data: bytes) -> str:
    """Return `data` in base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(secret: str) -> str:
    """Return the id under which a secret is kept that is looked up by itself: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def s256(verifier: str) -> str:
    """Return the code challenge of a verifier (RFC 7636, section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode("utf-8", "replace")).digest())


def random_id(length: int) -> str:
    """Return a random id of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def timestamp(seconds: float) -> str:
    """Return epoch seconds as the tenant writes times: ISO 8601, UTC, milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object within a document, an empty one where it is missing or something else."""
    value = document.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
