"""Checkpoints: everything that the next step of a training depends on, in a file.

    parameters and buffers, the state of the optimizer, the state of every random generator, where the training stands

If one of them were missing, a training that goes on from the file would be another one. With all of them it is the same
to the last bit. The file is one of `saving`: named arrays, written at once or not at all. What is no array is a JSON
text, whose bytes are an array, too: a history may be long, and metadata must be short.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np

from tinygrad_edu.errors import FormatError
from tinygrad_edu.optim import Average, Optimizer
from tinygrad_edu.saving import load, save
from tinygrad_edu.types import Array

Generators = Mapping[str, np.random.Generator]
TEXT = "checkpoint"  # the array of the text's bytes
KEYS = ("numbers", "generators", "param_groups", "progress")  # of the text


def save_checkpoint(
    path: str | PathLike[str], model: Any, optimizer: Optimizer, *, generators: Generators | None = None,
    progress: Mapping[str, Any] | None = None, best: Mapping[str, Array] | None = None,
    average: Average | None = None,
) -> None:  # fmt: skip
    """Write a checkpoint, whole or not at all.

    Args:
        path: the file; its suffix, such as .npz, says in which format (see `saving.save`).
        model: anything with `state_dict()`.
        optimizer: of its parameters.
        generators: {name: generator} beside those that modules of the model hold, such as the one that shuffles.
        progress: where the training stands: what JSON can hold.
        best: the state of the model at its best, if it is to be restored at the end.
        average: of the parameters of the model.

    Raises:
        FormatError: a suffix that says of no format.
        OSError: the file cannot be written.
        TypeError: progress that JSON cannot hold.
    """
    arrays = {f"model.{name}": value for name, value in model.state_dict().items()}
    arrays |= {f"best.{name}": value for name, value in (best or {}).items()}
    arrays |= {f"average.{name}": value for name, value in (average.state_dict() if average else {}).items()}
    state = optimizer.state_dict()
    numbers: dict[str, float] = {}  # those of Python, which widen no float32, and would come back as NumPy's
    for i, held in state["state"].items():
        for key, value in held.items():
            kept = numbers if type(value) in (int, float) else arrays
            kept[f"optimizer.{i}.{key}"] = value
    drawn = {name: generator_state(rng) for name, rng in all_generators(model, generators).items()}
    text = json.dumps(
        {
            "param_groups": state["param_groups"], "numbers": numbers, "generators": drawn,
            "progress": dict(progress or {}),
        }
    )  # fmt: skip
    save(path, arrays | {TEXT: np.frombuffer(text.encode(), np.uint8)})


def load_checkpoint(
    path: str | PathLike[str], model: Any, optimizer: Optimizer, *, generators: Generators | None = None,
    average: Average | None = None,
) -> tuple[dict[str, Any], dict[str, Array] | None]:  # fmt: skip
    """Take over a checkpoint: all of it, or nothing if something does not fit.

    Args:
        path: the file.
        model: built as it was when the checkpoint was saved.
        optimizer: made as it was then.
        generators: of the same names as then.
        average: if there was one.

    Returns:
        The progress, and the state at its best or None.

    Raises:
        FormatError: a damaged file, or no checkpoint.
        OSError: the file cannot be read.
        ShapeError: an array of another shape.
        ValueError: a checkpoint of another model, optimizer, or of other generators.
    """
    arrays, text = _read(path)
    mine = all_generators(model, generators)
    numbers, drawn, groups, progress = (text[key] for key in KEYS)
    kinds = {name: type(rng.bit_generator).__name__ for name, rng in mine.items()}
    saved = {name: state["bit_generator"] for name, state in drawn.items()}
    if kinds != saved:
        raise ValueError(f"load_checkpoint: the generators {kinds} were expected, {saved} came")
    held: dict[int, dict[str, Any]] = {}
    for name, value in _under(arrays | numbers, "optimizer.").items():
        i, _, key = name.partition(".")
        held.setdefault(int(i), {})[key] = value[()] if isinstance(value, np.ndarray) else value
    before, averaged = model.state_dict(), average.state_dict() if average else {}
    model.load_state_dict(_under(arrays, "model."))
    try:
        if average is not None:
            average.load_state_dict(_under(arrays, "average."))
        optimizer.load_state_dict({"state": held, "param_groups": groups})
    except Exception:
        model.load_state_dict(before)
        if average is not None:
            average.load_state_dict(averaged)
        raise
    for name, rng in mine.items():
        rng.bit_generator.state = _from_json(drawn[name])
    return progress, _under(arrays, "best.") or None


def saved_progress(path: str | PathLike[str]) -> dict[str, Any]:
    """Where the training of a checkpoint stands, without taking anything over.

    Raises:
        FormatError: a damaged file, or no checkpoint.
        OSError: the file cannot be read.
    """
    progress: dict[str, Any] = _read(path)[1]["progress"]
    return progress


def all_generators(model: Any, others: Generators | None = None) -> dict[str, np.random.Generator]:
    """The generators that the modules of a model hold, by their paths, and others; one may occur twice."""
    found = {
        f"{path}.{name}".lstrip("."): held
        for path, module in model.named_modules()
        for name, held in vars(module).items()
        if isinstance(held, np.random.Generator)
    }
    return {f"model.{path}": rng for path, rng in found.items()} | dict(others or {})


def generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """The state of a generator, of any kind that NumPy has, as JSON can hold it."""
    state: dict[str, Any] = _to_json(rng.bit_generator.state)
    return state


def _read(path: str | PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    arrays = load(path, max_bytes=sys.maxsize)  # who wrote it had room for it
    try:
        text = json.loads(arrays.pop(TEXT).tobytes())
    except (KeyError, ValueError):  # there is none, or it is no JSON
        text = None
    if not isinstance(text, dict) or not text.keys() >= set(KEYS):
        raise FormatError(
            f"a checkpoint was expected in '{path}', a file of other arrays came: save_checkpoint writes one"
        )
    return arrays, text


def _to_json(x: Any) -> Any:
    if isinstance(x, Mapping):
        return {key: _to_json(value) for key, value in x.items()}
    if isinstance(x, np.ndarray):
        return {"dtype": str(x.dtype), "values": x.tolist()}
    return x.item() if isinstance(x, np.generic) else x


def _from_json(x: Any) -> Any:
    if isinstance(x, Mapping):
        if x.keys() == {"dtype", "values"}:
            return np.array(x["values"], x["dtype"])
        return {key: _from_json(value) for key, value in x.items()}
    return x


def _under(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): x for name, x in arrays.items() if name.startswith(prefix)}
