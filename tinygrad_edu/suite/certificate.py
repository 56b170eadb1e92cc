"""Certificates: the shards of a run as JSON files, and the whole run of which they are the parts.

    shard 1 of n, …, shard n of n  →  merge  →  the report that one machine would have written

Whoever merges has seen none of the runs. So a file is believed in nothing: it must say exactly what a report says of
itself, and files belong together only if the same code judged the same subjects at the same points.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any

from tinygrad_edu.suite.finding import Finding
from tinygrad_edu.suite.report import SCHEMA, Origin, SuiteReport

LARGEST = 256 * 2**20  # bytes of a file; a run of the whole suite has less than one hundredth of it


class CertificateError(ValueError):
    """A file is no certificate, or several are not the parts of one run."""


def merge(paths: Iterable[str | PathLike[str]]) -> SuiteReport:
    """The report of a whole run, from the certificates of its shards in any order.

    Raises:
        CertificateError: a file is none; they are of different code, versions, seeds, orders or subjects; or a shard is
            missing, or there twice.
        OSError: a file cannot be read.
    """
    parts: dict[int, tuple[Path, SuiteReport]] = {}
    for path in map(Path, paths):
        report = read(path)
        k, n = report.shard or (1, 1)
        if parts:
            _ensure_together(*next(iter(parts.values())), path, report)
        if k in parts:
            raise CertificateError(
                f"merge: every shard once was expected, {k} of {n} is in {parts[k][0]} and {path}"
            )
        parts[k] = path, report
    if not parts:
        raise CertificateError("merge: the certificates of a run were expected, none came")
    if missing := list(islice((k for k in range(1, n + 1) if k not in parts), 10)):
        raise CertificateError(
            f"merge: all {n} shards were expected, {len(parts)} came: there is no shard {', '.join(map(str, missing))}"
            + (" and others" if len(parts) + len(missing) < n else "")
        )
    reports = [report for _, report in parts.values()]
    place = {name: i for i, name in enumerate(reports[0].selection)}
    in_order = sorted(
        chain(*(report.findings for report in reports)), key=lambda finding: place[finding.subject]
    )

    def union(*names: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(chain(*names), key=place.__getitem__))

    return SuiteReport(
        findings=tuple(in_order),
        primitives=union(*(report.primitives for report in reports)),
        without_derivative=union(*(report.without_derivative for report in reports)),
        survivors=tuple(dict.fromkeys(chain(*(parts[k][1].survivors for k in sorted(parts))))),
        layers=union(*(report.layers for report in reports)),
        seed=reports[0].seed, order=reports[0].order, selection=reports[0].selection, origin=reports[0].origin,
    )  # fmt: skip


def _ensure_together(path: Path, report: SuiteReport, other_path: Path, other: SuiteReport) -> None:
    def said(of: SuiteReport) -> dict[str, Any]:
        n = (of.shard or (1, 1))[1]
        return {
            **of.origin._asdict(),
            "seed": of.seed,
            "order": of.order,
            "number of shards": n,
            "selection": of.selection,
        }

    for name, value in said(report).items():
        if value != said(other)[name]:
            both = "" if name == "selection" else f": {value} and {said(other)[name]}"
            raise CertificateError(
                f"merge: certificates of one run were expected, {path} and {other_path} differ in their {name}{both}"
            )


# ---- one file ----


def read(path: str | PathLike[str]) -> SuiteReport:
    """The report of a certificate.

    Raises:
        CertificateError: the file is none, is cut short, or does not agree with itself.
        OSError: the file cannot be read.
    """
    try:
        return _report(_content(Path(path)))
    except CertificateError as error:
        raise CertificateError(f"{path}: {error}") from error


def _content(path: Path) -> Any:
    if path.exists() and not path.is_file():
        raise CertificateError("a plain file was expected")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise CertificateError(f"a certificate of at most {LARGEST:,} bytes was expected, the file is larger")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except CertificateError:
        raise
    except (ValueError, RecursionError) as error:  # also of bytes that are no text
        raise CertificateError(
            f"JSON was expected, the file is something else, or cut short: {error}"
        ) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise CertificateError("every field once was expected, one is there twice")
    return content


def _refuse(constant: str) -> None:
    raise CertificateError(f"{constant} is no JSON")


def _report(content: Any) -> SuiteReport:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else type(content).__name__
        raise CertificateError(f"a certificate of the schema {SCHEMA} was expected, {_short(found)} came")
    _ensure_fields(content, FIELDS)
    for each in content["findings"]:
        _ensure_fields(each, FINDING)
    report = SuiteReport(
        findings=tuple(Finding(**each) for each in content["findings"]),
        **{name: tuple(content[name]) for name in NAMES},
        seed=content["seed"], order=content["order"],
        shard=None if content["shard"] is None else (content["shard"][0], content["shard"][1]),
        origin=Origin(**{name: content[name] for name in Origin._fields}),
    )  # fmt: skip
    _ensure_consistent(report)
    if report.to_dict() != content:  # such as an exit code that is not that of the findings
        wrong = [name for name, value in report.to_dict().items() if value != content[name]]
        raise CertificateError(
            f"the {' and the '.join(wrong)} do not follow from the rest: the file was changed"
        )
    return report


def _ensure_consistent(report: SuiteReport) -> None:
    """What a run cannot help: which subjects are its share, and that its findings are about those, in turn."""
    k, n = report.shard or (1, 1)
    if not 1 <= k <= n:
        raise CertificateError(f"a shard k of n with 1 ≤ k ≤ n was expected, {k} of {n} came")
    mine = report.selection[k - 1 :: n]
    place = {name: i for i, name in enumerate(mine)}
    if len(set(report.selection)) < len(report.selection):
        raise CertificateError("every subject once was expected in the selection, one is there twice")
    kinds = (report.primitives, report.without_derivative, report.layers)
    if sorted(chain(*kinds)) != sorted(mine) or any(
        list(names) != [n for n in mine if n in names] for names in kinds
    ):
        raise CertificateError(f"the subjects are not those of shard {k} of {n} of the selection")
    places = [place.get(finding.subject, -1) for finding in report.findings]
    if (
        places != sorted(places)
        or {*report.without_derivative} & {f.subject for f in report.findings}
        or -1 in places
    ):
        raise CertificateError("findings on the subjects, in their order, were expected")


# ---- the fields ----

Accepts = Callable[[Any], bool]


def _text(x: Any) -> bool:
    return type(x) is str


def _integer(x: Any) -> bool:
    return type(x) is int and x >= 0


def _names(x: Any) -> bool:
    return type(x) is list and all(map(_text, x))


NAMES = ("survivors", "selection", "primitives", "layers", "without_derivative")
FIELDS: dict[str, Accepts] = {
    **dict.fromkeys(("schema", "version", "numpy", "python"), _text),
    "sources": lambda x: _text(x) and re.fullmatch("[0-9a-f]{64}", x) is not None,
    **dict.fromkeys(("seed", "exit_code", "failures"), _integer),
    "order": lambda x: _integer(x) and x in (1, 2),
    "shard": lambda x: x is None or (type(x) is list and len(x) == 2 and all(map(_integer, x))),
    **dict.fromkeys(("skipped", *NAMES), _names),
    "findings": lambda x: type(x) is list,
}
FINDING: dict[str, Accepts] = {
    **dict.fromkeys(("subject", "case", "witness", "wrong"), _text), "undecided": lambda x: type(x) is bool,
}  # fmt: skip


def _ensure_fields(content: Any, fields: dict[str, Accepts]) -> None:
    if not isinstance(content, dict) or content.keys() != fields.keys():
        names = (
            sorted(content.keys() ^ fields.keys()) if isinstance(content, dict) else [type(content).__name__]
        )
        raise CertificateError(
            f"the fields {', '.join(fields)} were expected, there is a difference in {_short(names)}"
        )
    for name, accepts in fields.items():
        if not accepts(content[name]):
            raise CertificateError(f"the field {name} cannot be {_short(content[name])}")


def _short(x: Any) -> str:
    return repr(x)[:100]
