"""Where a request to the Management API goes: to one document, many, the only one, or to something to do."""

from collections.abc import Iterator
from functools import cache
from types import NoneType, SimpleNamespace
from typing import Any, Literal, cast, get_args, get_origin
from urllib.parse import quote

import msgspec

from anyauth0 import ManagementClient, Resource
from anyauth0.endpoint import EndpointFacts
from anyauth0.pagination import PagedEndpoint

__all__ = [
    "Facts", "Place", "endpoints", "fields_of", "filled", "id_fields", "is_list", "listed_in", "model_of",
    "place_of", "singular",
]  # fmt: skip

Facts = EndpointFacts[..., Any]

# The same documents by another name: the tenant itself reads some of them, others have two endpoints.
_RENAMED = {
    "client-grants": "client_grants",
    "client-grants/search": "client_grants",
    "resource-servers": "resource_servers",
    "resource-servers/search": "resource_servers",
    "organizations/search": "organizations",
    "organizations/{}/connections": "organizations/{}/enabled_connections",
    "organizations/{}/members/{}/effective-roles": "organizations/{}/members/{}/roles",
    "users/{}/effective-roles": "users/{}/roles",
    "guardian/factors/sms": "guardian/factors/phone",
}
# One document of a collection elsewhere, which the values of the whole path name.
_MOVED = {"prompts/{}/screen/{}/rendering": "prompts/rendering"}
# By the whole kind, or by its last word; `id` where nothing is said, and none for a map of any keys.
_IDS: dict[str, tuple[str, ...]] = {
    "agents": ("agent_id",),
    "blacklists/tokens": ("jti",),
    "branding/themes": ("themeId",),
    "clients": ("client_id",),
    "custom-domains": ("custom_domain_id",),
    "email-templates": ("template",),
    "enabled_connections": ("connection_id",),
    "guardian/factors": ("name",),
    "keys/encryption": ("kid",),
    "logs": ("log_id",),
    "members": ("user_id",),
    "prompts/rendering": ("prompt", "screen"),
    "prompts/{}/custom-text": (),
    "rules-configs": ("key",),
    "self-service-profiles/{}/custom-text/{}": (),
    "tokens": ("token_id",),
    "user-blocks": (),
    "users": ("user_id",),
}


class Place(msgspec.Struct, frozen=True):
    """What a request is about.

    - `form`: `"one"` document, `"many"`, the `"only"` one of its kind, or an `"act"` upon the last parent
    - `template`, `owners`: the kind of the documents, with `{}` for each of the ids that go into it
    - `id`: that of the one document, else empty
    - `parents`: kind and id of each document above this place
    """

    form: Literal["one", "many", "only", "act"]
    template: str
    owners: tuple[str, ...]
    id: str = ""
    parents: tuple[tuple[str, str], ...] = ()

    @property
    def kind(self) -> str:
        """The kind under which the store keeps the documents."""
        return filled(self.template, self.owners)


def place_of(endpoint: Facts, path: tuple[str, ...]) -> Place:
    """Return the place that an endpoint is about, by the values of its path."""
    segments, template = endpoint.path.strip("/").split("/"), _template(endpoint.path)
    if template in _MOVED:
        return Place("one", _MOVED[template], (), " ".join(path))
    parents: list[tuple[str, str]] = []
    above = 0
    for index, segment in enumerate(segments[:-1], 1):
        if segment.startswith("{"):
            if _template("/".join(segments[:index])) in _known().readable:
                kind = _renamed(_template("/".join(segments[: index - 1])))
                parents.append((filled(kind, path[:above]), path[above]))
            above += 1
    form = _form(endpoint, template)
    if form == "one":
        collection = _renamed(template.removesuffix("/{}"))
        return Place(form, collection, path[:-1], path[-1], tuple(parents))
    return Place(form, _renamed(template), path, parents=tuple(parents))


