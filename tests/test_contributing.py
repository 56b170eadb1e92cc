"""What CONTRIBUTING.md declares, as an example to follow, is verified like every other primitive."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.core.cases import case, positive, real
from tinygrad_edu.suite import verify
from tinygrad_edu.types import Operand

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_example_is_right(registry: dict[str, object]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {
        "math": math, "np": np, "case": case, "positive": positive, "real": real, "Operand": Operand,
        "elementwise": tg.elementwise, "multilinear": tg.multilinear, "primitive": tg.primitive,
    }  # fmt: skip
    before = set(registry)
    exec(example, names)
    report = verify([name for name in registry if name not in before])
    assert report.primitives == ("bell", "norm", "outer")
    assert report.failures == []

    # The formula that the page shows, and the derivative at a number: d/dx exp(−x²) at 1 is −2/e.
    assert f"formula bell      {tg.formula('bell')}\n" in PAGE
    x = tg.Scalar(1.0)
    names["bell"](x).backward()
    assert x.grad == np.float64(-2 / math.e)
