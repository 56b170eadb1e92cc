"""The origin of a NaN, on faults whose place is known because they were planted there."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.cases import real
from tinygrad_edu.render.diagnosing.diagnosis import diagnose

HUGE = 1e200


def leaf(value, name=None, dtype=None):
    return tg.tensor(value, requires_grad=True, name=name, dtype=dtype)


def zeroed(z):
    """z, with a 0 at element (1, 1) and with ones elsewhere; on its way it depends on z."""
    ones, zero = np.ones(z.shape), np.ones(z.shape)
    zero[1, 1] = 0
    return (z * 0.0 + ones) * zero


def with_element(z, value):
    """z with a value at element (1, 1), and ones elsewhere."""
    there = np.ones(z.shape)
    there[1, 1] = value
    return z * 0.0 + there


# A plant takes a healthy tensor of shape (3, 2) and returns (a tensor of that shape, the node that is at fault).
def same(f):
    def plant(z):
        y = f(z)
        return y, y

    return plant


def by_hand_softmax(z):
    e = tg.exp(z * 0.0 + 1000.0)
    return e / tg.sum(e, axis=1, keepdims=True), e


def log_of_underflow(z):
    e = tg.exp(z * 0.0 - np.array([0.0, 1000.0]))
    y = tg.log(e / tg.sum(e, axis=1, keepdims=True))
    return y, y


def batch_norm(z):
    constant = z * np.array([1.0, 0.0])
    power = tg.var(constant, axis=0) ** -0.5
    return (constant - tg.mean(constant, axis=0)) * power, power


def infinities_meet(z):
    big = with_element(z, HUGE) * HUGE
    return big - big, big


def bad_leaf(value):
    def plant(z):
        array = np.ones(z.shape)
        array[2, 0] = value
        w = leaf(array)
        return z * w, w

    return plant


def bad_constant(z):
    y = z + np.array([np.nan, 1.0])
    return y, y.args[1]


def variance_below_zero(z):
    y = tg.sqrt(tg.mean(with_element(z, 0.5)) * 0.0 - 1e-17 + z * 0.0)
    return y, y


def entropy(z):
    p = zeroed(z)
    q = tg.log(p)
    return p * q, q


def two_faults(z):
    first = tg.log(zeroed(z))
    return first + 1.0 / zeroed(z), first


def matmul_overflow(z):
    y = with_element(z, HUGE) @ leaf(np.full((2, 2), HUGE))
    return y, y


def sum_overflow(z):
    y = tg.sum((z * 0.0 + 1.0) * 1.5e308, axis=0)
    return y + z, y


def product_overflow(z):
    y = tg.prod(with_element(z, HUGE) * 1e60, axis=0)
    return y + z, y


def cumulated(z):
    y = tg.cumsum((z * 0.0 + 1.0) * 1.5e308, axis=0)
    return y, y


def single_precision(z):
    y = tg.exp(leaf(np.full((3, 2), 100.0), dtype=np.float32))
    return y, y


FORWARD = {
    "log of 0": same(lambda z: tg.log(zeroed(z))),
    "log of a negative number": same(lambda z: tg.log(with_element(z, -1.0))),
    "log1p of −1": same(lambda z: tg.log1p(with_element(z, -1.0))),
    "1 / 0": same(lambda z: 1.0 / zeroed(z)),
    "0 / 0": same(lambda z: zeroed(z) / zeroed(z)),
    "reciprocal of 0": same(lambda z: tg.reciprocal(zeroed(z))),
    "0 to the power −1": same(lambda z: zeroed(z) ** -1.0),
    "root of a negative number, as a power": same(lambda z: with_element(z, -8.0) ** (1 / 3)),
    "sqrt of a negative number": same(lambda z: tg.sqrt(with_element(z, -1e-9))),
    "variance below 0 by rounding": variance_below_zero,
    "exp overflows": same(lambda z: tg.exp(with_element(z, 710.0))),
    "expm1 overflows": same(lambda z: tg.expm1(with_element(z, 710.0))),
    "sinh overflows": same(lambda z: tg.sinh(with_element(z, 711.0))),
    "square overflows": same(lambda z: tg.square(with_element(z, HUGE))),
    "product overflows": same(lambda z: with_element(z, HUGE) * with_element(z, HUGE)),
    "sum of two overflows": same(lambda z: with_element(z, 1.7e308) + with_element(z, 1.7e308)),
    "power overflows": same(lambda z: with_element(z, HUGE) ** 2.0),
    "quotient overflows": same(lambda z: with_element(z, HUGE) / with_element(z, 1e-200)),
    "arcsin outside of [−1, 1]": same(lambda z: tg.arcsin(with_element(z, 1.5))),
    "arccosh below 1": same(lambda z: tg.arccosh(with_element(z, 0.5))),
    "arctanh at 1": same(lambda z: tg.arctanh(with_element(z * 0.0, 1.0) * (zeroed(z) * 0.0 + 1.0) * 1.0)),
    "softmax by hand": by_hand_softmax,
    "log of a softmax that underflows": log_of_underflow,
    "batch norm without ε on a constant feature": batch_norm,
    "∞ − ∞ after an overflow": infinities_meet,
    "NaN in a weight": bad_leaf(np.nan),
    "∞ in a weight": bad_leaf(np.inf),
    "NaN in a constant": bad_constant,
    "p log p at 0": entropy,
    "two faults": two_faults,
    "matmul overflows": matmul_overflow,
    "sum over an axis overflows": sum_overflow,
    "prod overflows": product_overflow,
    "cumsum overflows": cumulated,
    "exp overflows in single precision": single_precision,
}  # fmt: skip


def masked_log(z):
    y = tg.log(zeroed(z))
    return tg.where(np.isfinite(y.numpy()), y, 0.0), y


def masked_quotient(z):
    d = zeroed(z)
    y = 1.0 / d
    return tg.where(d.numpy() > 0, y, 0.0), y


def length_of_nothing(z):
    y = tg.sqrt(tg.sum(tg.square(z * 0.0), axis=0))
    return y + z, y


def logistic_by_hand(z):
    e = tg.exp(with_element(z, 1000.0))
    return 1.0 / (1.0 + e), e


def steep(z):
    inner = (z * 0.0) * HUGE  # 0, and so is what comes of it; but the slopes are multiplied
    return inner * HUGE, inner


def sum_of_slopes(z):
    x = z * 0.0
    return sum(x * 1e308 for _ in range(64)), x


def deviation(z):
    variance = tg.var(z * np.array([1.0, 0.0]), axis=0)
    y = tg.sqrt(variance)
    return y + z, y


BACKWARD = {
    "sqrt at 0": same(lambda z: tg.sqrt(zeroed(z))),
    "power ½ at 0": same(lambda z: zeroed(z) ** 0.5),
    "power −1 of a tiny number": same(lambda z: with_element(z, 1e-200) ** -1.0),
    "1 / tiny": same(lambda z: 1.0 / with_element(z, 1e-200)),
    "reciprocal of a tiny number": same(lambda z: tg.reciprocal(with_element(z, 1e-200))),
    "arcsin at 1": same(lambda z: tg.arcsin(with_element(z, 1.0) * zeroed(z))),
    "arccos at −1": same(lambda z: tg.arccos(-zeroed(z))),
    "arccosh at 1": same(lambda z: tg.arccosh(with_element(z, 1.0))),
    "log behind a mask": masked_log,
    "quotient behind a mask": masked_quotient,
    "length of a zero vector": length_of_nothing,
    "standard deviation of a constant": deviation,
    "logistic by hand": logistic_by_hand,
    "slopes that overflow": steep,
    "slopes whose sum overflows": sum_of_slopes,
}  # fmt: skip


def network(rng, x, depth, last=tg.tanh):
    for i in range(depth):
        with tg.scope(f"layer{i}"):
            x = last(x @ leaf(rng.normal(size=(2, 2)) / 2) + leaf(rng.normal(size=2)))
    return x


def planted(plant, rng, depth, last):
    with np.errstate(all="ignore"):
        z = network(rng, leaf(rng.normal(size=(3, 2)), "x"), depth)
        y, culprit = plant(z)
        with tg.scope("after"):
            loss = tg.mean(network(rng, y, depth, last))
    return loss, culprit


def found(drawing, root, kind):
    finding = next(finding for finding in drawing.graph.findings if finding.kind == kind)
    return tg.topological_order([root])[finding.node], finding.words


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("name", FORWARD)
def test_the_first_value_that_is_not_finite(name, depth, rng):
    loss, culprit = planted(FORWARD[name], rng, depth, tg.tanh)
    drawing = diagnose(loss)
    node, words = found(drawing, loss, "nonfinite")
    assert node is culprit, words
    assert words.startswith("first ")
    flagged = [node.id for node in drawing.graph.nodes if "first" in node.flags]
    assert flagged == [i for i, each in enumerate(tg.topological_order([loss])) if each is culprit]


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("name", BACKWARD)
def test_the_first_gradient_that_is_not_finite(name, depth, rng):
    loss, culprit = planted(BACKWARD[name], rng, depth, lambda y: y)
    assert np.isfinite(loss.numpy())
    drawing = diagnose(loss)
    node, words = found(drawing, loss, "gradient")
    assert node is culprit, words


SCALARS = {
    "NaN comes in": lambda x: (x * np.nan).exp(),
    "overflow of ×": lambda x: x * 1e308 * 10.0,
    "overflow of +": lambda x: x * 1.7e308 + x * 1.7e308,
    "∞ − ∞": lambda x: (y := x * 1e308 * 10.0) - y,
}


@pytest.mark.parametrize(
    ("formula", "symbol"),
    [("NaN comes in", None), ("overflow of ×", "mul"), ("overflow of +", "add"), ("∞ − ∞", "mul")],
)
def test_scalars_that_are_not_finite(formula, symbol):
    x = tg.Scalar(1.0, "x")
    root = SCALARS[formula](x)
    node, _ = found(diagnose(root), root, "nonfinite")
    assert (node.op and node.op.name) == symbol


@pytest.mark.parametrize(
    ("f", "op", "said"),
    [
        (lambda x: x.sqrt(), "sqrt", "cannot be computed at x = 0, y = 0: float division by zero"),
        (lambda x: x**0.5, "power", "cannot be computed at a = 0, b = 0.5, y = 0"),
        (
            lambda x: (x * 1e300) * 1e300,
            "mul",
            "∂y/∂a = b = 1e300 at a = 0, b = 1e300, y = 0, and 1e300 · 1e300 = ∞",
        ),
    ],
)
def test_scalars_that_fail_in_the_backward_pass(f, op, said):
    x = tg.Scalar(0.0, "x")
    y = f(x * 1.0) + 1.0
    node, words = found(diagnose(y), y, "gradient")
    assert node.op.name == op
    assert x.grad is None
    assert said in words


def test_a_cotangent_that_is_none_is_the_origin(rng):
    y = tg.exp(leaf(rng.normal(size=2)))
    y.backward(np.array([1.0, np.nan]))
    node, words = found(diagnose(y), y, "gradient")
    assert node is y
    assert "NaN" in words


def test_a_gradient_that_was_broken_before_is_not_the_fault_of_this_graph():
    x = leaf([1.0, 2.0], "x")
    with np.errstate(all="ignore"):
        tg.sum(tg.sqrt(x * 0.0)).backward()
    y = tg.sum(x * 2.0)
    y.backward()
    _, words = found(diagnose(y), y, "gradient")
    assert "the grad of x is not finite, but not by this graph" in words


def test_an_infinity_that_a_mask_is_made_of_is_told_and_not_accused():
    mask = tg.tensor(np.array([0.0, -np.inf, 0.0]), name="mask")
    y = tg.sum(tg.square(tg.softmax(leaf([1.0, 2.0, 3.0]) + mask)))
    graph = diagnose(y).graph
    assert [finding.kind for finding in graph.findings] == ["nonfinite"]
    assert "the output is finite all the same" in graph.findings[0].words
    assert "first_backward" not in {flag for node in graph.nodes for flag in node.flags}


def test_operations_of_a_users_own(registry):
    @tg.primitive(vjps=(lambda g, y, x: g * np.array([np.inf, 1.0]),), cases=[tg.case(real(2))])
    def steep_at_0(x):
        return x * 1.0

    @tg.elementwise(partials=(lambda y, x: 1 / np.asarray(x),), cases=[tg.case(real(2))])
    def by_numpy(x):
        return x * 1.0

    @tg.primitive(vjps=(lambda g, y, x: g * x,), cases=[tg.case(real(2))])
    def broken(x):
        return np.full(2, np.inf)

    @tg.primitive(vjps=(lambda g, y, x: g + 0 * x,), cases=[tg.case(real(2))])
    def mean_of_all(x):
        return np.array(np.nan)

    x = leaf([0.0, 1.0], "x")
    y = tg.sum(steep_at_0(x))
    assert (
        "the vjp of steep_at_0 makes a gradient for x that is not finite"
        in found(diagnose(y), y, "gradient")[1]
    )
    y = tg.sum(by_numpy(x))
    words = found(diagnose(y), y, "gradient")[1]
    assert "the derivative of by_numpy by operand 1 = ∞ at x = 0, y = 0, and 1 · ∞ = ∞ at element 0" in words
    y = tg.sum(broken(x))
    words = found(diagnose(y), y, "nonfinite")[1]
    assert (
        "broken gives ∞ at element 0 (2 of 2 elements), of finite elements up to 1; " in words
    )  # no overflow
    y = mean_of_all(leaf(np.zeros((0, 2))))
    assert "mean_of_all of no elements is NaN" in found(diagnose(y), y, "nonfinite")[1]


def test_a_nan_that_comes_of_infinities_in_a_product_of_matrices():
    a, b = leaf([[np.inf, -np.inf]], "a"), leaf([[1.0], [1.0]], "b")
    with np.errstate(all="ignore"):
        y = a @ b
    assert diagnose(y).findings[1].words == "it becomes NaN at a @ b: NaN at element (0, 0)"


def test_a_sum_over_what_was_broadcast():
    x = leaf(0.0, "x")
    y = tg.sum((x + np.zeros(64)) * 1e308)  # 64 finite cotangents become one
    node, words = found(diagnose(y), y, "gradient")
    assert node.op.name == "add"
    assert "the sum of what is sent to x is more than its precision holds" in words


def test_a_second_origin_is_not_what_the_first_became():
    x = leaf([0.0, -1.0], "x")
    with np.errstate(all="ignore"):
        y = tg.sum(1.0 / (x * np.array([1.0, 2.0]))) + tg.sum(tg.sqrt(x - 1.0))
    said = [finding.words for finding in diagnose(y).findings]
    assert said[0].startswith("first ∞ at 1 / ")
    assert said[1].startswith("not finite by themselves, too: √(x − 1)")
