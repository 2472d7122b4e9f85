"""Promise 1: one odd value, whatever it is and wherever it stands, costs nothing beside it."""

import inspect
import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from anyauth0 import Anomaly, ApiResponse, DecodingError, Page, Response
from anyauth0.decoding import Shape, decode

from ..core.fakes import Blocking, Kind
from ..management.catalogue import OPERATIONS, success
from ..management.sampler import answers

# An iterator of server-sent events is no answer in JSON.
READ = [
    title
    for title, operation in OPERATIONS.items()
    if operation["method"] == "GET" and success(operation)[1] is not None and title != "events.subscribe"
]
LISTS = [title for title in READ if OPERATIONS[title]["pagination"]]

HUGE = 10**30
DROPPED = object()
ODD = [None, "", 0, "x", [], {}, "true", HUGE]
MARK = "here stands what is odd"

CLIENT = Kind(asynchronous=False).management_client(Blocking())

EMPTY = Response(status=200, headers={"content-type": "application/json"})
Path = tuple[str | int, ...]
GONE = object()


class Reading:
    """How an operation is read: its model and what the decoder knows of it, from the method of the client."""

    def __init__(self, title: str) -> None:
        resource, _, name = title.partition(".")
        owner = type(getattr(CLIENT, resource))
        endpoint = getattr(owner, name)
        self.model: Any = get_args(inspect.signature(endpoint.function).return_annotation)[0]
        self.item = get_args(self.model)[0] if get_origin(self.model) is Page else None
        offset, checkpoint = getattr(endpoint, "offset", None), getattr(endpoint, "checkpoint", None)
        self.shape = Shape(
            endpoint=f"{endpoint.method} {endpoint.path}",
            items=getattr(endpoint, "items", None),
            total=offset.total if offset else "total",
            next=(checkpoint.next if checkpoint else None) or "next",
        )

    def answer(self, response: Response) -> ApiResponse[Any]:
        return ApiResponse(response, partial(decode, self.model, shape=self.shape))

    def strictly(self, response: Response) -> tuple[Anomaly, ...]:
        return decode(self.model, response, msgspec.structs.replace(self.shape, strict=True))[1]

    @property
    def counters(self) -> dict[str, Any]:
        """What stands beside the items of a page, with its type."""
        counts = (self.shape.total, "start", "limit", "length", "page", "per_page")
        return {**dict.fromkeys(counts, int | None), self.shape.next: str | None}

    def parts(self, page: Page[Any], data: Any) -> Any:
        """Return a page as the answer that it was read from has it."""
        if isinstance(data, list):
            return page.items
        read = {"start": page.start, "limit": page.limit, "length": page.length}
        named = {self.shape.items: page.items, self.shape.total: page.total, self.shape.next: page.next}
        return {**named, **read}

    def hint(self, data: Any, path: Path) -> Any:
        """Return the type of the place, `Any` where the model has none for it."""
        return self._hint(isinstance(data, list), path)

    @cache  # noqa: B019 - there is one for each operation anyway
    def _hint(self, bare: bool, path: Path) -> Any:
        if self.item is None:
            return inner(self.model, path)
        if bare:
            return inner(list[self.item], path)  # type: ignore[name-defined]
        if path[0] == self.shape.items:
            return inner(list[self.item] | None, path[1:])  # type: ignore[name-defined]
        return self.counters.get(str(path[0]), Any)


@cache
def reading(title: str) -> Reading:
    return Reading(title)


def answered(data: Any) -> Response:
    # The encoder of msgspec refuses huge numbers.
    return msgspec.structs.replace(EMPTY, body=json.dumps(data).encode())


def spoiled(data: Any, path: Path) -> Callable[[Any], Response]:
    """Return a function of the odd value in one place; what is around it is written once."""
    before, after = msgspec.json.encode(harmed(data, path, MARK)).split(msgspec.json.encode(MARK))

    def answer(odd: Any) -> Response:
        if odd is DROPPED:
            return answered(harmed(data, path, odd))
        return msgspec.structs.replace(EMPTY, body=before + json.dumps(odd).encode() + after)

    return answer


