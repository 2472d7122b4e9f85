"""What the people around a tenant do, and no client can do for them: they approve, or they refuse."""

from collections.abc import Mapping
from typing import Any

from anyauth0 import InvalidArgumentError

from .factors import CHANNELS, add_factor, current_code
from .inventory import Inventory
from .users import record_login, user_of
from .values import digest

__all__ = ["People"]


class People(Inventory):
    """The part of `LocalTenant` that stands for its users.

    A `user` is a document, a `user_id` or an e-mail address.
    """

    def approve_device(self, user_code: str, user: str | Mapping[str, Any]) -> None:
        """Let `user` log in on the device that shows this code.

        Raises `InvalidArgumentError` for a code that is unknown, expired or answered already.
        """
        self._decide_device(user_code, user)

    def deny_device(self, user_code: str) -> None:
        """Refuse the login on the device that shows this code (see `approve_device`)."""
        self._decide_device(user_code, None)

    def _decide_device(self, user_code: str, user: str | Mapping[str, Any] | None) -> None:
        with self.store.transaction():
            found = self.store.find("device_codes", user_code=user_code.strip().upper())
            approver = None if user is None else user_of(self, user)
            self._decide("device_codes", "user_code", found[0] if found else None, approver)

    def approve_backchannel(self, auth_req_id: str) -> None:
        """Let the user confirm the login that an application asked for (CIBA).

        Raises `InvalidArgumentError` for an id that is unknown, expired or answered already.
        """
        with self.store.transaction():
            found = self.store.get("backchannel_requests", digest(auth_req_id))
            approver = None if found is None else user_of(self, found["user_id"])
            self._decide("backchannel_requests", "auth_req_id", found, approver)

    def deny_backchannel(self, auth_req_id: str) -> None:
        """Let the user refuse the login that an application asked for (see `approve_backchannel`)."""
        with self.store.transaction():
            found = self.store.get("backchannel_requests", digest(auth_req_id))
            self._decide("backchannel_requests", "auth_req_id", found, None)

    def require_mfa(
        self, user: str | Mapping[str, Any] | None = None, *, connection: str | None = None
    ) -> None:
        """Demand a second factor of `user`, or of all users of `connection`."""
        if (user is None) is (connection is None):
            raise InvalidArgumentError("user", 'require_mfa needs "user" or "connection", and not both')
        name = str(connection) if user is None else user_of(self, user)["user_id"]
        self.store.put("mfa_demands", name, {})

    def add_factor(
        self, user: str | Mapping[str, Any], kind: str = "otp", *, to: str | None = None
    ) -> dict[str, Any]:
        """Enroll a second factor of `user` and return what the user was shown: `secret`, `recovery_codes`.

        `kind` is `otp`, or `sms`, `voice`, `email`, `auth0` (a push message); `to` is where the messages go.
        """
        if kind != "otp" and kind not in CHANNELS:
            raise InvalidArgumentError(
                "kind", f'add_factor: "kind" must be one of otp, {", ".join(CHANNELS)}; that is another'
            )
        with self.store.transaction():
            found = user_of(self, user)
            to = to or found.get(
                {"email": "email", "sms": "phone_number", "voice": "phone_number"}.get(kind, "")
            )
            if to is None and kind not in ("otp", "auth0"):
                raise InvalidArgumentError("to", f'add_factor needs "to": the user has no address for {kind}')
            channel = None if kind == "otp" else kind
            return add_factor(self, found, channel, to, active=True)[1]

    def authenticator_code(self, secret: str) -> str:
        """Return what an authenticator application shows now for the `secret` of a factor."""
        return current_code(secret, self.clock())

    def approve_push(self, user: str | Mapping[str, Any]) -> None:
        """Approve the last push message to `user`.

        Raises `InvalidArgumentError` where none waits for an answer.
        """
        self._answer_push(user, "approved")

    def deny_push(self, user: str | Mapping[str, Any]) -> None:
        """Refuse the last push message to `user` (see `approve_push`)."""
        self._answer_push(user, "denied")

    def _answer_push(self, user: str | Mapping[str, Any], status: str) -> None:
        with self.store.transaction():
            user_id = user_of(self, user)["user_id"]
            sent = self.store.find("oob_codes", user_id=user_id, channel="auth0", status="pending")
            if not sent or sent[-1]["expires_at"] <= self.clock():
                raise InvalidArgumentError("user", 'no push message waits for an answer of this "user"')
            self.store.put("oob_codes", sent[-1]["id"], {**sent[-1], "status": status})

    def _decide(
        self, kind: str, argument: str, kept: dict[str, Any] | None, approver: dict[str, Any] | None
    ) -> None:
        if kept is None or kept["status"] != "pending" or kept["expires_at"] <= self.clock():
            raise InvalidArgumentError(
                argument, f'no login waits for this "{argument}": it is unknown, expired or answered'
            )
        answer: dict[str, Any] = {"status": "denied"}
        if approver is not None:
            answer = {"status": "approved", "user_id": record_login(self, approver)["user_id"]}
        self.store.put(kind, kept["id"], {**kept, **answer})
