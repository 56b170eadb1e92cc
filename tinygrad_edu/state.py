"""State: what a function keeps from call to call, outside of the graph, and how such a change is taken back.

    with state_restored():
        net(x)              a batch norm moves its running statistics
    ...                     and here they are what they were

Whoever holds state says so just before it changes. So it is found wherever it is, even if only a closure knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# What the things that have changed within the block held before; None: there is no block.
_changes: ContextVar[list[tuple[Any, Any]] | None] = ContextVar("changes", default=None)


def about_to_change(thing: Any) -> None:
    """Note what a thing holds as its `value`."""
    changes = _changes.get()
    if changes is not None:
        changes.append((thing, thing.value))


@contextmanager
def state_restored() -> Iterator[None]:
    """Within it state may change; at the end everything has its value back, whatever happens."""
    changes: list[tuple[Any, Any]] = []
    token = _changes.set(changes)
    try:
        yield
    finally:
        # Still within: to a block around this one, what is taken back has never changed.
        for thing, value in reversed(changes):
            thing.value = value
        _changes.reset(token)
