"""Random programs: compositions of primitives, as a strategy of Hypothesis.

    v0, v1 = 1.0, -2.0
    v2 = tanh(v0)
    v3 = mul(v2, v1)        each line takes values from above it
    return v3

Every derivative may be right, and their composition wrong: a value is used twice, two branches meet again, an axis
was broadcast. Random programs do all of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.core.cases import real
from tinygrad_edu.core.primitive import registry
from tinygrad_edu.testing.domains import arrays, st
from tinygrad_edu.types import Array, Shape

MOST = 50.0  # a line whose values would be larger is left out: exp(exp(exp(3))) is no test of anything
# Beside those that work element by element: what works along the last axis, if there is one, and how it is called.
ROWS: dict[str, dict[str, Any]] = {
    "cumsum": {"axis": -1}, "log_softmax": {}, "logsumexp": {"axis": -1, "keepdims": True},
    "mean": {"axis": -1, "keepdims": True}, "softmax": {},
}  # fmt: skip


class Line(NamedTuple):
    """One operation, on the values of these numbers."""

    name: str
    taken: tuple[int, ...]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the call."""
        return ROWS.get(self.name, {})


@dataclass(frozen=True)
class Program:
    """A function of arrays or nodes, `program(*program.operands)`; its result is the sum of all that no line takes."""

    lines: tuple[Line, ...]
    operands: list[Array]

    def __call__(self, *operands: Any) -> Any:
        """The result on these operands."""
        values = list(operands)
        for line in self.lines:
            values.append(registry[line.name].call(*[values[i] for i in line.taken], **line.params))
        return sum((values[i] for i in self._ends()[1:]), start=values[self._ends()[0]])

    def _ends(self) -> list[int]:
        taken = {i for line in self.lines for i in line.taken}
        return [i for i in range(len(self.operands) + len(self.lines)) if i not in taken]

    def __repr__(self) -> str:
        names = [f"v{i}" for i in range(len(self.operands))]
        said = [f"{', '.join(names)} = {', '.join(str(x.tolist()) for x in self.operands)}"]
        for i, line in enumerate(self.lines, start=len(names)):
            given = [f"v{j}" for j in line.taken] + [f"{name}={value}" for name, value in line.params.items()]
            said.append(f"v{i} = {line.name}({', '.join(given)})")
        return "\n".join([*said, "return " + " + ".join(f"v{i}" for i in self._ends())])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # Hypothesis prints a dataclass otherwise
        printer.text(repr(self))


def programs(
    *, inputs: int = 2, shape: Shape = (), longest: int = 6, names: Sequence[str] | None = None
) -> st.SearchStrategy[Program]:
    """Programs of primitives that are smooth everywhere.

    Args:
        inputs: how many operands.
        shape: of each of them.
        longest: how many lines at most.
        names: which primitives; by default all elementwise ones that are defined for every real number, and, if there
            is an axis, those of `ROWS`.

    Raises:
        ValueError: no operand, or a name that is none.
    """
    chosen = list(names) if names is not None else [*_everywhere(), *(ROWS if len(shape) else ())]
    unknown = sorted(set(chosen) - set(registry))
    if inputs < 1 or not chosen or unknown:
        came = f"{', '.join(unknown)}, of which there is none" if unknown else f"{inputs} and {len(chosen)}"
        raise ValueError(f"programs: at least one input, and names of primitives, were expected; {came} came")
    most = max(_arity(name) for name in chosen)
    taken = st.lists(st.integers(0, inputs + longest - 1), min_size=most, max_size=most)
    lines = st.lists(st.tuples(st.sampled_from(chosen), taken), min_size=1, max_size=longest)
    return st.builds(_program, lines, st.lists(arrays(real(*shape)), min_size=inputs, max_size=inputs))


def _everywhere() -> list[str]:
    """The elementwise primitives all of whose operands may be any real number; the shortest rules first."""
    found = [
        name
        for name, op in registry.items()
        if op.elementwise and all(domain.name == "real" for each in op.cases for domain in each.domains)
    ]
    return sorted(found, key=lambda name: (-_arity(name), name))


def _arity(name: str) -> int:
    return len(registry[name].cases[0].domains)


def _program(drawn: list[tuple[str, list[int]]], operands: list[Array]) -> Program:
    """A program of those lines whose values are neither too large nor undefined."""
    values, lines = list(operands), []
    for name, taken in drawn:
        line = Line(name, tuple(i % len(values) for i in taken[: _arity(name)]))
        with np.errstate(all="ignore"):
            y = registry[name].call(*[values[i] for i in line.taken], **line.params)
        if np.all(np.abs(y) <= MOST):  # which a NaN is not
            values.append(y)
            lines.append(line)
    return Program(tuple(lines), operands)
