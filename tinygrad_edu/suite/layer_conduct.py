"""How a layer conducts itself, whatever its derivatives are: three more witnesses.

    hygiene    the passes change no operand and no parameter; in eval nothing moves, and two calls agree
    restored   a check leaves parameters, buffers, `.grad`, modes and generators as they were
    refusal    what there cannot be is refused, in words

A layer may keep something from call to call, such as running statistics, but in buffers alone, where everyone sees it.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np

from tinygrad_edu.calculus import gradients
from tinygrad_edu.core.node import assign, value_of
from tinygrad_edu.state import state_restored
from tinygrad_edu.suite.layer_witnesses import refused, report_of, weights
from tinygrad_edu.suite.situation import Situation
from tinygrad_edu.verify.gradcheck import check


def hygiene(at: Situation) -> str | None:
    """What a layer must not do by the way."""
    fresh = copy.deepcopy(at)
    leaves, held, buffers = at.leaves, _values(at), _plain(at.buffers)
    with state_restored():
        y = at.output()
        if _values(at) != held:
            return "the forward pass changes a parameter or an operand"
        gradients(y, list(leaves.values()), weights(y, at.rng))
        if _values(at) != held:
            return "the backward pass changes a parameter or an operand"
        if not at.training:
            drawn = _streams(at)
            if not np.array_equal(at.output().value, y.value, equal_nan=True):
                return "two calls in eval differ"
            if _plain(at.buffers) != buffers:
                return "a buffer moves in eval"
            if _streams(at) != drawn:
                return "random numbers are drawn in eval"
    if _plain(at.buffers) != buffers:
        return "a buffer changes without a word, so that no check could take the change back"
    # Moved to another point, a layer that has been called and one that has not are the same function.
    for mine, theirs in zip(at.generators, fresh.generators, strict=True):
        theirs.bit_generator.state = mine.bit_generator.state
    for situation in (at, fresh):
        shift = dict.fromkeys(situation.leaves, 0.0) | dict.fromkeys(situation.parameters, 0.125)
        assign([(leaf, 0.875 * leaf.value + shift[name]) for name, leaf in situation.leaves.items()])
    if np.array_equal(at.output().value, fresh.output().value, equal_nan=True):
        return None
    return "after a first call it is another function than before: something is kept from call to call"


def restored(at: Situation) -> str | None:
    """What a check leaves behind."""
    for leaf in at.leaves.values():
        leaf.grad = leaf.constant(leaf.zeros())
    before = _everything(at)
    report_of(at)
    after = _everything(at)
    return next((f"a check changes {what}" for what in before if before[what] != after[what]), None)


def _everything(at: Situation) -> dict[str, Any]:
    grads = {name: id(leaf.grad) for name, leaf in at.leaves.items()}
    return {
        "a parameter or an operand": _values(at), "a buffer": _plain(at.buffers), "a .grad": grads,
        "a mode": [module.training for module in at.modules], "the state of a generator": _streams(at),
    }  # fmt: skip


def _values(at: Situation) -> Any:
    return _plain(
        {name: leaf.value for name, leaf in at.leaves.items()} | dict(enumerate(map(value_of, at.operands)))
    )


def _plain(arrays: dict[Any, Any]) -> dict[Any, tuple[str, bytes]]:
    """Arrays to the last bit."""
    return {name: (str(np.asarray(x).dtype), np.asarray(x).tobytes()) for name, x in arrays.items()}


def _streams(at: Situation) -> list[bytes]:
    return [pickle.dumps(generator.bit_generator.state) for generator in at.generators]


# ---- what must be refused ----


def refuses_one_sample(at: Situation) -> str | None:
    """A batch of 1, in training, where that is too small."""
    return refused(at.output, "a batch of 1 in training", ValueError)


def chance(at: Situation) -> str | None:
    """A check of what is random and not frozen: it sees the same numbers at every call, or refuses in words."""
    try:
        report = check(at.output, *at.operands, parameters=at.parameters)
    except ValueError as error:
        return (
            None if len(str(error).split()) > 3 else f"random numbers are refused without a reason: {error!r}"
        )
    return str(report) if report.verdict in ("wrong", "inconclusive") else None
