"""The figures as tables, and as JSON."""

from __future__ import annotations

from statistics import median
from sys import getrecursionlimit
from typing import Any

from benchmarks.goals import BYTES_A_STEP, IMPORT_BEYOND_NUMPY, US, found
from benchmarks.harness import Result
from benchmarks.peers import PEERS


def header(conditions: dict[str, Any]) -> str:
    """The conditions of the run."""
    versions = " · ".join(f"{name} {v or 'missing'}" for name, v in conditions["versions"].items())
    removed = ", ".join(conditions["were_set"])
    return "\n".join([
        f"Python {conditions['python']} · {versions}",
        f"{conditions['processor']} · {conditions['threads']} thread · {conditions['blas']}",
        f"{' and '.join(conditions['unset'])} unset for the run"
        + (f" (had been set: {removed})" if removed else " (had not been set)"),
        "Medians over rounds in which all take turns, each in its own process; ratios are within a round.",
    ])  # fmt: skip


def table(rows: list[list[str]]) -> str:
    """Columns as wide as needed, the first two to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows = [rows[0], ["─" * width for width in widths], *rows[1:]]
    forms = ["<", "<", *">" * len(widths)]
    lines = (
        "  ".join(f"{x:{form}{w}}" for x, form, w in zip(row, forms, widths, strict=False)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def ratios(results: dict[str, Result]) -> str:
    """Every workload: the time by hand, and the other times as multiples of it."""
    others = [peer for peer in PEERS if peer != "hand"]
    rows = [["", "", "hand", *others, "micrograd / ours", "torch / ours"]]
    notes = []
    for name, result in results.items():
        row = [name, result.workload.title, f"{_time(result.median('hand'))} / {result.workload.unit}"]
        for peer in others:
            ratio = result.ratio(peer, "hand")
            row.append("–" if ratio is None else f"{_digits(ratio)} ×")
            if peer in result.notes:
                notes.append(f"{name}, {peer}: {result.notes[peer]}")
        for peer in ("micrograd", "torch"):
            ratio = result.ratio(peer, US)
            row.append("" if ratio is None else _digits(ratio))
        rows.append(row)
    worst = max(result.differences[peer] for result in results.values() for peer in result.seconds)
    return "\n".join([
        table(rows), *notes,
        f"Compared before timing: loss, gradients and updated parameters differ by {worst:.0e} at most.",
    ])  # fmt: skip


def nodes(results: dict[str, Result]) -> str:
    """Scalar graphs: time and memory for a node."""
    rows = [["S2, for a node", "", *PEERS]]
    for name, result in results.items():
        parts = result.workload.parts
        rows.append([name, "time", *(_time(result.median(p)) if p in result.seconds else "–" for p in PEERS)])
        if parts >= 10**6:
            for i, what in enumerate(("held, bytes", "peak, bytes")):
                grown = [result.grown.get(p, (None, None))[i] for p in PEERS]
                rows.append([name, what, *("–" if g is None else f"{g / parts:.0f}" for g in grown)])
    return (
        f"{table(rows)}\n"
        f"Python's recursion limit is {getrecursionlimit()}. Memory is the growth of resident memory (VmRSS; "
        "VmHWM for the peak)\n"
        "in the first forward and backward of a fresh process; held: while the result exists.\n"
        "The leaves of the wide graph were there before, not so their gradients."
    )


def goals(results: dict[str, Result]) -> str:
    """What was hoped for beside what was found."""
    rows = [["goal", "", "found", "wanted", ""]]
    for goal, value in found(results):
        wanted = f"{'≥' if goal.least else '≤'} {goal.limit:g} {goal.unit}"
        verdict = "met" if goal.met(value) else "MISSED"
        rows.append([goal.name, goal.what, f"{_digits(value)} {goal.unit}", wanted, verdict])
    return table(rows) if len(rows) > 1 else ""


def imports(times: dict[str, float]) -> str:
    """Import times."""
    rows = [["I1", "import", "time", ""], ["", "numpy", f"{_time(times['numpy'])}", ""]]
    for package, t in times.items():
        if package != "numpy":
            verdict = f"≤ {_time(IMPORT_BEYOND_NUMPY)}: {'met' if t <= IMPORT_BEYOND_NUMPY else 'MISSED'}"
            rows.append(["", package, f"+ {_time(t)}", verdict if package == US else ""])
    return table(rows)


def growth(grown: dict[str, int | str | None], steps: int) -> str:
    """Resident memory after many steps."""
    rows = [["M1", f"{steps:,} steps of T1, collector off", "growth", ""]]
    for peer, size in grown.items():
        if isinstance(size, int):
            verdict = "flat" if size <= BYTES_A_STEP * steps else "GROWS"
            rows.append(["", peer, f"{size / 1024:,.0f} KiB", verdict])
        else:
            rows.append(["", peer, size or "–", ""])
    return table(rows)


def as_json(results: dict[str, Result]) -> dict[str, Any]:
    """Everything measured at the workloads: seconds for a step in every round, and what follows from them."""
    workloads = {
        name: {
            "title": result.workload.title,
            "parts": result.workload.parts,
            "unit": result.workload.unit,
            "peers": {peer: _peer_as_json(result, peer) for peer in result.seconds},
            "notes": result.notes,
        }
        for name, result in results.items()
    }
    goals = [
        {
            "workload": goal.name,
            "what": goal.what,
            "found": value,
            "wanted": goal.limit,
            "met": goal.met(value),
        }
        for goal, value in found(results)
    ]
    return {"workloads": workloads, "goals": goals}


def _peer_as_json(result: Result, peer: str) -> dict[str, Any]:
    return {
        "seconds": result.seconds[peer],
        "median": median(result.seconds[peer]),
        "ratio_to_hand": result.ratio(peer, "hand"),
        "difference_from_hand": result.differences[peer],
        "bytes_held_and_peak": result.grown[peer],
    }


def _digits(x: float) -> str:
    return f"{x:.0f}" if x >= 99.5 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{_digits(seconds / size)} {unit}"
    return f"{seconds * 1e9:.0f} ns"
