"""Normalizing inputs: contours before and after, and how large a step may be, predicted and run.

python demos/08_input_normalization.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from tinygrad_edu.diagnostics import all_pixels, leak, normalization, two_pixels
from tinygrad_edu.diagnostics.descent import descend


def contours(folder: Path) -> None:
    """Two pixels of real digits, and a step on either side of the largest."""
    x, y, of = two_pixels()
    print(
        f"E[x²] of the two pixels: {(x**2).mean(axis=0).round(1)}, standard deviations {x.std(axis=0).round(1)}\n"
    )
    found = normalization(x, y, of=of)
    print(found)
    raw = found.descents[0].bowl
    print(f"\nThe inputs as they are: λmax = {raw.eigenvalues[-1]:.1f}, so η must stay below 2/λmax.")
    for part in (0.99, 1.01):
        end = descend(raw.cost, np.zeros(2), part * raw.largest_step, 1000)[-1]
        print(
            f"  η = {part} · 2/λmax: after 1000 steps {np.linalg.norm(end - raw.minimum):.1e} from the minimum"
        )
    print(f"Drawn: {found.save(folder / 'contours.svg')}")


def pixels() -> None:
    """All of them: without normalization nobody waits for the end."""
    x, y, of = all_pixels()
    raw, standard, *_ = normalization(x, y, of=of, most=200).descents
    print(f"\n{of}:")
    for each in (raw, standard):
        ran = "not run to the end" if each.steps is None else f"{each.steps} as run"
        print(
            f"  {each.name:12}  κ = {each.bowl.condition:9,.0f}   {each.predicted:7,} steps predicted, {ran}"
        )


def statistics() -> None:
    """Whose μ and σ scale the test set?"""
    found = leak(np.random.default_rng(0))
    print(f"\n{found}")
    print(
        "The whole test set has nearly the training set's μ and σ. A few images have others, and images of one class"
    )
    print(
        "lose what they have in common, which is what they show. In use there may be one image: so take the training's."
    )


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(mkdtemp())
    place.mkdir(parents=True, exist_ok=True)
    contours(place)
    pixels()
    statistics()
