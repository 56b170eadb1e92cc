"""The suite on a layer: every case of its declaration, in every situation, before all witnesses. Nothing is skipped.

    training, eval  ×  once, batch of 1, used twice, tied weights, after 20 steps, float32, at hazards  ×  witnesses

A mode that does not exist must say so: a batch norm refuses a batch of one sample in training. Then the suite asks for
the refusal. A dropout that is not frozen must drop the same throughout a check. No parameter and no input passes whose
derivative was 0 wherever one looked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.suite.finding import Finding, Undecided, ask
from tinygrad_edu.suite.layer_canaries import layer_canaries
from tinygrad_edu.suite.layer_conduct import chance, hygiene, refuses_one_sample, restored
from tinygrad_edu.suite.layer_witnesses import adjoint, dtype, hazards, judged, report_of, second_order
from tinygrad_edu.suite.situation import LayerCase, Situation

__all__ = ["examine_layer", "layer_canaries"]

Witness = Callable[[Situation], str | None]
ARRANGEMENTS: dict[str, Callable[[Situation], None]] = {
    "": lambda at: None,
    "batch of 1": Situation.on_one_sample,
    "used twice": Situation.twice,
    "tied weights": Situation.tied,
    "after 20 steps": Situation.train,
}


def examine_layer(name: str, cases: Sequence[Any], *, order: int = 1, seed: int = 0) -> Iterator[Finding]:
    """All the findings on one layer.

    Args:
        name: what to call it.
        cases: of its declaration, see `nn.cases`.
        order: 2 for second derivatives, too.
        seed: of parameters and test points.
    """
    for number, each in enumerate(cases):
        yield from _examine_case(name, each, order, [seed, number])


def _examine_case(name: str, each: LayerCase, order: int, seed: list[int]) -> Iterator[Finding]:
    made: list[Any] = []
    making = ask(name, str(each.operands), "made", lambda: made.append(each.make(np.random.default_rng(0))))
    if not made:
        yield making
        return
    title, seen, places = _title(each, made[0]), _Seen(), dict[tuple[str, str], int]()
    for mode, arrangement, witness, question in _questions(each, made[0], seen, order):
        place = places.setdefault((mode, arrangement), len(places))

        def answer() -> str | None:
            rng = np.random.default_rng([*seed, place])  # noqa: B023 (asked at once)
            precision = np.float32 if arrangement == "float32" else np.float64  # noqa: B023
            at = Situation(each, rng, mode != "eval", precision)  # noqa: B023
            ARRANGEMENTS.get(arrangement, ARRANGEMENTS[""])(at)  # noqa: B023
            return question(at)  # noqa: B023

        yield ask(name, ", ".join(filter(None, (title, mode, arrangement))), witness, answer)
    yield ask(name, f"{title}, all modes", "numeric", seen.something)


def _questions(
    each: LayerCase, made: Any, seen: _Seen, order: int
) -> Iterator[tuple[str, str, str, Witness]]:
    """(mode, arrangement, name of the witness, witness): what takes long comes last."""
    witnesses: dict[str, Witness] = {"numeric": seen.numeric, "hygiene": hygiene, "adjoint": adjoint}
    if order > 1:
        witnesses["second order"] = second_order
    modes = ("training", "eval") if hasattr(made, "train") else ("",)
    for mode in modes:
        for arrangement in ARRANGEMENTS:
            if arrangement == "batch of 1" and each.batch is None:
                continue
            if arrangement == "batch of 1" and mode == "training" and each.least > 1:
                yield mode, arrangement, "refusal", refuses_one_sample
                continue
            for name, witness in witnesses.items():
                yield mode, arrangement, name, witness
        yield mode, "", "restored", restored  # of checks, which have the same to restore in all situations
        yield mode, "float32", "numeric", seen.numeric
        yield mode, "float32", "dtype", dtype
    modules = dict(getattr(made, "named_modules", dict)()).values()
    if any(hasattr(module, "frozen") for module in modules):
        yield "training", "not frozen", "numeric", chance
    for mode in modes:
        yield mode, "at hazards", "hazards", hazards


class _Seen:
    """The numerical witness, which remembers what it has seen to make a difference."""

    def __init__(self) -> None:
        self.moved: dict[str, bool] = {}

    def numeric(self, at: Situation) -> str | None:
        """The gradient check."""
        report = report_of(at)
        for row in report.rows:
            name = row.name.removeprefix("second.")
            self.moved[name] = self.moved.get(name, False) or row.verdict != "vacuous"
        return judged(report, list(at.leaves))

    def something(self) -> str | None:
        """Every leaf must make a difference somewhere, or 0 would pass for its derivative."""
        silent = [name for name, moved in self.moved.items() if not moved]
        if silent or not self.moved:
            raise Undecided(f"nothing changes with {', '.join(silent) or 'anything'} in any mode")
        return None


def _title(each: LayerCase, made: Any) -> str:
    """The layer with its sizes, if it says so, and its operands."""
    return f"{made.brief()} on {each.operands}" if hasattr(made, "brief") else str(each.operands)
