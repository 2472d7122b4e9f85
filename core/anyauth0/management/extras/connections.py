"""Connections changed without loss: their options are read, changed, and sent as a whole."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, cast

from ..._json import as_object
from ...endpoint import Mode, operation
from ...errors import DecodingError, InvalidArgumentError
from ...flow import Flow
from ...messages import ApiResponse
from ..connections import Connection
from ..connections import Connections as GeneratedConnections

Options = dict[str, Any]


class Connections(GeneratedConnections[Mode]):
    """Where users come from: databases, social logins, enterprise directories, and their provisioning."""

    __slots__ = ()

    @operation
    def edit(
        self, id: str, change: Mapping[str, Any] | Callable[[Options], object], /
    ) -> Flow[ApiResponse[Connection]]:
        """Change some of the options of a connection and keep the others.

        `connections.update` replaces all `options`: what is left out is gone. This reads them, changes them
        and sends the whole. `change` is a mapping, whose values take the place of those of the same name
        (`None` is null), or a function that is given the options as a dict to change as it likes; what it
        returns is not looked at.

            management.connections.edit("con_123", {"brute_force_protection": True})
            management.connections.edit("con_123", lambda options: options.pop("icon_url", None))

        Where nothing changes, nothing is sent, and the answer is that of the reading. Between reading and
        writing somebody else may have changed them: the API has no way to notice.

        GET and PATCH /connections/{id}. Scopes: read:connections and update:connections. Raises `NotFound`.
        """
        if not callable(change) and not isinstance(cast("object", change), Mapping):
            raise InvalidArgumentError(
                "change", 'connections.edit: "change" must be a mapping of options, or a function of a dict'
            )
        edit = _Edit(change)
        # A traceback that shows locals must not show the options of a connection.
        del change
        answer = yield from GeneratedConnections.get.flow(self, id)
        if not edit.apply(answer):
            return answer
        return (yield from GeneratedConnections.update.flow(self, id, options=edit.options))


class _Edit:
    """A change, and the options that it was made to."""

    __slots__ = ("_change", "options")

    def __init__(self, change: Mapping[str, Any] | Callable[[Options], object]) -> None:
        self._change = change
        self.options: Options = {}

    def apply(self, answer: ApiResponse[Connection]) -> bool:
        """Change the options that were read; say whether that made a difference."""
        try:
            self.options = as_object(as_object(answer.json()).get("options"))
        except ValueError:
            # It holds what it could not read.
            answered = False
        else:
            answered = True
        if not answered:
            raise DecodingError("GET /connections/{id} answered 2xx with no JSON; nothing was changed")
        before = _Edit({})
        before.options = deepcopy(self.options)
        if callable(self._change):
            outcome = self._change(self.options)
            if inspect.iscoroutine(outcome):
                outcome.close()
                raise InvalidArgumentError(
                    "change", 'connections.edit: "change" is an async function; use a plain one'
                )
        else:
            self.options.update(self._change)
        return self.options != before.options
