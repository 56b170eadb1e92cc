"""The line search on functions of one number, where the strong Wolfe conditions can be looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygrad_edu.optim.line_search import C1, C2, Point, cubic_minimum, strong_wolfe

# Functions 1 and 2 of Moré and Thuente (1994), section 5, a parabola, and one that ends at a wall.
FUNCTIONS = {
    "rational": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
    "quintic": (
        lambda t: (t + 0.004) ** 5 - 2 * (t + 0.004) ** 4,
        lambda t: 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3,
    ),
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "wall": (
        lambda t: -t - math.log(2 - t) if t < 2 else math.nan,
        lambda t: -1 + 1 / (2 - t) if t < 2 else math.nan,
    ),
}


def line(f, slope):
    tried = []

    def phi(t):
        tried.append(t)
        return Point(t, f(t), slope(t), np.array([slope(t)]))

    return phi, tried


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("first", [1e-3, 1e-1, 1.0, 10.0, 1e3])
def test_the_strong_wolfe_conditions_hold(name, first):
    phi, tried = line(*FUNCTIONS[name])
    start = phi(0.0)
    if start.slope == 0 or name == "wall":
        start = phi(0.9) if name != "wall" else Point(0.0, 10.0, -1.0, np.array([-1.0]))
    found = strong_wolfe(phi, start, first, shortest=1e-12, most=40)
    assert found.f <= start.f + C1 * found.t * start.slope
    assert abs(found.slope) <= C2 * abs(start.slope)
    assert found.t in tried
    assert len(tried) < 40


def test_it_ends_with_the_lowest_point_when_trials_run_out():
    phi, tried = line(lambda t: -t, lambda t: -1.0)  # it sinks for ever, and never becomes flat
    start = phi(0.0)
    found = strong_wolfe(phi, start, 1.0, shortest=1e-9, most=3)
    assert found.t == max(tried) > 100
    assert len(tried) == 5
    phi, _ = line(lambda t: abs(t - 1e-12), lambda t: -1.0 if t < 1e-12 else 1.0)  # too narrow to be found
    start = phi(0.0)
    assert strong_wolfe(phi, start, 1.0, shortest=0.1, most=20).f <= start.f


def test_a_step_that_does_not_sink_is_none():
    phi, _ = line(lambda t: t, lambda t: 1.0)
    start = Point(0.0, 0.0, -1.0, np.array([-1.0]))  # a slope that is a lie, as of a wrong gradient
    assert strong_wolfe(phi, start, 1.0, shortest=1e-3, most=10).t == 0


def test_the_cubic_is_hit_exactly():
    """t³ − 3 t has its minimum at 1, from whichever side its values are given."""
    a, b = (Point(t, t**3 - 3 * t, 3 * t * t - 3, np.zeros(1)) for t in (0.2, 3.0))
    assert cubic_minimum(a, b, 0.2, 3.0) == pytest.approx(1)
    assert cubic_minimum(b, a, 0.2, 3.0) == pytest.approx(1)
    assert cubic_minimum(a, b, 1.5, 3.0) == 1.5


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((0.0, 0.0, -1.0), (1.0, -1.0, -1.0)),  # a line
        ((0.0, 0.0, 1.0), (1.0, 1.0, 3.0)),  # no minimum: t³ + … that rises everywhere
        ((0.0, 0.0, -1.0), (1.0, math.nan, math.nan)),
        ((0.5, 0.0, -1.0), (0.5, 0.0, -1.0)),  # one point twice
    ],
)
def test_the_middle_where_there_is_no_minimum(a, b):
    points = [Point(*values, np.zeros(1)) for values in (a, b)]
    assert cubic_minimum(*points, 2.0, 4.0) in (3.0, 2.0, 4.0)
    assert math.isfinite(cubic_minimum(*points, 2.0, 4.0))
