"""The suite on a primitive: every case of its declaration, before all witnesses. Nothing is skipped.

Beyond the cases of a declaration, elementwise operations are tried at many points, on every kind of unequal
shapes, in which none of their rules says a word about broadcasting, and on Scalars, where Python's own math is the
forward; and all that take several operands of one shape are given the same node for each. No operand passes whose
derivative was 0 wherever one looked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.cases import Case
from tinygrad_edu.core.primitive import Primitive, registry
from tinygrad_edu.core.sweep import forward_sweep
from tinygrad_edu.formula import formula
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.suite.finding import Finding, Undecided, ask
from tinygrad_edu.suite.witnesses import WITNESSES, Trial
from tinygrad_edu.tensor import Tensor


def examine(op: Primitive, seed: int = 0) -> Iterator[Finding]:
    """All the findings on one primitive."""
    cases = [*op.cases, *_many_points(op), *_broadcast(op)]
    for number, each in enumerate(cases):
        for name, witness in WITNESSES.items():
            rng = np.random.default_rng([seed, number])
            yield ask(op.name, str(each), name, lambda: witness(Trial(op, each, rng)))  # noqa: B023 (asked at once)
    yield ask(op.name, "all cases", "vjp", lambda: _something_to_see(op, cases, seed))
    if op.elementwise:
        yield ask(op.name, "Scalars", "value", lambda: _on_scalars(op, np.random.default_rng(seed)))
    shared = next(filter(_takes_one_node, op.cases), None)
    if shared:
        yield ask(op.name, "one node", "vjp", lambda: _on_one_node(op, shared, np.random.default_rng(seed)))
    if op.name in registry:
        yield ask(
            op.name, "symbols", "formula", lambda: None if formula(op.name) else "the rule cannot be printed"
        )


# ---- what is derived from a declaration ----

POINTS = 17


def _many_points(op: Primitive) -> Iterator[Case]:
    """Elementwise operations at many points: a handful may by chance lie all on one side of a kink."""
    if op.elementwise:
        yield Case(tuple(domain.of_shape(POINTS) for domain in op.cases[0].domains), op.cases[0].params)


def _something_to_see(op: Primitive, cases: Sequence[Case], seed: int) -> str | None:
    """Every operand must make a difference in some case, or 0 would pass for its derivative."""
    silent: dict[int, bool] = {}
    for number, each in enumerate(cases):
        trial = Trial(op, each, np.random.default_rng([seed, number]))
        inputs, y = trial.inputs(trial.xs), trial.value()
        for i, (x, t) in enumerate(zip(inputs, trial.t, strict=True)):
            same = np.array_equal(trial.value(*inputs[:i], x + 1e-3 * t, *inputs[i + 1 :]), y)
            silent[i] = silent.get(i, True) and same
    unseen = [str(i) for i, same in silent.items() if same]
    if unseen:
        raise Undecided(
            f"nothing changes with operand {', '.join(unseen)} in any case: its derivative is 0 at all of them"
        )
    return None


_SHAPES = [((2, 1), (3,)), ((), (2, 3)), ((3,), (5, 3)), ((1, 3), (2, 1)), ((2, 1, 3), (5, 1))]


def _broadcast(op: Primitive) -> Iterator[Case]:
    """Elementwise operations of several operands on unequal shapes, either way round; none says so in its cases."""
    if not op.elementwise or len(op.rules) < 2:
        return
    for each in op.cases:
        for a, b in _SHAPES:
            for left, right in ((a, b), (b, a)):
                shapes = [left, right] if len(each.domains) == 2 else [left, right, left]
                drawn = [domain.of_shape(*shape) for domain, shape in zip(each.domains, shapes, strict=True)]
                yield Case(tuple(drawn), each.params)


def _on_scalars(op: Primitive, rng: np.random.Generator) -> str | None:
    """Value and derivative on Python floats, which have a forward of their own, against those on arrays."""
    each = op.cases[0]
    drawn = [domain.of_shape().draw(rng) for domain in each.domains]
    wanted = [domain.differentiable for domain in each.domains]
    leaves = [
        Scalar(float(x)) if differentiable else bool(x)
        for x, differentiable in zip(drawn, wanted, strict=True)
    ]
    arrays = [Tensor(x, domain.differentiable) for x, domain in zip(drawn, each.domains, strict=True)]
    y, z = op.call(*leaves, **each.params), op.call(*arrays, **each.params)
    inputs = [leaf for leaf in leaves if isinstance(leaf, Scalar)]
    tensors = [leaf for leaf in arrays if leaf.requires_grad]
    pairs = [(y.value, z.value), *zip(gradients(y, inputs), gradients(z, tensors), strict=True)]
    for got, expected in pairs:
        if type(got) is not float or not np.isclose(got, expected, rtol=1e-14, atol=1e-15):
            return f"{got!r} on Scalars, {expected!r} on arrays"
    return None


def _takes_one_node(each: Case) -> bool:
    shapes = [domain.shape for domain in each.domains if domain.differentiable]
    return len(shapes) > 1 and len(set(shapes)) == 1


def _on_one_node(op: Primitive, each: Case, rng: np.random.Generator) -> str | None:
    """The same node for every operand gets the sum of what separate ones get."""
    trial = Trial(op, each, rng)
    x, t = trial.inputs(trial.xs)[0], trial.t[0]
    n = len(trial.t)
    trial.t = [t] * n
    apart, tangent = trial.vjp(*[x] * n), trial.jvp(*[x] * n)
    leaf = Tensor(x, requires_grad=True)
    y = op.call(
        *[leaf if wanted else v for v, wanted in zip(trial.xs, trial.wanted, strict=True)], **trial.params
    )
    (together,) = gradients(y, [leaf], trial.w)
    if np.any(np.abs(together - sum(apart)) > 1e-13 * sum(map(np.abs, apart))):
        return f"{together} for one node, {sum(apart)} for equal ones"
    (moved,) = forward_sweep([y], {leaf: t})
    close = np.allclose(moved, tangent, rtol=1e-12, atol=1e-14)
    return None if close else f"the tangent is {moved} for one node, {tangent} for equal ones"
