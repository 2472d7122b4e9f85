"""Every code block of README.md and of each page of docs runs, or is what its language says.

- **python**: the blocks of a page run in order, in one namespace, on an embedded tenant that answers for
  tenant.eu.auth0.com over whichever transport. `domain=...`, `client_id="..."` and the like get their
  values. An `await` outside of a function is fine. Comments that begin with `# -> ` are what the block
  writes: line by line, durations aside; `...` is anything in a line, alone any number of lines.
- **console**: lines that begin with `$ ` are commands (see blocks_console.py).
- **toml**, **json**, **ini**: are parsed. **py** is code for elsewhere, such as another SDK: it is parsed
  too, and does not run here.

A page that takes names as given, or has to find something at the tenant, needs a preparation: a generator
function in the `PREPARATIONS` of blocks_pages.py, or of guides.py, under the name of the page (`clients`,
`migration/x`, `README`). It is given a `PageStage`, sets things up, yields the names that the page takes as
given (`{}` for none), and goes on when all blocks have run: time to assert what they did, in `stage.names`
and `stage.tenant`. A block without an end is ended by an `Enough`, raised by a function that it calls.
Nothing goes to the network, and `time.sleep` moves the clock of the tenant (`stage.pauses` happen meanwhile).
Pages that need none of this need no preparation.
"""

import ast
import asyncio
import configparser
import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from . import blocks_console, blocks_pages, blocks_python, guides
from .blocks import PAGES, Block, blocks_of
from .blocks_stage import PageStage, staged

PREPARATIONS = {**blocks_pages.PREPARATIONS, **guides.PREPARATIONS}

PARSERS: dict[str, Callable[[str], object]] = {
    "toml": tomllib.loads,
    "json": json.loads,
    "ini": lambda text: configparser.ConfigParser().read_string(text),
    "py": ast.parse,
    "text": str,
    "mermaid": str,
}


@pytest.fixture
def stage(
    signing_key: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[PageStage]:
    with staged(signing_key, tmp_path, monkeypatch) as stage:
        yield stage


def perform(name: str, path: Path, blocks: list[Block], stage: PageStage) -> None:
    """Run the blocks of a page between the two halves of its preparation."""
    preparation = PREPARATIONS[name](stage) if name in PREPARATIONS else iter([{}])
    stage.names |= {"__name__": "page", **next(preparation)}
    with asyncio.Runner() as runner:
        for block in blocks:
            where = f"{path.name}, line {block.line}"
            try:
                if block.language == "python":
                    blocks_python.run(block, path, stage, runner)
                elif block.language == "console":
                    blocks_console.run(block, stage)
                elif block.language in PARSERS:
                    PARSERS[block.language](block.code)
                else:
                    pytest.fail(f'{where}: "{block.language}" has no way to run; add one to PARSERS')
                for text, check in stage.checks.items():
                    if text in block.code:
                        check()
            except NameError as error:
                pytest.fail(
                    f'{where}: "{error.name}" is not there; give it by a preparation for "{name}", '
                    "as the docstring of test_blocks.py says"
                )
            except Exception as error:
                error.add_note(f"in the block at {where}")
                raise
    assert next(preparation, None) is None, "a preparation yields once"


@pytest.mark.parametrize("name", PAGES)
def test_the_blocks_of_a_page_run(stage: PageStage, name: str) -> None:
    path = PAGES[name]
    perform(name, path, blocks_of(path.read_text()), stage)


def test_every_preparation_has_a_page() -> None:
    assert PREPARATIONS.keys() - PAGES.keys() == set()


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("python", "auth.user_info.get('token')", '"auth" is not there; give it by a preparation for "new"'),
        ("python", "1 / 0", "division by zero"),
        ("python", "import asyncio\nawait asyncio.sleep(0)\n1 / 0", "division by zero"),
        ("python", "print(2)  # -> 1", "shown is"),
        ("python", "# -> 1", "shown is"),
        ("python", "print(1)\nprint(2)  # -> 1", "shown is"),
        (
            "python",
            "import urllib3\nurllib3.request('GET', 'https://example.com', retries=False)",
            "wants to",
        ),
        ("console", "$ anyauth0 users gte", "ends with 2"),
        ("console", "$ anyauth0 users get nobody", "ends with 1"),
        ("console", "$ make nothing", "no target"),
        ("console", "$ pip install 'anyauth0[nothing]'", "no such extra"),
        ("console", "$ pip install no-such-package-of-anybody", "no-such-package-of-anybody"),
        ("console", "$ python -c 'import no_such_module'", "ends with 1"),
        ("console", "$ nothing", "no way to run"),
        ("console", "nothing", "has to begin with a dollar"),
        ("console", "$ export AUTH0_NOTHING=1", "reads no"),
        ("toml", "a = ", "Invalid value"),
        ("json", "{", "Expecting property name"),
        ("cobol", "STOP RUN", "no way to run"),
    ],
)
def test_a_block_that_is_broken_fails(stage: PageStage, language: str, code: str, said: str) -> None:
    with pytest.raises((Exception, pytest.fail.Exception), match=said):
        perform("new", stage.folder / "new.md", blocks_of(f"# New\n\n```{language}\n{code}\n```\n"), stage)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```\nx\n```\n", "line 1: a block has no language"),
        ("Text\n\n```python\nx\n", "line 3: a block has no end"),
        ("Text\n\n    x = 1\n", '"x = 1" is a block by its indent only'),
    ],
)
def test_a_block_that_does_not_say_what_it_is_is_an_error(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        blocks_of(text)


@pytest.mark.parametrize("shown", ["# -> 1\n# -> took 0.123 s: b", "# -> ...", "# -> 1\n# -> took ...: b"])
def test_what_a_block_shows_may_leave_out(stage: PageStage, shown: str) -> None:
    code = f"print(1)\nprint('took 7.000 s: b')\n{shown}\n"
    perform("new", stage.folder / "new.md", [Block("python", 1, code)], stage)


def test_the_blocks_of_a_page_are_found_with_their_lines() -> None:
    text = "- A list\n\n  ```python\n  x = 1\n  if x:\n      y = 2\n  ```\n\n~~~json\n{}\n~~~\n"
    found = [Block("python", 3, "x = 1\nif x:\n    y = 2\n"), Block("json", 9, "{}\n")]
    assert blocks_of(text) == found
