"""Connections changed without loss: their options are read, changed, and sent as a whole."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, cast

from ..._json import as_object
from ...endpoint import Mode, operation
from ...errors import InvalidArgumentError
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
        answer = yield from GeneratedConnections.get.flow(self, id)
        options = as_object(as_object(answer.json()).get("options"))
        before = deepcopy(options)
        if callable(change):
            outcome = change(options)
            if inspect.iscoroutine(outcome):
                outcome.close()
                raise InvalidArgumentError(
                    "change", 'connections.edit: "change" is an async function; use a plain one'
                )
        else:
            options.update(change)
        if options == before:
            return answer
        return (yield from GeneratedConnections.update.flow(self, id, options=options))
