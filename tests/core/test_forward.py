from __future__ import annotations

import numpy as np
import pytest
from derivatives import central, close

import tinygrad_edu as tg


def network(x, w, b):
    h = tg.tanh(tg.linear(x, w, b))
    z = tg.logsumexp(h, axis=1) + tg.max(h, axis=1) * tg.var(h, axis=1)
    return tg.concatenate([tg.softmax(z), tg.stack([z[0], z[1] * 2])])


@pytest.fixture
def inputs(rng):
    return [rng.normal(size=s) for s in ((3, 4), (4, 2), (2,))]


def test_forward_and_reverse_are_adjoint(inputs, rng):
    leaves = [tg.tensor(x, requires_grad=True) for x in inputs]
    y = network(*leaves)
    tangents, cotangent = [rng.normal(size=x.shape) for x in inputs], rng.normal(size=y.shape)
    (pushed,) = tg.forward_sweep([y], dict(zip(leaves, tangents, strict=True)))
    pulled = tg.reverse_sweep(y, cotangent)
    close(
        np.sum(cotangent * pushed), sum(np.sum(pulled[x] * t) for x, t in zip(leaves, tangents, strict=True))
    )


def test_the_forward_sweep_against_differences(inputs, rng):
    leaves = [tg.tensor(x, requires_grad=True) for x in inputs]
    tangents, weights = [rng.normal(size=x.shape) for x in inputs], rng.normal(size=5)
    (pushed,) = tg.forward_sweep([network(*leaves)], dict(zip(leaves, tangents, strict=True)))

    def along(h):
        return weights @ network(*(x + h * t for x, t in zip(inputs, tangents, strict=True)))

    close(weights @ pushed, central(along, 0.0), rtol=1e-8)


def test_an_output_that_nothing_reaches():
    x, c = tg.Scalar(2.0), tg.Scalar(3.0)
    assert tg.forward_sweep([x * 2, c * 2, c], {x: 1.0}) == [2.0, None, None]


def test_an_input_is_its_own_output():
    x = tg.Scalar(2.0)
    assert tg.forward_sweep([x, x * x], {x: 5.0}) == [5.0, 20.0]


def test_several_inputs_add_up():
    a, b = tg.Scalar(2.0), tg.Scalar(3.0)
    assert tg.forward_sweep([a * b + a / b], {a: 1.0, b: 9.0}) == [3.0 + 18.0 + 1 / 3 - 2.0]


def test_the_tangents_given_are_left_as_they_are():
    x = tg.Scalar(2.0)
    tangents = {x: 1.0}
    tg.forward_sweep([x * x], tangents)
    assert tangents == {x: 1.0}


@pytest.mark.parametrize("shapes", [((3,), (2, 3)), ((2, 1), (3,)), ((), (2, 2))])
def test_tangents_are_broadcast_like_values(shapes, rng):
    small, large = (tg.tensor(rng.normal(size=s), requires_grad=True) for s in shapes)
    t = rng.normal(size=small.shape)
    for y, wanted in ((small + large, t), (large - small, -t), (small * large, t * large.value)):
        close(tg.forward_sweep([y], {small: t})[0], np.broadcast_to(wanted, y.shape))


def test_forward_over_forward():
    x = tg.Scalar(0.4)
    (first,) = tg.forward_sweep([x.tanh() * x], {x: 1.0}, create_graph=True)
    (second,) = tg.forward_sweep([first], {x: 1.0}, create_graph=True)
    (third,) = tg.forward_sweep([second], {x: 1.0})
    t = np.tanh(0.4)
    s = 1 - t * t
    close(second.value, 2 * s - 2 * 0.4 * t * s)
    close(third, -6 * t * s - 2 * 0.4 * s * (1 - 3 * t * t))


def test_reverse_over_forward_through_every_kind_of_operation(inputs, rng):
    x, w, b = (tg.tensor(v, requires_grad=True) for v in inputs)
    t, weights = rng.normal(size=w.shape), rng.normal(size=5)
    (pushed,) = tg.forward_sweep([network(x, w, b)], {w: tg.tensor(t)}, create_graph=True)
    (found,) = tg.gradients((pushed * weights).sum(), [w])

    def slope(values):
        fresh = tg.tensor(values, requires_grad=True)
        return weights @ tg.forward_sweep([network(inputs[0], fresh, inputs[2])], {fresh: t})[0]

    close(found, central(slope, inputs[1]), rtol=1e-7, atol=1e-9)


def test_without_create_graph_nothing_is_recorded():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (t,) = tg.forward_sweep([tg.softmax(x) @ tg.exp(x)], {x: np.ones(2)})
    assert not isinstance(t, tg.Tensor)


def test_a_recorded_forward_sweep_grows_with_the_graph_and_not_with_its_square(monkeypatch):
    """Counted in visits: each rule of a primitive is transposed alone, not with all that lies below it."""
    from tinygrad_edu.core import sweep

    visits = 0
    pull = sweep._pull

    def counting(output, found, keep, stop, *rest):
        nonlocal visits
        seen, ahead = set(), [output]
        while ahead:
            node = ahead.pop()
            if node not in seen and node.requires_grad:
                seen.add(node)
                ahead += () if node in stop else node.args
        visits += len(seen)
        return pull(output, found, keep, stop, *rest)

    monkeypatch.setattr(sweep, "_pull", counting)

    def cost(depth: int) -> int:
        nonlocal visits
        x = tg.tensor(np.ones(3), requires_grad=True)
        y = x
        for _ in range(depth):
            y = tg.softmax(y)
        visits = 0
        tg.forward_sweep([y], {x: tg.tensor(np.ones(3))}, create_graph=True)
        return visits

    assert cost(80) < 2.5 * cost(40)
