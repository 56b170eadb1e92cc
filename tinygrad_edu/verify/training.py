"""Checking again after some training.

Near zero many wrong rules are right: tanh(x) ≈ x, a bias that is 0 hides its own gradient's use of it, and what is
multiplied by a small weight is small. A check that passes at a random initialization near 0 may fail once w and b have
moved. So check, train a little, and check again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.calculus import gradients as engine_gradients
from tinygrad_edu.core.node import assign, preserved
from tinygrad_edu.core.recording import NEEDED, recording
from tinygrad_edu.errors import GradientMismatch
from tinygrad_edu.reporting.check import when
from tinygrad_edu.state import state_restored
from tinygrad_edu.tensor import tensor
from tinygrad_edu.verify.gradcheck import check
from tinygrad_edu.verify.leaves import leaves_of
from tinygrad_edu.verify.report import Report

if TYPE_CHECKING:
    from tinygrad_edu.reporting import Picture


class TrainingReport:
    """The reports of a gradient check at several steps of a training; true only if all of them are.

    Attributes:
        reports: {step: report}, in order.
    """

    def __init__(self, reports: Mapping[int, Report]) -> None:
        self.reports = dict(reports)

    def __bool__(self) -> bool:
        return all(self.reports.values())

    @property
    def verdict(self) -> str:
        """The gravest of the reports' verdicts."""
        order = ("wrong", "inconclusive", "not differentiable here", "vacuous")
        found = {report.verdict for report in self.reports.values()}
        return next((verdict for verdict in order if verdict in found), "verified")

    @property
    def hidden(self) -> list[str]:
        """The parameters that were not wrong at the first check, and are at a later one."""
        first, *later = self.reports.values()
        wrong = {row.name for report in later for row in report.rows if row.verdict == "wrong"}
        return [row.name for row in first.rows if row.verdict != "wrong" and row.name in wrong]

    def raise_if_failed(self) -> None:
        """Raise GradientMismatch, with all reports, unless everything is verified."""
        __tracebackhide__ = True  # pytest is to show the line of the test
        if not self:
            raise GradientMismatch(f"gradient check during training\n{self}")

    def __str__(self) -> str:
        right = sum(map(bool, self.reports.values()))
        lines = [
            f"{self.verdict.upper()}   {right} of {len(self.reports)} checks during a gradient descent verified"
        ]
        lines += [f"{when(step)}: {report}" for step, report in self.reports.items()]
        if self.hidden:
            lines.append(
                f"{when(min(self.reports))} the initialization near 0 had hidden what is wrong in "
                f"{', '.join(self.hidden)}"
            )
        return "\n".join(lines)

    __repr__ = __str__

    def __rich__(self) -> Any:
        """The reports for `rich.print`, as tables."""
        from tinygrad_edu.reporting import Printed, training_check

        return Printed(training_check(self))

    def save(
        self, path: str | PathLike[str], *, graph: Picture | None = None, title: str | None = None
    ) -> Path:  # fmt: skip
        """Write the reports; the suffix decides the format, as for `Report.save`."""
        from tinygrad_edu.reporting import save, training_check

        return save(training_check(self, graph=graph, title=title), path)


def check_training(
    model: Any, loss: Callable[..., Any], data: Iterable[Any] | None = None, *,
    gradients: Callable[..., Mapping[str, Any]] | None = None, at: Sequence[int] = (0, 10, 100), lr: float = 0.1,
    allow_zero: str | Iterable[str] = (),
) -> TrainingReport:  # fmt: skip
    """Check the gradients of a loss at the start and after some steps of gradient descent.

        tg.check_training(net, nn.CrossEntropyLoss(), (x, y), at=(0, 10, 100))
        tg.check_training([w], lambda: (tg.tanh(x @ w) - y).square().sum())

    Parameters, buffers and `.grad` are afterwards what they were.

    Args:
        model: a module, or the parameters as for `check`: a leaf, {name: leaf}, or a list.
        loss: returns a node of one number. Without data it has no arguments; with data, those are `model(x)` and what
            else there is in a batch.
        data: one batch, a tuple such as (x, y), or several of them, which are taken in turn. A check is made on the
            batch whose turn it is. The model must be a module then.
        gradients: a backward pass written by hand, of no arguments, or of a batch; returns {name: array} at the present
            values of the parameters. By default the engine's gradients are checked. The training follows the engine's
            in any case.
        at: the numbers of steps after which to check, ≥ 0 and ascending.
        lr: the learning rate of the descent, > 0.
        allow_zero: as for `check`.

    Raises:
        ValueError: `at` is empty, or not ascending, or a number outside its range; or there are no batches.
        FloatingPointError: the loss is not finite after some steps: the learning rate is too large.
    """
    steps = list(at)
    if not steps or steps[0] < 0 or any(b <= a for a, b in pairwise(steps)):
        raise ValueError(
            f"check_training: ascending numbers of steps were expected as at, after which to check, such as "
            f"(0, 10, 100), where 0 is the start; {tuple(at)} came"
        )
    if not lr > 0:
        raise ValueError(f"check_training: a learning rate lr > 0 was expected, {lr} came")
    batches = _batches(data)
    leaves = list(leaves_of(loss, (), model)[1].values())
    reports: dict[int, Report] = {}
    with preserved(leaves), recording(NEEDED), state_restored():
        for step in range(steps[-1] + 1):
            batch = batches[step % len(batches)]

            def of_batch(batch: tuple[Any, ...] = batch) -> Any:
                return loss(model(_node(batch[0])), *batch[1:]) if batch else loss()

            if step in steps:
                given = None if gradients is None else gradients(*batch)
                reports[step] = check(of_batch, parameters=model, gradients=given, allow_zero=allow_zero)
            if step < steps[-1]:
                y = of_batch()
                if not np.isfinite(y.value):
                    raise FloatingPointError(
                        f"check_training: after {step} of {steps[-1]} steps of its own gradient descent the loss is "
                        f"{y.value}: lower lr={lr}"
                    )
                found = engine_gradients(y, leaves)
                assign([(leaf, leaf.value - lr * g) for leaf, g in zip(leaves, found, strict=True)])
    return TrainingReport(reports)


def _batches(data: Iterable[Any] | None) -> list[tuple[Any, ...]]:
    if data is None:
        return [()]
    batches = [data] if isinstance(data, tuple) else [tuple(batch) for batch in data]
    if not batches or not all(batches):
        raise ValueError(
            "check_training: a batch such as (x, y), or a list of them, was expected, an empty one came"
        )
    return batches


def _node(x: Any) -> Any:
    return tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
