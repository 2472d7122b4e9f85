"""Operations as Python source: a method that returns a `Call`, under a decorator that has the facts."""

import keyword
import re
from collections.abc import Sequence

from msgspec import structs

from anyauth0.pages import Checkpoint, Offset
from codegen.classes import docstring
from codegen.facts import Operation, Pagination
from codegen.models import Models
from codegen.naming import pascal, snake, summary
from codegen.overlay import Overlay


def method(models: Models, overlay: Overlay, operation: Operation) -> tuple[str, str]:
    """Return the source of one endpoint, and before it that of an alias for a model that is a union."""
    answer = models.answer(operation)
    text = models.text(answer) if answer else "None"
    model, alias = text if answer else "NoneType", ""
    if " | " in re.sub(r"\[.*\]", "", text):
        # A union is no class, as `Call` wants one.
        model = f"_{pascal(operation.name)}Answer"
        alias = f"{model}: Any = {text}"
    path = [snake(each.name) for each in operation.path_params]
    query = _query(models, operation)
    body = models.body(operation)
    type_, fields = body or ("", ())
    call = [model]
    if path:
        call.append(f"path=({_tuple(path)})")
    if query:
        call.append(f"query={{{', '.join(value for _, value in query)}}}")
    keywords = [argument for argument, _ in query]
    if operation.multipart:
        keywords += [_argument(each.wire, models.text(each.type), required=each.required) for each in fields]
        parts = [f'"{each.wire}": {_part(models.text(each.type), snake(each.wire))}' for each in fields]
        call.append(f"multipart={{{', '.join(parts)}}}")
    elif type_ == "Any":
        # Nothing is known of it, so there is nothing to say.
        call.append("json={}")
    elif body is not None:
        renamed = [f'{_keyword(each.wire)}="{each.wire}"' for each in fields if keyword.iskeyword(each.wire)]
        call.append(f"json=spelled(body, {', '.join(renamed)})" if renamed else "json=body")
    signature = ["self", *(f"{name}: str" for name in path), *(["/"] if path else [])]
    if type_ not in ("", "Any") and not fields:
        signature.append(f"body: {models.text(type_)}")
    if keywords:
        signature += ["*", *sorted(keywords, key=lambda argument: "=" in argument)]
    if fields and not operation.multipart:
        signature.append(f"**body: Unpack[{models.text(type_)}]")
    many = operation.pagination is not None or text.startswith("list[")
    title = overlay.summary.get(operation.title) or summary(operation, many=many)
    needed = [] if operation.multipart else [f"`{_keyword(each.wire)}`" for each in fields if each.required]
    return alias, (
        f"    {_decorator(operation)}\n"
        f"    def {operation.name}({', '.join(signature)}) -> Call[{text}]:\n"
        f"{docstring([title, _facts(operation, needed)], 2)}\n"
        f"        return Call({', '.join(call)})\n"
    )


def _keyword(wire: str) -> str:
    return f"{wire}_" if keyword.iskeyword(wire) else wire


def _part(type_: str, name: str) -> str:
    return f"File({name})" if type_ == "Upload" else name


def _argument(wire: str, type_: str, *, required: bool) -> str:
    if required:
        return f"{snake(wire)}: {type_}"
    return f"{snake(wire)}: {type_ if type_.endswith('| None') else f'{type_} | None'} = None"


def _query(models: Models, operation: Operation) -> list[tuple[str, str]]:
    """Return for each query parameter how it is declared and how it is sent."""
    query: list[tuple[str, str]] = []
    for each in operation.query:
        name, type_ = snake(each.name), models.text(models.parameter(each.schema, each.name))
        if each.comma_list:
            name, type_ = f"comma({name})", "str | Sequence[str]"
        query.append((_argument(each.name, type_, required=each.required), f'"{each.name}": {name}'))
    return query


def _tuple(values: Sequence[str]) -> str:
    return f"{values[0]}," if len(values) == 1 else ", ".join(values)


