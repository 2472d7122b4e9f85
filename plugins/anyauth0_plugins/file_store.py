"""Access tokens in a directory that the processes of one machine share."""

import errno
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from anyauth0 import ConfigurationError, Flow
from anyauth0.flow import perform, sleep
from anyauth0.tokens import lock_pauses

from ._sealing import Key
from ._shared_store import SharedStore, hashed

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["FileTokenStore"]

R = TypeVar("R")

_LONGEST = 1 << 20
_OURS = re.compile(r"[0-9a-f]{64}\.token|\.[0-9a-z_]+\.new")
_SWEEP_EVERY = 3600.0
# Not on every system; a symbolic link is never ours, and a pipe must not be waited for.
_OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FileTokenStore(SharedStore):
    """Keeps each token in a file of its own in the directory `path`, for this user only (0600 in 0700).

    Processes that share the directory share the tokens, and one of them at a time fetches one. With `key`, 32
    bytes or a passphrase, files are encrypted; give a list to replace a key: the first writes, all read. What
    is in the directory and is no token of this store is ignored, or replaced.
    """

    __slots__ = ("_path", "_swept_at")

    def __init__(
        self,
        path: str | os.PathLike[str],
        key: Key | Sequence[Key] | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make the directory where it is not there.

        Raises `ConfigurationError` where that is impossible, or where others may write to it.
        """
        super().__init__(key, clock)
        # A traceback that shows locals must not show it.
        del key
        if not isinstance(cast("object", path), str | os.PathLike) or not str(path).strip():
            raise ConfigurationError("path", '"path" of FileTokenStore must name a directory for the tokens')
        self._path = Path(path).absolute()
        self._swept_at = 0.0
        try:
            _make_directory(self._path)
        except OSError as error:
            mend = "name one that is not there yet, or make it yours alone (chmod 700)"
            message = f'"path" cannot be the directory of a store ({error.strerror}); {mend}'
            raise ConfigurationError("path", message) from error

    def read(self, name: str) -> Flow[bytes | None]:
        """Return the content of the file of that name."""
        return perform(partial(_content, self._path / f"{name}.token"))

    def write(self, name: str, data: bytes, expires_at: float) -> Flow[None]:
        """Replace the file of that name in one step."""
        now = self._clock()
        if now >= self._swept_at + _SWEEP_EVERY:
            self._swept_at = now
            yield from perform(partial(_sweep, self._path, now))
        yield from perform(partial(_replace, self._path / f"{name}.token", data, expires_at))

    def delete(self, name: str) -> Flow[None]:
        """Delete the file of that name."""
        return perform(partial((self._path / f"{name}.token").unlink, missing_ok=True))

    def exclusive(self, key: str, flow: Flow[R]) -> Flow[R]:
        """Run `flow` while no other process runs one for `key`; the lock of a process that dies is free."""
        # A lock has no file of its own, for none could ever be deleted safely.
        lock = _Lock(self._path / f"{hashed(key)[:2]}.lock")
        try:
            for pause in lock_pauses():
                # Not waited for, so that it takes no thread. One that fails is done without.
                if (yield from self.attempt(perform(lock.take))):
                    break
                yield from sleep(pause)
            return (yield from flow)
        finally:
            lock.release()

    def __reduce__(self) -> tuple[object, ...]:
        # Another process has its own memory, and its own opinion of whether the directory works.
        return partial(FileTokenStore, clock=self._clock), (self._path, self._sealing.keys)


class _Lock:
    """A lock file, open while it is held or wanted."""

    __slots__ = ("_file", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Return whether it is held now, at once."""
        if self._file is None:
            # Temporary directories are cleaned while programs run.
            _make_directory(self._path.parent)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | _OPEN_FLAGS, 0o600)
        try:
            if sys.platform == "win32":
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def release(self) -> None:
        """Let go of it, and of the file."""
        if self._file is None:
            return
        with suppress(OSError):
            if sys.platform == "win32":
                msvcrt.locking(self._file, msvcrt.LK_UNLCK, 1)
            else:
                # Closing is not enough: a child that was forked meanwhile has the file open too.
                fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)
        self._file = None


def _make_directory(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if sys.platform == "win32":
        return
    found = path.stat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise PermissionError(errno.EPERM, "others own it or may write to it")


def _content(path: Path) -> bytes | None:
    try:
        file = os.open(path, os.O_RDONLY | _OPEN_FLAGS)
    except OSError:
        # Missing, or no file of ours: the next token takes its place.
        return None
    with os.fdopen(file, "rb") as stream:
        return stream.read(_LONGEST) if stat.S_ISREG(os.fstat(file).st_mode) else None


def _replace(path: Path, data: bytes, expires_at: float) -> None:
    file, temporary = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
        # The time of a file is that of its end, so that it can be deleted without being read.
        os.utime(temporary, (expires_at, expires_at))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _sweep(directory: Path, now: float) -> None:
    """Delete what has expired, and what a process left behind that died."""
    for entry in os.scandir(directory):
        if _OURS.fullmatch(entry.name):
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < now - 60:
                    os.unlink(entry.path)
