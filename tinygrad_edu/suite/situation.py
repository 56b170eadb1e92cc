"""A layer in a situation: how it is used, in which mode, on which numbers.

    y = Σ over the uses   layer(s · operands)

Once by itself; on a batch of one sample; twice in one graph; beside another layer with which it shares a parameter;
after some training, since near zero many wrong rules are right. A rule that is right in one may be wrong in another.
All that may move, parameters and inputs, stands in one table of leaves under its name.

The suite knows no layer, and asks little of one: to be called, and, if it holds something, `named_parameters()`,
`named_buffers()`, `named_modules()`, `train(mode)`, and `frozen()` of a module that draws random numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import reduce
from operator import add
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.cases import Case
from tinygrad_edu.core.node import assign
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.state import state_restored
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array


class LayerCase(Protocol):
    """What a case of a layer says; see `nn.cases`."""

    @property
    def make(self) -> Callable[[np.random.Generator], Any]:
        """From a generator, the layer as it starts out."""

    @property
    def operands(self) -> Case:
        """A domain for each operand, and parameters of the call."""

    @property
    def call(self) -> Callable[..., Any]:
        """(layer, *operands) → one node."""

    @property
    def batch(self) -> int | None:
        """The axis of the samples, or None."""

    @property
    def least(self) -> int:
        """How many samples training needs."""

    @property
    def first_order(self) -> bool:
        """Whether there are neither second derivatives nor a forward mode."""


class Situation:
    """What is called, what it is called with, and every leaf of it.

    Args:
        each: the case.
        rng: of the initial parameters, the operands, and all that a witness draws.
        training: the mode of the layer.
        dtype: of parameters, buffers and operands; that of Scalars is Python's.
    """

    def __init__(
        self, each: LayerCase, rng: np.random.Generator, training: bool, dtype: Any = np.float64
    ) -> None:
        self.each, self.rng, self.training, self.dtype = each, rng, training, dtype
        shapes = [domain.shape for domain in each.operands.domains]
        self.of_scalars = bool(shapes) and not any(shapes)
        self.uses: list[tuple[Any, float]] = [(self.another(), 1.0)]
        self.draw(each.operands)

    def another(self) -> Any:
        """A layer like the first, with initial values of its own."""
        # Its generator is its own: what a witness draws must not change what the layer will.
        layer = self.each.make(np.random.default_rng(self.rng.integers(2**32)))
        if self.dtype != np.float64 and not self.of_scalars:
            layer = _converted(layer, self.dtype)
        if hasattr(layer, "train"):
            layer.train(self.training)
        return layer

    def draw(self, operands: Case) -> None:
        """Draw the operands: leaves to differentiate by, and plain arrays of integers."""
        self.operands = [self._operand(x, d.differentiable) for d, x in zip(operands.domains, operands.draw(self.rng),
                                                                          strict=True)]  # fmt: skip

    def _operand(self, x: Any, differentiable: bool) -> Any:
        if not differentiable:
            return x
        return Scalar(float(x)) if self.of_scalars else Tensor(np.asarray(x, self.dtype), requires_grad=True)

    def output(self, *operands: Any) -> Any:
        """The sum of what the uses return, on the operands or on others in their place."""
        wanted = [domain.differentiable for domain in self.each.operands.domains]
        results = []
        for i, (layer, scale) in enumerate(self.uses, 1):
            xs = operands or self.operands
            if scale != 1:
                xs = [scale * x if moves else x for x, moves in zip(xs, wanted, strict=True)]
            # All uses start from the same state: what one leaves in a buffer no gradient knows of.
            with nullcontext() if i == len(self.uses) else state_restored():
                results.append(self.each.call(layer, *xs, **self.each.operands.params))
        return reduce(add, results)

    def recorded(self) -> Any:
        """The output, after which buffers are where they were, and what is random is frozen."""
        with self.frozen(), state_restored():
            return self.output()

    # ---- what it consists of ----

    @property
    def parameters(self) -> dict[str, Any]:
        """{name: leaf}, of the second layer with "second." before it; a shared leaf once, under its first name."""
        found: dict[str, Any] = {}
        for number, layer in enumerate(self.layers):
            for path, leaf in _named(layer, "parameters").items():
                if not any(leaf is held for held in found.values()):
                    found["second." * number + path] = leaf
        return found

    @property
    def leaves(self) -> dict[str, Any]:
        """{name: leaf} of the parameters and of the inputs that are differentiated by."""
        inputs = {f"input {i}": x for i, x in enumerate(self.operands) if isinstance(x, Scalar | Tensor)}
        return self.parameters | inputs

    @property
    def layers(self) -> list[Any]:
        """The layers, each once."""
        return list({id(layer): layer for layer, _ in self.uses}.values())

    @property
    def modules(self) -> list[Any]:
        """The layers and all beneath."""
        return [module for layer in self.layers for module in _named(layer, "modules").values()]

    @property
    def buffers(self) -> dict[str, Array]:
        """{name: the present value}."""
        named = [_named(layer, "buffers").items() for layer in self.layers]
        return {f"{i}.{path}": held.value for i, pairs in enumerate(named) for path, held in pairs}

    @property
    def generators(self) -> list[np.random.Generator]:
        """Those that the modules draw random numbers from."""
        held = [thing for module in self.modules for thing in vars(module).values()]
        return [thing for thing in held if isinstance(thing, np.random.Generator)]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Within it, what is random is always the same."""
        with ExitStack() as stack:
            for module in self.modules:
                if hasattr(module, "frozen"):
                    stack.enter_context(module.frozen())
            yield

    # ---- how it is used ----

    def on_one_sample(self) -> None:
        """A batch of 1."""
        operands, axis = self.each.operands, self.each.batch
        assert axis is not None
        shapes = [(*d.shape[:axis], 1, *d.shape[axis + 1 :]) for d in operands.domains]
        alone = tuple(d.of_shape(*shape) for d, shape in zip(operands.domains, shapes, strict=True))
        self.draw(Case(alone, operands.params))

    def twice(self) -> None:
        """Twice in one graph, the second time on smaller operands, which no domain near 1 minds."""
        self.uses.append((self.uses[0][0], 0.75))

    def tied(self) -> None:
        """Beside another layer, whose first parameter is that of this one."""
        second = self.another()
        for path, leaf in list(_named(self.uses[0][0], "parameters").items())[:1]:
            _put(second, path, leaf)
        self.uses.append((second, 0.75))

    def train(self, steps: int = 20, rate: float = 0.1) -> None:
        """Plain gradient descent of the parameters on ½ (y − target)², for a random target."""
        mode = self.training
        self.switch(True)
        target = self.rng.normal(size=np.shape(self.output().value))
        leaves = list(self.parameters.values())
        for _ in range(steps):
            y = self.output()
            error = (y.value - target) / max(target.size, 1)
            found = gradients(y, leaves, error if target.shape else float(error))
            assign([(leaf, leaf.value - rate * g) for leaf, g in zip(leaves, found, strict=True)])
        self.switch(mode)
        self.draw(self.each.operands)

    def switch(self, mode: bool) -> None:
        """To training, or to eval."""
        for layer in self.layers:
            if hasattr(layer, "train"):
                layer.train(mode)


