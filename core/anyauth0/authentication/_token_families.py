"""What came by one refresh token: access tokens by audience and scope, and the refresh token after it."""

import hashlib
from collections.abc import Callable

import msgspec

from ..flow import Flow
from ..redaction import Model
from ..tokens import AccessToken, SharedTokenStore, TokenStore, token_key

__all__ = ["TokenFamily", "digest", "sorted_scope"]

_REMEMBERED = 30 * 86400.0
"""Seconds that a family is kept after its last change: as long as a refresh token may lie idle by default."""


class _Member(Model, frozen=True):
    """An access token, by what it was asked for with."""

    audience: str | None
    scope: str | None
    token: AccessToken

    def covers(self, scope: str | None) -> bool:
        """Return whether the token is good for `scope`; what it is good for without one, nobody knows."""
        if scope is None or self.scope == scope:
            return self.scope == scope
        granted = self.token.scope or ""
        return set(scope.split()) <= set(granted.split())


class _Record(Model, frozen=True):
    """What the store keeps under the hash of a refresh token: a family, or where to find it."""

    refresh_token: str = ""
    members: tuple[_Member, ...] = ()
    moved_to: str | None = None

    def __repr__(self) -> str:
        return f"<_Record of {len(self.members)} tokens>"


class TokenFamily:
    """The access tokens of one refresh token and its successors, as a store of the one that is asked for.

    The first refresh token gives the family its place in `store`; each successor has a reference to it there.
    """

    __slots__ = ("_audience", "_clock", "_prefix", "_record", "_scope", "_store", "key", "refresh_token")

    def __init__(
        self,
        prefix: tuple[str | None, ...],
        store: TokenStore,
        clock: Callable[[], float],
        *,
        refresh_token: str,
        audience: str | None,
        scope: str | None,
    ) -> None:
        self._prefix = prefix
        self._store = store
        self._clock = clock
        self._audience = audience
        self._scope = sorted_scope(scope)
        self._record = _Record()
        self.refresh_token = refresh_token
        self.key = self._key_of(refresh_token)

    def find(self) -> Flow[None]:
        """Go to where the family is, if the refresh token came by rotation."""
        record = yield from self._read()
        self.key = record.moved_to or self.key

    def load(self, key: str) -> Flow[AccessToken | None]:
        """Return the access token that fits best: a fresh one, for the same scope, else for few others."""
        self._record = yield from self._read()
        self.refresh_token = self._record.refresh_token or self.refresh_token
        now = self._clock()

        def worth(member: _Member) -> tuple[bool, bool, int]:
            stale = member.token.renew_at <= now
            return stale, member.scope != self._scope, len((member.token.scope or "").split())

        fitting = [member for member in self._members(now) if self._fits(member)]
        return min(fitting, key=worth).token if fitting else None

    def save(self, key: str, token: AccessToken) -> Flow[None]:
        """Keep the access token, and the refresh token that came with it in place of the last one."""
        now = self._clock()
        self.refresh_token = token.refresh_token or self.refresh_token
        rotated = token.refresh_token is not None
        # A member must not bring an old refresh token back.
        token = msgspec.structs.replace(token, refresh_token=None)
        same = (self._audience, self._scope)
        others = [member for member in self._members(now) if (member.audience, member.scope) != same]
        yield from self._write(self.key, (*others, _Member(*same, token)), now)
        alias = self._key_of(self.refresh_token)
        if rotated and alias != self.key:
            yield from self._store.save(alias, _kept(_Record(moved_to=self.key), now))

    def remove(self, key: str) -> Flow[None]:
        """Forget the access token that `load` returned last, for whatever it was asked for."""
        token = yield from self.load(key)
        now = self._clock()
        others = [member for member in self._members(now) if token is None or member.token != token]
        yield from self._write(self.key, tuple(others), now)

    def exclusive(self, key: str, flow: Flow[AccessToken]) -> Flow[AccessToken]:
        """Run `flow` while no other client asks by this family, where the store can see to that."""
        return self._store.exclusive(key, flow) if isinstance(self._store, SharedTokenStore) else flow

    def __repr__(self) -> str:
        return f"<TokenFamily of {len(self._record.members)} tokens>"

    def _fits(self, member: _Member) -> bool:
        return member.audience == self._audience and member.covers(self._scope)

    def _members(self, now: float) -> list[_Member]:
        return [member for member in self._record.members if member.token.expires_at > now]

    def _key_of(self, refresh_token: str) -> str:
        return token_key(*self._prefix, "refresh token", digest(refresh_token))

    def _read(self) -> Flow[_Record]:
        kept = yield from self._store.load(self.key)
        if kept is None:
            return _Record()
        try:
            return msgspec.json.decode(kept.value, type=_Record)
        except msgspec.DecodeError:
            # Written by another release: what is known starts anew.
            return _Record()

    def _write(self, key: str, members: tuple[_Member, ...], now: float) -> Flow[None]:
        self._record = _Record(self.refresh_token, members)
        yield from self._store.save(key, _kept(self._record, now))


def _kept(record: _Record, now: float) -> AccessToken:
    """Return the record as what a store keeps: for a store, it is one more secret with an end."""
    until = now + _REMEMBERED
    return AccessToken(value=msgspec.json.encode(record).decode(), expires_at=until, renew_at=until)


def digest(secret: str) -> str:
    """Return what stands for a secret in the keys of a store."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def sorted_scope(scope: str | None) -> str | None:
    """Return the scope in its one spelling."""
    return " ".join(sorted(set(scope.split()))) or None if scope is not None else None
