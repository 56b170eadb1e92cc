"""Containers: modules that consist of modules by number or by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tinygrad_edu.core.cases import real
from tinygrad_edu.nn.activation import Tanh
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.types import Operand


class Container(Module):
    """Modules in an order, each an attribute with its number as its name: paths are "0", "1", as in PyTorch.

    Args:
        modules: the modules, or one mapping {name: module}.

    Raises:
        TypeError: something other than modules.
    """

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        match modules:
            case (Mapping() as named,):
                parts = dict(named)
            case _:
                parts = {str(i): module for i, module in enumerate(modules)}
        for name, module in parts.items():
            if not isinstance(module, Module):
                raise TypeError(
                    f"{type(self).__name__}: modules were expected, '{name}' is {type(module).__name__}: "
                    f"a function has a module of its kind, such as ReLU() for relu"
                )
        vars(self).update(parts)

    def __iter__(self) -> Iterator[Module]:
        return (held for held in vars(self).values() if isinstance(held, Module))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, i: int) -> Module:
        return list(self)[i]


@verified(layer(lambda rng: Sequential(Linear(3, 5, rng=rng), Tanh(), Linear(5, 2, rng=rng)), real(2, 3)))
class Sequential(Container):
    """One after the other: each module receives what the one before returned."""

    def forward(self, x: Operand) -> Operand:
        """What the last module returns; x itself if there is none."""
        for module in self:
            x = module(x)
        return x
