"""Steps: the shares add up to the gradients, agree with differences, and are written as on a blackboard."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import NotDifferentiableError, StaleValueError
from tinygrad_edu.render import capture, trace_steps
from tinygrad_edu.render.stepwise.single import compare
from tinygrad_edu.render.stepwise.symbols import factor


def circuit():
    """f = (x + y) z of CS231n (Stanford, lecture 4): q = 3, f = −12, and the gradients −4, −4, 3."""
    x, y, z = tg.Scalar(-2.0, "x"), tg.Scalar(5.0, "y"), tg.Scalar(-4.0, "z")
    q = x + y
    q.name = "q"
    f = q * z
    f.name = "f"
    return f, [x, y, z]


def sums(steps, n):
    """What each node has received in all, by adding the shares up."""
    received = dict.fromkeys(range(n), 0.0)
    for step in steps:
        for c in step.contributions:
            received[c.to] += c.share if isinstance(c.share, float) else np.array(c.share.items)
    return received


def assert_sums(root, steps):
    order = tg.topological_order([root])
    received = sums(steps, len(order))
    leaves = [(i, x) for i, x in enumerate(order) if x.op is None and x.requires_grad]
    assert leaves
    for i, x in leaves:
        np.testing.assert_allclose(received[i], np.ravel(value_of(x.grad)), rtol=1e-12, atol=1e-12)


def test_the_circuit_of_the_lecture():
    f, leaves = circuit()
    forward, backward = trace_steps(f, "forward"), trace_steps(f, "backward")
    assert [(s.expression, s.numbers) for s in forward] == [
        ("q = x + y", "−2 + 5 = 3"), ("f = q × z", "3 × (−4) = −12"),
    ]  # fmt: skip
    told = [(c.to, c.local_symbols, c.numbers, c.share) for s in backward for c in s.contributions]
    assert told == [
        (2, "z", "1 × (−4)", -4.0), (3, "q", "1 × 3", 3.0), (0, "1", "−4 × 1", -4.0), (1, "1", "−4 × 1", -4.0),
    ]  # fmt: skip
    assert [(s.phase, s.k, s.n) for s in trace_steps(f)] == [
        ("forward", 1, 2), ("forward", 2, 2), ("backward", 1, 2), ("backward", 2, 2),
    ]  # fmt: skip
    assert all(x.grad is None for x in leaves)  # a look, not a pass
    assert [node.name for node in capture(f).nodes] == [
        "x",
        "y",
        "q",
        "z",
        "f",
    ]  # the numbers are the model's


def test_an_operand_that_is_used_twice_accumulates():
    a = tg.Scalar(3.0, "a")
    b = a * a
    b.name = "b"
    c = b * (b + a)  # a⁴ + a³, so 4 · 27 + 3 · 9 = 135
    steps = trace_steps(c, "backward")
    last = steps[-1].contributions
    assert [(x.to, x.arg, x.before, x.after) for x in last] == [(0, 0, 9.0, 72.0), (0, 1, 72.0, 135.0)]
    assert [x.local_symbols for x in last] == ["a", "a"]
    c.backward()
    assert a.grad == 135.0


def test_the_shares_of_a_neuron_add_up_to_its_gradients(neuron):
    o = neuron()
    steps = trace_steps(o, "backward")
    assert_sums(o, steps)
    assert [s.expression.partition(" ")[0] for s in steps[:2]] == ["o", "n"]
    assert steps[0].contributions[0].local_symbols == "1 − o²"
    assert steps[0].contributions[0].local == pytest.approx(0.5, rel=1e-15)


def test_the_shares_of_random_programs_add_up_to_their_gradients():
    rng = np.random.default_rng(11)
    for _ in range(20):
        nodes = [tg.Scalar(v, f"x{i}") for i, v in enumerate(rng.uniform(0.5, 1.5, 4))]
        for _ in range(25):
            a, b = (nodes[i] for i in rng.integers(0, len(nodes), 2))
            nodes.append([a * b, a + b, a - b, a / (b * b + 1.0), a.tanh(), a.sin()][rng.integers(6)])
        root = sum(nodes[1:], nodes[0])
        root.backward()
        steps = trace_steps(root, "backward")
        assert_sums(root, steps)
        assert max(c.check.error for s in steps for c in s.contributions) < 1e-6


def test_a_layer_with_broadcasting():
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(8, 4)), name="X")
    w = tg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="W")
    b = tg.tensor(rng.normal(size=3), requires_grad=True, name="b")
    h = x @ w + b
    h.name = "H"
    loss = tg.mean(tg.relu(h))
    loss.backward()
    steps = trace_steps(loss, "backward")
    assert_sums(loss, steps)
    told = {c.to: c for s in steps for c in s.contributions}
    assert (told[1].local_symbols, told[1].numbers) == ("Xᵀ @ G", "(8×4)ᵀ @ (8×3)")
    assert told[1].local is None
    assert told[1].share.shape == (4, 3)
    assert told[1].share.norm == pytest.approx(np.linalg.norm(value_of(w.grad)), rel=1e-12)
    bias = next(c for s in steps for c in s.contributions if c.note)
    assert (bias.note, bias.upstream.shape, bias.share.shape) == ("summed over axis 0", (8, 3), (3,))
    relu = steps[1].contributions[0]
    assert (relu.local_symbols, relu.numbers) == ("[H > 0]", "(8×3) × [(8×3) > 0]")
    assert steps[-1].numbers == "(8×4) @ (4×3) → 8×3"
    assert max(c.check.error for s in steps for c in s.contributions) < 1e-6


@pytest.mark.parametrize("axes", [(0, 1), (0,), (1,), ()])
def test_what_was_repeated_is_named(axes):
    x = tg.tensor(np.ones([1 if i in axes else n for i, n in enumerate((2, 3))]), requires_grad=True)
    y = x * np.ones((2, 3))
    y.backward(np.ones((2, 3)))
    (step,) = trace_steps(y, "backward")
    named = {0: "", 1: f"summed over axis {axes[0] if axes else ''}", 2: "summed over axes 0, 1"}
    assert step.contributions[0].note == named[len(axes)]


@pytest.mark.parametrize("name", [name for name, op in tg.registry.items() if op.rules])
def test_every_share_of_every_primitive_agrees_with_differences(name):
    op = tg.registry[name]
    for k, case in enumerate(op.cases):
        rng = np.random.default_rng(k)
        xs = [tg.tensor(d.draw(rng), requires_grad=d.differentiable) for d in case.domains]
        y = op.call(*xs, **case.params)
        y.backward(rng.normal(size=y.shape))
        (step,) = trace_steps(y, "backward")
        assert len(step.contributions) == sum(d.differentiable for d in case.domains)
        for c in step.contributions:
            assert c.check is not None
            assert c.check.agrees
            assert c.check.error < 1e-6
            assert c.local_symbols
            assert not any("\ue000" <= letter <= "\uf8ff" for letter in c.local_symbols)


def test_at_a_kink_differences_cannot_tell():
    for f, slope in ((tg.relu, 0.0), (tg.relu, 1.0), (abs, 0.0)):
        for x in (tg.Scalar(0.0), tg.tensor(np.zeros(3), requires_grad=True)):
            y = f(x)
            one = np.ones(np.shape(y.value))
            assert compare(y, 0, one, slope * one).kink
    for at in (1e-7, -1e-7, 1e-3, 2.0):  # beside it they can
        y = tg.relu(tg.Scalar(at))
        assert not compare(y, 0, 1.0, float(at > 0)).kink
        assert compare(y, 0, 1.0, float(at > 0)).agrees
    curved = tg.exp(tg.Scalar(9.0))
    assert not compare(curved, 0, 1.0, 0.0).kink
    drawn = tg.draw_step(tg.relu(tg.Scalar(0.0)), 1).source
    assert "at a kink, differences cannot tell" in drawn
    assert "✗" not in drawn


def test_a_wrong_rule_does_not_agree():
    x = tg.tensor(np.array([0.3, -0.4]), requires_grad=True)
    y = tg.exp(x)
    g = np.array([1.0, 2.0])
    assert compare(y, 0, g, g * np.exp(x.value)).agrees
    assert not compare(y, 0, g, g * np.exp(x.value) * (1 + 1e-5)).agrees
    s = tg.Scalar(0.3).exp()
    assert not compare(s, 0, 1.0, math.exp(0.3) * (1 + 1e-5)).agrees


def test_near_a_kink_and_at_the_edge_of_a_domain_the_differences_stay_on_their_side():
    for value, function, slope in ((1e-9, tg.relu, 1.0), (-1e-9, tg.absolute, -1.0), (1e-7, tg.log, 1e7)):
        y = function(tg.Scalar(value))
        check = compare(y, 0, 1.0, slope)
        assert check.agrees
        assert check.numeric == pytest.approx(slope, rel=1e-6)


def test_low_precision_is_judged_by_what_it_can_do():
    x = tg.tensor(np.linspace(-1, 1, 5, dtype=np.float32), requires_grad=True)
    loss = tg.sum(tg.tanh(x))
    checks = [c.check for s in trace_steps(loss, "backward") for c in s.contributions]
    assert all(check.agrees for check in checks)
    assert checks[1].tolerance == pytest.approx(1e4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize(
    ("make", "symbols"),
    [
        (lambda a, b: a**3, ["3 · a²"]), (lambda a, b: a**2, ["2 · a"]), (lambda a, b: a**b, ["b · a^(b − 1)", None]),
        (lambda a, b: a / b, ["1 / b", None]), (lambda a, b: 2.0 * a, ["2"]), (lambda a, b: a - b, ["1", "−1"]),
        (lambda a, b: (a + b) * (a - b), ["a − b", "a + b"]), (lambda a, b: a.relu(), ["[a > 0]"]),
        (lambda a, b: (a + b).tanh(), ["1 − tanh(a + b)²"]), (lambda a, b: a * a, ["a", "a"]),
    ],
)  # fmt: skip
def test_local_derivatives_in_symbols(make, symbols):
    a, b = tg.Scalar(1.5, "a"), tg.Scalar(0.5, "b")
    first = trace_steps(make(a, b), "backward")[0]
    assert len(first.contributions) == len(symbols)
    for c, text in zip(first.contributions, symbols, strict=True):
        assert text is None or c.local_symbols == text


def test_names_are_those_of_the_drawing_and_may_be_given():
    a, b = tg.Scalar(2.0), tg.Scalar(3.0)
    f = a * b
    (step,) = trace_steps(f, "backward", names={"speed": a, "time": b})
    assert [c.local_symbols for c in step.contributions] == ["time", "speed"]
    assert step.expression == "speed × time"


def test_factors_are_bracketed_where_they_must_be():
    assert [factor(t) for t in ("a", "a + b", "tanh(a + b)", "(a) · (b)", "(a + b)", "[a > b]", "a²")] == [
        "a", "(a + b)", "tanh(a + b)", "((a) · (b))", "(a + b)", "[a > b]", "a²",
    ]  # fmt: skip


def test_the_gradient_that_the_end_has_is_the_start():
    a = tg.Scalar(2.0, "a")
    f = a * 3.0
    f.backward(5.0)
    (step,) = trace_steps(f, "backward")
    assert (step.contributions[0].upstream, step.contributions[0].share) == (5.0, 15.0)
    assert_sums(f, [step])


def test_what_has_no_backward_steps_says_so():
    x = tg.tensor(np.ones(2), name="x")
    with tg.no_grad():
        y = x * 2.0
    assert trace_steps(y) == []  # nothing was recorded
    a = tg.Scalar(1.0, "a", requires_grad=False)
    with pytest.raises(NotDifferentiableError, match="a requires no gradient"):
        trace_steps(a, "backward")
    v = tg.tensor(np.ones(3), requires_grad=True, name="v") * 2.0
    with pytest.raises(ValueError, match="has shape 3, so its gradient is not just 1"):
        trace_steps(v, "backward")
    with pytest.raises(ValueError, match="phase is one of forward, backward, both; 'sideways' came"):
        trace_steps(a, "sideways")
    with pytest.raises(TypeError, match="a Scalar or a Tensor was expected, float came"):
        trace_steps(1.0)


def test_stale_graphs_are_refused():
    a, b = tg.Scalar(1.0, "a"), tg.Scalar(2.0, "b")
    f = a * b
    a.assign(7.0)
    with pytest.raises(StaleValueError, match="a was assigned after"):
        trace_steps(f, "forward")


def test_a_rule_that_is_no_expression_has_its_numbers_all_the_same():
    cube = tg.custom_vjp(lambda x: x**3, lambda g, y, x: g * 3 * np.square(x))
    y = cube(tg.tensor(np.array([1.0, 2.0]), requires_grad=True, name="x"))
    y.backward(np.array([1.0, 1.0]))
    (step,) = trace_steps(y, "backward")
    (share,) = step.contributions
    assert share.local_symbols == "vjp(G, x)"
    assert share.numbers == "vjp((2), (2))"
    assert share.share.items == (3.0, 12.0)
    assert share.check.agrees


def test_a_long_chain_needs_no_recursion():
    x = tg.Scalar(0.5, "x")
    y = x
    for _ in range(4000):
        y = y * 0.999 + 0.001
    steps = trace_steps(y, check=False)
    assert len(steps) == 16000
    assert steps[-1].contributions[0].after == pytest.approx(0.999**4000, rel=1e-9)
    assert {c.check for s in steps for c in s.contributions} == {None}
