"""Residual connections: y = x + f(x), so that f has to learn only what is to change (He et al. 2016).

The derivative is 1 + f′: whatever f does, the gradient has a way around it, and deep networks learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.activation import Tanh
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.container import Container, Sequential
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.types import Operand


class ModuleList(Container):
    """Modules by number, for a forward that goes through them in a way of its own; paths are "0", "1", as in PyTorch.

    A plain list as an attribute does the same, with the same paths. This one refuses what is no module.

    Args:
        modules: the modules.

    Raises:
        TypeError: something other than modules.
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__(*modules)


class ModuleDict(Container):
    """Modules by name, for a forward that chooses among them: `self.heads["left"]`; paths are the names, as in PyTorch.

    Args:
        modules: {name: module}.

    Raises:
        TypeError: something other than modules.
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__(dict(modules or {}))

    def __getitem__(self, name: str) -> Module:  # type: ignore[override]
        """The module of this name; a KeyError with those there are."""
        found = dict(self.items())
        if name not in found:
            raise KeyError(f"ModuleDict: one of {', '.join(found) or 'none'} was expected, {name!r} came")
        return found[name]

    def __setitem__(self, name: str, module: Module) -> None:
        vars(self).update(self._checked({name: module}))

    def items(self) -> list[tuple[str, Module]]:
        """(name, module) in their order."""
        return [(name, held) for name, held in vars(self).items() if isinstance(held, Module)]


@verified(
    layer(lambda rng: Residual(Linear(3, 3, rng=rng), Tanh()), real(2, 3)),
    layer(lambda rng: Residual(Tanh(), shortcut=Linear(3, 3, bias=False, rng=rng)), real(2, 3)),
)
class Residual(Module):
    """x + f(x), or shortcut(x) + f(x).

    Args:
        modules: f: one module, or several, one after the other.
        shortcut: what leads around f where the shapes differ, such as a 1×1 convolution; by default nothing.
    """

    def __init__(self, *modules: Module, shortcut: Module | None = None) -> None:
        self.body = modules[0] if len(modules) == 1 else Sequential(*modules)
        self.shortcut = shortcut

    def forward(self, x: Operand) -> Operand:
        """The sum.

        Raises:
            ShapeError: f gives another shape than what leads around it, and so they would be broadcast.
        """
        y, around = self.body(x), x if self.shortcut is None else self.shortcut(x)
        shapes = np.shape(value_of(y)), np.shape(value_of(around))
        if shapes[0] != shapes[1]:
            raise ShapeError(
                f"{self.title()}: {shapes[1]} was expected of f, the shape of what leads around it, {shapes[0]} came: "
                f"give it a shortcut that changes the shape likewise"
            )
        return around + y
