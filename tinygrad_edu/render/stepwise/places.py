"""Places: in which of equal parts a step is, when a picture has one card for all of them.

    in step 6 of 14
    in blocks.5, part 6 of 12

The card looks the same through all of their steps, so the words have to say how far the walk has come.
"""

from __future__ import annotations

from tinygrad_edu.render.folding.board import Board


def places(board: Board) -> dict[int, str]:
    """{node: in which part it is, in words} of the nodes that a card of equal parts stands for."""
    found = {}
    for repeats in (card.repeats for card in board.cards if card.repeats is not None):
        for k, (label, part) in enumerate(zip(repeats.labels, repeats.parts, strict=True), 1):
            which = "" if label.endswith(f" {k}") else f", part {k}"
            found.update(dict.fromkeys(part, f"in {label}{which} of {repeats.count}"))
    return found