def _form(endpoint: Facts, template: str) -> Literal["one", "many", "only", "act"]:
    known, last_is_id = _known(), template.endswith("{}")
    if last_is_id:
        return "act" if endpoint.method == "POST" and model_of(endpoint) is NoneType else "one"
    if is_list(endpoint) or template in known.lists or f"{template}/{{}}" in known.all:
        return "many"
    if template in known.all - known.readable and endpoint.method != "DELETE":
        above = template.rpartition("/")[0]
        if endpoint.method == "POST" or above in known.readable:
            return "act"
    return "only"


def filled(template: str, ids: tuple[str, ...]) -> str:
    """Return a kind with the ids in it: no two ways of writing ids into it give the same."""
    return template.format(*(quote(value, safe="") for value in ids))


def id_fields(template: str) -> tuple[str, ...]:
    """Return the fields of a document that are its id."""
    return _IDS.get(template, _IDS.get(template.rpartition("/")[2], ("id",)))


def _template(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.strip("/").split("/"))


def _renamed(template: str) -> str:
    for name in sorted(_RENAMED, key=len, reverse=True):
        if template == name or template.startswith(f"{name}/"):
            return _RENAMED[name] + template.removeprefix(name)
    return template


def singular(kind: str) -> str:
    """Return what one document of a kind is called in messages and fields: `feature_flag`."""
    name = kind.rpartition("/")[2].replace("-", "_")
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def model_of(endpoint: Facts) -> Any:
    """Return the type of the answer, out of `-> Call[...]`."""
    return get_args(endpoint.function.__annotations__["return"])[0]


def is_list(endpoint: Facts) -> bool:
    """Say whether the answer is a page or an array."""
    return isinstance(cast("object", endpoint), PagedEndpoint) or get_origin(model_of(endpoint)) is list


def fields_of(endpoint: Facts) -> frozenset[str]:
    """Return the fields that the answer, or its items, may have; none where it may have any."""
    return frozenset(_all_fields(model_of(endpoint)))


def _all_fields(model: Any) -> Iterator[str]:
    yield from _fields(model)
    if get_origin(model) is not dict:
        for member in get_args(model):
            yield from _all_fields(member)


def listed_in(endpoint: Facts) -> str | None:
    """Return the only field of the answer if that is a list, else `None`."""
    model = model_of(endpoint)
    if is_list(endpoint) or len(names := _fields(model)) != 1:
        return None
    (kind,) = msgspec.structs.fields(model)
    return (
        names[0] if any(get_origin(member) is list for member in (kind.type, *get_args(kind.type))) else None
    )


def _fields(model: Any) -> tuple[str, ...]:
    is_struct = isinstance(model, type) and issubclass(model, msgspec.Struct)
    return cast("tuple[str, ...]", cast("Any", model).__struct_encode_fields__) if is_struct else ()


class _Known(msgspec.Struct, frozen=True):
    """The path templates of the SDK: all, those that can be read, those that are read as a list."""

    all: frozenset[str]
    readable: frozenset[str]
    lists: frozenset[str]


@cache
def _known() -> _Known:
    found = tuple(endpoints())
    readable = [endpoint for endpoint in found if endpoint.method == "GET"]
    return _Known(
        all=frozenset(_template(endpoint.path) for endpoint in found),
        readable=frozenset(_template(endpoint.path) for endpoint in readable),
        lists=frozenset(_template(endpoint.path) for endpoint in readable if is_list(endpoint)),
    )


def endpoints() -> Iterator[Facts]:
    """Go through all endpoints of the Management API."""
    for property_name in dir(ManagementClient):
        value = getattr(ManagementClient, property_name)
        if isinstance(value, property):
            make = cast("Any", value.fget)
            kind = cast("type[Resource[Any]]", type(make(SimpleNamespace(_core=None))))
            for name in dir(kind):
                found = getattr(kind, name)
                if isinstance(found, EndpointFacts):
                    yield cast("Facts", found)
