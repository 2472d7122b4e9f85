"""Turns `TLS` settings into an `ssl.SSLContext`, and refuses what cannot become one."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyauth0 import TLS, ConfigurationError

from ._messages import bare

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = ["ssl_context"]


def ssl_context(tls: TLS | None) -> "SSLContext":
    """Return a context that checks certificates and host names, TLS 1.2 at least.

    Without `tls.ca` it trusts what the system does, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` say.
    Raises `ConfigurationError` naming the file, or the part of the settings, that is wrong.
    """
    import ssl

    tls = tls or TLS()
    if tls.context is not None:
        if any(part is not None for part in (tls.ca, tls.cert, tls.key, tls.key_password)):
            raise _wrong('with "context" nothing else may be given; load the rest into the context itself')
        return tls.context
    for name in ("key", "key_password"):
        if getattr(tls, name) is not None and tls.cert is None:
            raise _wrong(f'"{name}" needs the "cert" that it belongs to')
    if tls.ca is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load_authorities(context, tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.cert is not None:
        _load_client_certificate(context, tls)
    return context


def _load_authorities(context: "SSLContext", ca: str | bytes | os.PathLike[str]) -> None:
    try:
        if isinstance(ca, bytes):
            context.load_verify_locations(cadata=ca.decode("ascii"))
        else:
            context.load_verify_locations(cafile=ca)
    except (OSError, ValueError) as error:
        raise _wrong(f'"ca" ({_where(ca)}) holds no certificates in PEM: {_reason(error)}') from None


def _load_client_certificate(context: "SSLContext", tls: TLS) -> None:
    assert tls.cert is not None
    try:
        with _file(tls.cert) as cert, _file(tls.key) as key:
            # Without a callback OpenSSL would ask for the password at the terminal.
            context.load_cert_chain(cert or "", key, lambda: tls.key_password or "")
    except (OSError, ValueError) as error:
        bare(error)
        named = _where(tls.cert) if tls.key is None else f"{_where(tls.cert)}, {_where(tls.key)}"
        raise _wrong(
            f'"cert" and "key" ({named}) cannot be used: {_reason(error)}; check that both are PEM, '
            'that they belong together, and "key_password"'
        ) from None


@contextmanager
def _file(
    source: str | bytes | os.PathLike[str] | None,
) -> Generator[str | os.PathLike[str] | None, None, None]:
    """Give a path to `source`; `ssl` reads keys from files only, so bytes go into a private one shortly."""
    if not isinstance(source, bytes):
        yield source
        return
    import tempfile

    try:
        descriptor, path = tempfile.mkstemp()
    except OSError as error:
        message = f'"cert" and "key" as bytes need a temporary file ({_reason(error)})'
        raise _wrong(f'{message}; give paths, or "context"') from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(source)
        yield path
    finally:
        os.unlink(path)


def _where(source: str | bytes | os.PathLike[str]) -> str:
    return "the given bytes" if isinstance(source, bytes) else os.fspath(source)


def _reason(error: Exception) -> str:
    from ssl import SSLError

    if isinstance(error, SSLError):
        return (error.reason or "no PEM").replace("_", " ").lower()
    return (isinstance(error, OSError) and error.strerror) or "no PEM"


def _wrong(message: str) -> ConfigurationError:
    return ConfigurationError("tls", f'option "tls": {message}')
