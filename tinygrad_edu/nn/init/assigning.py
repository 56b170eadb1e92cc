"""All parameters of a model at once: what each is, its name and its shape say.

    bias      its name says so: bias, bias_ih, b, b1
    weight    anything else of at least two axes
    scale     anything else: the γ of a normalization, or the single weight of a Scalar

Layers of `nn` keep their weights (out, in, *kernel), and so must the model's own. Nothing here knows of layers: the
table of an embedding counts as a weight, and of a transposed convolution, (in, out, *kernel), the fans are exchanged,
as in PyTorch. Where that is not meant, say `where`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Literal

import numpy as np

from tinygrad_edu.core.node import assign
from tinygrad_edu.nn.init.distributions import generator
from tinygrad_edu.types import Array, Shape

Initialization = Callable[..., Array]
Role = Literal["weight", "bias", "scale"]
Where = str | Callable[[str, Shape], bool]

LEFT = "left"


def apply(
    model: Any, *, weight: Initialization | None = None, bias: Initialization | None = None,
    scale: Initialization | None = None, rng: np.random.Generator, where: Where | None = None,
) -> dict[str, str]:  # fmt: skip
    """Assign new values to the parameters of a model: all that are meant, or none if one cannot be.

        init.apply(net, weight=init.kaiming_normal, bias=init.zeros, rng=rng)
        init.apply(net, weight=init.xavier_normal, rng=rng, where="head.*")

    Args:
        model: a module; what is needed of it is `named_parameters()`.
        weight: for parameters of at least two axes: a function (shape, *, rng, layout) of this package, a `partial` of
            one, or your own. It gets the layout "out_in".
        bias: for biases, whatever their axes.
        scale: for the rest, such as the scales of a normalization. What is None is left as it is.
        rng: where chance comes from; the parameters draw in their order.
        where: which parameters are meant: a pattern of paths as in a shell, "layers.*.weight", or a function
            (path, shape) → bool. By default all.

    Returns:
        {path: the name of the function, or "left"} of every parameter.

    Raises:
        TypeError: something without parameters by name, a function that does not return real numbers, or no generator.
        ValueError: nothing to do, no parameter that is meant, or one that its function does not fit; the sentence names
            it.
    """
    generator(rng)
    functions: dict[Role, Initialization | None] = {"weight": weight, "bias": bias, "scale": scale}
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(
                f"apply: {name} was expected to be a function such as init.kaiming_normal, {function!r:.40} came"
            )
    parameters = named("apply", model)
    if all(function is None for function in functions.values()):
        raise ValueError(
            "apply: at least one of weight, bias and scale was expected, none came: say "
            "apply(net, weight=init.kaiming_normal, rng=rng)"
        )
    meant = [path for path in parameters if selected(path, parameters[path], where)]
    if not meant:
        raise ValueError(
            f"apply: where={where!r} was expected to select some of {', '.join(parameters)}, it selects none"
        )
    done, pairs = dict.fromkeys(parameters, LEFT), []
    for path in meant:
        leaf = parameters[path]
        function = functions[role(path, np.shape(leaf.value))]
        if function is not None:
            pairs.append((leaf, _drawn(path, np.shape(leaf.value), function, rng)))
            done[path] = _title(function)
    if not pairs:
        roles = ", ".join(f"{path} is a {role(path, np.shape(parameters[path].value))}" for path in meant)
        raise ValueError(f"apply: a function for what is selected was expected, but {roles}")
    assign(pairs)
    return done


def named(name: str, model: Any) -> dict[str, Any]:
    """{path: leaf} of a model's parameters.

    Raises:
        TypeError: it has no `named_parameters()`.
        ValueError: that gives none.
    """
    if not callable(getattr(model, "named_parameters", None)):
        raise TypeError(
            f"{name}: a module was expected, {type(model).__name__} came, which has no named_parameters()"
        )
    found = dict(model.named_parameters())
    if not found:
        raise ValueError(f"{name}: a module with parameters was expected, {type(model).__name__} has none")
    return found


def role(path: str, shape: Shape) -> Role:
    """What a parameter is, by the last part of its path that is not a number, and by its shape."""
    words = [part for part in path.split(".") if not part.isdigit()]
    if words and re.search(r"bias|^b\d*$", words[-1]):
        return "bias"
    return "weight" if len(shape) >= 2 else "scale"


def selected(path: str, leaf: Any, where: Where | None) -> bool:
    """Whether a parameter is meant."""
    if where is None or isinstance(where, str):
        return where is None or fnmatchcase(path, where)
    return bool(where(path, np.shape(leaf.value)))


def _drawn(path: str, shape: Shape, function: Initialization, rng: np.random.Generator) -> Array:
    try:
        values = np.asarray(function(shape, rng=rng, layout="out_in"))
    except ValueError as error:
        raise ValueError(f"apply: {path} {tuple(shape)} cannot start so. {error}") from error
    if values.dtype.kind not in "fiub":
        raise TypeError(
            f"apply: {path} was to get real numbers from {_title(function)}, dtype {values.dtype} came"
        )
    if values.shape != tuple(shape):
        raise ValueError(
            f"apply: {path} was to get the shape {tuple(shape)} from {_title(function)}, {values.shape} came"
        )
    return values


def _title(function: Any) -> str:
    """`kaiming_normal`, or `kaiming_normal(mode='fan_out')` of a partial."""
    if isinstance(function, partial):
        said = [*map(repr, function.args), *(f"{key}={value!r}" for key, value in function.keywords.items())]
        return f"{_title(function.func)}({', '.join(said)})"
    return getattr(function, "__name__", type(function).__name__)
