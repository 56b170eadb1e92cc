"""How well a check says what is wrong: where it is, and why.

    python -m benchmarks.diagnosis --seeds 1

Three figures, over the wrong rules of the catalogue that the check finds:

    located          every row that is called wrong is of an input whose gradient truly differs, and the worst element
                     is one that differs: the mistake's own gradient is compared with the right rule's, at the very
                     call that the row shows. Rules that overwrite or remember, and say the right thing, are left out:
                     there is no place to be found
    cause named      the diagnosis of the first wrong row has the cause that the catalogue's author gave the mistake
    wrong label      it has another cause, and is shown as certain

The cause is scored twice: by structure alone, and with matching, which compares the rule with the catalogue itself,
and so knows these mistakes by construction. The same is scored for wrong rules that are not in the catalogue.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.unseen import UNSEEN
from tinygrad_edu.catalogue import Entry, Mistake, catalogue
from tinygrad_edu.types import Array
from tinygrad_edu.verify.examination import found_at, judge_few
from tinygrad_edu.verify.explanation import diagnosed
from tinygrad_edu.verify.matching import matched
from tinygrad_edu.verify.pair import Pair
from tinygrad_edu.verify.report import Row

LOCATED, NAMED, MISLABELLED = 0.95, 0.80, 0.02


@dataclass
class Score:
    """Counts over a set of wrong rules."""

    total: int = 0
    found: int = 0
    placed: int = 0
    located: int = 0
    named: int = 0
    silent: int = 0
    certain_wrong: int = 0
    likely_wrong: int = 0
    known: int = 0
    lost: list[str] = field(default_factory=list)
    confused: list[str] = field(default_factory=list)
    by_cause: Counter[tuple[str, bool]] = field(default_factory=Counter)


class Recorder:
    """A rule that remembers what it was asked and what it said, beside what the right rule says of the same."""

    def __init__(self, wrong: Callable[..., Any], right: Callable[..., Any]) -> None:
        self.wrong, self.right = wrong, right
        self.calls: list[tuple[list[Any], list[Any]]] = []
        self.overwrites = False

    def __call__(self, g: Array, y: Array, *xs: Array) -> list[Any]:
        """The wrong rule."""
        expected = self.right(g.copy(), y.copy(), *[np.array(x) for x in xs])
        kept = [np.array(x) for x in (g, y, *xs)]
        found = list(self.wrong(g, y, *xs))
        self.overwrites |= not all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(kept, (g, y, *xs), strict=True)
        )
        self.calls.append(([None if d is None else np.array(d) for d in found], list(expected)))
        return found

    def differs(self, i: int, at: tuple[int, ...], value: float) -> bool | None:
        """Whether what it said of an element differs from what is right, in the call where it said it."""
        for found, expected in reversed(self.calls):
            if found[i] is None or found[i].shape != expected[i].shape:
                return True
            said, right = found[i][at], expected[i][at]
            if said == value or (np.isnan(said) and np.isnan(value)):
                return not np.isclose(
                    said, right, rtol=1e-7, atol=1e-9 * np.abs(expected[i]).max(initial=0.0)
                )
        return None


def located(recorder: Recorder, inputs: Sequence[Array], rows: Sequence[Row]) -> bool:
    """Whether all that is accused is guilty."""
    floats = [i for i, x in enumerate(inputs) if x.dtype.kind == "f"]
    wrong = [(i, row) for i, row in zip(floats, rows, strict=True) if row.verdict == "wrong"]
    return all(recorder.differs(i, row.worst, row.backward) for i, row in wrong)


def judged(entry: Entry, mistake: Mistake, seed: int, score: Score) -> None:
    """Check one wrong rule and count what was said of it."""
    name = f"{entry.name}: {mistake.name}"
    inputs = [np.asarray(x) for x in entry.inputs(np.random.default_rng(seed))]
    recorder = Recorder(mistake.vjp, entry.vjp)
    pair = Pair(entry.f, recorder, [f"input {i}" for i in range(len(inputs))])
    score.total += 1
    rows, point = found_at(pair, inputs, np.random.default_rng(0))
    if not any(row.verdict == "wrong" for row in rows):
        return
    score.found += 1
    if not recorder.overwrites and mistake.cause != "state":
        score.placed += 1
        if located(recorder, inputs, rows):
            score.located += 1
        else:
            score.lost.append(name)
    pair = pair._replace(vjp=lambda g, y, *xs: list(mistake.vjp(g, y, *xs)))
    match = matched(pair, inputs, np.random.default_rng(0), point)
    score.known += match is not None and match.mistake is not None and match.mistake.cause == mistake.cause
    said = diagnosed(pair, point, rows, judge_few, inputs)
    first = next((diagnosis for diagnosis in said.values() if diagnosis), None)
    right = first is not None and first.cause == mistake.cause
    score.by_cause[mistake.cause, right] += 1
    score.named += right
    if first is None:
        score.silent += 1
    elif not right:
        certain = first.confidence == "certain"
        score.certain_wrong += certain
        score.likely_wrong += not certain
        score.confused.append(
            f"{name}: {mistake.cause} is called {first.cause}, {first.confidence}: “{first.words}”"
        )


def scored(entries: Sequence[Entry], seeds: int, console: Console) -> Score:
    """The score over all mistakes of some entries."""
    score = Score()
    pairs = [(entry, mistake) for entry in entries for mistake in entry.mistakes]
    for seed in range(seeds):
        for entry, mistake in track(pairs, "checking", console=console, transient=True):
            judged(entry, mistake, seed, score)
    return score


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / max(whole, 1):.1%})"


def _against(share: float, goal: float, most: bool = False) -> str:
    met = share <= goal if most else share >= goal
    return f"{'≤' if most else '≥'} {goal:.0%}: {'met' if met else 'MISSED'}"


def main() -> int:
    """Print the figures with their goals, and what was mistaken for what; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.diagnosis", description=__doc__.split("\n")[0]
    )
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="how often, with other inputs (default: 1)"
    )
    seeds = parser.parse_args().seeds
    console = Console(soft_wrap=True)
    scores = {"catalogue": scored(catalogue(), seeds, console), "held out": scored(UNSEEN, seeds, console)}
    table = Table("", *scores, "goal, for the catalogue", box=None, pad_edge=False)
    ours = scores["catalogue"]
    lines: list[tuple[str, Callable[[Score], str], str]] = [
        ("found wrong", lambda s: _share(s.found, s.total), ""),
        ("located", lambda s: _share(s.located, s.placed), _against(ours.located / ours.placed, LOCATED)),
        ("cause named, by structure", lambda s: _share(s.named, s.found), _against(ours.named / ours.found, NAMED)),
        ("cause named, by matching", lambda s: _share(s.known, s.found), "by construction"),
        ("nothing said", lambda s: _share(s.silent, s.found), ""),
        ("another cause, as likely", lambda s: _share(s.likely_wrong, s.found), ""),
        ("another cause, as certain", lambda s: _share(s.certain_wrong, s.found),
         _against(ours.certain_wrong / ours.found, MISLABELLED, most=True)),
    ]  # fmt: skip
    for name, figure, goal in lines:
        table.add_row(name, *(figure(score) for score in scores.values()), goal)
    console.print(table)
    console.print("\nby structure, named of found: " + ", ".join(
        f"{cause} {ours.by_cause[cause, True]}/{ours.by_cause[cause, True] + ours.by_cause[cause, False]}"
        for cause in sorted({cause for cause, _ in ours.by_cause})
    ))  # fmt: skip
    for name, score in scores.items():
        for line in [*(f"not located: {lost}" for lost in score.lost), *score.confused]:
            console.print(f"{name}: {line}", markup=False)
    return int(any("MISSED" in goal for *_, goal in lines))


if __name__ == "__main__":
    raise SystemExit(main())
