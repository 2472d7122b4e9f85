"""The code blocks of README.md and of each page of docs, with the language and the line of each."""

import re
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Those on flows have a test of their own: test_flows.py.
PAGES = {"README": ROOT / "README.md"} | {
    str(path.relative_to(DOCS).with_suffix("")): path
    for path in sorted(DOCS.rglob("*.md"))
    if path.parent.name != "flows"
}

_FENCE = re.compile(r"( *)(`{3,}|~{3,})(.*)")
_INDENTED = re.compile(r"\n\n(?: {4}|\t)(\S.*)")
# What may go on with an indent: a list, a note, a tab, and what is indented itself.
_GOES_ON = re.compile(r"\s|[-*+] |\d+\. |!!! |\?\?\?\+? |=== ")


class Block(msgspec.Struct, frozen=True):
    """One block: its language, the line of its fence, and what is in it."""

    language: str
    line: int
    code: str


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a page. Raises `ValueError` for one that does not say what it is."""
    found: list[Block] = []
    prose: list[str] = []
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        opening = _FENCE.fullmatch(line)
        if opening is None:
            prose.append(line)
            continue
        indent, fence, language = opening[1], opening[2], opening[3].strip()
        if not language:
            raise ValueError(f'line {number}: a block has no language; write it after the "{fence}"')
        code: list[str] = []
        for _, inner in lines:
            if inner.strip() == fence:
                break
            code.append(inner.removeprefix(indent))
        else:
            raise ValueError(f'line {number}: a block has no end; close it by "{fence}"')
        found.append(Block(language.split()[0], number, "\n".join([*code, ""])))
        prose.append("block")
    text = "\n".join(prose)
    for place in _INDENTED.finditer(text):
        if not _GOES_ON.match(text[: place.start()].rpartition("\n\n")[2]):
            raise ValueError(f'"{place[1]}" is a block by its indent only; fence it, with a language')
    return found
