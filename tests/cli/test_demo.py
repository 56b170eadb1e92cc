"""The demo: every claim of it holds, and if one does not, it says so and fails."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.cli import digits as chapter
from tinygrad_edu.cli import main

TINY = chapter.Plan(hidden=4, epochs=1, checked=4, accuracy=0.0)


class Ran(NamedTuple):
    code: int
    out: str
    folder: Path
    report: dict[str, Any]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """One run of `demo --quick`, for all tests that only look at what it left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FORCE_COLOR", raising=False)
        yield ran(tmp_path_factory.mktemp("demo") / "new" / "folder")


def ran(folder: Path, *arguments: str) -> Ran:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main(["demo", "--quick", "--out", str(folder), *arguments])
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    return Ran(code, out.getvalue(), folder, report)


def test_it_succeeds_because_every_claim_holds(quick: Ran) -> None:
    assert quick.code == 0
    assert quick.report["right"] is True
    assert len(quick.report["claims"]) >= 6
    assert all(quick.report["claims"].values())
    for claim in quick.report["claims"]:
        assert f"✓ {claim}" in quick.out
    assert "✗" not in quick.out


def test_its_report_says_how_it_was_made(quick: Ran) -> None:
    assert (quick.report["seed"], quick.report["quick"]) == (0, True)
    assert quick.report["versions"]["tinygrad_edu"] == tg.__version__
    assert quick.report["versions"]["numpy"] == np.__version__
    assert quick.report["plan"]["epochs"] == len(quick.report["figures"]["history"])


def test_it_uses_the_real_digits(quick: Ran) -> None:
    data = quick.report["figures"]["data"]
    assert data["train"] + data["test"] == 1797
    assert data["test"] == pytest.approx(0.2 * 1797, abs=5)
    assert data["constant_pixels"] >= 3  # three are blank in all images


def test_it_learns(quick: Ran) -> None:
    history = quick.report["figures"]["history"]
    assert history[-1]["loss"] < history[0]["loss"] / 2
    assert 0.93 <= history[-1]["test_accuracy"] <= 1


@pytest.mark.parametrize("when", ["at initialization", "after training"])
def test_it_checks_every_gradient(quick: Ran, when: str) -> None:
    check = quick.report["figures"][f"check {when}"]
    assert check["verdict"] == "verified"
    assert check["difference"] < 1e-9
    hidden = quick.report["plan"]["hidden"]
    # W1, γ, β, W2, b2.
    assert (
        sum(int(np.prod(row["shape"])) for row in check["parameters"])
        == 64 * hidden + 2 * hidden + 10 * hidden + 10
    )


def test_it_finds_the_planted_error_and_its_factor(quick: Ran) -> None:
    check = quick.report["figures"]["planted error"]
    assert check["verdict"] == "wrong"
    assert [row["name"] for row in check["parameters"] if row["verdict"] == "wrong"] == ["fc2.weight"]
    # Without 1/m every entry is m times too large.
    assert f"every entry is {quick.report['plan']['checked']}.00000" in quick.out


def test_the_pictures_are_pictures(quick: Ran) -> None:
    for name in ("neuron", "network"):
        root = ElementTree.parse(quick.folder / f"{name}.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        png = (quick.folder / f"{name}.png").read_bytes()
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", png[16:24])
        assert min(width, height) > 100
    text = "".join(ElementTree.parse(quick.folder / "network.svg").getroot().itertext())
    assert all(name in text for name in ("fc1", "bn1", "fc2", "loss"))


def test_piped_output_is_plain_text(quick: Ran) -> None:
    assert "\x1b" not in quick.out
    assert "\r" not in quick.out
    assert str(quick.folder) in quick.out


def test_a_seed_decides_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chapter, "QUICK", TINY)
    one, same, other = (ran(tmp_path / name, "--seed", name[-1]).report for name in ("a7", "b7", "c8"))
    assert one["figures"] == same["figures"]
    assert one["figures"]["history"] != other["figures"]["history"]


def test_a_claim_that_does_not_hold_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demanding = chapter.Plan(hidden=4, epochs=1, checked=4, accuracy=1.01)
    monkeypatch.setattr(chapter, "QUICK", demanding)
    failed = ran(tmp_path)
    assert failed.code == 1
    assert failed.report["right"] is False
    (claim,) = [text for text, holds in failed.report["claims"].items() if not holds]
    assert "recognizes" in claim
    assert f"✗ this does not hold: {claim}" in failed.out


def test_a_wrong_rule_in_the_engine_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The constant of the derivative of a power, a percent off: it sits in the batch norm.
    op = tg.registry["power"]
    rules = (lambda y, a, b: 1.01 * b * a ** (b - 1), *op.rules[1:])
    monkeypatch.setattr(op, "rules", rules)
    monkeypatch.setattr(op, "rule", rules.__getitem__)
    monkeypatch.setattr(chapter, "QUICK", TINY)
    failed = ran(tmp_path)
    assert failed.code == 1
    wrong = [text for text, holds in failed.report["claims"].items() if not holds]
    assert sum("derivatives are right" in text for text in wrong) == 2
    accused = {
        row["name"]
        for row in failed.report["figures"]["check at initialization"]["parameters"]
        if row["verdict"] == "wrong"
    }
    assert accused == {"fc1.weight"}  # what comes after the norm does not pass through it
