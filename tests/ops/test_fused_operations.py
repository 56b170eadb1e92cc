"""One node for a layer: equal to its composite in value and in the first and second derivative."""

from __future__ import annotations

import math

import numpy as np
import pytest
from derivatives import close, numeric_vjps

import tinygrad_edu as tg
from tinygrad_edu.errors import ShapeError

LABELS = np.array([0, 2, 2, 1])


def composite_softmax(x, axis=-1):
    e = tg.exp(x)
    return e / tg.sum(e, axis, keepdims=True)


def composite_cross_entropy(x):
    picked = tg.getitem(x, (np.arange(4), LABELS))
    return tg.mean(tg.logsumexp(x, axis=1) - picked)


PAIRS = {
    "linear": (tg.linear, lambda x, W, b: x @ W + b, [(4, 3), (3, 5), (5,)]),
    "linear of a vector": (tg.linear, lambda x, W, b: x @ W + b, [(3,), (3, 5), (5,)]),
    "linear of a stack": (tg.linear, lambda x, W, b: x @ W + b, [(7, 2, 3), (3, 5), (5,)]),
    "linear transposed": (lambda x, W, b: tg.linear(x, W, b, transposed=True), lambda x, W, b: x @ tg.transpose(W) + b,
                          [(4, 3), (5, 3), (5,)]),
    "linear of a vector, transposed": (lambda x, W, b: tg.linear(x, W, b, True),
                                       lambda x, W, b: x @ tg.transpose(W) + b,
                                       [(3,), (5, 3), (5,)]),
    "softmax": (tg.softmax, composite_softmax, [(4, 3)]),
    "softmax of columns": (lambda x: tg.softmax(x, axis=0), lambda x: composite_softmax(x, 0), [(4, 3)]),
    "log_softmax": (tg.log_softmax, lambda x: tg.log(composite_softmax(x)), [(4, 3)]),
    "log_softmax of columns": (lambda x: tg.log_softmax(x, 0), lambda x: tg.log(composite_softmax(x, 0)), [(4, 3)]),
    "cross-entropy": (lambda x: tg.softmax_cross_entropy(x, LABELS), composite_cross_entropy, [(4, 3)]),
}  # fmt: skip


@pytest.mark.parametrize("which", PAIRS)
def test_equal_to_the_composite(which, rng):
    fused, composite, shapes = PAIRS[which]
    xs = [rng.normal(size=s) for s in shapes]
    close(fused(*xs), composite(*xs))
    shape = np.shape(composite(*xs))
    g, tangents = rng.normal(size=shape), [rng.normal(size=s) for s in shapes]
    numeric = numeric_vjps(composite, xs, g)
    for found, same, wanted in zip(
        tg.vjp(fused, *xs)[1](g), tg.vjp(composite, *xs)[1](g), numeric, strict=True
    ):
        close(found, same, rtol=1e-11)
        close(found, wanted, rtol=1e-7, atol=1e-9)
    close(tg.jvp(fused, xs, tangents)[1], tg.jvp(composite, xs, tangents)[1], rtol=1e-11)
    for i, (x, t) in enumerate(zip(xs, tangents, strict=True)):

        def along(f, i=i):
            return lambda v: tg.sum(tg.sin(f(*xs[:i], v, *xs[i + 1 :])) * g)

        close(tg.hvp(along(fused), x, t), tg.hvp(along(composite), x, t), rtol=1e-9, atol=1e-12)


def test_third_derivatives_of_the_cross_entropy(rng):
    x, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))

    def third(f):
        return tg.grad(lambda v: tg.sum(tg.hvp(f, v, t) * t))(x)

    close(third(lambda v: tg.softmax_cross_entropy(v, LABELS)), third(composite_cross_entropy), rtol=1e-9)


@pytest.mark.parametrize("layout", ["rows", "columns", "every second", "backwards"])
def test_the_layout_of_the_memory_does_not_matter(layout, rng):
    x = rng.normal(size=(4, 3))
    nodes = {
        "rows": lambda v: v,
        "columns": lambda v: tg.transpose(tg.tensor(np.array(v.value.T), requires_grad=True)),
        "every second": lambda v: tg.tensor(np.repeat(v.value, 2, axis=1), requires_grad=True)[:, ::2],
        "backwards": lambda v: tg.tensor(v.value[::-1].copy(), requires_grad=True)[::-1],
    }  # fmt: skip
    node = nodes[layout](tg.tensor(x, requires_grad=True))
    for f in (lambda v: tg.softmax_cross_entropy(v, LABELS), lambda v: tg.softmax(v)[:, 0].sum(),
              lambda v: tg.log_softmax(v)[0].sum(), lambda v: tg.logsumexp(v, axis=1).sum(),
              lambda v: tg.linear(v, np.ones((3, 2)), np.ones(2)).sum()):  # fmt: skip
        (found,) = tg.gradients(f(node), [node])
        close(found, tg.grad(f)(x), rtol=1e-12)


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda v: np.array(v, np.uint8), tg.tensor])
def test_labels_of_every_kind(kind, rng):
    x = rng.normal(size=(4, 3))
    labels = kind(LABELS.tolist())
    close(tg.softmax_cross_entropy(tg.tensor(x), labels), composite_cross_entropy(x))
    close(
        tg.hessian(lambda v: tg.softmax_cross_entropy(v, labels))(x),
        tg.hessian(composite_cross_entropy)(x),
        atol=1e-12,
    )