def _named(layer: Any, what: str) -> dict[str, Any]:
    """{path: parameter, buffer or module}; a plain function has none."""
    return dict(getattr(layer, f"named_{what}", dict)())


def _put(layer: Any, path: str, leaf: Any) -> None:
    """Assign what stands at a path such as `blocks.0.weight`, as a user would."""
    *owners, last = path.split(".")
    for name in owners:
        layer = _inside(layer, name)
    if isinstance(layer, list):
        layer[int(last)] = leaf
    elif isinstance(layer, dict):
        layer[last] = leaf
    else:
        setattr(layer, last, leaf)


def _inside(owner: Any, name: str) -> Any:
    if isinstance(owner, list | tuple):
        return owner[int(name)]
    return owner[name] if isinstance(owner, dict) else vars(owner)[name]


def _converted(layer: Any, dtype: Any) -> Any:
    """A copy whose parameters and buffers, wherever they are held, have another dtype."""
    # A copy looks into its memo first: what stands there takes the place of the original.
    memo: dict[int, Any] = {}
    for leaf in _named(layer, "parameters").values():
        memo[id(leaf)] = Tensor(leaf.value, requires_grad=True, dtype=dtype, name=leaf.name)
    for buffer in _named(layer, "buffers").values():
        memo[id(buffer)] = type(buffer)(np.asarray(buffer.value, dtype))
    return copy.deepcopy(layer, memo)
