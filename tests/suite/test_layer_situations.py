"""The situations that layers are put into, against what they must be by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.core.cases import real
from tinygrad_edu.nn.cases import LayerCase, labels, layer
from tinygrad_edu.nn.module import Module
from tinygrad_edu.suite.layers import examine_layer
from tinygrad_edu.suite.situation import Situation

LINEAR = layer(lambda rng: nn.Linear(3, 2, bias=False, rng=rng), real(5, 3))


def situation(case: LayerCase = LINEAR, training: bool = True, dtype: Any = np.float64) -> Situation:
    return Situation(case, np.random.default_rng(5), training, dtype)


def test_used_twice_is_a_sum_over_both_uses(rng: np.random.Generator) -> None:
    at = situation()
    at.twice()
    x, w = at.operands[0], at.parameters["weight"]
    g = rng.normal(size=(5, 2))
    y = at.output()
    np.testing.assert_allclose(y.numpy(), 1.75 * x.numpy() @ w.numpy().T, rtol=1e-14)
    by_w, by_x = tg.gradients(y, [w, x], g)
    np.testing.assert_allclose(by_w, 1.75 * g.T @ x.numpy(), rtol=1e-14)
    np.testing.assert_allclose(by_x, 1.75 * g @ w.numpy(), rtol=1e-14)


def test_tied_layers_share_one_leaf_and_no_other(rng: np.random.Generator) -> None:
    at = situation(layer(lambda rng: nn.Linear(3, 2, rng=rng), real(5, 3)))
    at.tied()
    first, second = at.layers
    assert first is not second
    assert first.weight is second.weight
    assert first.bias is not second.bias
    assert list(at.leaves) == ["weight", "bias", "second.bias", "input 0"]
    g = rng.normal(size=(5, 2))
    x = at.operands[0].numpy()
    found = dict(zip(at.leaves, tg.gradients(at.output(), list(at.leaves.values()), g), strict=True))
    np.testing.assert_allclose(found["weight"], 1.75 * g.T @ x, rtol=1e-14)
    np.testing.assert_allclose(found["bias"], g.sum(0), rtol=1e-14)
    np.testing.assert_allclose(found["second.bias"], g.sum(0), rtol=1e-14)


class Nested(Module):
    """Parameters in lists and mappings, one of them twice, and a buffer in a list."""

    def __init__(self, rng: np.random.Generator) -> None:
        shared = nn.parameter(rng.normal(size=3))
        self.groups = {"a": [shared, nn.parameter(rng.normal(size=3))], "b": {"c": shared}}
        self.kept = [nn.Buffer(np.ones(3))]

    def forward(self, x: Any) -> Any:
        first, second = self.groups["a"]
        return x * first + second * self.groups["b"]["c"] * self.kept[0].value


@pytest.mark.parametrize("place", ["a.0", "a.1", "b.c"])
def test_a_leaf_is_shared_wherever_it_is_held(place: str) -> None:
    class One(Module):
        def __init__(self) -> None:
            key, inside = place.split(".")
            held = nn.parameter([2.0])
            self.held = {key: [None, held] if inside == "1" else [held] if inside == "0" else {inside: held}}

        def forward(self, x: Any) -> Any:
            return x * self.parameters()[0]

    at = situation(layer(lambda rng: One(), real(2, 3)))
    at.tied()
    assert list(at.parameters) == [f"held.{place}"]
    first, second = at.layers
    assert first.parameters() == second.parameters()


def test_float32_reaches_everything_that_is_held() -> None:
    at = situation(layer(Nested, real(2, 3)), dtype=np.float32)
    (module,) = at.layers
    assert {leaf.dtype for leaf in module.parameters()} == {np.dtype("f4")}
    assert {buffer.value.dtype for _, buffer in module.named_buffers()} == {np.dtype("f4")}
    assert module.groups["a"][0] is module.groups["b"]["c"]
    assert at.output().dtype == np.float32


def test_training_moves_parameters_and_statistics_and_goes_downhill() -> None:
    case = layer(lambda rng: nn.Sequential(nn.Linear(3, 2, rng=rng), nn.BatchNorm1d(2)), real(5, 3))
    for training in (True, False):
        before, after = situation(case, training), situation(case, training)
        after.train()
        start, end = (at.layers[0].state_dict() for at in (before, after))
        moved = {name for name in start if not np.array_equal(start[name], end[name])}
        statistics = {"1.running_mean", "1.running_var", "1.num_batches_tracked"}
        assert moved == {"0.weight", "1.weight", "1.bias"} | statistics | (moved & {"0.bias"})
        assert [module.training for module in after.modules] == [training] * 3
    # ½ |y − target|² of a linear map is less after each step, and so at the end.
    losses = []
    for steps in (0, 20):
        at = situation()
        x, rng = at.operands[0], at.rng.bit_generator.state
        at.train(steps)
        at.rng.bit_generator.state = rng
        target = at.rng.normal(size=(5, 2))
        losses.append(((x.numpy() @ at.parameters["weight"].numpy().T - target) ** 2).sum())
    assert losses[1] < 0.9 * losses[0]


def test_one_sample_along_the_axis_that_the_case_names() -> None:
    at = situation(layer(lambda rng: nn.Identity(), real(5, 3), real(2, 3), batch=1))
    at.on_one_sample()
    assert [x.shape for x in at.operands] == [(5, 1), (2, 1)]
    at = situation(layer(lambda rng: nn.CrossEntropyLoss(), real(5, 3), labels(3, 5)))
    at.on_one_sample()
    assert [x.shape for x in at.operands] == [(1, 3), (1,)]
    assert list(at.leaves) == ["input 0"]


def test_chance_is_frozen_and_state_put_back() -> None:
    case = layer(lambda rng: nn.Sequential(nn.Dropout(0.5, rng=rng), nn.BatchNorm1d(3)), real(7, 3))
    at = situation(case)
    buffers = at.buffers
    with at.frozen():
        first, second = at.recorded(), at.recorded()
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    for name, value in at.buffers.items():
        np.testing.assert_array_equal(value, buffers[name])
    assert len(at.generators) == 1
    np.testing.assert_array_equal(at.output().numpy(), first.numpy())  # whose mask the generator gives again


def test_what_cannot_be_made_ends_no_run() -> None:
    def failing(rng: np.random.Generator) -> Any:
        raise ValueError("no such layer")

    first, *others = examine_layer("planted", [layer(failing, real(2, 3)), LINEAR])
    assert (first.witness, first.case, first.wrong) == ("made", "real(2, 3)", "ValueError: no such layer")
    assert others
    assert not any(finding.wrong for finding in others)
