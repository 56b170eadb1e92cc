"""A gradient check as plain text: the verdict, and a line for every parameter, with what there is to say below it.

WRONG   1 of 2 parameters verified   global difference 2.85e-01 (a bug)
  parameter  shape   difference  worst component: backward, numeric ± error
  W1         (5, 4)   1.0e-09    W1[0, 2]: 0.25, 0.25 ± 3e-12   verified
  b1         (5, 1)   6.0e-01    b1[3, 0]: 4.5, 1.125 ± 2e-11   wrong
             every entry is 4.000000 × the numeric value (spread 5e-13)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinygrad_edu.verify.report import Report


def text(report: Report) -> str:
    """The lines of a report."""
    rows = report.rows
    right = sum(row.verdict == "verified" for row in rows)
    head = (
        f"{report.verdict.upper()}   {right} of {len(rows)} parameters verified   "
        f"global difference {report.difference:.2e}"
    )
    if report.step is not None or report.verdict in _with_band(report):
        head += f" ({report.band})"
    if report.step is not None:
        head += f", with the fixed step {report.step:g}"
    width = max([len(row.name) for row in rows] + [9])
    shapes = max([len(str(row.shape)) for row in rows] + [5])
    lines = [
        head,
        f"  {'parameter':{width}}  {'shape':{shapes}}  difference  worst component: backward, numeric ± error",
    ]
    for row in rows:
        index = f"[{', '.join(map(str, row.worst))}]" if row.worst else ""
        # Where nothing was decided a difference is large or small by chance.
        difference = f"{row.difference:.1e}" if row.verdict in ("verified", "wrong") else "–"
        numeric = f"{row.numeric:.9g} ± {row.error:.0e}" if math.isfinite(row.error) else "unknown"
        lines.append(
            f"  {row.name:{width}}  {row.shape!s:{shapes}}  {difference:>8}    "
            f"{row.name}{index}: {row.backward:.9g}, {numeric}   {row.verdict}"
        )
        lines += [f"  {'':{width}}  {remark}" for remark in row.remarks]
    return "\n".join(lines + [f"  note: {report.note}"] * bool(report.note))


def _with_band(report: Report) -> tuple[str, ...]:
    """The verdicts beside which the lecture's word does not mislead: "great" is not for what is wrong.

    Where there is no gradient to compare with, a difference is large or small by chance.
    """
    return ("verified", "wrong") if report.difference > 1e-5 else ("verified",)