def test_far_out():
    x = np.array([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -1000.0], [0.0, 1000.0, 999.0]])
    p = np.array([[1, 0, 0], [1 / 3] * 3, [0, 1 / (1 + math.exp(-1)), 1 / (1 + math.e)]])
    close(tg.softmax(x), p, rtol=1e-12)
    close(tg.log_softmax(x)[0], [0.0, -1000.0, -2000.0], rtol=1e-12)
    close(tg.log_softmax(x)[1], [-math.log(3)] * 3, rtol=1e-12)
    loss = (2000 + math.log(3) + math.log1p(math.exp(-1))) / 3  # labels 2, 0, 1
    close(tg.softmax_cross_entropy(x, [2, 0, 1]), loss, rtol=1e-12)
    target = np.eye(3)[[2, 0, 1]]
    close(tg.grad(lambda v: tg.softmax_cross_entropy(v, [2, 0, 1]))(x), (p - target) / 3, rtol=1e-12)


def test_classes_that_are_ruled_out():
    x = np.array([[0.0, -np.inf, 0.0]])
    close(tg.softmax(x), [[0.5, 0, 0.5]])
    close(tg.softmax_cross_entropy(x, [0]), math.log(2))
    close(tg.grad(lambda v: tg.softmax_cross_entropy(v, [0]))(x), [[-0.5, 0, 0.5]])
    close(tg.grad(lambda v: tg.log_softmax(v)[0, 0])(x), [[0.5, 0, -0.5]])


def test_softmax_does_not_see_a_shift(rng):
    x = rng.normal(size=(4, 3))
    close(tg.jvp(tg.softmax, [x], [np.ones((4, 3))])[1], np.zeros((4, 3)), atol=1e-16)
    close(np.sum(tg.grad(lambda v: tg.softmax_cross_entropy(v, LABELS))(x), axis=1), np.zeros(4), atol=1e-16)


@pytest.mark.parametrize(
    ("x", "W", "b"),
    [
        ((2, 3), (4, 5), (5,)),
        ((2, 3), (3, 5), (4,)),
        ((2, 3), (3, 5), (1, 5)),
        ((2, 3), (3,), ()),
        ((), (3, 5), (5,)),
    ],
)
def test_linear_explains_shapes(x, W, b):
    with pytest.raises(
        ShapeError, match=r"linear: x \(…, in\), W \(in, out\), b \(out\) were expected, .* came"
    ):
        tg.linear(*(tg.tensor(np.ones(s)) for s in (x, W, b)))
    with pytest.raises(ShapeError, match=r"W \(out, in\)"):
        tg.linear(np.ones((2, 3)), np.ones((3, 5)), np.ones(5), transposed=True)


@pytest.mark.parametrize(("labels", "error", "message"), [
    ([0, 3], ValueError, r"labels in \[0, 3\) were expected, 0 … 3 came"),
    ([-1, 0], ValueError, r"-1 … 0 came"),
    ([0], ShapeError, r"integers \(batch\), were expected, \(2, 3\) and int64 \(1,\) came"),
    ([0.0, 1.0], ShapeError, r"float64 \(2,\) came"), ([[0], [1]], ShapeError, r"\(2, 1\) came"),
    ([True, False], ShapeError, "bool"),
])  # fmt: skip
def test_the_cross_entropy_refuses_labels(labels, error, message):
    with pytest.raises(error, match=message):
        tg.softmax_cross_entropy(tg.tensor(np.zeros((2, 3)), requires_grad=True), labels)


def test_the_cross_entropy_of_nothing():
    with pytest.raises(ShapeError, match=r"\(0, 3\) and int64 \(0,\) came"):
        tg.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int))
    with pytest.raises(ShapeError):
        tg.softmax_cross_entropy(np.zeros(3), [0])


@pytest.mark.parametrize(
    "dtypes",
    [
        (np.float32, np.float32, np.float64),
        (np.int64, np.int64, np.float64),
        (np.int64, np.float64, np.int64),
    ],
    ids=str,
)
def test_linear_of_several_dtypes(dtypes):
    xs = [np.ones(s, d) for s, d in zip([(2, 3), (3, 5), (5,)], dtypes, strict=True)]
    y, wanted = tg.linear(*xs), xs[0] @ xs[1] + xs[2]
    close(y, wanted)
    assert y.dtype == wanted.dtype


def test_the_cross_entropy_of_integers():
    close(tg.softmax_cross_entropy(tg.tensor([[1, 1]]), [0]), math.log(2))


def test_the_cross_entropy_of_a_label_near_the_largest_integer():
    with pytest.raises(ValueError, match=r"labels in \[0, 3\)"):
        tg.softmax_cross_entropy(tg.tensor(np.ones((4, 3))), np.array([2**62, 0, 0, 0]))


@pytest.mark.parametrize("arguments", [(1.0, [[1.0]], [1.0]), ([[1.0]], [[1.0]], 1), (1.0, 1.0, 1.0)])
def test_a_linear_layer_of_numbers(arguments):
    with pytest.raises(ShapeError, match=r"linear: x \(…, in\)"):
        tg.linear(tg.tensor(arguments[0]), *arguments[1:])
