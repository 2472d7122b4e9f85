"""Server-sent events: bytes in pieces become messages (HTML standard, section 9.2.6)."""

import re

from .redaction import Model

__all__ = ["Message", "Parser"]

_LONGEST = 4 * 1024 * 1024
_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


class Message(Model, frozen=True):
    """One message: its `data`, and the `event` and `id` that the server gave it."""

    data: str
    event: str = "message"
    id: str | None = None


class Parser:
    """Takes the bytes of a stream as they come and returns the messages that are complete."""

    def __init__(self) -> None:
        self.retry: float | None = None
        """Seconds to wait before connecting again, where the server said so."""
        self.refused = False
        """Whether a message of more than 4 MiB came; it and all after it are left out."""
        self._rest = bytearray()
        self._begun = False
        self._after_return = False
        self._data: list[str] = []
        self._size = 0
        self._event = ""
        self._id: str | None = None

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that end in `data`."""
        if self.refused:
            return []
        if self._after_return and data:
            # The other half of a line end that was cut.
            data = data.removeprefix(b"\n")
            self._after_return = False
        self._after_return = self._after_return or data.endswith(b"\r")
        messages: list[Message] = []
        first, *more = _END.split(data)
        self._rest += first
        for following in more:
            message = self._line(bytes(self._rest))
            if message is not None:
                messages.append(message)
            if self.refused:
                return messages
            self._rest = bytearray(following)
        self.refused = self._size + len(self._rest) > _LONGEST
        return messages

    def _line(self, line: bytes) -> Message | None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(_BOM)
        if not line:
            return self._message()
        size = self._size + len(line) + 1
        if size > _LONGEST:
            self.refused = True
            return None
        name, _, content = line.partition(b":")
        if name:
            # What is a comment is forgotten at once.
            self._size = size
        value = content.removeprefix(b" ").decode("utf-8", "replace")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value
        elif name == b"id" and "\0" not in value:
            self._id = value
        elif name == b"retry" and value.isascii() and value.isdigit() and len(value) < 10:
            self.retry = int(value) / 1000
        return None

    def _message(self) -> Message | None:
        data, event = self._data, self._event
        self._data, self._event, self._size = [], "", 0
        return Message("\n".join(data), event or "message", self._id) if data else None
