"""Says of a regular expression whether some text costs it more than linear time, by its structure alone.

`re` backtracks, so three structures are refused where something after them can fail:

- a repeat within a repeat, unless each round begins with a letter that nothing else in it takes
- two repeats that can share a run of letters, whatever stands between them taking such letters too
- in a search, a repeat that can be entered from every letter of the run that it takes
"""

import re
import re._constants as op
import re._parser as parser
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any, NamedTuple

OTHER = 256
"""Stands for every letter beyond latin-1."""
LETTERS = frozenset(range(OTHER + 1))


class Part(NamedTuple):
    """What a part of a sequence takes: which letters, whether none will do, and whether without end."""

    letters: frozenset[int]
    optional: bool = False
    endless: bool = False
    wide: bool = True
    backtracks: bool = True


def costs(pattern: re.Pattern[Any], *, search: bool = True, whole: bool = False) -> list[str]:
    """Return what is wrong with a pattern: nothing for one that takes linear time.

    `search` is false where it is only tried at the start, `whole` true for `fullmatch`.
    """
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    flags = pattern.flags if isinstance(pattern.pattern, str) else pattern.flags | re.ASCII
    found: list[str] = []
    for parts in sequences(parser.parse(text, flags), flags, found):
        end = [Part(frozenset(), wide=False)] if whole else []
        found += ambiguous([*parts, *end])
        if search and not whole:
            found += restarted([*parts, *end])
    return sorted(set(found))


def can_fail(rest: list[Part]) -> bool:
    return any(not part.optional for part in rest)


def ambiguous(parts: list[Part]) -> Iterator[str]:
    for first, one in enumerate(parts):
        for second in range(first + 1, len(parts)):
            other = parts[second]
            shared = one.letters & other.letters
            between = [part for part in parts[first + 1 : second] if part.wide and not part.optional]
            meets = shared and all(shared & part.letters for part in between)
            both = one.endless and other.endless and one.backtracks and other.backtracks
            if both and meets and can_fail(parts[second + 1 :]):
                yield f"parts {first} and {second} can share a run of letters"


def restarted(parts: list[Part]) -> Iterator[str]:
    for place, part in enumerate(parts):
        if part.endless and can_fail(parts[place + 1 :]):
            before = [each for each in parts[:place] if not each.optional]
            if all(each.letters & part.letters for each in before):
                yield f"part {place} can be entered from each letter of its run"


def sequences(tree: Any, flags: int, found: list[str]) -> Iterator[list[Part]]:
    """Go through the sequences of parts that a tree stands for, one for each way through its branches."""
    for choice in product(*[list(ways(code, value, flags, found)) for code, value in tree]):
        yield [part for parts in choice for part in parts]


def ways(code: Any, value: Any, flags: int, found: list[str]) -> Iterator[list[Part]]:
    if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        yield from repeated(code, value, flags, found)
    elif code is op.SUBPATTERN:
        yield from sequences(value[3], flags, found)
    elif code is op.ATOMIC_GROUP:
        for parts in sequences(value, flags, found):
            yield [part._replace(backtracks=False) for part in parts]
    elif code is op.BRANCH:
        for branch in value[1]:
            yield from sequences(branch, flags, found)
    elif code in (op.ASSERT, op.ASSERT_NOT):
        yield from looks(code, value, flags, found)
    elif code is op.AT:
        # What is tried at the start alone is not entered again.
        start = value in (op.AT_BEGINNING, op.AT_BEGINNING_STRING) and not flags & re.MULTILINE
        yield [Part(frozenset() if start else LETTERS, wide=False)]
    elif code is op.GROUPREF:
        yield [Part(LETTERS)]
    else:
        yield [Part(letters(code, value, flags))]


def repeated(code: Any, value: Any, flags: int, found: list[str]) -> Iterator[list[Part]]:
    least, most, body = value
    endless = most is op.MAXREPEAT
    choices = list(sequences(body, flags, found))
    starts = [parts[0].letters for parts in choices if parts]
    if endless and any(one & other for one, other in combinations(starts, 2)):
        found.append("a repeat of alternatives that begin alike")
    for parts in choices:
        if not endless or not parts:
            yield [part._replace(optional=part.optional or least == 0) for part in parts]
            continue
        first, *rest = parts
        varied = any(part.optional or part.endless for part in parts)
        taken = frozenset[int]().union(*(part.letters for part in rest))
        if varied and (first.optional or first.endless or first.letters & taken):
            found.append("a repeat within a repeat")
        everything = taken | first.letters
        yield [Part(everything, least == 0, endless=True, backtracks=code is not op.POSSESSIVE_REPEAT)]


def looks(code: Any, value: Any, flags: int, found: list[str]) -> Iterator[list[Part]]:
    direction, body = value
    for parts in sequences(body, flags, found):
        found += ambiguous([*parts, Part(frozenset(), wide=False)])
        if direction > 0 or not parts:
            yield [Part(LETTERS, wide=False)]
        elif code is op.ASSERT:
            yield [Part(part.letters, wide=False) for part in parts]
        else:
            yield [Part(LETTERS - parts[0].letters, wide=False)]


def letters(code: Any, value: Any, flags: int) -> frozenset[int]:
    """Return the letters that a single one of a pattern may be."""
    if code is op.ANY:
        return LETTERS if flags & re.DOTALL else LETTERS - {ord("\n")}
    if code is op.NOT_LITERAL:
        return LETTERS - {value}
    if code is op.LITERAL:
        same = {value, ord(chr(value).lower()[0]), ord(chr(value).upper()[0])}
        return frozenset(min(each, OTHER) for each in (same if flags & re.IGNORECASE else {value}))
    if code is op.RANGE:
        return frozenset(min(each, OTHER) for each in range(value[0], min(value[1], OTHER) + 1)) or {OTHER}
    if code is op.CATEGORY:
        word = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[str(value).rpartition("_")[2]]
        kind = re.compile(word, flags & re.ASCII)
        taken = frozenset(each for each in range(OTHER) if kind.match(chr(each)))
        # Of the letters beyond latin-1 hardly any is a space, and none is both a space and part of a word.
        if not flags & re.ASCII and word != r"\s":
            taken |= {OTHER}
        return LETTERS - taken if "NOT" in str(value) else taken
    if code is op.IN:
        negated = value[0][0] is op.NEGATE
        taken = frozenset[int]().union(*(letters(*each, flags) for each in value[negated:]))
        return LETTERS - (taken - {OTHER}) if negated else taken
    raise AssertionError(f"a part of a pattern that is not known here: {code}")
