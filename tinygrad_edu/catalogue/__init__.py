"""A catalogue of backward rules: for each operation the right one, and beside it the wrong ones that people write.

It knows nothing of the engine: every rule is a plain function of NumPy arrays. It can be read, as a collection of what
to look for in one's own code, and it can be used, to find out what a gradient checker notices.

The chapters go from one number at a time to whole layers. An entry is found because it stands in a chapter.
"""

from __future__ import annotations

from tinygrad_edu.catalogue import (
    activations,
    arrangements,
    binary,
    elementwise,
    layers,
    losses,
    pooling,
    products,
    reductions,
)
from tinygrad_edu.catalogue.entry import CAUSES, Entry, Mistake

CHAPTERS = (elementwise, activations, binary, reductions, arrangements, products, layers, pooling, losses)

__all__ = ["CAUSES", "CHAPTERS", "Entry", "Mistake", "catalogue"]


def catalogue() -> tuple[Entry, ...]:
    """All entries, in the order in which they stand in the chapters."""
    return tuple(
        found for chapter in CHAPTERS for found in vars(chapter).values() if isinstance(found, Entry)
    )
