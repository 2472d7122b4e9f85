"""Actions and their modules: a version keeps what was written until then, to be deployed or gone back to."""

from typing import TYPE_CHECKING, Any

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..values import random_id, timestamp
from .asked import missing
from .places import filled

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["bind", "create_module_version", "deploy", "deploy_version", "rollback_module"]

Document = dict[str, Any]
_ACTIONS = "actions/actions"
_MODULES = "actions/modules"
# What a version has of its action or module.
_KEPT = ("code", "dependencies", "runtime", "secrets", "supported_triggers")


def deploy(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /actions/actions/{id}/deploy."""
    with tenant.store.transaction():
        action = _existing(tenant, _ACTIONS, path[0])
        version = _version(tenant, _ACTIONS, action, "number")
        return json_response(_deployed(tenant, action, {**version, "action_id": path[0]}), 202)


def deploy_version(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /actions/actions/{actionId}/versions/{id}/deploy."""
    with tenant.store.transaction():
        action = _existing(tenant, _ACTIONS, path[0])
        version = _existing(tenant, _versions(_ACTIONS, path[0]), path[1])
        return json_response(_deployed(tenant, {**action, **_kept(version)}, version), 202)


def _deployed(tenant: "LocalTenant", action: Document, version: Document) -> Document:
    now, kind = timestamp(tenant.clock()), _versions(_ACTIONS, action["id"])
    for other in tenant.store.list(kind):
        tenant.store.put(kind, other["id"], {**other, "deployed": False})
    version = {**version, "deployed": True, "status": "built", "built_at": now, "updated_at": now}
    tenant.store.put(kind, version["id"], version)
    news = {"deployed_version": version, "all_changes_deployed": True, "status": "built", "updated_at": now}
    tenant.store.put(_ACTIONS, action["id"], {**action, **news})
    return version


def create_module_version(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /actions/modules/{id}/versions."""
    with tenant.store.transaction():
        module = _existing(tenant, _MODULES, path[0])
        version = {**_version(tenant, _MODULES, module, "version_number"), "module_id": path[0]}
        tenant.store.put(_versions(_MODULES, path[0]), version["id"], version)
        return json_response(version, 201)


def rollback_module(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /actions/modules/{id}/rollback: take the code from `module_version_id`."""
    with tenant.store.transaction():
        module = _existing(tenant, _MODULES, path[0])
        chosen = str(incoming.json().get("module_version_id"))
        version = _existing(tenant, _versions(_MODULES, path[0]), chosen)
        module = {**module, **_kept(version), "updated_at": timestamp(tenant.clock())}
        tenant.store.put(_MODULES, path[0], module)
        return json_response(module)


class _Ref(msgspec.Struct, frozen=True):
    value: str
    type: str = "action_name"


class _Binding(msgspec.Struct, frozen=True):
    ref: _Ref
    display_name: str | None = None


class _Bindings(msgspec.Struct, frozen=True):
    bindings: list[_Binding] = []


def bind(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer PATCH /actions/triggers/{triggerId}/bindings: the list replaces the one before."""
    kind = filled("actions/triggers/{}/bindings", path)
    try:
        wanted = msgspec.json.decode(incoming.body, type=_Bindings).bindings
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = (
            "Payload validation error: 'Expected type array of ref and display_name' on property bindings"
        )
        raise management_refusal(400, "invalid_body", message) from None
    with tenant.store.transaction():
        bindings = [_bound(tenant, kind, path[0], item) for item in wanted]
        for old in tenant.store.list(kind):
            tenant.store.remove(kind, old["id"])
        for binding in bindings:
            tenant.store.put(kind, binding["id"], binding)
        return json_response({"bindings": tenant.store.list(kind)})


def _bound(tenant: "LocalTenant", kind: str, trigger: str, item: _Binding) -> Document:
    """Return the binding that an item names, which may be there already, or one to an action."""
    now = timestamp(tenant.clock())
    if item.ref.type == "binding_id":
        binding = _existing(tenant, kind, item.ref.value)
    else:
        field = "name" if item.ref.type == "action_name" else "id"
        found = tenant.store.find(_ACTIONS, **{field: item.ref.value})
        if not found:
            raise missing(_ACTIONS)
        names = {"trigger_id": trigger, "display_name": found[0].get("name")}
        binding = {"id": random_id(16), **names, "action": found[0], "created_at": now}
    return {
        **binding,
        "updated_at": now,
        **({"display_name": item.display_name} if item.display_name else {}),
    }


def _existing(tenant: "LocalTenant", kind: str, identifier: str) -> Document:
    found = tenant.store.get(kind, identifier)
    if found is None:
        raise missing(kind)
    return found


def _versions(kind: str, identifier: str) -> str:
    return filled(f"{kind}/{{}}/versions", (identifier,))


def _version(tenant: "LocalTenant", kind: str, document: Document, number: str) -> Document:
    count = tenant.store.count(_versions(kind, document["id"]))
    return {
        "id": random_id(16), number: count + 1, **_kept(document), "created_at": timestamp(tenant.clock()),
    }  # fmt: skip


def _kept(document: Document) -> Document:
    return {name: document[name] for name in _KEPT if name in document}