def members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, type(int | str)) else (hint,)


@cache
def hints(model: type) -> dict[str, Any]:
    """Return the types of a model by the names of the wire."""
    named = get_type_hints(model)
    names = zip(model.__struct_fields__, model.__struct_encode_fields__, strict=True)  # type: ignore[attr-defined]
    return {wire: named[name] for name, wire in names}


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def inner(hint: Any, path: Path) -> Any:
    """Return the type at `path` below a type, `Any` where it has none for it."""
    if not path:
        return hint
    found: list[Any] = []
    for member in members(hint):
        if is_model(member) and isinstance(path[0], str):
            found.append(hints(member).get(path[0], Any))
        elif get_origin(member) is dict and isinstance(path[0], str):
            found.append(get_args(member)[1])
        elif get_origin(member) is list and isinstance(path[0], int):
            found.append(get_args(member)[0])
    return inner(found[0], path[1:]) if len(found) == 1 else Any


def fits(value: Any, hint: Any) -> bool:
    """Say whether a type allows one of the odd values."""
    return any(_fits(value, member) for member in members(hint))


def _fits(value: Any, member: Any) -> bool:
    kind = get_origin(member) or member
    if kind in (Any, object):
        return True
    if kind is Literal:
        return value in get_args(member)
    if value is None:
        return kind is type(None)
    if value == {}:
        return kind is dict or is_model(kind)
    return type(value) is kind or (type(value) is int and kind is float)


def places(data: Any, levels: int, path: Path = ()) -> Iterator[Path]:
    """Go through the properties of an answer, and the first items of arrays, so many levels deep."""
    if isinstance(data, dict) and levels:
        for name, value in data.items():
            yield (*path, name)
            yield from places(value, levels - 1, (*path, name))
    elif isinstance(data, list) and data and levels:
        yield (*path, 0)
        yield from places(data[0], levels, (*path, 0))


def targets(title: str) -> Iterator[tuple[Any, list[Path]]]:
    """Go through answers, each with the places that no answer before it had: unions take turns."""
    known: set[Path] = set()
    for data in answers(title):
        new = [path for path in places(data, 3) if path not in known]
        known.update(new)
        if new:
            yield data, new


def harmed(data: Any, path: Path, odd: Any) -> Any:
    """Return the answer with another value in one place."""
    copy = dict(data) if isinstance(data, dict) else list(data)
    if len(path) > 1:
        copy[path[0]] = harmed(data[path[0]], path[1:], odd)
    elif odd is DROPPED:
        del copy[path[0]]
    else:
        copy[path[0]] = odd
    return copy


def written(path: Path) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


@cache
def attributes(model: type[msgspec.Struct]) -> dict[str, str]:
    """Return the attributes of a model by the names of the wire."""
    return dict(zip(model.__struct_encode_fields__, model.__struct_fields__, strict=True))


def part(value: Any, key: str | int) -> Any:
    """Return what a model, a dict or a list holds under a key of the wire, `GONE` where it has none."""
    if isinstance(value, msgspec.Struct):
        name = attributes(type(value)).get(str(key))
        return getattr(value, name) if name else GONE
    if isinstance(value, list):
        return value[key] if isinstance(key, int) and key < len(value) else GONE
    return value.get(key, GONE) if isinstance(value, dict) else GONE


def parts(value: Any) -> dict[Any, Any]:
    """Return what a model, a dict or a list holds, by the keys of the wire."""
    if isinstance(value, msgspec.Struct):
        return {wire: getattr(value, name) for wire, name in attributes(type(value)).items()}
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list) else {}


def changed(before: Any, after: Any, path: Path) -> Iterator[str]:
    """Go through what is not as it was beside `path`."""
    if type(before) is not type(after):
        yield f"{type(before).__name__} at {written(path)} has become {type(after).__name__}"
        return
    if put_back(before, after, path[0]) != before:
        old, new = parts(before), parts(after)
        for key in (old.keys() | new.keys()) - {path[0]}:
            if old.get(key, GONE) != new.get(key, GONE):
                yield f"{key} beside {written(path)}"
    if len(path) > 1 and (old_value := part(before, path[0])) is not GONE:
        yield from changed(old_value, part(after, path[0]), path[1:])


