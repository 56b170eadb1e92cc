"""Mutation testing: the suite sees what is broken, the score is not vacuous, and everything is put back."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.calculus import gradients
from tinygrad_edu.core import sweep
from tinygrad_edu.core.cases import Case, case, real
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite.mutation import MutationReport, hunt, score
from tinygrad_edu.suite.mutation.engine import ENGINE, ENGINE_MUTANTS, EngineMutant, seen_by
from tinygrad_edu.suite.mutation.equivalents import EQUIVALENT
from tinygrad_edu.suite.mutation.hunt import killer
from tinygrad_edu.suite.mutation.mutant import Mutant, differentiable, with_rules
from tinygrad_edu.suite.mutation.report import Outcome
from tinygrad_edu.suite.mutation.run import mutants
from tinygrad_edu.suite.mutation.semantic import rules_with, vjp_of
from tinygrad_edu.suite.mutation.source import source_mutants
from tinygrad_edu.suite.witnesses import WITNESSES
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.verify.hazards import hazard_points

RULES = sorted(name for name, op in tg.registry.items() if op.rules)
# These take more than half of the time of `tinygrad-edu verify --mutants`, which judges them all.
LONG = {"einsum", "linear", "matmul", "maximum", "minimum", "power", "prod"}
SELECTION = [name for name in RULES if name not in LONG][::4]


# ---- the score ----


@pytest.mark.parametrize("name", SELECTION)
def test_the_suite_sees_what_is_broken(name: str) -> None:
    report = score([name])
    assert report.total.mutants > 10
    assert report.total.score >= 0.95, str(report)


@pytest.mark.parametrize("name", [name for name in RULES if name not in LONG][1::9])
def test_a_right_rule_is_not_killed(name: str) -> None:
    # The control: what is killed falls by its mistake, and not by being copied or written as a vjp.
    op = tg.registry[name]
    assert killer(lambda: with_rules(op, op.rules)) == ""
    as_vjps = rules_with(op, (i := differentiable(op)[0]), vjp_of(op, i))
    assert killer(lambda: with_rules(op, as_vjps, as_vjps=True), hazards=False) == ""


def test_blind_witnesses_lower_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    assert score(["tanh"]).total.score == 1
    monkeypatch.setattr(hunt, "found_at", lambda pair, inputs, rng: ([], inputs))
    for name in WITNESSES.keys() - {"value", "unmodified", "dtype"}:
        monkeypatch.setitem(WITNESSES, name, lambda trial: None)
    report = score(["tanh"])
    assert report.total.score is not None
    assert report.total.score < 0.5
    assert report.exit_code == 1
    for name in WITNESSES:
        monkeypatch.setitem(WITNESSES, name, lambda trial: None)
    survivors = {outcome.name for outcome in score(["tanh"]).survivors}
    assert {"2 x̄", "−x̄", "0", "1 - y * y → 1 + y * y", "y → x"} <= survivors


def test_a_tie_that_is_not_shared_is_seen_at_the_hazard_points_alone() -> None:
    (mutant,) = (m for m in mutants(tg.registry["max"]) if m.diff.endswith("+     share = reached"))
    assert killer(mutant.make).startswith("hazard: ")
    assert killer(mutant.make, hazards=False) == ""


def test_several_processes_give_the_same() -> None:
    names = ["neg", "exp"]
    assert score(names, jobs=2).to_dict() == score(names).to_dict()


def test_what_is_asked_for_wrongly() -> None:
    with pytest.raises(KeyError, match="there is no tahn"):
        score(["tahn"])
    with pytest.raises(ValueError, match="jobs=0"):
        score(["tanh"], jobs=0)
    nothing = score(["greater"])  # recorded, but without a rule
    assert (nothing.total.mutants, nothing.total.score, nothing.exit_code) == (0, None, 1)


# ---- the mutants ----


def names_of(op: Primitive) -> dict[tuple[str, str], Mutant]:
    return {(mutant.operand, mutant.name): mutant for mutant in mutants(op)}


def test_every_mutant_has_a_name_of_its_own_and_differs_from_the_rule() -> None:
    for name in ("mean", "var", "stack"):
        every = list(mutants(tg.registry[name]))
        assert len(names_of(tg.registry[name])) == len(every)
        for mutant in every:
            assert "\n" not in mutant.name
        for mutant in source_mutants(tg.registry[name]):
            minus, plus = (
                [line[1:] for line in mutant.diff.splitlines() if line[0] == sign] for sign in "−+"
            )
            assert minus != plus
            assert minus
            assert plus


@pytest.mark.parametrize(
    ("primitive", "operand", "old", "new"),
    [
        ("matmul", "0", "g @ transpose(b)", "g @ b"),
        ("matmul", "1", "transpose(a) @ g", "g @ transpose(a)"),
        ("square", "0", "2 * x", "x"),
        ("square", "0", "2 * x", "2.02 * x"),
        ("tanh", "0", "1 - y * y", "1 - x * y"),
        ("sub", "1", "-1", "1"),
        ("sin", "0", "cos(x)", "ops.sin(x)"),
        ("relu", "0", "x > 0", "x >= 0"),
        ("cumsum", "0", "flip(cumsum(flip(g, axis), axis), axis)", "cumsum(flip(g, axis), axis)"),
        ("mean", "0", "spread(g, x, axis) / count(shape_of(x), axis)", "spread(g, x, axis)"),
        ("linear", "1", "x.T @ g", "x @ g"),
        ("linear", "2", "g.sum", "g.mean"),
        ("softmax", "0", "sum(gy, axis, keepdims=True)", "ops.mean(gy, axis, keepdims=True)"),
        ("where", "1", ": c", ": a"),
        ("maximum", "0", "above(a, b)", "above(b, a)"),
        ("getitem", "0", "scatter_add(", "assigned("),
    ],
)
def test_the_mistakes_that_people_make_are_among_them(
    primitive: str, operand: str, old: str, new: str
) -> None:
    pairs = []
    for mutant in source_mutants(tg.registry[primitive]):
        if mutant.operand == operand:
            lines = {sign: [x[1:] for x in mutant.diff.splitlines() if x[0] == sign] for sign in "−+"}
            pairs.append((lines["−"][-1], lines["+"][-1]))
    assert any(old in before and before.replace(old, new, 1) == after for before, after in pairs)


def test_source_mutants_leave_the_registry_and_the_module_alone() -> None:
    before = (
        dict(tg.registry),
        tg.registry["prod"].rules,
        dict(vars(sys.modules["tinygrad_edu.ops.reduction"])),
    )
    score(["prod"], seed=1) if "prod" in SELECTION else [
        killer(m.make) for m in list(mutants(tg.registry["prod"]))[:20]
    ]
    after = (
        dict(tg.registry),
        tg.registry["prod"].rules,
        dict(vars(sys.modules["tinygrad_edu.ops.reduction"])),
    )
    assert before == after


PLANTED = '''
import numpy as np

from tinygrad_edu.core.cases import case, real
from tinygrad_edu.core.primitive import primitive


def _slope(x):
    return 3 * x * x + 2 * x


def _unused(x):
    return 7 * x


@primitive(vjps=(lambda g, y, x: g * _slope(x),), cases=[case(real(3))], name="planted")
def planted(x):
    """x³ + x²."""
    return x**3 + x**2
'''


@pytest.fixture
def planted(registry: dict[str, object], tmp_path: Path) -> Iterator[Primitive]:
    """A primitive in a module of the user's own."""
    path = tmp_path / "planted_rules.py"
    path.write_text(PLANTED)
    spec = importlib.util.spec_from_file_location("planted_rules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted_rules"] = module
    spec.loader.exec_module(module)
    yield module.planted.op
    del sys.modules["planted_rules"]


