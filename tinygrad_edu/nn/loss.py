"""Losses as modules: `criterion = CrossEntropyLoss()`, then `criterion(model(x), labels)`."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.cases import labels, layer, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.types import Operand


class Loss(Module):
    """A number to minimise. Reduction "mean" divides by the number of elements, "sum" does not.

    Raises:
        ValueError: an unknown reduction.
    """

    def __init__(self, reduction: str = "mean") -> None:
        functional.check_reduction(reduction)
        self.reduction = reduction

    def extra_repr(self) -> str:
        """The reduction."""
        return self.reduction


@verified(layer(lambda rng: MSELoss(), real(5, 3), real(5, 3)))
class MSELoss(Loss):
    """Squared error, (prediction − target)²; see `functional.mse_loss`."""

    def forward(self, prediction: Operand, target: Operand) -> Operand:
        """The loss of a prediction; target of the same shape."""
        return functional.mse_loss(prediction, target, self.reduction)


@verified(layer(lambda rng: BCEWithLogitsLoss(), real(5), interval(0, 1, 5)))
class BCEWithLogitsLoss(Loss):
    """Cross-entropy of yes or no, from logits; see `functional.binary_cross_entropy_with_logits`."""

    def forward(self, logits: Operand, target: Operand) -> Operand:
        """The loss of logits; target of the same shape, in [0, 1]."""
        return functional.binary_cross_entropy_with_logits(logits, target, self.reduction)


@verified(layer(lambda rng: CrossEntropyLoss(), real(5, 3), labels(3, 5)))
class CrossEntropyLoss(Loss):
    """Cross-entropy of classes, from logits; see `functional.cross_entropy`."""

    def forward(self, logits: Operand, labels: Any) -> Operand:
        """The loss of logits (batch, classes); labels (batch), integers in [0, classes)."""
        return functional.cross_entropy(logits, labels, self.reduction)
