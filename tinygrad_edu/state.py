"""State: what a function keeps from call to call, outside of the graph, and how such a change is taken back.

    with state_restored():
        net(x)              a batch norm moves its running statistics, a dropout draws random numbers
    ...                     and here they are what they were

Whoever holds state says so just before it changes. So it is found wherever it is, even if only a closure knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# What the things that have changed within the block held before, and in which attribute; None: there is no block.
_changes: ContextVar[list[tuple[Any, str, Any]] | None] = ContextVar("changes", default=None)


def about_to_change(thing: Any, attribute: str = "value") -> None:
    """Note what a thing holds."""
    changes = _changes.get()
    if changes is not None:
        changes.append((thing, attribute, getattr(thing, attribute)))


@contextmanager
def state_restored() -> Iterator[None]:
    """Within it state may change; at the end everything has its value back, whatever happens."""
    changes: list[tuple[Any, str, Any]] = []
    token = _changes.set(changes)
    try:
        yield
    finally:
        # Still within: to a block around this one, what is taken back has never changed.
        for thing, attribute, value in reversed(changes):
            setattr(thing, attribute, value)
        _changes.reset(token)