def _decorator(operation: Operation) -> str:
    arguments = [f'"{operation.method}"', f'"{operation.path}"']
    pagination = operation.pagination
    if pagination is not None:
        arguments += _paging(operation, pagination)
    if operation.scopes:
        scopes = [f'"{scope}"' for scope in operation.scopes]
        arguments.append(f"scopes=({_tuple(scopes)})")
    if operation.lifecycle not in (None, "GA"):
        arguments.append(f'lifecycle="{operation.lifecycle}"')
    kind = "subscription" if operation.streams else "endpoint" if pagination is None else "paged"
    return f"@{kind}({', '.join(arguments)})"


def _paging(operation: Operation, pagination: Pagination) -> list[str]:
    """Return the arguments of `paged`, without those that say what goes without saying."""
    offset, checkpoint = pagination.offset, pagination.checkpoint
    arguments: list[str] = []
    if pagination.items is not None:
        arguments.append(f'items="{pagination.items}"')
    if offset is not None:
        by_number = Offset(
            page=offset.page,
            per_page=offset.per_page,
            totals=offset.include_totals,
            total=offset.total,
            wall=offset.wall,
            beyond=offset.beyond,
            key=offset.key,
            advice=offset.advice,
        )
        arguments.append(f"offset={_written(by_number, Offset())}")
    if checkpoint is not None:
        by_cursor = Checkpoint(
            from_=checkpoint.from_,
            take=checkpoint.take,
            next=checkpoint.next,
            item_field=checkpoint.from_item_field,
            most=most(operation) or Checkpoint().most,
        )
        arguments.append(f"checkpoint={_written(by_cursor, Checkpoint())}")
    return arguments


def _written(value: Offset | Checkpoint, usual: Offset | Checkpoint) -> str:
    """Return a value as it is written, without what goes without saying."""
    fields = [
        f'{name}="{field}"' if isinstance(field, str) else f"{name}={field}"
        for name, field in structs.asdict(value).items()
        if field != getattr(usual, name)
    ]
    return f"{type(value).__name__}({', '.join(fields)})"


def most(operation: Operation) -> int | None:
    """Return the largest `take` of an endpoint that pages by checkpoint, where the catalogue says it."""
    checkpoint = operation.pagination.checkpoint if operation.pagination else None
    take = checkpoint.take if checkpoint else None
    maximum = next((each.schema.maximum for each in operation.query if each.name == take), None)
    return None if maximum is None else int(maximum)


def _facts(operation: Operation, needed: Sequence[str]) -> str:
    """Return the paragraph of facts of a docstring."""
    facts = [f"{operation.method} {operation.path}."]
    if operation.lifecycle not in (None, "GA"):
        facts.append({"EA": "In early access."}.get(str(operation.lifecycle), f"In {operation.lifecycle}."))
    if operation.scopes:
        facts.append(f"Scope{'s' if len(operation.scopes) > 1 else ''}: {_listed(operation.scopes, 'or')}.")
    pagination = operation.pagination
    if pagination is not None:
        if pagination.checkpoint is not None:
            ways = "by checkpoint" if pagination.offset is None else "by checkpoint or by number"
            largest = most(operation)
            facts.append(f"Pages {ways}" + (f", at most {largest} items each." if largest else "."))
        elif pagination.offset is not None:
            wall = pagination.offset.wall
            beyond = pagination.offset.beyond
            facts.append("Pages by number" + (f", up to {wall} items in all." if wall else "."))
            if beyond is not None:
                facts.append(f"`.iter()` goes on beyond that, in the order of `{beyond}`.")
    if needed:
        facts.append(f"Needs {_listed(needed, 'and')}.")
    raises = [f"`{error}`" for status, error in _ERRORS.items() if status in operation.responses]
    if raises:
        facts.append(f"Raises {_listed(raises, 'or')}.")
    return " ".join(facts)


# What may go wrong with any call is not said at each.
_ERRORS = {"404": "NotFound", "409": "Conflict"}


def _listed(names: Sequence[str], word: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
