"""Bytes to models: an answer never fails because of what is in it.

The fast path is one `msgspec` decoder for each model, cached. Where that refuses, the body is read as plain
data and fitted field by field: what fits is typed, what does not stays as it came and is noted (`Anomaly`).
"""

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from ._json import as_array, is_array, is_object, read
from .errors import DecodingError
from .messages import Anomaly, Response
from .pages import Page

R = TypeVar("R")


class Shape(msgspec.Struct, frozen=True):
    """What `decode` must know of an endpoint.

    `endpoint` is its name for messages, `items` the field that holds the items of a page, `total` and `next`
    the fields of its counter and cursor, `strict` whether an anomaly is an error, and `lenient` whether a
    body that is not JSON at all is an anomaly too (a write that was done must not look as if it had failed).
    """

    endpoint: str
    items: str | None = None
    total: str = "total"
    next: str = "next"
    strict: bool = False
    lenient: bool = False


def decode(model: type[R], response: Response, shape: Shape) -> tuple[R, tuple[Anomaly, ...]]:
    """Return the body as a `model`, and the places that did not fit.

    Raises `DecodingError` when the body is not JSON (unless `shape.lenient`), or with `shape.strict` when
    any place does not fit.
    """
    if model is NoneType:
        return cast("R", None), ()
    if _is_page(cast("Any", model)):
        return cast("tuple[R, tuple[Anomaly, ...]]", _decode_page(model, response, shape))
    return _decode_plain(model, response, shape)


@cache
def _is_page(model: Any) -> bool:
    return get_origin(model) is Page


def _decode_plain(model: Any, response: Response, shape: Shape) -> tuple[Any, tuple[Anomaly, ...]]:
    if not response.body:
        return _empty(model), ()
    if model is str and "json" not in response.headers.get("content-type", ""):
        return response.body.decode(errors="replace"), ()
    try:
        return _decoder(model).decode(response.body), ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    anomalies: list[Anomaly] = []
    note = _noter(shape.endpoint, anomalies)
    value: Any = None
    try:
        value = read(response.body)
    except ValueError:
        # Raised only below: a traceback may be shown with its locals, and that of this error has the body.
        note("$", "JSON", "something else")
    if anomalies:
        if not shape.lenient or shape.strict:
            raise DecodingError(
                f"{shape.endpoint} answered {response.status} with a body that is not JSON "
                f"({response.headers.get('content-type', 'no content type')}); "
                "check the domain, and what stands between it and you"
            )
        value = _empty(model)
    else:
        value = fit(value, model, "$", note)
        if not anomalies:
            note("$", "JSON in every detail", "text or a number out of range")
    if anomalies and shape.strict:
        del value
        first = anomalies[0]
        raise DecodingError(
            f"{shape.endpoint} answered what its model does not allow in {len(anomalies)} places, "
            f"first {first.path}: expected {first.expected}, found {first.found}"
        )
    _log(anomalies)
    return value, tuple(anomalies)


def _log(anomalies: list[Anomaly]) -> None:
    import logging

    logger = logging.getLogger("anyauth0.decoding")
    for place in anomalies:
        logger.debug("%s: %s: expected %s, found %s", place.endpoint, place.path, place.expected, place.found)


def _decode_page(model: Any, response: Response, shape: Shape) -> tuple[Page[Any], tuple[Anomaly, ...]]:
    """Read a page out of a bare array, or out of an object that has it in the field `shape.items`."""
    body, anomalies = _decode_plain(_envelope(get_args(model)[0], shape), response, shape)
    items: object = body if is_array(body) else getattr(body, "items", None)
    following = getattr(body, "next", None)
    start, limit = _count(getattr(body, "start", None)), _count(getattr(body, "limit", None))
    number, size = _count(getattr(body, "page", None)), _count(getattr(body, "per_page", None))
    if limit is None and size is not None:
        # Actions count in pages.
        limit, start = size, None if number is None else number * size
    page: Page[Any] = Page(
        as_array(items),
        total=_count(getattr(body, "total", None)),
        start=start,
        limit=limit,
        length=_count(getattr(body, "length", None)),
        next=following if isinstance(following, str) else None,
    )
    return page, anomalies


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@cache
def _envelope(item: Any, shape: Shape) -> Any:
    """Return the type of a page on the wire: a bare array, or an object with the items in a field."""
    array: Any = list[item]
    if not shape.items:
        return array
    numbers: list[tuple[str, Any, Any]] = [
        (name, int | None, None) for name in ("total", "start", "limit", "length", "page", "per_page")
    ]
    envelope = msgspec.defstruct(
        "Envelope",
        [("items", array | None, None), ("next", str | None, None), *numbers],
        rename={"items": shape.items, "total": shape.total, "next": shape.next},
        frozen=True,
    )
    return array | envelope


@cache
def _decoder(model: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(model)


def _empty(model: Any) -> Any:
    """Return what stands for an empty body: a model of defaults, an empty list, an empty dict, or `None`."""
    for kind in (model, *get_args(model)):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind()
        origin = cast(Any, get_origin(kind) or kind)
        if origin is list:
            return []
        if origin is dict:
            return {}
    return None


Note = Callable[[str, str, str], None]


def _noter(endpoint: str, anomalies: list[Anomaly]) -> Note:
    def note(path: str, expected: str, found: str) -> None:
        anomalies.append(Anomaly(endpoint=endpoint, path=path, expected=expected, found=found))

    return note


def fit(data: Any, kind: Any, path: str, note: Note) -> Any:
    """Return `data` as `kind` as far as it fits; call `note` for each place that stays as it came."""
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        # `msgspec` cannot look into half of a surrogate pair where it expects another type than a text.
        pass
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and is_object(data):
        return _fit_struct(data, kind, path, note)
    origin, args = get_origin(kind), get_args(kind)
    if origin is list and is_array(data):
        return [fit(value, args[0], f"{path}[{index}]", note) for index, value in enumerate(data)]
    if origin is dict and is_object(data):
        pairs = data.items()
        return {key: fit(value, args[1], f"{path}.{key}", note) for key, value in pairs}
    if origin in (Union, UnionType):
        fitting = [member for member in args if _takes(member, data)]
        if len(fitting) == 1:
            return fit(data, fitting[0], path, note)
    note(path, _name(kind), _kind_of(data))
    return data


def _fit_struct(data: dict[str, Any], kind: type[msgspec.Struct], path: str, note: Note) -> msgspec.Struct:
    hints = _hints(kind)
    values: dict[str, Any] = {}
    for name, wire in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        if wire in data:
            values[name] = fit(data[wire], hints[name], f"{path}.{wire}", note)
    return kind(**values)


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind)


def _takes(member: Any, data: object) -> bool:
    """Say whether `member` of a union is the one to fit a JSON object or array into."""
    if is_object(data):
        return get_origin(member) is dict or (isinstance(member, type) and issubclass(member, msgspec.Struct))
    return is_array(data) and get_origin(member) is list


def _name(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_name(member) for member in get_args(kind))
    return _JSON_NAMES.get(get_origin(kind) or kind) or str(getattr(kind, "__name__", kind))


_JSON_NAMES: dict[Any, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null", list: "array",
    dict: "object",
}  # fmt: skip


def _kind_of(data: object) -> str:
    return _JSON_NAMES.get(type(data), type(data).__name__)
