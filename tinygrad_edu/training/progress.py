"""What a reader sees of a training: a moving bar on a terminal, a line for each epoch where the output is piped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


def line(row: Mapping[str, float], *omitted: str) -> str:
    """An epoch in words: `epoch 3: loss 0.412, val_loss 0.433, lr 0.01`."""
    values = (f"{name} {value:.4g}" for name, value in row.items() if name not in ("epoch", "step", *omitted))
    return f"epoch {row['epoch']}: {', '.join(values)}"


@contextmanager
def shown(epochs: int, done: int, *, progress: bool) -> Iterator[Callable[[Mapping[str, float]], None]]:
    """A function that is told of every epoch.

    Args:
        epochs: how many there will be.
        done: how many there have been.
        progress: False says nothing.
    """
    if not progress:
        yield lambda row: None
    elif not sys.stdout.isatty():
        yield lambda row: print(line(row), flush=True)
    else:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        # Narrow enough for a terminal of 80 columns: the text would be cut off there, the bar only gets short.
        with Progress(
            BarColumn(8), TimeRemainingColumn(compact=True), TextColumn("{task.description}")
        ) as bar:
            task = bar.add_task(f"{epochs} epochs", total=epochs, completed=done)
            yield lambda row: bar.update(task, advance=1, description=line(row, "lr"))
