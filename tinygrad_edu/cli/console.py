"""The terminal that the commands write to; through a pipe, the same without colours."""

from __future__ import annotations

from rich.console import Console


class Terminal(Console):
    """A console that leaves it to the command what to do when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Pass the error on; rich itself would end the process with exit code 1."""
        raise BrokenPipeError


def terminal() -> Console:
    """A console for one command."""
    return Terminal(highlight=False)
