"""A subset of the Lucene syntax for `q`: `field:value`, `*`, quotes, ranges, AND, OR, NOT, brackets."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..incoming import Refusal, management_refusal
from ..values import section

__all__ = ["matcher"]

Matcher = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<word>AND|OR|NOT)(?=[\s()]|$)
      | (?P<not>-)(?=\S)
      | (?P<field>[\w.]+):(?:"(?P<quoted>(?:[^"\\]|\\.)*)"
            | (?P<open>[\[{])(?P<low>\S+)\s+TO\s+(?P<high>\S+?)(?P<close>[\]}])
            | (?P<value>(?:[^\s()"\\]|\\.)+))
    )""",
    re.VERBOSE,
)
_BOUND = re.compile(r"(>=|<=|>|<)(.+)")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def matcher(query: str | None) -> Matcher:
    """Return the test of a query; without one everything passes. What cannot be read is refused with 400."""
    if not query or query.strip() in ("", "*"):
        return lambda document: True
    parser = _Parser(query)
    found = parser.alternatives()
    if parser.token is not None:
        raise _unreadable()
    return found


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query.rstrip()
        self._position = 0
        self.token: re.Match[str] | None = None
        self._next()

    def _next(self) -> None:
        if self._position >= len(self._query):
            self.token = None
            return
        self.token = _TOKEN.match(self._query, self._position)
        if self.token is None:
            raise _unreadable()
        self._position = self.token.end()

    def _take(self, group: str, text: str) -> bool:
        if self.token is None or self.token[group] != text:
            return False
        self._next()
        return True

    def alternatives(self) -> Matcher:
        parts = [self._conjunction()]
        while self._take("word", "OR"):
            parts.append(self._conjunction())
        return lambda document: any(part(document) for part in parts)

    def _conjunction(self) -> Matcher:
        parts = [self._term()]
        while self.token is not None and self.token["word"] != "OR" and self.token["bracket"] != ")":
            self._take("word", "AND")
            parts.append(self._term())
        return lambda document: all(part(document) for part in parts)

    def _term(self) -> Matcher:
        if self._take("word", "NOT") or self._take("not", "-"):
            inner = self._term()
            return lambda document: not inner(document)
        if self._take("bracket", "("):
            inner = self.alternatives()
            if not self._take("bracket", ")"):
                raise _unreadable()
            return inner
        token = self.token
        if token is None or token["field"] is None:
            raise _unreadable()
        self._next()
        return _field(token)


def _field(token: re.Match[str]) -> Matcher:
    path = token["field"].split(".")
    if token["open"]:
        return _range(path, token)
    quoted = token["quoted"]
    text = re.sub(r"\\(.)", r"\1", quoted if quoted is not None else token["value"])
    if path == ["_exists_"]:
        wanted = text.split(".")
        return lambda document: bool(_values(document, wanted))
    parts = [text] if quoted is not None else text.split("*")
    pattern = re.compile(".*".join(re.escape(part) for part in parts), re.IGNORECASE | re.DOTALL)
    bound = None if quoted is not None else _BOUND.fullmatch(text)
    if bound is not None:
        compare, limit = _COMPARISONS[bound[1]], bound[2]
        return lambda document: any(compare(*_alike(value, limit)) for value in _values(document, path))
    return lambda document: any(pattern.fullmatch(_text(value)) for value in _values(document, path))


def _range(path: list[str], token: re.Match[str]) -> Matcher:
    low, high = token["low"].strip('"'), token["high"].strip('"')
    above, below = operator.ge if token["open"] == "[" else operator.gt, operator.le
    if token["close"] != "]":
        below = operator.lt

    def within(value: Any) -> bool:
        return (low == "*" or above(*_alike(value, low))) and (high == "*" or below(*_alike(value, high)))

    return lambda document: any(within(value) for value in _values(document, path))


def _alike(value: Any, limit: str) -> tuple[Any, Any]:
    """Return both as numbers where both are numbers, as texts otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return value, float(limit)
        except ValueError:
            pass
    return _text(value), limit


def _values(document: Mapping[str, Any], path: list[str]) -> list[Any]:
    values: list[Any] = [document]
    for name in path:
        inner: list[Any] = []
        for value in values:
            found = section({"value": value}, "value").get(name)
            inner += found if isinstance(found, list) else [] if found is None else [found]
        values = inner
    return values


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unreadable() -> Refusal:
    return management_refusal(400, "invalid_query_string", "The query of 'q' cannot be read")
