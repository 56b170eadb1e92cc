"""Losses as modules: `criterion = CrossEntropyLoss()`, then `criterion(model(x), labels)`.

Their formulas, ranges, errors and sources stand beside the functions of `nn.functional` that they call.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.nn import functional
from tinygrad_edu.nn.cases import labels, layer, verified
from tinygrad_edu.nn.functional.cross_entropy import check_smoothing
from tinygrad_edu.nn.functional.reduction import not_negative
from tinygrad_edu.nn.functional.regression import signs
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.options import require
from tinygrad_edu.types import Operand


class Loss(Module):
    """What is to be minimized. Reduction "mean" divides the sum by the number of elements, "none" leaves them alone.

    Args:
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: an unknown reduction.
    """

    def __init__(self, reduction: str = "mean") -> None:
        functional.check_reduction(reduction)
        self.reduction = reduction

    def extra_repr(self) -> str:
        """The reduction."""
        return self.reduction


def weights(name: str, what: str, given: Any) -> Any:
    """What was given, if it is None or has no number below 0."""
    return given if given is None else not_negative(name, what, given)


# ---- of numbers ----


@verified(layer(lambda rng: MSELoss(), real(5, 3), real(5, 3)))
class MSELoss(Loss):
    """Squared error, (prediction − target)²; see `functional.mse_loss`."""

    def forward(self, prediction: Operand, target: Operand) -> Operand:
        """The loss of a prediction; target of the same shape."""
        return functional.mse_loss(prediction, target, self.reduction)


@verified(layer(lambda rng: L1Loss(), interval(2, 3, 3, 2), interval(-1, 1, 3, 2)))
class L1Loss(Loss):
    """Absolute error, |prediction − target|; see `functional.l1_loss`."""

    def forward(self, prediction: Operand, target: Operand) -> Operand:
        """The loss of a prediction; target of the same shape."""
        return functional.l1_loss(prediction, target, self.reduction)


@verified(layer(lambda rng: HuberLoss(delta=0.5), interval(2, 3, 3, 2), interval(-1, 1, 3, 2)))
class HuberLoss(Loss):
    """Squared near 0, absolute far away; see `functional.huber_loss`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = require("HuberLoss", "delta > 0", delta, lambda given: given > 0)

    def forward(self, prediction: Operand, target: Operand) -> Operand:
        """The loss of a prediction; target of the same shape."""
        return functional.huber_loss(prediction, target, self.reduction, self.delta)


@verified(layer(lambda rng: SmoothL1Loss(beta=0.5), interval(2, 3, 3, 2), interval(-1, 1, 3, 2)))
class SmoothL1Loss(Loss):
    """Huber's loss with the slope ±1 far away; see `functional.smooth_l1_loss`."""

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = require("SmoothL1Loss", "beta ≥ 0", beta, lambda given: given >= 0)

    def forward(self, prediction: Operand, target: Operand) -> Operand:
        """The loss of a prediction; target of the same shape."""
        return functional.smooth_l1_loss(prediction, target, self.reduction, self.beta)


@verified(
    layer(lambda rng: CosineEmbeddingLoss(0.3), interval(0.5, 1, 3, 2), interval(0.5, 1, 3, 2), signs(3))
)
class CosineEmbeddingLoss(Loss):
    """Pairs that belong together should point in the same direction; see `functional.cosine_embedding_loss`."""

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = require(
            "CosineEmbeddingLoss", "a margin in [−1, 1]", margin, lambda given: -1 <= given <= 1
        )

    def forward(self, a: Operand, b: Operand, target: Any) -> Operand:
        """The loss of pairs (batch, features); target (batch), 1 or −1."""
        return functional.cosine_embedding_loss(a, b, target, self.margin, self.reduction)


# ---- of yes and no ----


