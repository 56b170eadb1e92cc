"""Containers: modules that consist of modules by number or by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

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
        vars(self).update(self._checked(parts))

    def _checked(self, parts: dict[str, Any]) -> dict[str, Any]:
        for name, module in parts.items():
            if not isinstance(module, Module):
                raise TypeError(
                    f"{type(self).__name__}: modules were expected, '{name}' is {type(module).__name__}: "
                    f"a function has a module of its kind, such as ReLU() for relu"
                )
        return parts

    def __iter__(self) -> Iterator[Module]:
        return (held for held in vars(self).values() if isinstance(held, Module))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, i: int) -> Module: ...
    @overload
    def __getitem__(self, i: slice) -> Self: ...
    def __getitem__(self, i: int | slice) -> Module | Self:
        """The module at a place; or, of a slice, a container with the same modules, numbered anew unless named."""
        parts = [(name, held) for name, held in vars(self).items() if isinstance(held, Module)]
        if not isinstance(i, slice):
            return parts[i][1]
        chosen = dict(parts[i])
        if all(name.isdigit() for name in chosen):
            chosen = {str(n): module for n, module in enumerate(chosen.values())}
        part = object.__new__(
            type(self)
        )  # without __init__: that of a class derived from it may ask for more
        vars(part).update(chosen, training=self.training)
        return part

    def append(self, module: Module) -> Self:
        """Put a module at the end, under the next number.

        Raises:
            TypeError: it is no module.
            ValueError: the modules have names, among which a number would be lost.
        """
        name = str(len(self))
        if any(not held.isdigit() for held, part in vars(self).items() if isinstance(part, Module)):
            raise ValueError(
                f"{type(self).__name__}: modules by number were expected to append to, these have names: assign the "
                f"new one to a name of its own"
            )
        vars(self).update(self._checked({name: module}))
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Put several at the end, one after the other."""
        for module in list(modules):
            self.append(module)
        return self


@verified(layer(lambda rng: Sequential(Linear(3, 5, rng=rng), Tanh(), Linear(5, 2, rng=rng)), real(2, 3)))
class Sequential(Container):
    """One after the other: each module receives what the one before returned."""

    def forward(self, x: Operand) -> Operand:
        """What the last module returns; x itself if there is none.

        Raises:
            TypeError: a module returned several things, as recurrent layers do, and the next takes only one.
        """
        before: Module | None = None
        for module in self:
            try:
                y = module(x)
            except (TypeError, ValueError) as error:
                if before is None or not isinstance(x, tuple):
                    raise
                raise TypeError(
                    f"{self.title()}: one result of each module was expected, {before.brief()} returned {len(x)}, "
                    f"which {module.brief()} does not take: write a forward of your own, y, state = layer(x)"
                ) from error
            x, before = y, module
        return x
