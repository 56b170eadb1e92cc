"""Engine mutants: mistakes in the sweeps, which no rule could make and every rule would suffer from.

    x̄ += c  →  x̄ = c        −g  →  g        sum over the broadcast  →  mean        ẏ = Σ …  →  the last summand

A place in the source of `core/sweep.py` is written anew, and the code of the function is exchanged for the time of one
look. All who have imported the function see it, and get the right one back whatever happens.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tinygrad_edu.core import sweep
from tinygrad_edu.core.primitive import registry
from tinygrad_edu.suite.mutation.hunt import killer

ENGINE = "engine"  # what stands in a report in the place of a primitive
# By which the sweeps are judged: constants and partials, one operand used twice, broadcasts, matrices, a choice.
JURY = ("sub", "mul", "exp", "softmax", "sum", "matmul")


class EngineMutant(NamedTuple):
    """Some text in one function of `core/sweep.py`, and what is written in its place.

    Attributes:
        function: its name.
        old: the text, as `ast.unparse` writes it.
        new: in its place.
        place: which of the places where that is written, from 0.
    """

    function: str
    old: str
    new: str
    place: int = 0

    @property
    def name(self) -> str:
        """What was done, in one line."""
        count = f" ({self.place + 1})" if self.place else ""
        return f"{self.function}: {self.old.strip()} → {self.new.strip()}{count}"

    @property
    def diff(self) -> str:
        """The line before and after."""
        before, after = (text.splitlines() for text in (_source(self.function), self._changed()))
        i = next(i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
        return f"− {before[i].strip()}\n+ {after[i].strip()}"

    def _changed(self) -> str:
        parts = _source(self.function).split(self.old)
        if len(parts) < self.place + 2:
            raise LookupError(
                f"core/sweep.py: {self.old!r} was expected in {self.function}: the mutant is stale"
            )
        left, right = (self.old.join(half) for half in (parts[: self.place + 1], parts[self.place + 1 :]))
        return left + self.new + right

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within it the sweeps have this mistake."""
        namespace = dict(vars(sweep))
        exec(
            compile(self._changed(), sweep.__file__, "exec", __future__.annotations.compiler_flag), namespace
        )
        function = getattr(sweep, self.function)
        right = function.__code__
        function.__code__ = namespace[self.function].__code__
        try:
            yield
        finally:
            function.__code__ = right


def _source(function: str) -> str:
    return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(getattr(sweep, function)))))


_ACCUMULATED = "c if held is None else held + c"
ENGINE_MUTANTS = (
    # the reverse sweep: its short form comes first in the source, the one for all nodes second
    *(EngineMutant("_pull", _ACCUMULATED, "c", place) for place in (0, 1)),
    *(EngineMutant("_pull", _ACCUMULATED, "c if held is None else held", place) for place in (0, 1)),
    *(EngineMutant("_pull", _ACCUMULATED, "c if held is None else held - c", place) for place in (0, 1)),
    *(EngineMutant("_pull", "c = -g", "c = g", place) for place in (0, 1)),
    *(EngineMutant("_pull", "c = g\n", "c = 2 * g\n", place) for place in (0, 1)),
    EngineMutant("_pull", "c = g * rule(node.value, a.value)", "c = rule(node.value, a.value)"),
    EngineMutant("_pull", "c = g * rule(node.value, a.value)", "c = g * rule(a.value, a.value)"),
    EngineMutant("_pull", "c = g * rule(node.value, a.value, both.value)", "c = rule(node.value, a.value, both.value)"),
    EngineMutant(
        "_pull", "g * rule(node.value, a.value, both.value)", "g * rule(node.value, both.value, a.value)"
    ),
    EngineMutant("_pull", "rule = (b, None, op.rules[1])", "rule = (b, None, op.rules[0])"),
    EngineMutant("_pull", "c = g * c", "c = c * 1.0"),
    EngineMutant("_pull", "rule_for(i)", "rule_for(0)"),
    EngineMutant("_pull", "args if create_graph else map(value, args)", "map(value, args)"),
    EngineMutant("_pull", "node if create_graph else node.value", "node.value"),
    EngineMutant("_pull", "rule(*inputs, **params) if params", "rule(*inputs) if params"),
    EngineMutant("_unbroadcast", "sum_to(c, shape=shape_of(x.value))",
                 "sum_to(c, shape=shape_of(x.value)) * (max(x.value.size, 1) / c.value.size "
                 "if isinstance(c, Node) else max(x.value.size, 1) / c.size)"),
    EngineMutant("_unbroadcast", "sum_to(c, shape=shape_of(x.value))",
                 "c[(0,) * (len(c.shape) - len(x.value.shape))][tuple(slice(0, n) for n in x.value.shape)]"),
    # the forward sweep
    EngineMutant("forward_sweep", "known[node] + t if node in known else t", "t"),
    EngineMutant("forward_sweep", "known[node] + t if node in known", "known[node] if node in known"),
    EngineMutant("forward_sweep", "known[node] + t if node in known", "known[node] - t if node in known"),
    EngineMutant("_push", "-t if rule", "t if rule"),
    EngineMutant("_push", "t * rule(y, *xs, **params)", "rule(y, *xs, **params) * 1.0"),
    EngineMutant("_push", "broadcast_to(t, shape=shape_of(node.value))", "t"),
    EngineMutant("_push", "op.call(*xs[:i], t, *xs[i + 1:], **params)", "op.call(*xs, **params)"),
    EngineMutant("_push", "op.call(*xs[:i], t,", "op.call(*xs[:i], 2 * t,"),
    EngineMutant("_push", "node if create_graph else node.value", "node.value"),
    EngineMutant("_push", "rule = op.rule(i)", "rule = op.rule(0)"),
    EngineMutant("_push", "found[g] if g in found", "2 * found[g] if g in found"),
)  # fmt: skip


def seen_by(mutant: EngineMutant, seed: int = 0) -> str:
    """What saw that the sweeps are wrong, in words; "" if nothing did."""
    for name in JURY:
        with mutant.at_work():
            if seen := killer(lambda: registry[name], seed, hazards=False):  # noqa: B023 (asked at once)
                return f"{name}: {seen}"
    return ""
