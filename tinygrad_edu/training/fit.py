"""Training: the loop around `optimizer.step`, with what usually has to be written around it anew.

    for each epoch
        for each batch:  rate ← schedule(step);  zero_grad, forward, backward, clip;  step
        measure on the validation set;  note;  write a checkpoint;  call back;  stop if nothing improves

All that a step depends on is in the checkpoint, and the schedules are functions of the step and of the history. So a
training that is killed and resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.data import batches
from tinygrad_edu.data.loader import Collate
from tinygrad_edu.optim import Average, Optimizer, ReduceOnPlateau
from tinygrad_edu.optim.schedules import Schedule
from tinygrad_edu.reporting.files import write
from tinygrad_edu.training.arguments import (
    pair,
    refuse_another,
    refuse_arguments,
    refuse_fewer,
    refuse_no_place,
    refuse_short,
    refuse_unmeasured,
)  # fmt: skip
from tinygrad_edu.training.checkpoint import all_generators, load_checkpoint, save_checkpoint, saved_progress
from tinygrad_edu.training.epoch import Data, epoch
from tinygrad_edu.training.evaluation import Metric, evaluate, mode
from tinygrad_edu.training.progress import shown
from tinygrad_edu.training.record import options_of, run_record
from tinygrad_edu.training.stopping import EarlyStopping
from tinygrad_edu.types import Array


@dataclass(frozen=True)
class Run:
    """What a training was.

    Attributes:
        history: a dict for each epoch: "epoch", "step" after it, "loss", "lr", and "val_…" of the validation set.
        record: what one must know to repeat it; see `run_record`.
        best_epoch: the one whose parameters were restored at the end; None without early stopping.
    """

    history: list[dict[str, float]]
    record: dict[str, Any]
    best_epoch: int | None

    def column(self, name: str) -> list[float]:
        """One value of all epochs."""
        return [row[name] for row in self.history]

    def save(self, path: str | PathLike[str]) -> Path:
        """Write record and history as JSON."""
        content = {**self.record, "history": self.history, "best_epoch": self.best_epoch}
        return write(json.dumps(content, indent=1, ensure_ascii=False) + "\n", path)


def fit(
    model: Any, loss: Callable[[Any, Any], Any], data: Data, *, optimizer: Optimizer, epochs: int, batch_size: int = 32,
    rng: np.random.Generator | None = None, drop_last: bool = False, collate: Collate | None = None,
    validation: Data | None = None, metrics: Mapping[str, Metric] | None = None,
    schedule: Schedule | None = None, plateau: ReduceOnPlateau | None = None,
    clip: float | Callable[[list[Any]], Any] | None = None, early_stopping: EarlyStopping | None = None,
    average: Average | None = None, checkpoint: str | PathLike[str] | None = None, resume: bool = False,
    callback: Callable[[dict[str, float]], Any] | None = None, progress: bool = True,
) -> Run:  # fmt: skip
    """Train a model.

    Args:
        model: a module; its modules have afterwards the mode that they had before.
        loss: of (model(x), y), one number, the mean over the samples.
        data: x (n, …) and y (n, …).
        optimizer: of the parameters of the model.
        epochs: how often to go through the data, ≥ 1.
        batch_size: ≥ 1.
        rng: shuffles the samples; without it they come in their order.
        drop_last: leave out a last batch that is smaller.
        collate: changes the samples of every batch, (x, y) → (x, y), such as by noise; see `data.batches`. What it
            draws should come from `rng`, whose state is in the checkpoint.
        validation: x and y that are measured after every epoch, and not learned from.
        metrics: {name: metric of (y, outputs)} for the validation set, such as
            {"accuracy": lambda y, logits: accuracy(y, logits.argmax(1))}.
        schedule: the factor of the learning rate at a step, counted from 0 over all epochs.
        plateau: a further factor, a function of all "val_loss" so far, or of all "loss" without validation.
        clip: the largest global norm of the gradients, or a function that clips those of the parameters it is given.
        early_stopping: ends the training, and restores the parameters and buffers of the best epoch.
        average: of the parameters, updated after every step. Validation then measures the averages; at the end the
            model has its own parameters, but for early stopping, and `average.assign()` gives it the averages.
        checkpoint: a file that is written after every epoch, and never seen half written. It must not be there yet,
            unless it is to be resumed.
        resume: go on from that file, if there is one.
        callback: is given the row of the history after every epoch; if it returns True, the training ends there.
        progress: show the epochs: a bar on a terminal, lines elsewhere.

    Modules that were put into eval while the model trains stay there: so one freezes the statistics of a BatchNorm.

    Raises:
        FileExistsError: a checkpoint that would be lost.
        FloatingPointError: the loss is not finite, or a parameter after an epoch.
        ShapeError: x and y differ in length, or the loss is not one number.
        TypeError: an argument that is something else.
        ValueError: a number outside its range; metrics without validation, a value to monitor that is not measured; an
            optimizer of other parameters; no place for a checkpoint, or a checkpoint of another training; a schedule
            that ends before the training.
    """
    options = {
        "rng": rng, "schedule": schedule, "callback": callback, "early_stopping": early_stopping, "plateau": plateau,
    }  # fmt: skip
    refuse_arguments(model, loss, optimizer, epochs, batch_size, options)
    refuse_no_place(checkpoint, resume)
    refuse_unmeasured(validation, metrics, early_stopping)
    data = pair("fit", data)
    refuse_short(schedule, epochs, len(data[0]), batch_size, drop_last)
    validation = None if validation is None else pair("fit, validation", validation)
    generators = {} if rng is None else {"rng": rng}
    with mode(model, True):  # some say in their repr whether they train
        record = run_record(
            optimizer=optimizer, data=_named(data, validation), generators=all_generators(model, generators),
            hyperparameters={
                "model": model, "loss": loss, "epochs": epochs, "batch_size": batch_size, "drop_last": drop_last,
                "schedule": schedule, "plateau": plateau, "clip": clip, "metrics": metrics,
                "early_stopping": early_stopping, "collate": collate, "average": average and average.decay,
            },
        ) | {"options": options_of("model", model) | options_of("loss", loss)}  # fmt: skip
    history: list[dict[str, float]] = []
    best: dict[str, Array] | None = None
    if resume and checkpoint is not None and Path(checkpoint).exists():
        held = saved_progress(checkpoint)
        refuse_another(held["record"], record)
        refuse_fewer(epochs, len(held["history"]))
        _, best = load_checkpoint(checkpoint, model, optimizer, generators=generators, average=average)
        history, record = held["history"], held["record"] | {"hyperparameters": record["hyperparameters"]}

    def monitored() -> list[float]:
        return [row[early_stopping.monitor] for row in history] if early_stopping else []

    with shown(epochs, len(history), progress=progress) as tell:
        while len(history) < epochs and not (early_stopping and early_stopping.stops(monitored())):
            standing = (
                plateau([row["loss" if validation is None else "val_loss"] for row in history])
                if plateau
                else 1.0
            )

            def factor(step: int, standing: float = standing) -> float:
                return standing * (schedule(step) if schedule else 1.0)

            row: dict[str, float] = {"epoch": len(history) + 1}
            with mode(model, True):
                row |= epoch(
                    model, loss, batches(*data, size=batch_size, rng=rng, drop_last=drop_last, collate=collate),
                    optimizer, first=int(history[-1]["step"]) if history else 0, clip=clip, average=average,
                    factor=factor if schedule or plateau else None,
                )  # fmt: skip
            _refuse_not_finite(model, len(history) + 1)
            if validation is not None:
                with average.applied() if average else nullcontext():
                    row |= evaluate(model, loss, validation, metrics=metrics, prefix="val_")
            history.append(row | {"lr": optimizer.lr})
            if early_stopping and early_stopping.best(monitored()) == len(history) - 1:
                with average.applied() if average else nullcontext():
                    best = model.state_dict()
            if checkpoint is not None:
                save_checkpoint(
                    checkpoint, model, optimizer, generators=generators, best=best, average=average,
                    progress={"history": history, "record": record},
                )  # fmt: skip
            tell(history[-1])
            if callback is not None and callback(dict(history[-1])) is True:
                break
    if not early_stopping or best is None:
        return Run(history, record, None)
    model.load_state_dict(best)
    return Run(history, record, (early_stopping.best(monitored()) or 0) + 1)


def _named(data: Data, validation: Data | None) -> dict[str, Array]:
    named = dict(zip(("x", "y"), data, strict=True))
    return named | ({} if validation is None else dict(zip(("val_x", "val_y"), validation, strict=True)))


def _refuse_not_finite(model: Any, epoch: int) -> None:
    """The loss of a step is that before it: what the last step did, only the parameters say."""
    bad = [name for name, leaf in model.named_parameters() if not np.all(np.isfinite(leaf.value))]
    if bad:
        raise FloatingPointError(
            f"fit: finite parameters were expected after epoch {epoch}, {', '.join(bad)} has an infinity or a NaN: "
            f"lower the learning rate, or clip the gradients"
        )
