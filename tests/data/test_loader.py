"""Batches: everything once, in another order each time."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.data import batches
from tinygrad_edu.errors import ShapeError

X = np.arange(10).reshape(10, 1)
Y = 100 + np.arange(10)


def test_every_sample_comes_once_with_its_label(rng: np.random.Generator) -> None:
    served = list(batches(X, Y, size=4, rng=rng))
    assert [len(y) for _, y in served] == [4, 4, 2]
    assert all((x[:, 0] + 100 == y).all() for x, y in served)
    assert sorted(np.concatenate([y for _, y in served])) == list(Y)


def test_every_epoch_has_its_own_order(rng: np.random.Generator) -> None:
    first, second = (np.concatenate([y for _, y in batches(X, Y, size=4, rng=rng)]) for _ in range(2))
    assert first.tolist() != second.tolist() != Y.tolist()


def test_without_a_generator_the_order_is_kept() -> None:
    assert [y.tolist() for _, y in batches(X, Y, size=6)] == [Y[:6].tolist(), Y[6:].tolist()]


def test_drop_last_leaves_out_the_smaller_batch_only(rng: np.random.Generator) -> None:
    assert [len(y) for _, y in batches(X, Y, size=4, rng=rng, drop_last=True)] == [4, 4]
    assert [len(y) for _, y in batches(X, Y, size=5, rng=rng, drop_last=True)] == [5, 5]


def test_a_batch_is_a_copy(rng: np.random.Generator) -> None:
    for x, _ in batches(X, Y, size=10, rng=rng):
        x[:] = -1
    assert X.min() == 0


# Not at the first batch, but at the call, where the mistake is.
def test_errors_come_at_the_call(rng: np.random.Generator) -> None:
    with pytest.raises(
        ShapeError, match=r"as many labels as samples were expected, \(10, 1\) and \(9,\) came"
    ):
        batches(X, Y[1:], size=2, rng=rng)
    with pytest.raises(ValueError, match="size of at least 1 was expected, 0 came"):
        batches(X, Y, size=0, rng=rng)
    with pytest.raises(ValueError, match="10 samples do not fill one batch of 11"):
        batches(X, Y, size=11, rng=rng, drop_last=True)
