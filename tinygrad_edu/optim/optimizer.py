"""What all optimizers share: w ← w − something computed from the gradient.

    optimizer = SGD(model.parameters(), lr=0.1)
    for x, labels in batches:
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()

A step computes on plain arrays, outside any graph, and replaces all the parameters at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node, assign, describe, value_of


class Optimizer:
    """The base: say in `update` how one parameter changes.

    Args:
        parameters: leaves that require a gradient, or (name, leaf) pairs such as `model.named_parameters()`.
        lr: the learning rate, > 0; it may be set anew between steps.
        check_finite: whether a gradient with an infinity or a NaN is refused, before anything has changed.

    Raises:
        TypeError: something else than leaves that require a gradient.
        ValueError: no parameters, one of them twice, or a number outside its range.
    """

    def __init__(
        self,
        parameters: Iterable[Node] | Iterable[tuple[str, Node]],
        lr: float,
        *,
        check_finite: bool = False,
    ) -> None:
        kind = type(self).__name__
        if hasattr(parameters, "named_parameters"):
            raise TypeError(
                f"{kind}: parameters were expected, {type(parameters).__name__} came: say model.parameters()"
            )
        if isinstance(parameters, Node):
            raise TypeError(
                f"{kind}: several parameters were expected, one came: put it into a list, [{parameters.name or 'w'}]"
            )
        pairs = [pair if isinstance(pair, tuple) else (None, pair) for pair in parameters]
        for name, parameter in pairs:
            if not isinstance(parameter, Node) or parameter.op is not None or not parameter.requires_grad:
                what = describe(parameter) if isinstance(parameter, Node) else f"{parameter!r:.40}"
                raise TypeError(
                    f"{kind}: leaves that require a gradient were expected, {name or what} is none"
                )
        self.parameters = [parameter for _, parameter in pairs]
        self.names = [name for name, _ in pairs]
        if not pairs or len({id(parameter) for parameter in self.parameters}) < len(pairs):
            raise ValueError(
                f"{kind}: each parameter once was expected, "
                + ("one came twice" if pairs else "none came: has a generator been used up?")
            )
        self.lr = lr
        self.check_finite = check_finite

    @property
    def lr(self) -> float:
        """The learning rate."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = in_range(type(self).__name__, "lr", lr, 0, np.inf, open_below=True)

    def zero_grad(self) -> None:
        """Forget the gradients: gradients add up, and the next `backward` shall start from nothing."""
        for parameter in self.parameters:
            parameter._grad = None

    def step(self) -> None:
        """Change the parameters by their gradients; one that has none, as the loss does not use it, is left.

        Raises:
            FloatingPointError: a gradient is not finite, and `check_finite` is set.
            ValueError: no parameter has a gradient.
        """
        replaced: list[tuple[Any, Any]] = []
        if self.check_finite:
            self._refuse_not_finite()
        update = self.update
        for i, parameter in enumerate(self.parameters):
            g = getattr(parameter, "_grad", None)  # past the property `grad`, which would make a tensor of it
            if g is not None:
                replaced.append(
                    (parameter, update(i, parameter.value, g.value if isinstance(g, Node) else g))
                )
        if not replaced:
            raise ValueError(
                f"{type(self).__name__}: no parameter has a gradient: call loss.backward() before step()"
            )
        assign(replaced, given=True)

    def update(self, i: int, w: Any, g: Any) -> Any:
        """The new value of parameter i, from its value and its gradient; neither may be changed in place."""
        raise NotImplementedError(
            f"{type(self).__name__} defines no update(self, i, w, g): it says how a parameter changes"
        )

    def _refuse_not_finite(self) -> None:
        for name, parameter in zip(self.names, self.parameters, strict=True):
            g = value_of(parameter.grad)
            if g is not None and not np.all(np.isfinite(g)):
                raise FloatingPointError(
                    f"{type(self).__name__}: finite gradients were expected, in that of "
                    f"{name or describe(parameter)} {np.sum(~np.isfinite(g))} of {np.size(g)} elements are "
                    f"infinite or NaN: lower the learning rate, or look for a log or a division at 0"
                )


def in_range(kind: str, name: str, x: float, low: float, high: float, *, open_below: bool = False) -> float:
    """A number in [low, high), or (low, high), as Python's: NumPy's would turn float32 into float64."""
    if not (low < x if open_below else low <= x) or not x < high:
        raise ValueError(
            f"{kind}: {name} in {'(' if open_below else '['}{low}, {high}) was expected, {x} came"
        )
    return float(x)