def test_rules_of_the_users_own_are_mutated_with_the_functions_that_they_call(planted: Primitive) -> None:
    found = names_of(planted)
    assert ("all", "_slope: 3 * x → x") in found
    assert ("0", "g → ones_like(g)") in found
    assert not any("_unused" in name or "7" in name for _, name in found)
    report = score(["planted"])
    assert report.exit_code == 0, str(report)
    assert report.total.score == 1


def test_without_a_source_there_are_semantic_mutants(registry: dict[str, object]) -> None:
    @tg.elementwise(partials=(lambda y, x: 2 * x,), cases=[case(real(3))], name="typed at a prompt")
    def typed(x: Any) -> Any:
        return x * x

    op = typed.op
    assert list(source_mutants(op)) == []
    assert score(["typed at a prompt"]).total.score == 1


# ---- equivalent mutants ----


def points(op: Primitive, each: Case, number: int) -> Iterator[list[np.ndarray]]:
    rng = np.random.default_rng([5, number])
    xs = [np.asarray(x) for x in each.draw(rng)]
    yield xs
    yield from (point.inputs for point in list(hazard_points(xs, rng))[number % 3 :: 3])


def derivatives(op: Primitive, each: Case, xs: list[np.ndarray], g: np.ndarray) -> list[np.ndarray]:
    leaves = [Tensor(x, domain.differentiable) for x, domain in zip(xs, each.domains, strict=True)]
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    return [np.asarray(d) for d in gradients(op.call(*leaves, **each.params), wanted, g)]


