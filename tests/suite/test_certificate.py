"""Certificates: shards merge to the whole run, and a file is believed in nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.suite import CertificateError, Finding, SuiteReport, certificate, merge
from tinygrad_edu.suite.certificate import read
from tinygrad_edu.suite.report import Origin, origin

ORIGIN = Origin("0.1.0", "2.4.6", "3.11.7", "0123456789abcdef" * 4)
SUBJECTS = ("add", "exp", "sign", "sin", "tanh", "Linear", "ReLU")
LAYERS = ("Linear", "ReLU")


def run(
    k: int, n: int, survivors: tuple[str, ...] = (), origin: Origin = ORIGIN, seed: int = 0
) -> SuiteReport:
    """A run over SUBJECTS, or a shard of it, of two findings on each but on `sign`, one of which may be wrong."""
    mine = SUBJECTS[k - 1 :: n]
    findings = [
        Finding(name, "real(3,)", witness, "2, numerically 1" if (name, witness) == ("sin", "jvp") else "")
        for name in mine if name != "sign" for witness in ("vjp", "jvp")
    ]  # fmt: skip
    primitives = tuple(name for name in mine if name not in ("sign", *LAYERS))
    return SuiteReport(
        tuple(findings), primitives, ("sign",) if "sign" in mine else (),
        survivors, tuple(name for name in mine if name in LAYERS), seed=seed, shard=None if n == 1 else (k, n),
        selection=SUBJECTS, origin=origin,
    )  # fmt: skip


def files(folder: Path, reports: list[SuiteReport]) -> list[Path]:
    return [report.save(folder / f"part{i}.json") for i, report in enumerate(reports)]


@pytest.mark.parametrize("n", [1, 2, 3, 7, 9])
def test_shards_merge_to_the_whole_run(n: int, tmp_path: Path) -> None:
    parts = files(tmp_path, [run(k, n, ("canary",)) for k in range(1, n + 1)])
    whole = run(1, 1, ("canary",))
    assert merge(parts) == whole
    assert merge(parts[::-1]) == whole
    assert merge(parts).to_dict() == whole.to_dict()
    assert merge([merge(parts).save(tmp_path / "whole.json")]) == whole


def test_times_are_in_no_certificate_and_make_no_difference(tmp_path: Path) -> None:
    quick = run(1, 2)
    slow = replace(quick, findings=tuple(replace(each, seconds=2.0) for each in quick.findings))
    assert slow == quick
    one, other = files(tmp_path, [quick, slow])
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(("n", "empty"), [(9, (8, 9)), (8, (8,)), (7, ())])
def test_an_empty_shard_shows_nothing_by_itself_and_is_part_of_the_whole(
    n: int, empty: tuple[int, ...], tmp_path: Path
) -> None:
    shards = [run(k, n) for k in range(1, n + 1)]
    nothing = [k for k, report in enumerate(shards, 1) if report.document().verdict == "nothing verified"]
    assert nothing == [
        *([3] if n >= 7 else []),
        *empty,
    ]  # the third has no subject but one without a derivative
    assert all(shards[k - 1].exit_code == 3 and not shards[k - 1] for k in nothing)
    parts = files(tmp_path, shards)
    assert merge(parts) == run(1, 1)
    refused(parts[:-1], f"all {n} shards were expected, {n - 1} came: there is no shard {n}$")


def test_a_certificate_is_read_as_it_was_written(tmp_path: Path) -> None:
    for k, n in ((1, 1), (2, 3), (9, 9)):
        assert read(run(k, n).save(tmp_path / "part.json")) == run(k, n)


def test_a_canary_that_one_shard_missed(tmp_path: Path) -> None:
    assert merge(files(tmp_path, [run(1, 2), run(2, 2, ("canary",))])).exit_code == 4


# ---- what is refused ----


def refused(paths: list[Path], match: str) -> None:
    with pytest.raises(CertificateError, match=match):
        merge(paths)


def test_a_shard_that_is_missing(tmp_path: Path) -> None:
    parts = files(tmp_path, [run(k, 4) for k in (1, 2, 3, 4)])
    refused([parts[0], parts[2]], "all 4 shards were expected, 2 came: there is no shard 2, 4$")
    refused([], "none came")
    many = files(tmp_path, [run(5, 10**9)])  # a claim that must not take the memory of that many
    refused(many, "there is no shard 1, 2, 3, 4, 6, 7, 8, 9, 10, 11 and others")


def test_a_shard_that_is_there_twice(tmp_path: Path) -> None:
    parts = files(tmp_path, [run(1, 2), run(1, 2), run(2, 2)])
    refused(parts, "1 of 2 is in .*part0.json and .*part1.json")
    refused([parts[0], parts[0]], "every shard once was expected")


@pytest.mark.parametrize(
    ("other", "match"),
    [
        (run(2, 2, seed=1), "differ in their seed: 0 and 1"),
        (replace(run(2, 2), order=2), "differ in their order: 1 and 2"),
        (run(2, 3), "differ in their number of shards: 2 and 3"),
        (run(1, 1), "differ in their number of shards: 2 and 1"),
        (run(2, 2, origin=ORIGIN._replace(version="0.2.0")), "differ in their version: 0.1.0 and 0.2.0"),
        (run(2, 2, origin=ORIGIN._replace(numpy="2.0")), "differ in their numpy: 2.4.6 and 2.0"),
        (run(2, 2, origin=ORIGIN._replace(python="3.12.1")), "differ in their python: 3.11.7 and 3.12.1"),
        (run(2, 2, origin=ORIGIN._replace(sources="f" * 64)), "differ in their sources"),
        (SuiteReport((), (), ("sign",), (), (), 0, 1, (2, 2), ("equal", "sign"), ORIGIN), "in their selection"),
    ],
)  # fmt: skip
def test_parts_of_different_runs(other: SuiteReport, match: str, tmp_path: Path) -> None:
    refused(files(tmp_path, [run(1, 2), other]), match)


def changed(
    change: Callable[[dict[str, Any]], object], path: Path, report: SuiteReport | None = None
) -> Path:
    content = (report or run(1, 2)).to_dict()
    change(content)
    path.write_text(json.dumps(content))
    return path


def setting(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: content.update({name: value})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (setting("schema", "tinygrad-edu/suite-run/2"), "schema tinygrad-edu/suite-run/1 was expected"),
        (setting("more", 1), "difference in .*more"),
        (lambda content: content.pop("seed"), "difference in .*seed"),
        (setting("seed", -1), "seed cannot be -1"),
        (setting("seed", True), "seed cannot be True"),
        (setting("seed", 0.0), "seed cannot be 0.0"),
        (setting("order", 3), "order cannot be 3"),
        (setting("shard", [1, 2, 3]), "shard cannot be"),
        (setting("shard", [0, 2]), "1 ≤ k ≤ n was expected, 0 of 2"),
        (setting("shard", [3, 2]), "1 ≤ k ≤ n was expected, 3 of 2"),
        (setting("shard", [2, 2]), "not those of shard 2 of 2"),
        (setting("shard", "1/2"), "shard cannot be '1/2'"),
        (setting("sources", "x" * 64), "sources cannot be"),
        (setting("primitives", ["add"]), "subjects are not those"),
        (setting("primitives", ["tanh", "add"]), "subjects are not those"),
        (setting("primitives", "add"), "primitives cannot be 'add'"),
        (setting("survivors", [1]), "survivors cannot be"),
        (setting("selection", [*SUBJECTS, "add"]), "one is there twice"),
        (setting("findings", {}), "findings cannot be"),
        (setting("findings", [[]]), "difference in .*list"),
        (lambda content: content["findings"][0].update(wrong=None), "wrong cannot be None"),
        (lambda content: content["findings"][0].update(undecided=0), "undecided cannot be 0"),
        (lambda content: content["findings"][0].update(subject="sign"), "findings on the subjects"),
        (lambda content: content["findings"][0].update(subject="exp"), "findings on the subjects"),
        (lambda content: content["findings"].reverse(), "in their order"),
        (lambda content: content["findings"][0].update(wrong="2, not 1"), "exit_code and the failures do not follow"),
        (lambda content: content["findings"].__delitem__(slice(0, 2)), "exit_code and the skipped do not follow"),
        (setting("exit_code", 1), "exit_code do not follow"),
        (setting("exit_code", False), "exit_code cannot be False"),
    ],
)  # fmt: skip
def test_a_file_that_was_changed(
    change: Callable[[dict[str, Any]], object], match: str, tmp_path: Path
) -> None:
    path = changed(change, tmp_path / "part.json")
    refused([path], match)
    with pytest.raises(CertificateError, match=r"part\.json: "):
        read(path)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "cut short"),
        (b"\xff\xfe", "something else, or cut short"),
        (b"[]", "schema .* was expected, 'list' came"),
        (b"null", "'NoneType' came"),
        (b"{}", "None came"),
        (b'{"schema": "a", "schema": "b"}', "every field once"),
        (b'{"schema": NaN}', "NaN is no JSON"),
        (b'{"seed": ' + b"9" * 10_000 + b"}", "something else, or cut short"),
        (b"[" * 200_000, "something else, or cut short"),
    ],
)
def test_a_file_that_is_no_certificate(content: bytes, match: str, tmp_path: Path) -> None:
    path = tmp_path / "part.json"
    path.write_bytes(content)
    refused([path], match)


@given(st.data())
def test_a_file_that_was_cut_short(data: st.DataObject) -> None:
    whole = json.dumps(run(1, 2).to_dict())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "part.json"
        path.write_text(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(CertificateError, match="cut short"):
            read(path)


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(certificate, "LARGEST", 1000)
    refused(files(tmp_path, [run(1, 2)]), "at most 1,000 bytes was expected")


def test_what_is_no_file(tmp_path: Path) -> None:
    refused([tmp_path], "a plain file was expected")
    with pytest.raises(FileNotFoundError):
        merge([tmp_path / "nowhere.json"])


# ---- of which code ----


def test_the_digest_follows_the_sources(tmp_path: Path) -> None:
    assert origin() == origin()
    mine = tmp_path / "mine.py"
    mine.write_bytes(b"x = 1\ny = 2\n")
    with_mine = origin([mine])
    assert with_mine.sources != origin().sources
    mine.write_bytes(b"x = 1\r\ny = 2\r\n")  # the same file, as Git hands it out on Windows
    assert origin([mine]) == with_mine
    mine.write_bytes(b"x = 1\ny = 3\n")
    assert origin([mine]).sources != with_mine.sources
