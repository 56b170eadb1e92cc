"""The record of a run: what one must know to repeat it, as a dict for JSON.

    versions, threads, the hash of the data, the state of the generators at the start, hyperparameters, history

Threads are among it because a sum over several of them is added up in another order, and rounds to another number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.nn import Buffer, Module
from tinygrad_edu.optim import Optimizer
from tinygrad_edu.reporting.document import environment
from tinygrad_edu.training.checkpoint import generator_state
from tinygrad_edu.types import Array

#: What a checkpoint keeps, or notes by itself.
STATE = (Node, Buffer, Module, np.random.Generator)


def run_record(
    *, optimizer: Optimizer, data: Mapping[str, Array], generators: Mapping[str, np.random.Generator],
    hyperparameters: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """The record at the start of a run, without its history.

    Args:
        optimizer: whose options are noted.
        data: the arrays that are learned from, by name.
        generators: all that chance comes from, by name.
        hyperparameters: whatever else was chosen.
    """
    groups = [
        {key: value for key, value in group.items() if key not in ("params", "param_names")}
        | {"parameters": len(group["params"])}
        for group in optimizer.state_dict()["param_groups"]
    ]
    return {
        "versions": environment(),
        "threads": threads(),
        "data": {name: fingerprint(array) for name, array in data.items()},
        "generators": {
            name: hashlib.sha256(json.dumps(generator_state(rng)).encode()).hexdigest()
            for name, rng in generators.items()
        },
        "optimizer": {"name": type(optimizer).__name__, "groups": groups},
        "hyperparameters": {name: in_words(value) for name, value in hyperparameters.items()},
    }


def options_of(name: str, held: Any) -> dict[str, Any]:
    """What was chosen of a model, or of a loss: {path: the plain attribute}, of all modules, beside their state.

    Plain are numbers, strings, None, functions by their names, tuples and lists of them, and arrays, which are noted by
    their hash; of other objects that a module holds their plain attributes. A name that
    starts with _ is the module's own affair: it may change while it trains. A module that stays in use while the
    model trains is `frozen`.
    """
    if isinstance(held, partial):
        named = {f"[{i}]": value for i, value in enumerate(held.args)} | held.keywords
        return options_of(name, held.func) | _plain(name, named)
    if not hasattr(held, "named_modules"):
        return _plain(name, getattr(held, "__dict__", {}))
    found: dict[str, Any] = {}
    for path, module in held.named_modules():
        place = f"{name}.{path}" if path else name
        found |= _plain(place, vars(module))
        if held.training and not module.training:
            found[f"{place}.frozen"] = True
    return found


def _plain(name: str, attributes: Mapping[str, Any], *, within: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in attributes.items():
        if key.startswith("_") or key == "training" or isinstance(value, STATE):
            continue
        if _is_plain(value):
            found[f"{name}.{key}"] = fingerprint(value) if isinstance(value, np.ndarray) else in_words(value)
        elif within:  # what a module is made with, such as the kind of a recurrent one
            parts = (
                {each.name: getattr(value, each.name) for each in fields(value)}
                if is_dataclass(value)
                else {}
            )
            found |= _plain(f"{name}.{key}", parts or getattr(value, "__dict__", {}), within=False)
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    known = isinstance(value, bool | int | float | str | np.generic | np.ndarray)
    return value is None or known or hasattr(value, "__qualname__")


def fingerprint(array: Array) -> str:
    """SHA-256 of the type, the shape and the values of an array, in the order of its elements."""
    array = np.asarray(array)
    kind = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(kind + array.tobytes()).hexdigest()


def threads() -> dict[str, int]:
    """How many threads each numerical library may use, by the name of its interface."""
    from threadpoolctl import threadpool_info

    return {library["internal_api"]: library["num_threads"] for library in threadpool_info()}


def in_words(value: Any) -> Any:
    """A hyperparameter as JSON can hold it, and as it is in every run: without the address of a function."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): in_words(held) for key, held in value.items()}
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    text = repr(value)
    return type(value).__qualname__ if " at 0x" in text else text
