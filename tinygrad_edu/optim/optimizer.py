"""What all optimizers share: w ← w − something computed from the gradient.

    optimizer = SGD(model.parameters(), lr=0.1)
    for x, labels in batches:
        optimizer.zero_grad()
        loss = criterion(model(x), labels)
        loss.backward()
        optimizer.step()

A step computes on plain arrays, outside any graph, and replaces all the parameters at once. An optimizer says in
`update` how one parameter changes; what it must remember of a parameter, such as a velocity, is a dict of its own.

Parameters may come in groups, each with options of its own:

    SGD([{"params": weights, "weight_decay": 0.01}, {"params": biases}], lr=0.1)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.core.node import Node, assign, describe, value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.options import checked, in_range

#: Leaves, (name, leaf) pairs, or groups of either: {"params": leaves, and options of this group}.
Params: TypeAlias = Iterable[Node] | Iterable[tuple[str, Node]] | Iterable[Mapping[str, Any]]


class Optimizer:
    """The base: say in `update` how one parameter changes.

    Args:
        params: leaves that require a gradient, (name, leaf) pairs such as `model.named_parameters()`, or groups:
            {"params": either of these, and options that differ from those given here}.
        lr: the learning rate, > 0; it may be set anew between steps.
        check_finite: whether a gradient with an infinity or a NaN is refused, before anything has changed.
        options: what else `update` shall find in its `group`.

    Attributes:
        param_groups: the options of each group, its leaves under "params", and the rate it started with under
            "initial_lr".
        state: {leaf: what is remembered of it}.

    Raises:
        TypeError: something else than leaves that require a gradient, or an option that this optimizer has not.
        ValueError: no parameters, one of them twice, or a number outside its range.
    """

    def __init__(self, params: Params, lr: float, *, check_finite: bool = False, **options: Any) -> None:
        kind = type(self).__name__
        if hasattr(params, "named_parameters"):
            came = type(params).__name__
            raise TypeError(f"{kind}: parameters were expected, {came} came: say model.parameters()")
        if isinstance(params, Node):
            raise TypeError(
                f"{kind}: several parameters were expected, one came: put it into a list, [{params.name or 'w'}]"
            )
        given: list[Any] = list(params)
        groups = given if given and all(isinstance(g, Mapping) for g in given) else [{"params": given}]
        options = {"lr": lr, **options}
        self.param_groups: list[dict[str, Any]] = []
        self.parameters: list[Node] = []
        self.names: list[str | None] = []
        for group in groups:
            own = {key: value for key, value in group.items() if key != "params"}
            unknown = [key for key in own if key not in options]
            if unknown or "params" not in group:
                raise TypeError(
                    f"{kind}: a group {{'params': …}} with options among {', '.join(options)} was expected, "
                    f"one with {', '.join(map(str, group)) or 'nothing'} came"
                )
            pairs = [pair if isinstance(pair, tuple) else (None, pair) for pair in group["params"]]
            for name, leaf in pairs:
                self._refuse_no_leaf(name, leaf)
            chosen = checked(kind, options | own)
            in_range(kind, "lr", chosen["lr"], 0, np.inf, open_below=True)
            leaves = [leaf for _, leaf in pairs]
            self.param_groups.append({"params": leaves, "initial_lr": chosen["lr"], **chosen})
            self.parameters += leaves
            self.names += [name for name, _ in pairs]
        if not self.parameters or len(set(self.parameters)) < len(self.parameters):
            raise ValueError(
                f"{kind}: each parameter once was expected, "
                + ("one came twice" if self.parameters else "none came: has a generator been used up?")
            )
        self.state: dict[Node, dict[str, Any]] = {leaf: {} for leaf in self.parameters}
        self.check_finite = check_finite

    @property
    def lr(self) -> float:
        """The learning rate, ≥ 0, of the first group; when it is set, those of the others follow in proportion."""
        lr: float = self.param_groups[0]["lr"]
        return lr

    @lr.setter
    def lr(self, lr: float) -> None:
        lr = in_range(type(self).__name__, "lr", lr, 0, np.inf)
        for (
            group
        ) in self.param_groups:  # by the rates at the start: one that is 0 now has lost its proportion
            group["lr"] = lr * (group["initial_lr"] / self.initial_lr)

    @property
    def initial_lr(self) -> float:
        """The learning rate that the optimizer was made with, which a schedule multiplies by its factor."""
        lr: float = self.param_groups[0]["initial_lr"]
        return lr

    def zero_grad(self) -> None:
        """Forget the gradients: gradients add up, and the next `backward` shall start from nothing."""
        for parameter in self.parameters:
            parameter._grad = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change the parameters by their gradients; one that has none, as the loss does not use it, is left.

        Args:
            closure: computes the loss and the gradients before the step: zero_grad, forward, backward, `return loss`.

        Returns:
            What the closure returned.

        Raises:
            FloatingPointError: a gradient is not finite, and `check_finite` is set.
            ValueError: no parameter has a gradient.
        """
        loss = None if closure is None else closure()
        replaced: list[tuple[Any, Any]] = []
        if self.check_finite:
            self._refuse_not_finite()
        update = self.update
        for group in self.param_groups:
            for leaf in group["params"]:
                g = getattr(leaf, "_grad", None)  # past the property `grad`, which would make a tensor of it
                if g is not None:
                    g = g.value if isinstance(g, Node) else g
                    replaced.append((leaf, update(leaf.value, g, self.state[leaf], group)))
        if not replaced:
            self._refuse_no_gradient()
        assign(replaced, given=True)
        return loss

    def update(self, w: Any, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> Any:
        """The new value of a parameter.

        Args:
            w: its value, and
            g: its gradient; neither may be changed in place.
            state: what was remembered of it; empty at its first gradient.
            group: the options.
        """
        raise NotImplementedError(
            f"{type(self).__name__} defines no update(self, w, g, state, group): it says how a parameter changes"
        )

    def __repr__(self) -> str:
        """With the options of the first group: `<SGD of 4 parameters: lr=0.1, momentum=0.9>`."""
        options = [f"{k}={x!r}" for k, x in self.param_groups[0].items() if k not in ("params", "initial_lr")]
        return f"<{type(self).__name__} of {len(self.parameters)} parameters: {', '.join(options)}>"

    # ---- its state ----

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state and the options, with numbers in the place of the leaves: what PyTorch's has, too."""
        number = {leaf: i for i, leaf in enumerate(self.parameters)}
        names = dict(zip(self.parameters, self.names, strict=True))
        return {
            "state": {number[leaf]: _copied(held) for leaf, held in self.state.items() if held},
            "param_groups": [
                group
                | {
                    "params": [number[leaf] for leaf in group["params"]],
                    "param_names": [names[leaf] for leaf in group["params"]],
                }
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict()` of an optimizer of the same kind, with the same groups of parameters.

        Raises:
            ShapeError: something is remembered of a parameter of another shape.
            TypeError: no such state.
            ValueError: other groups, names or options, or a number outside its range.
        """
        kind = type(self).__name__
        if not isinstance(state, Mapping) or not {"state", "param_groups"} <= state.keys():
            raise TypeError(f"{kind}: the result of an optimizer's state_dict() was expected")
        own = self.state_dict()["param_groups"]
        for key in ("params", "param_names"):
            if [group[key] for group in own] != [list(group[key]) for group in state["param_groups"]]:
                raise ValueError(
                    f"{kind}: a state for {[len(group['params']) for group in own]} parameters, of the same names, in "
                    f"the same groups was expected, one of other {key} came"
                )
        if any(mine.keys() != theirs.keys() for mine, theirs in zip(own, state["param_groups"], strict=True)):
            raise ValueError(
                f"{kind}: the options of this optimizer were expected, those of another kind came: "
                f"make it anew as it was when its state was saved"
            )
        held = {self.parameters[int(i)]: _copied(values) for i, values in state["state"].items()}
        for leaf, values in held.items():
            self._refuse_no_state(leaf, values)
        options = [
            checked(kind, {k: v for k, v in group.items() if k not in ("params", "param_names")})
            for group in state["param_groups"]
        ]
        for group, chosen in zip(self.param_groups, options, strict=True):
            group.update(chosen)
        self.state = {leaf: held.get(leaf, {}) for leaf in self.parameters}

    # ---- what is refused ----

    def _refuse_no_leaf(self, name: str | None, leaf: Any) -> None:
        if not isinstance(leaf, Node) or leaf.op is not None or not leaf.requires_grad:
            what = describe(leaf) if isinstance(leaf, Node) else f"{leaf!r:.40}"
            raise TypeError(
                f"{type(self).__name__}: leaves that require a gradient were expected, {name or what} is none"
            )

    def _refuse_no_gradient(self) -> None:
        kind = type(self).__name__
        raise ValueError(f"{kind}: no parameter has a gradient: call loss.backward() before step()")

    def _refuse_no_state(self, leaf: Node, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            if np.ndim(value) and np.shape(value) != np.shape(leaf.value):
                raise ShapeError(
                    f"{type(self).__name__}: '{key}' of shape {np.shape(leaf.value)} was expected for "
                    f"{describe(leaf)}, {np.shape(value)} came"
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


def _copied(held: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.copy() if isinstance(value, np.ndarray) else value for key, value in held.items()}
