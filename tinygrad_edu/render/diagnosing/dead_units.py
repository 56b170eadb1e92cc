"""Dead units: the ReLUs that are 0 for every sample.

    max(0, z) = 0 for all samples    its derivative is 0, too, so what leads to the unit learns nothing

Unless something else changes its input, such a unit never comes back (Maas et al. 2013; Lu et al. 2019). A unit is a
feature, or a channel with all of its places. That a healthy one is 0 for a few samples is chance, a half for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.graph.model import GraphModel

CHANCE = 0.05  # that one of the units is 0 for all samples by chance
SHARE = 0.1  # dead units of a layer that are worth a word; a few are there from the start


class Units(NamedTuple):
    """The units of an activation: how many are dead, of how many, and for how many numbers each was 0."""

    dead: int
    units: int
    numbers: int

    @property
    def share(self) -> float:
        """The part that is dead."""
        return self.dead / self.units if self.units else 0.0


def dead_units(value: Any) -> Units:
    """Count the units of an array (samples, features), (samples, channels, …) or (samples, …, features) that are 0."""
    off = np.asarray(value) == 0
    if off.ndim < 2 or not off.size or len(off) < 2:
        return Units(0, 0, 0)
    counts = []
    for axis in {
        1,
        off.ndim - 1,
    }:  # where the features are is not known; along another axis there are no dead ones
        units = np.moveaxis(off, axis, 0).reshape(off.shape[axis], -1).all(axis=1)
        counts.append(Units(int(units.sum()), units.size, off.size // units.size))
    return max(counts, key=lambda found: found.share)


def dead_activations(model: GraphModel, nodes: Sequence[Node]) -> dict[int, Units]:
    """{id: its units} of the ReLUs with more dead ones than chance and the start would leave."""
    found = {}
    for node in model.nodes:
        if node.op == "relu":
            each = dead_units(nodes[node.id].value)
            by_chance = each.units * 0.5**each.numbers >= CHANCE and each.dead < each.units
            if each.dead and not by_chance and each.share > SHARE:
                found[node.id] = each
    return found