EQUIVALENT_IN = sorted({key[0] for key in EQUIVALENT})
A_CONVENTION = {("relu", "0", "x > 0 → x >= 0"), ("relu", "0", "ȳ passed on")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EQUIVALENT_IN)
def test_equivalent_mutants_exist_and_compute_the_same(name: str) -> None:
    op, found = tg.registry[name], names_of(tg.registry[name])
    for key in (key for key in EQUIVALENT if key[0] == name):
        assert key[1:] in found, f"{key} is stale: there is no such mutant any more"
        mutated = found[key[1:]].make()
        for number, each in enumerate(op.cases):
            for xs in points(op, each, number):
                with np.errstate(all="ignore"):
                    try:
                        y = op.call(*xs, **each.params)
                    except ValueError:  # not for such values
                        continue
                    if not np.isfinite(y).all() or (key in A_CONVENTION and not np.all(xs[0])):
                        continue
                    g = np.random.default_rng(number).normal(size=np.shape(y))
                    expected, got = (derivatives(f, each, xs, g) for f in (op, mutated))
                for d, e in zip(expected, got, strict=True):
                    where = np.isfinite(d)
                    np.testing.assert_allclose(e[where], d[where], rtol=1e-9, atol=1e-300, err_msg=str(key))


@pytest.mark.parametrize(
    "key", [key for key in EQUIVALENT if key[0] in ("sin", "sum", "softmax_cross_entropy")]
)
def test_nothing_kills_an_equivalent_mutant(key: tuple[str, str, str]) -> None:
    assert killer(names_of(tg.registry[key[0]])[key[1:]].make) == ""


# ---- the engine ----


@pytest.mark.parametrize("mutant", ENGINE_MUTANTS[1::3], ids=lambda mutant: mutant.name)
def test_mistakes_in_the_sweeps_are_seen_and_taken_back(mutant: EngineMutant) -> None:
    codes = {name: f.__code__ for name, f in vars(sweep).items() if hasattr(f, "__code__")}
    assert mutant.diff.count("\n") == 1
    assert seen_by(mutant)
    assert {name: f.__code__ for name, f in vars(sweep).items() if hasattr(f, "__code__")} == codes


def test_a_sweep_is_put_right_even_after_an_error() -> None:
    right = sweep._pull.__code__
    with ENGINE_MUTANTS[0].at_work():
        assert sweep._pull.__code__ is not right

    def fail() -> None:
        with ENGINE_MUTANTS[0].at_work():
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sweep._pull.__code__ is right


def test_every_engine_mutant_finds_its_place_and_a_stale_one_says_so() -> None:
    assert len({mutant.name for mutant in ENGINE_MUTANTS}) == len(ENGINE_MUTANTS)
    for mutant in ENGINE_MUTANTS:
        assert mutant.diff.startswith("− ")
    with pytest.raises(LookupError, match="the mutant is stale"):
        _ = EngineMutant("_pull", "what is not there", "").diff


# ---- the report ----


def outcome(name: str = "a", killed_by: str = "", equivalent: str = "", of: str = "f") -> Outcome:
    return Outcome(of, "0", name, f"− {name}\n+ not {name}", killed_by, equivalent)


def test_the_score_leaves_equivalent_mutants_out() -> None:
    report = MutationReport(
        (outcome("a", "vjp"), outcome("b", "vjp"), outcome("c"), outcome("d", "", "the same"))
    )
    assert report.total.score == pytest.approx(2 / 3)
    assert [each.name for each in report.survivors] == ["c"]
    assert MutationReport((outcome("d", "", "the same"),)).total.score is None


@pytest.mark.parametrize(
    ("f", "g", "code"),
    [((100, 0), (100, 0), 0), ((100, 0), (95, 5), 1), ((300, 1), (96, 4), 0), ((1000, 0), (94, 6), 1),
     ((97, 3), (0, 0), 1)],
)  # fmt: skip
def test_exit_codes(f: tuple[int, int], g: tuple[int, int], code: int) -> None:
    # 98 % of all, and 95 % of each
    made = [outcome(str(k), "vjp" if k < killed else "", of=of)
            for of, (killed, missed) in (("f", f), ("g", g)) for k in range(killed + missed)]  # fmt: skip
    assert MutationReport(tuple(made)).exit_code == code
    assert bool(MutationReport(tuple(made))) == (code == 0)


def test_survivors_and_equivalents_are_printed_with_their_source(monkeypatch: pytest.MonkeyPatch) -> None:
    said = str(score(["sin"]))
    assert "survivors: none" in said
    assert "The cosine is even." in said
    monkeypatch.delitem(EQUIVALENT, ("sin", "0", "x → -x"))
    report = score(["sin"])
    assert [each.name for each in report.survivors] == ["x → -x"]
    assert "  sin, operand 0: x → -x\n      − lambda y, x: cos(x)\n      + lambda y, x: cos(-x)" in str(
        report
    )
    content = json.loads(json.dumps(report.to_dict()))
    assert content["survivors"][0]["diff"] == "− lambda y, x: cos(x)\n+ lambda y, x: cos(-x)"
    assert content["primitives"]["sin"]["killed"] == content["total"]["killed"] == report.total.mutants - 1
    assert content["exit_code"] == report.exit_code


def test_the_engine_stands_in_a_report_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_edu.suite.mutation.run.ENGINE_MUTANTS", ENGINE_MUTANTS[:1])
    report = score([ENGINE])
    assert list(report.primitives) == [ENGINE]
    assert report.total.score == 1
