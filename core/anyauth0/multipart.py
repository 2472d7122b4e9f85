"""`multipart/form-data` bodies (RFC 7578), and the ways in which a user may hand over a file of rows."""

import os
import secrets
from collections.abc import Iterable, Mapping
from typing import IO, Any, TypeAlias, cast

import msgspec

from .errors import InvalidArgumentError
from .redaction import Model

Upload: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | IO[str] | Iterable[Mapping[str, Any]]
"""A JSON file: its path, its bytes, an open file, or the rows themselves."""

__all__ = ["File", "Upload", "encode", "read"]


class File(Model, frozen=True):
    """A part of the body that is a file."""

    source: Upload

    def __repr__(self) -> str:
        return "<File>"


def read(name: str, source: object) -> bytes:
    """Return the bytes of an `Upload`. This may read a file, so it runs in a `Perform`.

    Raises `InvalidArgumentError` naming the argument when it cannot be read or has rows that are not JSON.
    """
    rows: Any = source
    cause: Exception | None = None
    if isinstance(source, bytes | bytearray):
        return bytes(source)
    try:
        if isinstance(source, str | os.PathLike):
            with open(cast("str | os.PathLike[str]", source), "rb") as file:
                return file.read()
        if hasattr(source, "read"):
            content = cast("IO[Any]", source).read()
            return content.encode() if isinstance(content, str) else bytes(content)
        if not isinstance(source, Mapping):
            return msgspec.json.encode(list(rows))
        reason = "a mapping is not a list of rows"
    except UnicodeError:
        # That error holds the text itself, so it must not be kept as the cause of ours.
        reason = "a text in it is not well formed"
    except (OSError, TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        cause = error
    raise InvalidArgumentError(
        name, f'"{name}" cannot be read ({reason}); give a path, bytes, an open file or rows'
    ) from cause


def encode(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return the body and its content type."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files.items():
        head = (
            f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"; filename="{name}.json"\r\n'
            "content-type: application/json\r\n\r\n"
        )
        parts += [head.encode(), content, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
