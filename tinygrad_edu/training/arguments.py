"""What `fit` refuses before it begins: whatever would fail, or mislead, an hour later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.core.node import value_of
from tinygrad_edu.data.loader import require_generator, require_whole
from tinygrad_edu.errors import FormatError, ShapeError
from tinygrad_edu.optim import Optimizer, ReduceOnPlateau
from tinygrad_edu.optim.schedules import length_of
from tinygrad_edu.saving.atomic import require_folder
from tinygrad_edu.saving.files import FORMATS
from tinygrad_edu.training.stopping import EarlyStopping
from tinygrad_edu.types import Array


def pair(name: str, data: Any) -> tuple[Array, Array]:
    """Arrays x and y of the same length, with at least one sample.

    Raises:
        ShapeError: their lengths differ.
        TypeError: something else than two arrays.
        ValueError: no samples.
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise TypeError(
            f"{name}: a pair (x, y) of arrays was expected, {type(data).__name__} came"
            + (f" of {len(data)}" if isinstance(data, tuple | list) else "")
        )
    x, y = (np.asarray(value_of(each)) for each in data)
    if not x.ndim or not y.ndim or len(x) != len(y):
        raise ShapeError(f"{name}: x (n, …) and y (n, …) were expected, {x.shape} and {y.shape} came")
    if not len(x):
        raise ValueError(f"{name}: at least one sample was expected, none came")
    return x, y


def refuse_arguments(
    model: Any, loss: Any, optimizer: Any, epochs: Any, batch_size: Any, options: Any
) -> None:
    """Each argument of `fit` is what it should be.

    Raises:
        TypeError, ValueError: one is not.
    """
    require_whole("fit", "epochs", epochs)
    require_whole("fit", "batch_size", batch_size)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: an optimizer of tinygrad_edu.optim was expected, {type(optimizer).__name__} came"
        )
    learned = set(optimizer.parameters)
    if not any(leaf in learned for leaf in model.parameters()):
        raise ValueError(
            "fit: an optimizer of the model's parameters was expected, one of others came, and nothing would be "
            f"learned: say {type(optimizer).__name__}(model.parameters(), …)"
        )
    if options["rng"] is not None:
        require_generator("fit", options["rng"])
    functions = {"loss": loss} | {name: options[name] for name in ("schedule", "callback")}
    for name, held in functions.items():
        if isinstance(held, ReduceOnPlateau):
            raise TypeError(
                f"fit: a function of the step was expected as {name}, ReduceOnPlateau came, which is one of measured "
                f"losses: say plateau=ReduceOnPlateau(…)"
            )
        if isinstance(held, type):
            raise TypeError(
                f"fit: an instance was expected as {name}, the class {held.__name__} came: say {held.__name__}(…)"
            )
        if held is not None and not callable(held):
            raise TypeError(f"fit: {name} was expected to be a function, {type(held).__name__} came")
    for name, kind in (("early_stopping", EarlyStopping), ("plateau", ReduceOnPlateau)):
        if not isinstance(options[name], kind | None):
            raise TypeError(
                f"fit: {name}={kind.__name__}(…) was expected, {type(options[name]).__name__} came"
            )


def refuse_unmeasured(
    validation: Any, metrics: Mapping[str, Any] | None, early_stopping: EarlyStopping | None
) -> None:
    """What is to be watched must be measured.

    Raises:
        ValueError: metrics without a validation set, or a value to monitor that there is not.
    """
    if metrics and validation is None:
        raise ValueError("fit: metrics are measured on a validation set, none came: pass validation=(x, y)")
    measured = ["loss"] + (
        [] if validation is None else ["val_loss", *(f"val_{name}" for name in metrics or ())]
    )
    if early_stopping and early_stopping.monitor not in measured:
        raise ValueError(
            f"fit: a value to monitor among {', '.join(measured)} was expected, '{early_stopping.monitor}' came"
        )


def refuse_no_place(checkpoint: str | PathLike[str] | None, resume: bool) -> None:
    """A checkpoint must have a place before an epoch is spent.

    Raises:
        FileNotFoundError: its folder is not there.
        FileExistsError: a file is there, which would be lost, and it is not to be resumed.
        FormatError: its suffix is of no format.
        ValueError: to resume, and no checkpoint.
    """
    if checkpoint is None:
        if resume:
            raise ValueError(
                "fit: to resume, a checkpoint was expected, none came: pass checkpoint='run.npz'"
            )
        return
    path = Path(checkpoint)
    if path.suffix.lower() not in FORMATS:
        raise FormatError(
            f"fit: a checkpoint with a suffix out of {', '.join(FORMATS)} was expected, '{path.name}' came"
        )
    require_folder("fit", path)
    if path.exists() and not resume:
        raise FileExistsError(
            f"fit: a checkpoint that is not there yet was expected, '{path}' is: go on from it with resume=True, or "
            f"remove it"
        )


def refuse_short(schedule: Any, epochs: int, samples: int, batch_size: int, drop_last: bool) -> None:
    """A schedule that ends must not end before the training.

    Raises:
        ValueError: it does; the sentence says how many steps there are.
    """
    steps = epochs * (samples // batch_size if drop_last else -(-samples // batch_size))
    length = length_of(schedule)
    if length < steps:
        raise ValueError(
            f"fit: a schedule of {steps} steps was expected, one of {length:g} came: {epochs} epochs of "
            f"{steps // epochs} batches are {steps} steps, and after its end it has no rate for them"
        )


def refuse_fewer(epochs: int, done: int) -> None:
    """A training cannot go back.

    Raises:
        ValueError: more epochs were done than are asked for.
    """
    if epochs < done:
        raise ValueError(
            f"fit: at least {done} epochs were expected, {epochs} came: the checkpoint has done {done} already"
        )


def refuse_another(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A resumed training must have the same data and the same choices; more epochs are no other choice.

    Raises:
        ValueError: a choice differs; the sentence says which.
    """
    chosen = [
        dict(r["hyperparameters"], epochs=None, data=r["data"], optimizer=_options(r["optimizer"]))
        | r.get("options", {})
        for r in (then, json.loads(json.dumps(now)))  # as `then` has been in a file, where tuples are lists
    ]
    other = [name for name in chosen[0] | chosen[1] if chosen[0].get(name) != chosen[1].get(name)]
    if other:
        raise ValueError(
            f"fit: the checkpoint of this training was expected, it differs in {', '.join(other)}: put back what "
            f"it was, or start anew without resume=True"
        )


def _options(optimizer: Mapping[str, Any]) -> Any:
    """What was chosen of an optimizer: its rate moves while it trains, but not the one that it started with."""
    groups = [{key: value for key, value in group.items() if key != "lr"} for group in optimizer["groups"]]
    return optimizer["name"], groups
