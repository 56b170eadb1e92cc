"""Many points at once give what one after the other does: for every primitive, and by each of its operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.core.recording import EVERYTHING, NEEDED, recording
from tinygrad_edu.verify import batched
from tinygrad_edu.verify.batched import Batch, agrees
from tinygrad_edu.verify.replay import beside

CASES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name, op in tg.registry.items()
    for number in range(len(op.cases))
]


def weighted(op: Any, leaves: list[Any], params: dict[str, Any], w: Any) -> Any:
    with recording(NEEDED):
        return tg.sum(op.call(*leaves, **params) * w)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_every_primitive_at_every_case(name: str, number: int, rng: np.random.Generator) -> None:
    op = tg.registry[name]
    each = op.cases[number]
    xs = [np.asarray(x) for x in each.draw(rng)]
    chosen = [i for i, domain in enumerate(each.domains) if domain.differentiable]
    w = rng.normal(size=np.shape(op.call(*xs, **each.params)))
    for moving in [[i] for i in chosen] + [chosen] * (len(chosen) > 1):
        leaves = [tg.Tensor(x, i in chosen) for i, x in enumerate(xs)]
        batch = Batch(weighted(op, leaves, each.params, w), [leaves[i] for i in moving])
        draws = [each.draw(rng) for _ in range(5)]
        points = [np.stack([np.asarray(draw[i]) for draw in draws]) for i in moving]
        expected = [
            np.sum(w * op.call(*[draw[i] if i in moving else x for i, x in enumerate(xs)], **each.params))
            for draw in draws
        ]
        np.testing.assert_allclose(batch(points), expected, rtol=1e-12, atol=1e-13)
        # What does not move stands for all points.
        still = [p[:1] for p in points[1:]]
        alone = [
            np.sum(
                w
                * op.call(
                    *[
                        d[i] if i == moving[0] else draws[0][i] if i in moving else x
                        for i, x in enumerate(xs)
                    ],
                    **each.params,
                )
            )
            for d in draws
        ]
        np.testing.assert_allclose(batch([points[0], *still]), alone, rtol=1e-12, atol=1e-13)


INDICES: list[Any] = [
    1, -1, (slice(None), 2), (0, slice(1, 3)), (Ellipsis, 0), (None, 1), np.array([0, 2, 0]), [1, 1],
    (slice(None), np.array([4, 0])), (np.array([0, 1]), np.array([2, 3])), (np.array([0, 1]), slice(None), 1),
    (np.array([0, 1]), None, np.array([2, 3])), np.array([True, False, True]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_every_way_to_index(index: Any, rng: np.random.Generator) -> None:
    depth = 3 if isinstance(index, tuple) and len(index) == 3 and isinstance(index[2], int) else 2
    x = rng.normal(size=(3, 5, 2)[:depth])
    leaf = tg.Tensor(x, True)
    w = rng.normal(size=x[tuple(index) if isinstance(index, tuple) else index].shape)
    batch = Batch(tg.sum(leaf[index] * w), [leaf])
    points = rng.normal(size=(4, *x.shape))
    expected = [np.sum(w * p[tuple(index) if isinstance(index, tuple) else index]) for p in points]
    np.testing.assert_allclose(batch([points]), expected, rtol=1e-12, atol=1e-13)


COMPOSED: dict[str, Callable[[Any], Any]] = {
    "comparisons": lambda x: tg.sum(tg.where(x > 0, x, 0.1 * x) * (x[::-1] < x)),
    "used twice": lambda x: tg.sum(x * tg.exp(x) + x),
    "scalar beside array": lambda x: tg.sum(x[0, 0] * x + tg.sum(x)),
    "vector times matrix": lambda x: tg.sum(x[0] @ tg.transpose(x)),
    "matrix times vector": lambda x: tg.sum(x @ x[1]),
    "norm": lambda x: tg.sqrt(tg.sum(tg.square(x))),
    "not of the leaf": lambda x: tg.sum(tg.Tensor(np.ones(3), True)),
    "the leaf itself": lambda x: x[0, 0] + 0,
}


@pytest.mark.parametrize("name", COMPOSED)
def test_compositions(name: str, rng: np.random.Generator) -> None:
    f = COMPOSED[name]
    leaf = tg.Tensor(rng.normal(size=(4, 3)), True)
    with recording(EVERYTHING):  # comparisons, too
        batch = Batch(f(leaf), [leaf])
    points = rng.normal(size=(6, 4, 3))
    expected = [float(f(tg.Tensor(p, True)).value) for p in points]
    np.testing.assert_allclose(batch([points]), expected, rtol=1e-12, atol=1e-13)


def test_a_network_of_scalars(rng: np.random.Generator) -> None:
    x, y = tg.Scalar(0.3), tg.Scalar(-1.2)
    batch = Batch((x * y).tanh() + x / y, [x, y])
    points = rng.normal(size=(2, 7))
    expected = np.tanh(points[0] * points[1]) + points[0] / points[1]
    np.testing.assert_allclose(batch(list(points)), expected, rtol=1e-13)


def test_an_operation_that_is_not_mentioned_is_done_point_by_point(
    registry: dict[str, object], rng: np.random.Generator
) -> None:
    @tg.primitive(vjps=(lambda g, y, x: g * 2 * x,), cases=[tg.case(tg.core.cases.real(3))])
    def planted(x: Any) -> Any:
        assert x.shape == (3,)
        return (x * x).sum()

    leaf = tg.Tensor(rng.normal(size=3), True)
    points = rng.normal(size=(5, 3))
    np.testing.assert_allclose(Batch(planted(leaf), [leaf])([points]), (points**2).sum(axis=1), rtol=1e-13)


def test_a_forward_that_is_not_what_it_says_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = tg.Tensor(np.array([1.0, 2.0, 4.0]), True)
    y = tg.sum(leaf * leaf)
    points = beside([leaf.value])
    values = np.array([np.sum(x**2) for (x,) in points])
    assert agrees(Batch(y, [leaf]), points, values)
    monkeypatch.setitem(batched.SHIFTED, "sum", lambda op, x, *, shape, params: x.sum(axis=1) * (1 + 1e-9))
    assert not agrees(Batch(y, [leaf]), points, values)


def test_the_check_of_a_network_is_the_same_by_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    net = nn.Sequential(
        nn.Linear(4, 5, rng=rng), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3, rng=rng), nn.Tanh()
    )
    x, labels = tg.tensor(rng.normal(size=(7, 4))), rng.integers(3, size=7)

    def loss() -> Any:
        return nn.functional.cross_entropy(net(x), labels)

    together = tg.check(loss, parameters=net)
    monkeypatch.setattr("tinygrad_edu.verify.sides.agrees", lambda *_: False)
    apart = tg.check(loss, parameters=net)
    for a, b in zip(together.rows, apart.rows, strict=True):
        assert (a.name, a.verdict) == (b.name, b.verdict)
        assert a.numeric == pytest.approx(b.numeric, rel=1e-7, abs=1e-10) or a.worst != b.worst


def test_the_memory_is_bounded() -> None:
    leaf = tg.Tensor(np.ones((100, 100)), True)
    batch = Batch(tg.sum(leaf * leaf), [leaf])
    assert 1 <= batch.at_once * 8 * 2 * leaf.value.size <= 2 * batched.BYTES


@pytest.mark.parametrize("name", sorted({*batched.SHIFTED, *batched.COMPARISONS}))
def test_a_function_of_the_user_that_is_called_like_one_of_ours(name: str, rng: np.random.Generator) -> None:
    def f(x: Any) -> Any:
        return (x**3).sum()

    f.__name__ = name
    rule = tg.custom_vjp(f, lambda g, y, x: 3 * g * x**2)
    assert tg.check(rule, rng.normal(size=(2, 3)))
