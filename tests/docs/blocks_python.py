"""Runs the Python blocks of a page, one after another, and compares what they write with what they show."""

import ast
import asyncio
import inspect
import io
import re
import tokenize
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from .blocks import Block
from .blocks_stage import Enough, PageStage


class Filled(ast.NodeTransformer):
    """Puts in what a page leaves out (see `PageStage.values` and `PageStage.instead`)."""

    def __init__(self, stage: PageStage) -> None:
        self.stage = stage

    def _filled(self, name: Any, value: ast.expr) -> ast.expr:
        left_out = isinstance(value, ast.Constant) and value.value in (..., "...")
        if left_out and name in self.stage.values:
            # A function is no constant, but compiles as the value of a name.
            self.stage.names[f"_{name}"] = self.stage.values[name]
            return ast.copy_location(ast.Name(f"_{name}", ast.Load()), value)
        return value

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        node.value = self._filled(node.arg, node.value)
        return self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        named = zip(node.keys, node.values, strict=True)
        node.values = [
            self._filled(key.value if isinstance(key, ast.Constant) else None, value) for key, value in named
        ]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            for text, other in self.stage.instead.items():
                node.value = node.value.replace(text, other)
        return node


def run(block: Block, path: Path, stage: PageStage, runner: asyncio.Runner) -> None:
    """Run one block; `runner` runs one that has an `await` outside of any function."""
    tree = Filled(stage).visit(ast.parse(block.code))
    # So that a traceback shows the line of the page.
    ast.increment_lineno(tree, block.line)
    code = compile(ast.fix_missing_locations(tree), str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    written = io.StringIO()
    with redirect_stdout(written), redirect_stderr(written):
        try:
            if code.co_flags & inspect.CO_COROUTINE:
                runner.run(eval(code, stage.names))
            else:
                exec(code, stage.names)
        except Enough:
            pass
    shown = shown_by(block.code)
    if shown:
        found = _timeless(written.getvalue())
        assert _fits(shown, found), f"line {block.line}: shown is {shown}, written was {found.splitlines()}"


def shown_by(code: str) -> list[str]:
    """Return the lines that a block shows as its output: the comments that begin with an arrow."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return [comment.removeprefix("# -> ") for comment in comments if comment.startswith("# -> ")]


def _timeless(text: str) -> str:
    return re.sub(r"\d+\.\d{3} s\b", "0.000 s", text)


def _fits(shown: list[str], written: str) -> bool:
    """Say whether the lines are what was written; `...` is anything in a line, alone any number of lines."""
    pattern = "".join(
        "(?:.*\n)*" if line == "..." else re.escape(_timeless(line)).replace(r"\.\.\.", ".*") + "\n"
        for line in shown
    )
    return re.fullmatch(pattern, written) is not None
