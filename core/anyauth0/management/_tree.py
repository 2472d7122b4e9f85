"""Placeholder of the generated tree."""

from typing import Generic

from ..endpoint import Mode


class Tree(Generic[Mode]):
    """Placeholder."""

    __slots__ = ()
