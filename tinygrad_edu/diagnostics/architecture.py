"""A fully connected network in one word: `64-relu-100x8-10`.

    64        the inputs
    relu      the activation after every hidden layer from here on, until another one is named
    100x8     eight hidden layers of 100 units
    10        the outputs, which no activation follows

So `64-relu-100-tanh-50-10` has one hidden layer of each kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import nn, ops
from tinygrad_edu.nn import functional, init
from tinygrad_edu.types import Array

ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], Callable[..., Any]]] = {
    "relu": (nn.ReLU, ops.relu), "tanh": (nn.Tanh, ops.tanh), "sigmoid": (nn.Sigmoid, ops.sigmoid),
    "softplus": (nn.Softplus, ops.softplus), "gelu": (nn.GELU, functional.gelu), "elu": (nn.ELU, functional.elu),
    "celu": (nn.CELU, functional.celu), "selu": (nn.SELU, functional.selu), "silu": (nn.SiLU, functional.silu),
    "mish": (nn.Mish, functional.mish), "leaky_relu": (nn.LeakyReLU, functional.leaky_relu),
    "relu6": (nn.ReLU6, functional.relu6), "hardtanh": (nn.Hardtanh, functional.hardtanh),
    "hardsigmoid": (nn.Hardsigmoid, functional.hardsigmoid), "hardswish": (nn.Hardswish, functional.hardswish),
    "softsign": (nn.Softsign, functional.softsign), "logsigmoid": (nn.LogSigmoid, functional.logsigmoid),
    "linear": (nn.Identity, ops.identity),
}  # fmt: skip
MOST = 10_000  # units of a layer, and layers


@dataclass(frozen=True)
class Architecture:
    """The widths and activations of a fully connected network.

    Attributes:
        text: as it was written.
        widths: (L + 1,), from the inputs to the outputs.
        activations: (L − 1,), the name of the one after each hidden layer.
    """

    text: str
    widths: tuple[int, ...]
    activations: tuple[str, ...]

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.widths) - 1

    def model(
        self, start: Callable[..., Array] = init.lecun_normal, *, rng: np.random.Generator
    ) -> nn.Sequential:
        """A network whose weights start so, and biases at 0."""
        parts: list[nn.Module] = []
        for i, (n, m) in enumerate(zip(self.widths, self.widths[1:], strict=False)):
            parts.append(nn.Linear(n, m, init=start, rng=rng))
            if i < len(self.activations):
                parts.append(ACTIVATIONS[self.activations[i]][0]())
        return nn.Sequential(*parts)


def architecture(text: str) -> Architecture:
    """Read a network.

    Raises:
        ValueError: the text is none; the sentence says which part of it.
    """
    words = text.strip().lower().split("-")

    def refuse(why: str) -> ValueError:
        return ValueError(
            f"architecture: a network such as 64-relu-100x8-10 was expected, {text!r} came: {why}. It has the inputs, "
            f"activations ({', '.join(ACTIVATIONS)}), hidden layers as WIDTH or WIDTHxTIMES, and the outputs"
        )

    widths: list[int] = []
    activations: list[str] = []
    current: str | None = None
    for i, word in enumerate(words):
        if word in ACTIVATIONS:
            if not widths:
                raise refuse("it starts with an activation, and not with the number of inputs")
            current = word
            continue
        found = re.fullmatch(r"(\d+)(?:x(\d+))?", word)
        if found is None:
            raise refuse(
                f"{word!r} is neither a width nor an activation" if word else "there is nothing between two -"
            )
        width, times = int(found[1]), int(found[2] or 1)
        if not (0 < width <= MOST and 0 < times <= MOST):
            raise refuse(f"in {word!r} numbers from 1 to {MOST} were expected")
        if not widths and found[2]:
            raise refuse(f"{word!r} repeats the inputs")
        last = i == len(words) - 1
        hidden = (times - 1 if last else times) if widths else 0
        if hidden and current is None:
            raise refuse(f"no activation is named before {word!r}; write linear if there is to be none")
        activations += [current or ""] * hidden
        widths += [width] * times
    if len(widths) < 2:
        raise refuse("there is no layer")
    if words[-1] in ACTIVATIONS:
        raise refuse("it ends with an activation, and not with the number of outputs")
    return Architecture(text, tuple(widths), tuple(activations))


def _usual(part: nn.Module) -> bool:
    """Whether an activation has the options that its name stands for, such as α = 1 of an ELU."""
    return all(vars(part).get(name) == value for name, value in vars(type(part)()).items())


def architecture_of(model: nn.Module) -> Architecture:
    """Read it off a model: a `Sequential` of linear layers with activations between.

    Raises:
        TypeError: another model.
    """
    kinds = {kind: name for name, (kind, _) in ACTIVATIONS.items() if isinstance(kind, type)}
    widths: list[int] = []
    activations: list[str] = []
    for part in model if isinstance(model, nn.Sequential) else []:
        if isinstance(part, nn.Linear):
            if len(activations) < len(widths) - 1:
                activations.append("linear")
            widths += [part.out_features] if widths else [part.in_features, part.out_features]
        elif type(part) in kinds and _usual(part) and widths and len(activations) == len(widths) - 2:
            activations.append(kinds[type(part)])
        else:
            widths = []
            break
    if not widths or len(activations) != len(widths) - 2:
        raise TypeError(
            f"architecture_of: a Sequential of Linear and, between them, {', '.join(k.__name__ for k in kinds)} as "
            f"they are without options, was expected, {type(model).__name__} came: of another model, `layers` shows "
            f"what it does as it is"
        )
    text = "-".join(
        [
            str(widths[0]),
            *(f"{a}-{w}" for a, w in zip(activations, widths[1:-1], strict=True)),
            str(widths[-1]),
        ]
    )
    return Architecture(text, tuple(widths), tuple(activations))
