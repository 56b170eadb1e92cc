"""The suite over the layers: nothing fails, no mode is left out, and each planted error is seen where it must be."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.core.cases import real
from tinygrad_edu.errors import RegistrationError
from tinygrad_edu.nn.cases import labels, layer, layers, verified
from tinygrad_edu.nn.module import Module
from tinygrad_edu.suite.finding import Finding
from tinygrad_edu.suite.layer_canaries import layer_canaries
from tinygrad_edu.suite.layers import examine_layer

ARRANGEMENTS = {"", "batch of 1", "used twice", "tied weights", "after 20 steps"}
WITNESSES = {"numeric", "hygiene", "adjoint", "second order"}


def accusations(*cases: Any, seed: int = 0) -> list[Finding]:
    return [finding for finding in examine_layer("planted", cases, order=2, seed=seed) if finding.wrong]


def situation_of(finding: Finding) -> tuple[str, str]:
    """(mode, arrangement)."""
    parts = finding.case.split(", ")
    mode = next((part for part in parts if part in ("training", "eval")), "")
    last = parts[-1]
    known = (ARRANGEMENTS - {""}) | {"float32", "at hazards", "not frozen"}
    return mode, last if last in known else ""


def exported() -> Iterator[str]:
    """Layers and losses with a forward of their own, and functions of one node."""
    for name in nn.__all__:
        thing = getattr(nn, name)
        if isinstance(thing, type) and issubclass(thing, Module) and thing.forward is not Module.forward:
            yield name
    for name, thing in vars(nn.functional).items():
        inside = getattr(thing, "__module__", "").startswith(nn.functional.__name__)  # in one of its chapters
        own = inspect.isfunction(thing) and inside and name[0] != "_"
        if own and inspect.signature(thing).return_annotation == "Operand":
            yield name


def test_everything_exported_has_cases() -> None:
    assert set(exported()) - set(layers) == set()
    assert {"Linear", "BatchNorm1d", "Dropout", "MSELoss", "MLP", "gelu", "cross_entropy", "l2"} <= set(
        exported()
    )


AT_HAZARDS = [*layers][::10]  # at hazard points `tinygrad-edu verify --layers` sees all, which takes minutes


@pytest.mark.parametrize("name", layers)
def test_every_layer_is_right_and_no_mode_is_left_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name not in AT_HAZARDS:
        monkeypatch.setattr("tinygrad_edu.suite.layers.hazards", lambda at: None)
    cases = layers[name]
    mine = list(examine_layer(name, cases, order=2))
    assert [finding for finding in mine if finding.wrong] == []
    refused = [situation_of(finding) for finding in mine if finding.witness == "refusal"]
    assert refused == ([("training", "batch of 1")] if name == "BatchNorm1d" else [])
    is_module = isinstance(cases[0].make(np.random.default_rng(0)), Module)
    batches = any(each.batch is not None for each in cases)
    for mode in ("training", "eval") if is_module else ("",):
        for arrangement in ARRANGEMENTS:
            seen = {finding.witness for finding in mine if situation_of(finding) == (mode, arrangement)}
            if arrangement == "batch of 1" and not batches:
                assert seen == set()
            else:
                # The batch norm has a case with a length, too, of which one sample is enough.
                once = {"restored"} if arrangement == "" else set()
                assert seen - {"refusal"} == WITNESSES | once, (mode, arrangement)
        for arrangement, witness in (("float32", "dtype"), ("float32", "numeric"), ("at hazards", "hazards")):
            assert any(
                situation_of(finding) == (mode, arrangement) and finding.witness == witness
                for finding in mine
            )


def test_second_derivatives_only_if_asked_for() -> None:
    findings = examine_layer("Tanh", layers["Tanh"], order=1)
    assert "second order" not in {finding.witness for finding in findings}


# ---- the planted errors ----

CANARIES = list(layer_canaries())


@pytest.mark.parametrize(("name", "cases", "witnesses"), CANARIES, ids=[name for name, _, _ in CANARIES])
def test_a_canary_is_seen_by_the_witnesses_that_are_there_for_it(
    name: str, cases: list[Any], witnesses: tuple[str, ...]
) -> None:
    missing = set(witnesses)
    for finding in examine_layer(name, cases, order=2, seed=3):
        if finding.wrong and not finding.undecided:
            missing -= {finding.witness}
        if not missing:
            return
    raise AssertionError(f"not seen by {missing}")


def test_canaries_cover_all_witnesses() -> None:
    assert {witness for _, _, witnesses in CANARIES for witness in witnesses} == {
        *WITNESSES, "restored", "hazards", "dtype", "refusal",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "only"),
    [
        ("canary: the last input", "used twice"),
        ("canary: hidden by a zero", "after 20 steps"),
        ("canary: squeezed", "batch of 1"),
        ("canary: clipped above", "at hazards"),
    ],
)
def test_each_situation_shows_what_no_other_does(name: str, only: str) -> None:
    cases = next(cases for canary, cases, _ in CANARIES if canary == name)
    seen = {
        situation_of(finding)[1]
        for finding in examine_layer(name, cases)
        if finding.wrong and finding.witness in ("numeric", "hazards")
    }
    assert seen == {only}


def test_no_canary_stays_in_the_registry() -> None:
    assert [name for name in tg.registry if name.startswith("canary")] == []


def test_a_parameter_that_makes_no_difference_is_undecided() -> None:
    class Idle(Module):
        def __init__(self) -> None:
            self.weight = nn.parameter(np.ones(3))

        def forward(self, x: Any) -> Any:
            return tg.tanh(x) + 0 * self.weight

    findings = accusations(layer(lambda rng: Idle(), real(2, 3)))
    assert {(finding.witness, finding.undecided) for finding in findings} == {("numeric", True)}
    assert "nothing changes with weight in any mode" in findings[0].wrong


def test_an_error_of_a_hundred_thousandth_in_the_second_derivative(registry: dict[str, object]) -> None:
    @tg.elementwise(
        partials=(lambda y, x: tg.cos(x) * (1 + 1e-5 * (x - tg.core.node.value_of(x))),),
        cases=[tg.case(real(3))],
        name="planted",
    )
    def sin(x: Any) -> Any:
        return np.sin(x)

    found = accusations(layer(lambda rng: sin, real(5)))
    assert {finding.witness for finding in found} == {"second order"}


def test_a_check_that_forgets_a_leaf_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_edu.suite import layer_witnesses
    from tinygrad_edu.verify.report import Report

    whole_check = layer_witnesses.check

    def forgetful(*args: Any, **options: Any) -> Report:
        report = whole_check(*args, **options)
        return Report(report.rows[1:], None)

    monkeypatch.setattr(layer_witnesses, "check", forgetful)
    said = [finding.wrong for finding in accusations(layers["Linear"][0]) if finding.witness == "numeric"]
    assert said
    assert all("the check spoke of" in words for words in said if "undecided" not in words)


# ---- right layers that nobody has tried are not accused ----


class Residual(Module):
    """x + f(x): one operand, two paths."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.norm = nn.BatchNorm1d(2)
        self.inside = {"up": nn.Linear(2, 3, rng=rng), "down": nn.Linear(3, 2, rng=rng)}

    def forward(self, x: Any) -> Any:
        return x + self.inside["down"](tg.tanh(self.inside["up"](self.norm(x))))


