"""A page on a flow: its Python blocks, the names that it says it needs, and the messages that it draws."""

import re
from pathlib import Path

import msgspec

FLOWS = Path(__file__).parents[2] / "docs" / "flows"
NAMES = sorted(path.stem for path in FLOWS.glob("*.md") if path.stem != "index")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ARROW = re.compile(r"(\w+)(->>|-->>)(\w+): (.+)")
_REQUEST = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*)(?: \((?P<fields>.*?)\))?(?: \[(?P<headers>.*)\])?")
_ANSWER = re.compile(r"(?P<status>\d{3})(?: (?P<listed>list of )?(?P<fields>.+))?")
_IGNORED = re.compile(r"sequenceDiagram|participant |Note ")


class Asked(msgspec.Struct, frozen=True):
    """A request: who sends it to whom, and the names of what is in it, `grant_type` with its value."""

    sender: str
    receiver: str
    method: str
    path: str
    fields: list[str]
    headers: list[str]


class Answered(msgspec.Struct, frozen=True):
    """An answer, and the names of what is in it, `error` with its value; `...` stands for further ones.

    Names of what is in the objects of a list begin with `each `.
    """

    sender: str
    receiver: str
    status: int
    fields: list[str]


Message = Asked | Answered


class Page:
    """One page of docs/flows."""

    def __init__(self, name: str, text: str | None = None) -> None:
        self.text = (FLOWS / f"{name}.md").read_text() if text is None else text
        blocks = [(match[1], match[2]) for match in _BLOCK.finditer(self.text)]
        self.python = [code for kind, code in blocks if kind == "python"]
        self.diagrams = [code for kind, code in blocks if kind == "mermaid"]
        self.given = set(re.findall(r"`(\w+)`", self.text.split("\n\n")[1]))

    def messages(self) -> list[Message]:
        """Return what the diagrams draw, one after another. Raises `ValueError` for a line that says less."""
        lines = [line.strip() for diagram in self.diagrams for line in diagram.splitlines()]
        for line in lines:
            if ";" in line:
                raise ValueError(f"a semicolon ends a line in Mermaid: {line}")
        return [_message(line) for line in lines if line and not _IGNORED.match(line)]

    def errors(self) -> set[str]:
        """Return the exceptions in the first column of the table on what can go wrong."""
        rows = re.findall(r"^\| (.*?) \|", self.text, re.MULTILINE)
        return {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row)}


def _message(line: str) -> Message:
    arrow = _ARROW.fullmatch(line)
    if arrow is None:
        raise ValueError(f"neither a message nor a note: {line}")
    sender, kind, receiver, said = arrow.groups()
    found = (_REQUEST if kind == "->>" else _ANSWER).fullmatch(said)
    if found is None:
        raise ValueError(f"not what is sent: {line}")
    fields = _names(found["fields"])
    if kind == "-->>":
        if found["listed"]:
            fields = [f"each {name}" for name in fields]
        return Answered(sender, receiver, int(found["status"]), fields)
    return Asked(sender, receiver, found["method"], found["path"], fields, _names(found["headers"]))


def _names(text: str | None) -> list[str]:
    return sorted(text.split(", ")) if text else []