def put_back(before: Any, after: Any, key: str | int) -> Any:
    """Return `after` with one part as it was before."""
    if isinstance(before, msgspec.Struct):
        name = attributes(type(before)).get(str(key))
        return msgspec.structs.replace(after, **{name: getattr(before, name)}) if name else after
    copy = {**after} if isinstance(after, dict) else [*after]
    if isinstance(copy, list) and isinstance(key, int) and key < min(len(copy), len(before)):
        copy[key] = before[key]
    elif isinstance(copy, dict):
        copy.pop(key, None)
        copy |= {key: before[key]} if key in before else {}
    return copy


def kept(value: Any, path: Path) -> Any:
    """Return what a model has in one place, `GONE` where it has none for it."""
    for key in path:
        value = part(value, key)
    return value


def default(before: Any, path: Path) -> Any:
    """Return what a model has where nothing came."""
    parent = kept(before, path[:-1])
    return kept(type(parent)(), path[-1:]) if isinstance(parent, msgspec.Struct) else GONE


def same(found: Any, odd: Any) -> bool:
    """Say whether what is found is the odd value, which may have become an empty model or a float."""
    if isinstance(found, msgspec.Struct):
        return odd == {} and found == type(found)()
    if isinstance(found, float):
        return isinstance(odd, int) and found == float(odd)
    return type(found) is type(odd) and found == odd


def check(reading: Reading, before: Any, data: Any, path: Path, odd: Any, answer: ApiResponse[Any]) -> bool:
    """Assert that an odd value in one place harms nothing, and return whether it is an anomaly."""
    hint = reading.hint(data, path)
    expected = odd is not DROPPED and not fits(odd, hint)
    assert [(place.endpoint, place.path) for place in answer.anomalies] == (
        [(reading.shape.endpoint, written(path))] if expected else []
    )
    after = answer.data
    if reading.item is not None:
        before, after = reading.parts(before, data), reading.parts(after, data)
        if path[0] in ("page", "per_page"):
            # Where pages are counted, start and limit are made of these two.
            before, after = ({**each, "start": None, "limit": None} for each in (before, after))
    assert list(changed(before, after, path)) == []
    found = kept(after, path)
    if reading.item is not None and len(path) == 1 and isinstance(path[0], str):
        # A page has items and counts, or has none.
        if path[0] in after:
            nothing = [] if path[0] == reading.shape.items else None
            assert found == (odd if odd is not DROPPED and not expected and odd is not None else nothing)
    elif odd is DROPPED:
        assert found == default(before, path)
    else:
        assert hint is Any if found is GONE else same(found, odd)
    return expected


def refused(call: Callable[[], object], reading: Reading, path: Path) -> None:
    with pytest.raises(DecodingError) as caught:
        call()
    assert reading.shape.endpoint in str(caught.value)
    assert f" {written(path)}: " in str(caught.value)


def odd_for(path: Path) -> list[Any]:
    # An array without its first item is another array, with nothing odd in it.
    return ODD if isinstance(path[-1], int) else [*ODD, DROPPED]


@pytest.mark.parametrize("title", READ)
def test_each_property_of_each_answer_may_be_odd(title: str) -> None:
    here = reading(title)
    for data, paths in targets(title):
        good = here.answer(answered(data))
        assert good.anomalies == ()
        for place, path in enumerate(paths):
            outcomes: dict[bool, Response] = {}
            answer_with = spoiled(data, path)
            for turn, odd in enumerate(odd_for(path)):
                answer = here.answer(answer_with(odd))
                # No model has a part in what is raw: one of the values at each place, in turn.
                if turn == place % 8:
                    assert answer.json() == harmed(data, path, odd)
                outcomes[check(here, good.data, data, path, odd, answer)] = answer.response
            if True in outcomes:
                refused(partial(here.strictly, outcomes[True]), here, path)
            if False in outcomes:
                assert here.strictly(outcomes[False]) == ()