@verified(layer(lambda rng: BCELoss(), interval(0.1, 0.9, 5), labels(2, 5)))
class BCELoss(Loss):
    """Cross-entropy of yes or no, from probabilities; see `functional.binary_cross_entropy`."""

    def __init__(self, reduction: str = "mean", *, weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = weights("BCELoss", "a weight", weight)

    def forward(self, probability: Operand, target: Operand) -> Operand:
        """The loss of probabilities; target of the same shape, in [0, 1]."""
        return functional.binary_cross_entropy(probability, target, self.reduction, weight=self.weight)


@verified(layer(lambda rng: BCEWithLogitsLoss(), real(5), interval(0, 1, 5)))
class BCEWithLogitsLoss(Loss):
    """Cross-entropy of yes or no, from logits; see `functional.binary_cross_entropy_with_logits`."""

    def __init__(self, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight = weights("BCEWithLogitsLoss", "a weight", weight)
        self.pos_weight = weights("BCEWithLogitsLoss", "a pos_weight", pos_weight)

    def forward(self, logits: Operand, target: Operand) -> Operand:
        """The loss of logits; target of the same shape, in [0, 1]."""
        return functional.binary_cross_entropy_with_logits(
            logits, target, self.reduction, weight=self.weight, pos_weight=self.pos_weight
        )


@verified(layer(lambda rng: FocalLoss(), real(5), labels(2, 5)))
class FocalLoss(Loss):
    """Cross-entropy of yes or no, in which what is easy hardly counts; see `functional.focal_loss`."""

    def __init__(self, reduction: str = "mean", *, gamma: float = 2.0, alpha: float | None = None) -> None:
        super().__init__(reduction)
        self.gamma = require("FocalLoss", "gamma ≥ 0", gamma, lambda given: 0 <= given < math.inf)
        if alpha is not None:
            require("FocalLoss", "alpha in [0, 1]", alpha, lambda given: 0 <= given <= 1)
        self.alpha = alpha

    def forward(self, logits: Operand, target: Operand) -> Operand:
        """The loss of logits; target of the same shape, in [0, 1]."""
        return functional.focal_loss(logits, target, self.reduction, gamma=self.gamma, alpha=self.alpha)


@verified(layer(lambda rng: HingeLoss(), interval(-0.9, 0.9, 5), signs(5)))
class HingeLoss(Loss):
    """Right by a margin of 1 costs nothing; see `functional.hinge_loss`."""

    def forward(self, score: Operand, target: Any) -> Operand:
        """The loss of scores; target of the same shape, 1 or −1."""
        return functional.hinge_loss(score, target, self.reduction)


# ---- of classes and distributions ----


@verified(layer(lambda rng: CrossEntropyLoss(), real(5, 3), labels(3, 5)))
class CrossEntropyLoss(Loss):
    """Cross-entropy of classes, from logits; see `functional.cross_entropy`."""

    def __init__(
        self,
        reduction: str = "mean",
        *,
        weight: Any = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.weight = weights("CrossEntropyLoss", "a weight", weight)
        check_smoothing("CrossEntropyLoss", label_smoothing)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, logits: Operand, target: Any) -> Operand:
        """The loss of logits (batch, classes, …); labels (batch, …), or distributions of the shape of the logits."""
        return functional.cross_entropy(
            logits, target, self.reduction, weight=self.weight, ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )  # fmt: skip


@verified(layer(lambda rng: NLLLoss(), real(5, 3), labels(3, 5)))
class NLLLoss(Loss):
    """Minus the log-probability of the right class; see `functional.nll_loss`."""

    def __init__(self, reduction: str = "mean", *, weight: Any = None, ignore_index: int = -100) -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index = weights("NLLLoss", "a weight", weight), ignore_index

    def forward(self, log_p: Operand, labels: Any) -> Operand:
        """The loss of log-probabilities (batch, classes, …); labels (batch, …), integers in [0, classes)."""
        return functional.nll_loss(
            log_p, labels, self.reduction, weight=self.weight, ignore_index=self.ignore_index
        )


@verified(layer(lambda rng: KLDivLoss("batchmean"), real(3, 2), interval(0.1, 0.9, 3, 2)))
class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of a target from predicted log-probabilities; see `functional.kl_div`."""

    def __init__(self, reduction: str = "mean", *, log_target: bool = False) -> None:
        functional.check_reduction(reduction, "batchmean")
        self.reduction, self.log_target = reduction, log_target

    def forward(self, log_q: Operand, target: Operand) -> Operand:
        """The loss of log-probabilities; target of the same shape."""
        return functional.kl_div(log_q, target, self.reduction, log_target=self.log_target)
