"""An operation of your own: state its forward and its rule, and everything else knows it.

python demos/11_own_primitive.py
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import elementwise, registry
from tinygrad_edu.suite import examine


def declared(partial: Any) -> Any:
    """The bell curve exp(−x²) as a primitive, with a rule for its slope."""

    @elementwise(partials=(partial,), cases=[case(real(3))], on_floats=lambda x: math.exp(-x * x))
    def bell(x: Any) -> Any:
        """The bell curve exp(−x²), in (0, 1]."""
        return np.exp(-x * x)

    return bell


def findings(name: str) -> None:
    """Bring it before the witnesses of the suite, and print what they say."""
    result = list(examine(registry[name]))
    failed = [finding for finding in result if finding.wrong]
    print(f"    {len(result)} findings, {len(failed)} failures")
    for finding in failed[:2]:
        print(f"    {finding.witness}: {finding.wrong}")


def main() -> None:
    """Declare it right, use it, and declare it wrong."""
    bell = declared(lambda y, x: -2 * x * y)
    print("bell(x) = exp(−x²), with the rule ∂y/∂x = −2 x y:")
    print(f"    as a formula: {tg.formula('bell')}")
    x = tg.Scalar(0.5)
    bell(x).backward()
    print(f"    of a Scalar at 0.5: {bell(x).value:.6f}, slope {x.grad:.6f}; by hand {-math.exp(-0.25):.6f}")
    second = tg.grad(tg.grad(bell))(0.5)
    print(f"    second derivative: {second:.6f}; by hand (4x² − 2) exp(−x²) = {-math.exp(-0.25):.6f}")
    W = np.random.default_rng(0).normal(size=(3, 2))
    print(f"    in a network of arrays: {tg.check(lambda w: bell(w @ np.ones(2)).sum(), W).verdict}")
    findings("bell")

    del registry["bell"]
    declared(lambda y, x: -x * y)  # the factor 2 is forgotten
    print("The same with ∂y/∂x = −x y, where the 2 is forgotten:")
    findings("bell")
    del registry["bell"]


if __name__ == "__main__":
    main()
