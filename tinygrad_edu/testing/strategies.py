"""Strategies of Hypothesis for calls of primitives: values on which a derivative is defined, and points beyond.

    @given(operands("exp"))                         values of its domains, and its parameters
    def test_is_positive(call):
        assert (call(*call.operands) > 0).all()

    @given(points("maximum"))                       also ties, zeros, large and equal values
    def test_gradients(call):
        assert tg.check(call, *call.operands).verdict != "wrong"

What a primitive's cases declare (core/cases.py) is all that is asked of it, so your own work as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu.core.primitive import Primitive, registry
from tinygrad_edu.testing.domains import arrays, numbers, numpy_strategies, st
from tinygrad_edu.testing.programs import Program, programs
from tinygrad_edu.types import Array
from tinygrad_edu.verify.hazards import hazard_points

__all__ = ["Call", "Program", "arrays", "numbers", "operands", "points", "programs"]


@dataclass(frozen=True)
class Call:
    """A call of a primitive: `call(*operands)` computes on arrays, and records on nodes.

    Attributes:
        op: the primitive.
        operands: an array for each operand.
        params: the parameters, such as `axis`.
        point: what is special about the operands, or "".
    """

    op: Primitive
    operands: list[Array]
    params: dict[str, Any] = field(default_factory=dict)
    point: str = ""

    def __call__(self, *operands: Any) -> Any:
        """The result on these operands, with the parameters of this call."""
        return self.op.call(*operands, **self.params)

    def __repr__(self) -> str:
        """As it would be written in Python."""
        given = [str(x.tolist()) for x in self.operands]
        given += [f"{name}={value!r}" for name, value in self.params.items()]
        return f"{self.op.name}({', '.join(given)})" + (f"  # {self.point}" if self.point else "")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # Hypothesis prints a dataclass otherwise
        printer.text(repr(self))


def operands(op: str | Primitive | Callable[..., Any], *, broadcast: bool = True) -> st.SearchStrategy[Call]:
    """Calls of a primitive on operands of its domains.

    Args:
        op: a primitive, its name, or the function that computes it, such as `tg.softmax`.
        broadcast: whether an elementwise one gets other shapes than its cases have, and different ones for its
            operands.

    Raises:
        ValueError: there is no such primitive, or it declares no cases.
    """
    found = _primitive(op)
    if not found.cases:
        raise ValueError(f"operands: {found.name} declares no cases, so nothing is known of its domains")
    return _calls(found, broadcast and found.elementwise)


def points(
    op: str | Primitive | Callable[..., Any], *, hazards: bool = True, broadcast: bool = True
) -> st.SearchStrategy[Call]:
    """Calls as `operands` draws them, and the hazard points made of them.

    At such a point there may be a kink: compare the verdict with "wrong" there. Left out are those where the primitive
    has no finite value, or ends, as a^b does at a = 0.
    """
    calls = operands(op, broadcast=broadcast)
    return _among_hazards(calls) if hazards else calls


@st.composite
def _calls(draw: st.DrawFn, op: Primitive, broadcast: bool) -> Call:
    each = draw(st.sampled_from(op.cases))
    shapes: Any = [domain.shape for domain in each.domains]
    if broadcast and draw(st.booleans()):
        shapes = draw(_shapes(len(shapes))).input_shapes
    drawn = [draw(arrays(domain, shape)) for domain, shape in zip(each.domains, shapes, strict=True)]
    return Call(op, drawn, each.params)


@cache
def _shapes(n: int) -> st.SearchStrategy[Any]:
    """Shapes of n operands that broadcasting makes one of."""
    return numpy_strategies.mutually_broadcastable_shapes(num_shapes=n, max_dims=3, max_side=3)


@st.composite
def _among_hazards(draw: st.DrawFn, calls: st.SearchStrategy[Call]) -> Call:
    call = draw(calls)
    special = [
        replace(call, operands=point.inputs, point=point.name)
        for point in hazard_points(call.operands, np.random.default_rng(0))
    ]
    return draw(st.sampled_from([call, *filter(_goes_on, special)]))


def _goes_on(call: Call) -> bool:
    """Whether the value is finite here, and with everything moved a little to either side."""
    rng = np.random.default_rng(1)

    def beside(x: Array, side: int) -> Array:
        return x + side * 1e-3 * rng.uniform(0.5, 1.0, x.shape) if x.dtype.kind == "f" else x

    with np.errstate(all="ignore"):
        return all(np.isfinite(call(*[beside(x, side) for x in call.operands])).all() for side in (0, 1, -1))


def _primitive(op: Any) -> Primitive:
    if isinstance(op, str):
        if op not in registry:
            raise ValueError(
                f"operands: there is no primitive {op!r}; there are {', '.join(sorted(registry))}"
            )
        return registry[op]
    found = op if isinstance(op, Primitive) else getattr(op, "op", None)
    if not isinstance(found, Primitive):
        kind = "function" if inspect.isfunction(op) else type(op).__name__
        raise ValueError(f"operands: a primitive, or its name, was expected, the {kind} {op!r} came")
    return found
