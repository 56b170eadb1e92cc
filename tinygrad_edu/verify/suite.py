"""The suite: every primitive at every case, before all witnesses. Nothing is skipped.

Beyond the cases of a declaration, elementwise operations are tried on every kind of unequal shapes, in which
none of their rules says a word about broadcasting, and on Scalars, where Python's own math is the forward.

A few planted errors, the canaries, are judged in the same run: were one of them passed, the suite itself would
be broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.cases import Case, case, real
from tinygrad_edu.core.primitive import Primitive, elementwise, multilinear, primitive, registry
from tinygrad_edu.formula import formula
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.verify.witnesses import WITNESSES, Trial


@dataclass(frozen=True, slots=True)
class Finding:
    """One witness on one case; `wrong` says what it saw, and is empty if all was right."""

    primitive: str
    case: str
    witness: str
    wrong: str


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """All findings of a run, and the canaries that went unnoticed."""

    findings: tuple[Finding, ...]
    primitives: tuple[str, ...]
    without_derivative: tuple[str, ...]
    survivors: tuple[str, ...]

    @property
    def failures(self) -> list[Finding]:
        """What a witness saw to be wrong."""
        return [finding for finding in self.findings if finding.wrong]

    def __bool__(self) -> bool:
        return not self.failures and not self.survivors

    @property
    def exit_code(self) -> int:
        """0 right, 1 something is wrong, 4 a canary went unnoticed."""
        return 4 if self.survivors else 1 if self.failures else 0


def verify(names: Sequence[str] | None = None, *, seed: int = 0) -> SuiteReport:
    """Bring primitives before the witnesses.

    Args:
        names: of primitives; all that are registered, by default.
        seed: of the test points.

    Raises:
        KeyError: there is no primitive of that name.
    """
    chosen = [registry[name] for name in (names or list(registry))]
    differentiable = [op for op in chosen if op.rules]
    findings = [finding for op in differentiable for finding in examine(op, seed)]
    return SuiteReport(
        tuple(findings),
        tuple(op.name for op in differentiable),
        tuple(op.name for op in chosen if not op.rules),
        tuple(name for name, op in _canaries() if not any(finding.wrong for finding in examine(op, seed))),
    )


def examine(op: Primitive, seed: int = 0) -> Iterator[Finding]:
    """All the findings on one primitive."""
    for number, each in enumerate([*op.cases, *_broadcast(op)]):
        for name, witness in WITNESSES.items():
            trial = Trial(op, each, np.random.default_rng([seed, number]))
            try:
                wrong = witness(trial)
            except Exception as error:
                wrong = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
            yield Finding(op.name, str(each), name, wrong or "")
    if op.elementwise:
        yield Finding(op.name, "Scalars", "value", _on_scalars(op, np.random.default_rng(seed)) or "")
    yield Finding(
        op.name, "symbols", "formula", "" if formula_is_printable(op) else "the rule cannot be printed"
    )


# ---- what is derived from a declaration ----

_SHAPES = [((2, 1), (3,)), ((), (2, 3)), ((3,), (5, 3)), ((1, 3), (2, 1)), ((2, 1, 3), (5, 1))]


def _broadcast(op: Primitive) -> Iterator[Case]:
    """Elementwise operations of several operands on unequal shapes, either way round; none says so in its cases."""
    if not op.elementwise or len(op.rules) < 2:
        return
    domains = op.cases[0].domains
    for a, b in _SHAPES:
        for left, right in ((a, b), (b, a)):
            shapes = [left, right] if len(domains) == 2 else [left, right, left]
            drawn = [domain.of_shape(*shape) for domain, shape in zip(domains, shapes, strict=True)]
            yield Case(tuple(drawn), op.cases[0].params)


def _on_scalars(op: Primitive, rng: np.random.Generator) -> str | None:
    """Value and derivative on Python floats, which have a forward of their own, against those on arrays."""
    each = op.cases[0]
    drawn = [domain.of_shape().draw(rng) for domain in each.domains]
    leaves = [
        Scalar(float(x), requires_grad=domain.differentiable)
        for x, domain in zip(drawn, each.domains, strict=True)
    ]
    arrays = [Tensor(x, domain.differentiable) for x, domain in zip(drawn, each.domains, strict=True)]
    y, z = op.call(*leaves, **each.params), op.call(*arrays, **each.params)
    inputs = [leaf for leaf in leaves if leaf.requires_grad]
    tensors = [leaf for leaf in arrays if leaf.requires_grad]
    pairs = [(y.value, z.value), *zip(gradients(y, inputs), gradients(z, tensors), strict=True)]
    for got, expected in pairs:
        if type(got) is not float or not np.isclose(got, expected, rtol=1e-14, atol=1e-15):
            return f"{got!r} on Scalars, {expected!r} on arrays"
    return None


def formula_is_printable(op: Primitive) -> bool:
    """Whether the rule, run on symbols, gives a formula."""
    return op.name not in registry or bool(formula(op.name))


# ---- canaries ----


def _canaries() -> Iterator[tuple[str, Primitive]]:
    """Rules with errors that are often made; they are not registered."""

    def scratch(function: Any) -> Primitive:
        return registry.pop(function.op.name)

    two = [case(real(2, 3), real(2, 3))]

    @elementwise(partials=(lambda y, a, b: b, lambda y, a, b: -a), cases=two, name="canary: sign")
    def sign(a: Any, b: Any) -> Any:
        return a * b

    @elementwise(partials=(lambda y, x: 2 * y,), cases=[case(real(3))], name="canary: factor")
    def factor(x: Any) -> Any:
        return np.exp(x)

    @multilinear(
        transposes=(lambda g, y, a, b: g @ b, lambda g, y, a, b: a.T @ g),
        cases=[case(real(3, 3), real(3, 3))],
        name="canary: transpose",
    )
    def transpose(a: Any, b: Any) -> Any:
        return a @ b

    @primitive(vjps=(lambda g, y, x: g + 0 * x,), cases=[case(real(2, 3))], name="canary: mean")
    def mean(x: Any) -> Any:
        return np.mean(x)

    for function in (sign, factor, transpose, mean):
        op = scratch(function)
        yield op.name, op
