"""Which parameters decay: matrices and kernels do, biases and scales do not.

    optimizer = AdamW(groups(model, decay=0.01), lr=1e-3)

A decay of the weights makes the function of a layer less steep. A bias does not make it steeper, and the scale γ of a
normalization undoes nothing that the next layer could not undo; pulled towards 0, both only fit worse. They are
recognized by having at most one axis, as in GPT-2 (Radford et al. 2019) and most code since.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.optim.options import in_range


def groups(model: Any, *, decay: float) -> list[dict[str, Any]]:
    """The parameters of a model in two groups: with `weight_decay` of `decay`, and with none.

    Args:
        model: anything with `named_parameters()`.
        decay: ≥ 0, for parameters with two or more axes.

    Returns:
        Groups for an optimizer; one that would be empty is left out. The single numbers of a network of Scalars have no
        axes, so none of them decays.

    Raises:
        TypeError: the model names no parameters.
        ValueError: the decay is outside its range.
    """
    if not hasattr(model, "named_parameters"):
        raise TypeError(
            f"groups: a model with named_parameters() was expected, {type(model).__name__} came: write the groups "
            f"by hand, [{{'params': …, 'weight_decay': …}}, …]"
        )
    decay = in_range("groups", "decay", decay, 0, np.inf)
    pairs = list(model.named_parameters())
    chosen: list[dict[str, Any]] = [
        {"params": [(name, leaf) for name, leaf in pairs if np.ndim(leaf.value) >= 2], "weight_decay": decay},
        {"params": [(name, leaf) for name, leaf in pairs if np.ndim(leaf.value) < 2], "weight_decay": 0.0},
    ]
    return [group for group in chosen if group["params"]]
