"""Gradient checks of every verdict, and names that would like to be more than text."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.verify.report import Report, judge
from tinygrad_edu.verify.steps import Gradient

HOSTILE = [
    "<script>alert(1)</script>",
    "a & b < c > d \" e ' f",
    "]]></failure><!-- {verdict} %s -->",
    "\x00\x07\x1b[31mred\x1b[0m\x7f\x85",
    "two\nlines\tand a tab",
    "\u202eright to left\u2028\ufffe",
    "a lone \ud800 surrogate",
    "[bold red]markup[/] [link=http://example.org]x[/link]",
    "θ₁ 重み 🙂",
    "n" * 300,
    "",
]


def checked(
    backward: list[float], numeric: list[float], error: float = 1e-12, jump: float = 0.0, name: str = "w"
) -> Report:
    """The report of one parameter whose numerical derivative is given."""
    n = np.array(numeric)
    return Report(
        [judge(name, np.array(backward), Gradient(n, np.full(n.shape, error), np.full(n.shape, jump)))], None
    )


@pytest.fixture(scope="session")
def reports() -> dict[str, Report]:
    """A report for each verdict, and some with numbers that JSON cannot say."""
    return {
        "verified": tg.check(lambda x: (x * x).sum(), np.array([[1.0, 2.0, 3.0]])),
        "wrong": checked([2.0, 4.0], [1.0, 2.0]),
        "NaN": checked([np.nan, 4.0], [1.0, 4.0]),
        "infinite": checked([-np.inf, 4.0], [1.0, 4.0]),
        "inconclusive": checked([1.0, 1.0], [np.nan, np.nan], np.inf),
        "not differentiable here": checked([0.5], [0.5], jump=1.0),
        "vacuous": tg.check(lambda x: (0 * x).sum(), np.ones(3)),
        "empty": tg.check(lambda x: (x * x).sum(), np.ones((0, 3))),
        "one number": tg.check(lambda x: x * x, 3.0, step=1e-6),
    }


@pytest.fixture(scope="session")
def hostile() -> Report:
    """One wrong parameter for each hostile name, with the name in its note, too."""
    rows = [row for name in HOSTILE for row in checked([2.0, 5.0], [1.0, 2.0], name=name).rows]
    return Report(rows, None)