class Stack(Module):
    """A list of blocks, of which the first and the last are the same one."""

    def __init__(self, rng: np.random.Generator) -> None:
        first = nn.Linear(3, 3, rng=rng)
        self.blocks = [first, nn.Linear(3, 3, bias=False, rng=rng), first]
        self.scales = [nn.parameter(1.0) for _ in self.blocks]

    def forward(self, x: Any) -> Any:
        for block, scale in zip(self.blocks, self.scales, strict=True):
            x = tg.softplus(scale * block(x))
        return x


class Centre(Module):
    """Subtracts a mean that moves with the batches; what it subtracts in training is the old one."""

    def __init__(self) -> None:
        self.mean = nn.Buffer(np.zeros(3))
        self.gain = nn.parameter(np.ones(3))

    def forward(self, x: Any) -> Any:
        y = self.gain * tg.tanh(x - self.mean.value)
        if self.training:
            self.mean.value = 0.9 * self.mean.value + 0.1 * tg.core.node.value_of(x).mean(0)
        return y


class ByHand(Module):
    """A linear map with a backward pass of its own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.weight = nn.parameter(rng.normal(size=(3, 2)))
        self.product = tg.custom_vjp(lambda x, w: x @ w, lambda g, y, x, w: (g @ w.T, x.T @ g))

    def forward(self, x: Any) -> Any:
        return self.product(x, self.weight)


class Embedding(Module):
    """Rows of a table, by integers: there is no input to differentiate by."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.table = nn.parameter(rng.normal(size=(5, 3)))

    def forward(self, rows: Any) -> Any:
        return tg.tanh(self.table[rows])


ODD = {
    "residual": layer(Residual, real(3, 2), least=2),
    "list": layer(Stack, real(2, 3)),
    "buffer": layer(lambda rng: Centre(), real(5, 3)),
    "by hand": layer(ByHand, real(5, 3), first_order=True),
    "embedding": layer(Embedding, labels(5, 4)),
}


@pytest.mark.parametrize("name", ODD)
def test_a_right_layer_is_not_accused(name: str) -> None:
    assert accusations(ODD[name]) == []


def test_a_second_derivative_that_does_not_exist_must_be_announced() -> None:
    findings = accusations(layer(ByHand, real(5, 3)))
    assert {finding.witness for finding in findings} == {"adjoint", "second order"}
    assert all(finding.wrong.startswith("NotDifferentiableError") for finding in findings)


def test_one_that_exists_must_not_be_denied() -> None:
    findings = accusations(layer(lambda rng: nn.Tanh(), real(2, 3), first_order=True))
    assert {finding.witness for finding in findings} == {"adjoint", "second order"}
    assert all("is not refused" in finding.wrong for finding in findings)


# ---- the declarations ----


def test_a_layer_without_cases_is_refused() -> None:
    with pytest.raises(RegistrationError, match="'Empty' declares no cases"):
        verified()(type("Empty", (Module,), {}))


def test_a_name_is_taken_once() -> None:
    with pytest.raises(RegistrationError, match="there is a layer 'Linear' already"):
        verified(layer(lambda rng: nn.Linear(1, 1, rng=rng), real(1, 1)))(type("Linear", (Module,), {}))
    assert len(layers["Linear"]) == 3


def test_layers_are_no_heavier_for_their_cases() -> None:
    program = "import json, sys, tinygrad_edu.nn; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name for name in json.loads(done.stdout) if name.startswith("tinygrad_edu.")}
    assert [name for name in loaded if name.split(".")[1] in ("suite", "verify", "render")] == []
