"""The hunt: whether the suite sees that a mutant is wrong.

First `examine` looks, as at any primitive; and of its questions the one that most mutants fail is asked first, at all
cases. These keep away from kinks and ties, where wrong conventions hide. So what has passed is then taken to the hazard
points, which are made of the same cases.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.cases import Case
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite.finding import Finding, ask
from tinygrad_edu.suite.primitives import examine
from tinygrad_edu.suite.witnesses import WITNESSES, Trial
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.types import Array
from tinygrad_edu.verify.examination import found_at
from tinygrad_edu.verify.pair import Pair


def killer(make: Callable[[], Primitive], seed: int = 0, *, hazards: bool = True) -> str:
    """What saw that an operation is wrong, in words; "" if nothing did.

    Args:
        make: the operation; one that cannot even be made is seen.
        seed: of the test points.
        hazards: whether to look at hazard points, too.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a wrong rule may divide by 0; that is not what it is judged by
        try:
            op = make()
        except Exception as error:
            return f"making it: {type(error).__name__}"
        findings = chain(_first_look(op, seed), examine(op, seed))
        seen = (f"{each.witness} at {each.case}" for each in findings if each.wrong and not each.undecided)
        return next(chain(seen, _at_hazards(op, seed) if hazards else ()), "")


def _first_look(op: Primitive, seed: int) -> Iterator[Finding]:
    """Those findings of `examine` that most mutants fall by."""
    for number, each in enumerate(op.cases):
        rng = np.random.default_rng([seed, number])
        yield ask(op.name, str(each), "vjp", lambda: WITNESSES["vjp"](Trial(op, each, rng)))  # noqa: B023 (asked at once)


def _at_hazards(op: Primitive, seed: int) -> Iterator[str]:
    for number, each in enumerate(() if op.linear else op.cases):  # what is linear has no kinks
        rng = np.random.default_rng([seed, number])
        try:
            rows, _ = found_at(_pair(op, each), [np.asarray(x) for x in each.draw(rng)], rng)
        except Exception as error:
            yield f"{type(error).__name__} at the hazards of {each}"
            continue
        yield from (f"hazard: {row.name}, {each}" for row in rows if row.verdict == "wrong")


def _pair(op: Primitive, each: Case) -> Pair:
    """One case of an operation as a pair of plain functions."""
    wanted = [domain.differentiable for domain in each.domains]

    def f(*xs: Array) -> Any:
        return op.call(*xs, **each.params)

    def vjp(g: Array, y: Array, *xs: Array) -> list[Any]:
        leaves = [Tensor(x, want) for x, want in zip(xs, wanted, strict=True)]
        found = iter(gradients(op.call(*leaves, **each.params), [x for x in leaves if x.requires_grad], g))
        return [next(found) if want else None for want in wanted]

    return Pair(f, vjp, [f"operand {i}" for i in range(len(wanted))])
