"""JSON of gradient checks and of runs of the suite: valid by the schemas that are shipped, and nothing else is."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.reporting import save, training_check
from tinygrad_edu.suite import Finding, SuiteReport
from tinygrad_edu.testing.record import document, record
from tinygrad_edu.verify.report import Report


def schema(name: str) -> Any:
    return json.loads(
        files("tinygrad_edu.reporting").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    )


def valid(content: Any, name: str) -> bool:
    return jsonschema.Draft202012Validator(schema(name)).is_valid(content)


def written(path: Path) -> Any:
    """What is in a file, by strict JSON, which has no NaN."""
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize("name", ["gradient-check", "suite-run"])
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_reports_of_all_verdicts(reports: dict[str, Report], hostile: Report, tmp_path: Path) -> None:
    seen = set()
    for report in [*reports.values(), hostile]:
        content = written(report.save(tmp_path / "check.json"))
        assert valid(content, "gradient-check")
        assert content["schema"] == "tinygrad-edu/gradient-check/1"
        assert (content["version"], content["numpy"]) == (tg.__version__, np.__version__)
        assert [row["name"] for row in content["parameters"]] == [row.name for row in report.rows]
        seen.add(content["verdict"])
    assert seen == {"verified", "wrong", "inconclusive", "not differentiable here", "vacuous"}


def test_numbers_that_json_cannot_say(reports: dict[str, Report], tmp_path: Path) -> None:
    for name in ("NaN", "infinite"):
        (row,) = written(reports[name].save(tmp_path / "check.json"))["parameters"]
        assert (row["backward"], row["numeric"]) == (None, 1.0)
    (row,) = written(reports["inconclusive"].save(tmp_path / "check.json"))["parameters"]
    assert (row["numeric"], row["error"]) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict", "right"), ("difference", -1), ("step", "1e-7"), ("parameters", {}),
        ("schema", "tinygrad-edu/gradient-check/2"), ("extra", 1),
    ],
)  # fmt: skip
def test_what_the_schema_of_a_check_refuses(
    field: str, value: Any, reports: dict[str, Report], tmp_path: Path
) -> None:
    content = written(reports["wrong"].save(tmp_path / "check.json"))
    assert not valid(content | {field: value}, "gradient-check")
    assert field == "extra" or not valid({k: v for k, v in content.items() if k != field}, "gradient-check")


def test_checks_during_a_training(rng: np.random.Generator, tmp_path: Path) -> None:
    w = tg.Tensor(rng.normal(size=3), requires_grad=True)

    def loss() -> Any:
        return tg.sum(w * w)

    found = tg.check_training(
        {"w": w}, loss, at=(0, 2), gradients=lambda: {"w": np.where(w.numpy() > -9, 2 * w.numpy(), 0)}
    )
    content = written(save(training_check(found), tmp_path / "training.json"))
    assert valid(content, "gradient-check")
    assert [check["steps"] for check in content["checks"]] == [0, 2]
    assert (content["verdict"], content["hidden"]) == ("verified", [])


def test_a_rule_that_training_brings_to_light(tmp_path: Path) -> None:
    # 2w for the derivative of w² + (w − 1)³₊, which is right as long as w ≤ 1.
    w = tg.Tensor(np.array([0.5]), requires_grad=True)

    def loss() -> Any:
        return tg.sum(w * w - 8 * w + tg.relu(w - 1) ** 3)

    found = tg.check_training({"w": w}, loss, at=(0, 5), gradients=lambda: {"w": 2 * w.numpy() - 8})
    document = training_check(found, title="Twice")
    content = written(save(document, tmp_path / "training.json"))
    assert valid(content, "gradient-check")
    assert (content["verdict"], content["hidden"]) == ("wrong", ["w"])
    assert [check["verdict"] for check in content["checks"]] == ["verified", "wrong"]
    assert "had hidden what is wrong in w" in document.summary


def test_the_checks_of_many_tests(reports: dict[str, Report]) -> None:
    records = [record(f"test {name}", "f", 0, ("verified",), report) for name, report in reports.items()]
    assert valid(document(records).content, "gradient-check")
    assert valid(document([]).content, "gradient-check")


RIGHT, WRONG = Finding("f", "real(3,)", "vjp", ""), Finding("f", "real(3,)", "jvp", "2, numerically 1")
VAGUE = Finding("f", "real(3,)", "vjp", "undecided: too wide", undecided=True)


@pytest.mark.parametrize(
    "report",
    [
        SuiteReport((RIGHT,), ("f",), ("sign",), (), selection=("f", "sign")),
        SuiteReport((WRONG, RIGHT), ("f",), (), ()),
        SuiteReport((VAGUE,), ("f",), (), (), shard=(2, 3), seed=7),
        SuiteReport((), ("f",), (), (), layers=("Linear",), order=2),
        SuiteReport((RIGHT,), ("f",), (), ("canary: sign, by the witness 'vjp'",)),
    ],
    ids=["right", "wrong", "undecided", "skipped", "blind"],
)
def test_runs_of_the_suite(report: SuiteReport, tmp_path: Path) -> None:
    content = written(report.save(tmp_path / "run.json"))
    assert valid(content, "suite-run")
    assert content["exit_code"] == report.exit_code
    for field in content:
        assert not valid({k: v for k, v in content.items() if k != field}, "suite-run")
    changed = copy.deepcopy(content)
    changed["findings"].append({"subject": "f"})
    assert not valid(changed, "suite-run")
    assert not valid(content | {"exit_code": 2}, "suite-run")
    assert not valid(content | {"shard": [1]}, "suite-run")
