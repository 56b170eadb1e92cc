from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim import ReduceOnPlateau, schedules

OURS = {
    "StepLR": schedules.Step, "MultiStepLR": schedules.MultiStep, "ExponentialLR": schedules.Exponential,
    "CosineAnnealingLR": schedules.Cosine, "CosineAnnealingWarmRestarts": schedules.CosineWarmRestarts,
    "OneCycleLR": schedules.OneCycle,
}  # fmt: skip


@pytest.mark.parametrize("i", range(9))
def test_fifty_steps_as_pytorch_schedules_them(reference, i):
    case = reference["schedules"][i]
    schedule = OURS[case["name"]](**case["options"])
    np.testing.assert_allclose(
        [schedule(t) for t in range(50)], case["factors"], rtol=1e-10, atol=1e-15, err_msg=str(schedule)
    )


def test_all_schedules_are_among_them(reference):
    assert {case["name"] for case in reference["schedules"]} == set(OURS)
    assert len(reference["schedules"]) == 9


def test_a_warm_up_before_a_cosine_as_pytorch(reference):
    schedule = schedules.WarmUp(10, schedules.Cosine(40), start_factor=0.25)
    np.testing.assert_allclose(
        [schedule(t) for t in range(50)], reference["warm up"]["factors"], rtol=1e-10, atol=1e-15
    )
    assert schedules.WarmUp(10)(10) == schedules.WarmUp(10)(1000) == 1


@pytest.mark.parametrize("i", range(3))
def test_plateaus_as_pytorch_sees_them(reference, i):
    case = reference["plateaus"][i]
    plateau = ReduceOnPlateau(**case["options"])
    found = [plateau(case["values"][: n + 1]) for n in range(50)]
    np.testing.assert_allclose(found, case["factors"], rtol=1e-10)
    assert len(set(found)) > 2


def test_a_plateau_of_nans_is_one():
    assert ReduceOnPlateau(patience=1, factor=0.5)([1.0, math.nan, math.nan]) == 0.5
    assert ReduceOnPlateau()([]) == 1


def test_they_stay_where_they_arrive():
    assert schedules.Cosine(10, eta_min=0.25)(10) == schedules.Cosine(10, eta_min=0.25)(99) == 0.25
    cycle = schedules.OneCycle(20, div_factor=10, final_div_factor=100)
    assert cycle(0) == pytest.approx(0.1)
    assert cycle(5) == 1
    assert cycle(19) == cycle(20) == pytest.approx(1e-3)


def test_a_restart_comes_at_the_sums_of_a_geometric_series():
    schedule = schedules.CosineWarmRestarts(3, T_mult=2)
    assert [t for t in range(100) if schedule(t) == 1] == [0, 3, 9, 21, 45, 93]


def test_a_schedule_says_what_it_is():
    schedule = schedules.WarmUp(5, schedules.Step(10, gamma=0.5))
    assert (
        repr(schedule)
        == "WarmUp(steps=5, then=Step(step_size=10, gamma=0.5), start_factor=0.3333333333333333)"
    )
    assert schedules.MultiStep([1, 2]) == schedules.MultiStep((1, 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.Step(0), lambda: schedules.Step(3, gamma=0), lambda: schedules.MultiStep((3, 1)),
        lambda: schedules.Exponential(-1), lambda: schedules.Cosine(0), lambda: schedules.Cosine(3, eta_min=1),
        lambda: schedules.CosineWarmRestarts(3, T_mult=0), lambda: schedules.WarmUp(0),
        lambda: schedules.WarmUp(3, start_factor=0), lambda: schedules.OneCycle(3),
        lambda: schedules.OneCycle(30, anneal_strategy="sine"), lambda: schedules.OneCycle(30, div_factor=0.5),
        lambda: ReduceOnPlateau(mode="least"), lambda: ReduceOnPlateau(factor=1), lambda: ReduceOnPlateau(patience=-1),
    ],
)  # fmt: skip
def test_what_no_schedule_can_be(make):
    with pytest.raises(ValueError, match=r"expected, .* came"):
        make()


def test_the_rate_of_all_groups_follows():
    a, b = (tg.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.02}], lr=0.1)
    for factor in (0.3, 0.0, 0.7):
        optimizer.lr = optimizer.initial_lr * factor
        assert optimizer.lr == pytest.approx(0.1 * factor)
        assert optimizer.param_groups[1]["lr"] == pytest.approx(0.02 * factor)
