"""What is recorded: nothing, what needs a gradient, or everything; and in which module's name.

The answer belongs to the thread or coroutine that asks, so it lives in a context variable, which every new
node reads once.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar, Token

EVERYTHING, NEEDED, NOTHING = 0, 1, 2


class Recording:
    """A result is recorded if `requires_grad >= threshold`, and then carries the `scope` it was made in."""

    __slots__ = ("scope", "threshold")

    def __init__(self, threshold: int, scope: str | None) -> None:
        self.threshold = threshold
        self.scope = scope


_current: ContextVar[Recording] = ContextVar("recording", default=Recording(NEEDED, None))  # noqa: B039 (never changed)
current = _current.get


class _Within(ContextDecorator):
    """A block in which another recording is current; as a decorator, a function."""

    # Every call of a module opens one, for which `@contextmanager` is slow.

    __slots__ = ("recording", "token")

    token: Token[Recording]

    def __init__(self, threshold: int, scope: str | None) -> None:
        self.recording = Recording(threshold, scope)

    def _recreate_cm(self) -> _Within:  # what a decorated function enters at each call
        return _Within(self.recording.threshold, self.recording.scope)

    def __enter__(self) -> None:
        self.token = _current.set(self.recording)

    def __exit__(self, *error: object) -> None:
        _current.reset(self.token)


def recording(threshold: int) -> _Within:
    """Within it, record `NOTHING`, what is `NEEDED`, or `EVERYTHING`."""
    return _Within(threshold, current().scope)


def no_grad() -> _Within:
    """Within it nothing is recorded: results are plain leaves that need no gradient."""
    return recording(NOTHING)


def scope(name: str) -> _Within:
    """Within it, nodes belong to the module `name`: scopes nest as `outer.inner`, and drawings show them as boxes."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"scope: a name that is not empty was expected, {name!r} came")
    now = current()
    return _Within(now.threshold, name if now.scope is None else f"{now.scope}.{name}")
