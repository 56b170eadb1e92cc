"""Module: a function with parameters, composed of others like it.

    class Net(Module):
        def __init__(self, rng):
            self.fc1 = Linear(64, 32, rng=rng)          an attribute is all the registration there is
            self.fc2 = Linear(32, 10, rng=rng)

        def forward(self, x):
            return self.fc2(self.fc1(x).relu())

What a module consists of is read off its attributes, `vars(module)`, whenever somebody asks: parameters
(leaves that require a gradient, or did before they were frozen), buffers and further modules, also in lists,
tuples and dicts. So a subclass needs no `super().__init__()`, and nothing is stored twice. The path to a thing
is its name: `fc1.weight`, `blocks.0.fc1.weight`; what is reached by two paths has the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu.core.node import Node, assign
from tinygrad_edu.core.recording import current, scope
from tinygrad_edu.nn.aliases import by_first_names
from tinygrad_edu.nn.arguments import Arguments, refuse_surplus
from tinygrad_edu.nn.outline import outline
from tinygrad_edu.nn.parameter import Buffer, is_parameter, is_state
from tinygrad_edu.nn.taking_over import differing, fitting
from tinygrad_edu.nn.walk import walk
from tinygrad_edu.types import Array

# The module whose forward is running. A module does not know its name, which is its owner's affair: two
# owners may call it differently. It asks the one that calls it.
_caller: ContextVar[Module | None] = ContextVar("caller", default=None)


class Module:
    """The base of all layers, losses and networks: define `forward`, and call the module.

    Every leaf that requires a gradient and is found among the attributes counts as a parameter. So a module that
    keeps its input, `self.seen = x`, learns it if x requires a gradient: keep `x.detach()`.
    """

    training: bool = True
    __signature__ = Arguments()

    if not TYPE_CHECKING:  # a type checker reads the arguments by itself

        def __new__(cls, *args: Any, **params: Any) -> Module:
            """Refuse an argument that there is not, in words."""
            if args or params:
                refuse_surplus(cls, args, params)
            return super().__new__(cls)

    def forward(self, *args: Any, **params: Any) -> Any:
        """What calling the module computes."""
        raise NotImplementedError(
            f"{type(self).__name__} defines no forward(self, …): it says what calling the module computes"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse in the place of state what would neither be learned nor be in a file: a TypeError. None removes it.

        While a forward runs all is allowed: what a module keeps of its inputs is no state.
        """
        if is_state(vars(self).get(name)) and not _may_replace(value) and _caller.get() is None:
            raise self._not_learned(name, value)
        super().__setattr__(name, value)

    def __call__(self, *args: Any, **params: Any) -> Any:
        """`forward`; what it records belongs to the scope that the calling module knows this one by."""
        caller = _caller.get()
        token = _caller.set(self)
        try:
            if caller is None:  # the outermost: paths start below it
                return self.forward(*args, **params)
            with scope(caller.name_of(self)):
                return self.forward(*args, **params)
        finally:
            _caller.reset(token)

    def name_of(self, module: Module) -> str:
        """The path from here to a module beneath; the name of its class if it is not beneath."""
        for name, held in vars(self).items():  # nearly always here: no need to walk the tree
            if held is module:
                return name
            if type(held) is list:
                for i, inside in enumerate(held):
                    if inside is module:
                        return f"{name}.{i}"
        paths = (path for path, found in self.named_modules() if path and found is module)
        return next(paths, type(module).__name__)

    # ---- what it consists of ----

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """(path, module) of this one, whose path is empty, and of all beneath; a shared one once."""
        return ((path, held) for path, held in walk(self, Module) if isinstance(held, Module))

    def children(self) -> Iterator[Module]:
        """The modules directly beneath, also those in its lists, tuples and dicts."""
        owners: list[str] = []
        for path, module in self.named_modules():
            if path and not any(path.startswith(f"{owner}.") for owner in owners):
                owners.append(path)
                yield module

    def get_submodule(self, path: str) -> Module:
        """The module of this path, such as "blocks.0.fc1"; a KeyError with the paths there are for another."""
        found = dict(self.named_modules())
        if path not in found:
            raise KeyError(
                f"get_submodule: one of {', '.join(filter(None, found))} was expected, {path!r} came"
            )
        return found[path]

    def named_parameters(self) -> Iterator[tuple[str, Node]]:
        """(path, leaf) of everything that is learned; a shared leaf once, under its first path. None that is frozen."""
        return (
            (path, held) for path, held in walk(self, Module) if is_parameter(held) and held.requires_grad
        )

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """(path, buffer) of the state outside the graph."""
        return ((path, held) for path, held in walk(self, Module) if isinstance(held, Buffer))

    def parameters(self) -> list[Node]:
        """Everything that is learned. A list: it may be gone through more than once."""
        return [leaf for _, leaf in self.named_parameters()]

    def require_nodes(self, *names: str) -> None:
        """For a forward: refuse a plain array in the place of a parameter, which nothing would learn any more.

        Raises:
            TypeError: an attribute of these names is neither a node nor None.
        """
        for name in names:
            held = getattr(self, name)
            if held is not None and not isinstance(held, Node):
                raise self._not_learned(name, held)

    def _not_learned(self, name: str, came: Any) -> TypeError:
        frozen = isinstance(came, Node) and came.value is getattr(vars(self).get(name), "value", None)
        return TypeError(
            f"{self.title()}: {name} was expected to be a parameter or buffer, {type(came).__name__} came in its "
            f"place, which is not learned: "
            + (f"say layer.{name}.requires_grad_(False) to freeze it" if frozen else
               f"to change the values of a parameter say layer.{name}.assign(values); layer.{name} = "
               f"nn.parameter(values) puts another there")
        )  # fmt: skip

    def train(self, mode: bool = True) -> Self:
        """Behave as in training, here and beneath: dropout drops, batch norm uses the batch's statistics."""
        if not isinstance(mode, bool | np.bool_):  # the word "False" would be true
            raise TypeError(f"train: True or False was expected, {mode!r:.40} came: eval() is train(False)")
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as when in use: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze the parameters here and beneath, or let them be learned again.

        A frozen one has no gradient and is none of `parameters()`, so that neither an optimizer nor a check sees it; it
        stays in `state_dict()`.
        """
        for leaf in [held for _, held in walk(self, Module) if is_parameter(held)]:
            leaf.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients: `grad` of every parameter becomes None."""
        for leaf in self.parameters():
            leaf.grad = None

    # ---- its state ----

    def state_dict(self) -> dict[str, Array]:
        """{path: a copy of the value} of all parameters and buffers; `np.savez(file, **state)` stores it."""
        return {path: np.array(held.value) for path, held in walk(self, Module) if is_state(held)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Take over the values of a `state_dict()`: all of them, or none if one does not fit.

        Args:
            state: {path: array}; of what is shared, any of its paths. Values get the dtype of what they replace.
            strict: whether the paths must be exactly those of this module.

        Returns:
            The paths that were missing in `state`, and those that it has in excess.

        Raises:
            ShapeError: an array of another shape.
            TypeError: no mapping, or something other than real numbers.
            ValueError: missing or unexpected paths, if strict; or numbers that the dtype does not hold.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict: a mapping {{path: array}} was expected, {type(state).__name__} came: "
                f"say .state_dict() to the module whose values are to be taken over"
            )
        aliases: dict[str, str] = {}
        held = {path: held for path, held in walk(self, Module, aliases) if is_state(held)}
        state = by_first_names(state, aliases)
        missing, unexpected = differing(type(self).__name__, held, state, strict)
        arrays = fitting(type(self).__name__, held, state)
        assign([(held[path], array) for path, array in arrays.items() if isinstance(held[path], Node)])
        for path, array in arrays.items():
            if isinstance(held[path], Buffer):
                held[path].value = array
        return missing, unexpected

    # ---- how it is shown ----

    def extra_repr(self) -> str:
        """What distinguishes it from others of its class, in a few characters: its sizes."""
        return ""

    def brief(self) -> str:
        """The class and the sizes, on one line: `Linear(64 → 32)`."""
        sizes = self.extra_repr()
        return f"{type(self).__name__}({sizes})" if sizes else type(self).__name__

    def title(self) -> str:
        """How an error calls it: by its path if it is being called by another module, and `brief()`."""
        path = current().scope
        return f"{path}, {self.brief()}" if path else self.brief()

    def __repr__(self) -> str:
        """The tree of modules, each on a line of its own."""
        return outline((path, module.brief()) for path, module in self.named_modules())


def _may_replace(value: Any) -> bool:
    if isinstance(value, Node) and value.op is not None:  # from a parameter that is learned, perhaps
        return True
    return value is None or is_state(value) or isinstance(value, Module)
