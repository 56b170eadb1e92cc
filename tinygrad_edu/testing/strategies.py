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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinygrad_edu.core.cases import Case
from tinygrad_edu.core.primitive import Primitive, registry
from tinygrad_edu.testing.domains import arrays, numbers, st
from tinygrad_edu.testing.programs import Program, programs
from tinygrad_edu.types import Array, Shape
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
        given = [np.array2string(x, separator=", ") for x in self.operands]
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
    return st.sampled_from(found.cases).flatmap(lambda each: _of_case(found, each, broadcast))


def points(
    op: str | Primitive | Callable[..., Any], *, hazards: bool = True, broadcast: bool = True
) -> st.SearchStrategy[Call]:
    """Calls as `operands` draws them, and the hazard points made of them.

    At such a point there may be a kink: compare the verdict with "wrong" there. Left out are those where the primitive
    has no finite value, or ends, as a^b does at a = 0.
    """
    calls = operands(op, broadcast=broadcast)
    return calls.flatmap(_with_hazards) if hazards else calls


def _of_case(op: Primitive, each: Case, broadcast: bool) -> st.SearchStrategy[Call]:
    own = tuple(tuple(domain.shape) for domain in each.domains)
    shapes = st.just(own)
    if op.elementwise and broadcast:
        shapes = shapes | _broadcastable(len(own))

    def drawn(shapes: Sequence[Shape]) -> st.SearchStrategy[Call]:
        values = [arrays(domain, shape) for domain, shape in zip(each.domains, shapes, strict=True)]
        return st.tuples(*values).map(lambda xs: Call(op, list(xs), each.params))

    return shapes.flatmap(drawn)


def _broadcastable(n: int) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Shapes of n operands that fit together: of one and the same, each leaves axes out, or makes them 1."""

    def parts(whole: tuple[int, ...]) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
        axes = [st.sampled_from([length, 1]) for length in whole]
        part = st.tuples(st.integers(0, len(whole)), st.tuples(*axes)).map(lambda cut: cut[1][cut[0] :])
        return st.tuples(*[part] * n)

    return st.lists(st.integers(1, 3), max_size=3).map(tuple).flatmap(parts)


def _with_hazards(call: Call) -> st.SearchStrategy[Call]:
    special = [
        replace(call, operands=point.inputs, point=point.name)
        for point in hazard_points(call.operands, np.random.default_rng(0))
    ]
    return st.sampled_from([call, *filter(_goes_on, special)])


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
