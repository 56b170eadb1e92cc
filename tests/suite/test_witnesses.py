"""Every witness looks: the rules of the registry are spoiled one by one, and so are the sweeps and the witnesses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core import sweep
from tinygrad_edu.core.cases import Domain, boolean, case, real
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite import Finding, SuiteReport, examine, primitives, verify, witnesses
from tinygrad_edu.suite.canaries import canaries
from tinygrad_edu.suite.exact import CONTINUATIONS, exact
from tinygrad_edu.verify.steps import Gradient

DIFFERENTIABLE = [name for name, op in tg.registry.items() if op.rules]
SPOILED: dict[str, Callable[[Any], Any]] = {
    "doubled": lambda g: 2 * g,
    "of the other sign": lambda g: -g,
    "off by one in a million": lambda g: g * (1 + 1e-6),
    "zero": lambda g: 0 * g,
}


def declared(op: Primitive) -> list[Any]:
    """The rules, and None for an operand that is never differentiated, such as a condition."""
    if op.variadic:
        return [op.rules]
    return [
        rule if domain.differentiable else None
        for rule, domain in zip(op.rules, op.cases[0].domains, strict=True)
    ]


def spoil(op: Primitive, number: int, how: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    rules = declared(op)
    right = rules[number]

    def wrong(*args: Any, **params: Any) -> Any:
        # A partial may be True and False, which cannot be negated.
        return how((right(*args, **params) if callable(right) else right) * 1.0)

    if op.variadic:
        monkeypatch.setattr(op, "rules", wrong)
        monkeypatch.setattr(op, "rule", lambda i: lambda *args, **params: wrong(i, *args, **params))
    else:
        rules[number] = wrong
        monkeypatch.setattr(op, "rules", tuple(rules))
        monkeypatch.setattr(op, "rule", rules.__getitem__)


def accusations(op: Primitive) -> Iterator[Finding]:
    return (finding for finding in examine(op) if finding.wrong)


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_rule_is_looked_at(name: str, how: str) -> None:
    op = tg.registry[name]
    for number, rule in enumerate(declared(op)):
        if rule is not None:
            with pytest.MonkeyPatch.context() as patch:
                spoil(op, number, SPOILED[how], patch)
                found = next(
                    (finding for finding in accusations(op) if finding.witness in ("vjp", "adjoint")), None
                )
                assert found, f"rule {number} of {name}, {how}, went unnoticed"
                assert "Error" not in found.wrong  # it was seen to be wrong, and did not merely fail to run


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_rule_in_another_wrapping_is_still_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The control for the test above: spoiling by nothing is no reason for an accusation.
    op = tg.registry[name]
    for number, rule in enumerate(declared(op)):
        if rule is not None:
            spoil(op, number, lambda g: g, monkeypatch)
    assert [finding for finding in accusations(op) if finding.witness not in ("formula", "dtype")] == []


# ---- mistakes in the sweeps, which no rule could make ----


def test_a_forgotten_sum_over_broadcast_axes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_of_each(x: Any, shape: tuple[int, ...]) -> Any:
        new = np.ndim(x) - len(shape)
        x = np.asarray(x)[(0,) * new]
        return x[tuple(slice(0, n) for n in shape)]

    monkeypatch.setattr(sweep, "sum_to", first_of_each)
    assert any("numerically" in finding.wrong for finding in accusations(tg.registry["mul"]))


def test_an_operand_that_is_used_twice_and_counted_once_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = primitives.gradients

    def of_separate_ones(y: Any, inputs: Any, *rest: Any, **more: Any) -> list[Any]:
        found = right(y, inputs, *rest, **more)
        shared = y.op is not None and len(y.args) == 2 and y.args[0] is y.args[1]
        return [g / 2 for g in found] if shared else found

    monkeypatch.setattr(primitives, "gradients", of_separate_ones)
    (found,) = accusations(tg.registry["mul"])
    assert found.case == "one node"


# ---- blind witnesses ----


def test_every_canary_is_seen_by_those_that_it_is_meant_for() -> None:
    meant = set()
    for op, names in canaries():
        seen = {finding.witness: finding.wrong for finding in accusations(op)}
        assert set(names) <= set(seen)
        meant.update(names)
    assert meant == set(primitives.WITNESSES)  # every witness has a canary


@pytest.mark.parametrize("name", [name for name in witnesses.WITNESSES if name != "value"])
def test_one_blind_witness_is_enough_for_exit_code_4(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "WITNESSES", primitives.WITNESSES | {name: lambda trial: None})
    # The one node of several operands asks for vjps by another way, and would be a second pair of eyes.
    monkeypatch.setattr(primitives, "_takes_one_node", lambda each: False)
    report = verify(["add"])
    assert report.failures == []
    assert report.exit_code == 4
    assert all(f"'{name}'" in survivor for survivor in report.survivors)


# ---- what cannot be decided is no success ----


def test_vague_numbers_are_no_alibi(monkeypatch: pytest.MonkeyPatch) -> None:
    def vague(f: Any, x: np.ndarray, **more: Any) -> Gradient:
        return Gradient(np.zeros(x.shape), np.full(x.shape, 1e9), np.zeros(x.shape))

    monkeypatch.setattr(witnesses, "gradient", vague)
    report = verify(["tanh"])
    assert {finding.undecided for finding in report.failures} == {True}
    assert report.exit_code == 4  # a witness that cannot tell does not see the canaries either
    assert not report


def test_undecided_alone_is_exit_code_3() -> None:
    undecided = Finding("f", "real()", "vjp", "undecided: 2 ± 5", undecided=True)
    wrong = Finding("f", "real()", "jvp", "2, numerically 1")
    assert SuiteReport((undecided,), ("f",), (), ()).exit_code == 3
    assert SuiteReport((undecided, wrong), ("f",), (), ()).exit_code == 1
    assert not SuiteReport((undecided,), ("f",), (), ())


def test_a_case_without_anything_to_differentiate_is_not_passed(registry: dict[str, object]) -> None:
    @tg.primitive(vjps=(None,), cases=[case(boolean(3))], name="planted")
    def planted(x: Any) -> Any:
        return np.logical_not(x)

    found = [finding for finding in examine(planted.op) if finding.undecided]
    assert {finding.witness for finding in found} == set(primitives.WITNESSES)


def test_a_point_outside_of_the_domain_is_not_passed(registry: dict[str, object]) -> None:
    outside = Domain("below 0", lambda rng, shape: -1 - rng.random(shape), (3,))

    @tg.elementwise(partials=(lambda y, x: 1 / x,), cases=[case(outside)], name="planted")
    def planted(x: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return np.log(x)

    assert [finding for finding in accusations(planted.op) if finding.witness == "vjp"]


def test_where_nothing_moves_nothing_is_passed(registry: dict[str, object]) -> None:
    # Far from where it wakes up, this function is 0, and so may its derivative be called.
    @tg.elementwise(partials=(lambda y, x: 0 * x,), cases=[case(real(3))], name="planted")
    def planted(x: Any) -> Any:
        return np.where(x > 100, x, 0 * x)

    found = [finding for finding in accusations(planted.op) if finding.case == "all cases"]
    assert [finding.undecided for finding in found] == [True]
    assert "nothing changes with operand 0" in found[0].wrong


@pytest.mark.parametrize("seed", range(12))
def test_a_kink_is_seen_from_both_sides_at_every_seed(seed: int) -> None:
    for wrong in (lambda y, x: 0 * x, lambda y, x: 1 + 0 * x):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tg.registry["relu"], "rules", (wrong,))
            patch.setattr(tg.registry["relu"], "rule", lambda i, wrong=wrong: wrong)
            assert any(
                finding.witness == "vjp" and finding.wrong for finding in examine(tg.registry["relu"], seed)
            )


@pytest.mark.parametrize("seed", [4])
def test_no_primitive_is_accused_at_other_points(seed: int) -> None:
    report = verify(seed=seed)
    assert report.failures == []
    assert report.exit_code == 0


def test_a_rule_that_widens_on_the_way_is_seen_although_the_leaf_narrows(registry: dict[str, object]) -> None:
    @tg.primitive(vjps=(lambda g, y, x: g * np.full(3, 2.0),), cases=[case(real(3))], name="planted")
    def planted(x: Any) -> Any:
        return 2 * x

    found = {finding.witness: finding.wrong for finding in accusations(planted.op)}
    assert "rule's vjp is float64" in found["dtype"]


# ---- exact derivatives ----


def sources(names: Iterable[str]) -> dict[str, set[str]]:
    """{primitive: where its exact derivatives come from}, over all of its cases."""
    found: dict[str, set[str]] = {}
    for name in names:
        for number, each in enumerate(tg.registry[name].cases):
            trial = witnesses.Trial(tg.registry[name], each, np.random.default_rng(number))
            found.setdefault(name, set()).add(exact(trial).source)
    return found


def test_every_primitive_has_a_complex_step() -> None:
    # Of these the forward takes no complex numbers, or is |x|, so it has another form that does.
    other = {"absolute", "sigmoid", "softplus", "erf", "softmax_cross_entropy"}
    assert sources(DIFFERENTIABLE) == {
        name: {"continuation" if name in other else "complex step"} for name in DIFFERENTIABLE
    }


def test_what_is_not_analytic_is_not_judged_by_a_complex_step(registry: dict[str, object]) -> None:
    # Along the imaginary axis |z|² stands still, so a complex step would say 0 of the right rule.
    @tg.elementwise(partials=(lambda y, x: 2 * x,), cases=[case(real(3))], name="planted")
    def planted(x: Any) -> Any:
        return np.real(x) ** 2

    trial = witnesses.Trial(planted.op, planted.op.cases[0], np.random.default_rng(0))
    source, why, gradients = exact(trial)
    assert source == "forward mode"
    assert "not analytic" in why
    np.testing.assert_allclose(gradients[0], trial.w * 2 * trial.xs[0], rtol=1e-15)
    assert list(accusations(planted.op)) == []


def test_a_forward_that_drops_imaginary_parts_is_not_believed(registry: dict[str, object]) -> None:
    @tg.elementwise(partials=(lambda y, x: 3 * x * x,), cases=[case(real(3))], name="planted")
    def planted(x: Any) -> Any:
        return np.asarray(x).astype(np.result_type(np.asarray(x).real)) ** 3

    trial = witnesses.Trial(planted.op, planted.op.cases[0], np.random.default_rng(0))
    assert exact(trial).source == "forward mode"
    assert "imaginary" in exact(trial).why


def test_where_there_is_no_complex_step_the_two_modes_must_agree_in_every_component(
    registry: dict[str, object],
) -> None:
    @tg.primitive(vjps=(lambda g, y, x: g + 0 * x,), cases=[case(real(3))], name="planted")
    def planted(x: Any) -> Any:
        return np.real(x) * 1.0

    trial = witnesses.Trial(planted.op, planted.op.cases[0], np.random.default_rng(0))
    assert witnesses.WITNESSES["complex step"](trial) is None
    right = trial.vjp
    trial.vjp = lambda *inputs: [g * (1 + 1e-12) for g in right(*inputs)]
    assert "by the forward mode" in str(witnesses.WITNESSES["complex step"](trial))


def test_a_continuation_of_another_function_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTINUATIONS, "sigmoid", lambda z: 0.5 + 0.5 * np.tanh(z))
    found = [finding for finding in accusations(tg.registry["sigmoid"]) if finding.witness == "complex step"]
    assert found
    assert all("another function" in finding.wrong for finding in found)


@pytest.mark.parametrize("name", sorted(CONTINUATIONS))
def test_continuations_are_analytic_off_the_real_axis(name: str, rng: np.random.Generator) -> None:
    # Cauchy and Riemann: the slope is the same in every direction of the plane.
    z, along = rng.normal(size=(2, 3)) + 0.3j * rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    params = {"labels": np.array([0, 2])} if name == "softmax_cross_entropy" else {}

    def slope(direction: complex) -> Any:
        step = 1e-5 * direction
        ahead, behind = (np.sum(CONTINUATIONS[name](z + s * along, **params)) for s in (step, -step))
        return (ahead - behind) / (2 * step)

    for turned in (1j, np.exp(0.7j)):
        assert abs(slope(turned) - slope(1)) < 1e-8 * abs(slope(1))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_a_constant_wrong_in_the_tenth_digit_is_seen_in_every_rule(name: str) -> None:
    op = tg.registry[name]
    for number, rule in enumerate(declared(op)):
        if rule is not None:
            with pytest.MonkeyPatch.context() as patch:
                spoil(op, number, lambda g: g * (1 + 3e-10), patch)
                trials = [
                    witnesses.Trial(op, each, np.random.default_rng(seed))
                    for each in op.cases
                    for seed in range(4)
                ]
                assert any(map(witnesses.WITNESSES["complex step"], trials)), f"rule {number} of {name}"
