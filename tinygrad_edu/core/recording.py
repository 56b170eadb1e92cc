"""What is recorded: nothing, what needs a gradient, or everything; and in which module's name.

The answer belongs to the thread or coroutine that asks, so it lives in a context variable, which every new
node reads once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

EVERYTHING, NEEDED, NOTHING = 0, 1, 2


class Recording:
    """A result is recorded if `requires_grad >= threshold`, and then carries the `scope` it was made in."""

    __slots__ = ("scope", "threshold")

    def __init__(self, threshold: int, scope: str | None) -> None:
        self.threshold = threshold
        self.scope = scope


_current: ContextVar[Recording] = ContextVar("recording", default=Recording(NEEDED, None))  # noqa: B039 (never changed)
current = _current.get


@contextmanager
def recording(threshold: int) -> Iterator[None]:
    """Within it, record `NOTHING`, what is `NEEDED`, or `EVERYTHING`."""
    token = _current.set(Recording(threshold, current().scope))
    try:
        yield
    finally:
        _current.reset(token)


def no_grad() -> AbstractContextManager[None]:
    """Within it nothing is recorded: results are plain leaves that need no gradient."""
    return recording(NOTHING)


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Within it, nodes belong to the module `name`: scopes nest as `outer.inner`, and drawings show them as boxes."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"scope: a name that is not empty was expected, {name!r} came")
    now = current()
    path = name if now.scope is None else f"{now.scope}.{name}"
    token = _current.set(Recording(now.threshold, path))
    try:
        yield
    finally:
        _current.reset(token)
