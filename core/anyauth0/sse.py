"""Server-sent events: bytes in pieces become messages (HTML standard, section 9.2.6)."""

import codecs

import msgspec

from .errors import TransportError

__all__ = ["Message", "Parser"]

_LONGEST = 4 * 1024 * 1024


class Message(msgspec.Struct, frozen=True):
    """One message: its `data`, and the `event` and `id` that the server gave it."""

    data: str
    event: str = "message"
    id: str | None = None


class Parser:
    """Takes the bytes of a stream as they come and returns the messages that are complete."""

    def __init__(self) -> None:
        self.retry: float | None = None
        """Seconds to wait before connecting again, where the server said so."""
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
        self._rest = ""
        self._data: list[str] = []
        self._size = 0
        self._event = ""
        self._id: str | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that end in `data`.

        Raises `TransportError` for a message of more than 4 MiB.
        """
        text = self._rest + self._decode(data)
        # A line feed that belongs to this carriage return may be in the next piece.
        held = "\r" if text.endswith("\r") else ""
        lines = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
        messages = [message for line in lines if (message := self._line(line)) is not None]
        if len(self._rest) + self._size > _LONGEST:
            raise TransportError("the server sent an event of more than 4 MiB", request_sent=True)
        return messages

    def _line(self, line: str) -> Message | None:
        if not line:
            return self._message()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._size += len(value) + 1
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000
        return None

    def _message(self) -> Message | None:
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        return Message("\n".join(data), event or "message", self._id) if data else None
