"""A forward pass that fails: what there is of the graph, and the operation that did not come about.

    with tg.render.on_failure("failure.svg"):
        loss = net(x)                            raises: matmul of (8, 4) and (3, 2)

An exception keeps the frames that it came through, and in them the operands of the call that failed. From those their
graphs are drawn as ever, with a red card in the place of the result. Nothing is noted in advance, so a forward pass
that succeeds costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from traceback import walk_tb
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_edu.core import calling, sweep
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.core.sweep import topological_order
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.graph.backward import Watched
from tinygrad_edu.render.graph.model import EdgeModel, Finding, GraphModel, NodeModel, Numbers, describe
from tinygrad_edu.render.graph.naming import Choice, Names
from tinygrad_edu.render.look.style import clean
from tinygrad_edu.tensor import Tensor

SAID = 500  # characters of an exception that are shown
_MINUS = re.compile(r"(?<![\w.)\]-])-(?=\d)")  # of a number, not between two


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that raised.

    Attributes:
        name: of the operation, or of the function of Python whose arguments they were.
        symbol: of the operation.
        operands: the nodes that it was given, in their order.
        scope: the path of the module in whose forward it was called.
    """

    name: str
    symbol: str
    operands: tuple[Node, ...]
    scope: str | None


def failure_of(error: BaseException) -> Failure | None:
    """The call that raised an exception, read off its frames; None if no node took part, and no module.

    The innermost call of a primitive is meant; if none was reached, as when a layer refuses a shape, the innermost
    function that was given nodes, or module that was given arrays. Arrays among the operands are drawn as leaves.
    """
    frames = [frame for frame, _ in walk_tb(error.__traceback__)][::-1]
    for frame in frames:
        if frame.f_code.co_filename == calling.__file__ and isinstance(
            op := frame.f_locals.get("op"), Primitive
        ):
            operands = _given(frame)
            if operands:
                return Failure(op.name, op.symbol, operands, _scope(frames))
        if frame.f_code.co_filename == sweep.__file__ and isinstance(
            node := frame.f_locals.get("node"), Node
        ):
            what = f"backward through {node.op.name}" if node.op is not None else "backward"
            return Failure(what, "←", (node,), node.scope)
    for frame in frames:
        operands = _given(frame)
        if operands and (_is_forward(frame) or _has_nodes(frame)):
            code = frame.f_code
            return Failure(code.co_qualname, code.co_name, operands, _scope(frames))
    return None


def _given(frame: FrameType) -> tuple[Node, ...]:
    """The nodes among the arguments of a function, and the arrays as leaves of the names that they have there."""
    return tuple(
        x if isinstance(x, Node) else _leaf(x, name)
        for name, x in _arguments(frame)
        if isinstance(x, Node) or (isinstance(x, np.ndarray) and x.dtype.kind in "biuf")
    )


def _arguments(frame: FrameType) -> Iterator[tuple[str, Any]]:
    """(name, value) of the arguments of a function: one by one, and those of `*args`."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04)  # inspect.CO_VARARGS
    for name in code.co_varnames[:count]:
        value = frame.f_locals.get(name)
        yield from ((name, x) for x in (value if isinstance(value, tuple | list) else (value,)))


def _has_nodes(frame: FrameType) -> bool:
    return any(isinstance(x, Node) for _, x in _arguments(frame))


def _leaf(x: np.ndarray[Any, Any], name: str) -> Node:
    node = Tensor.constant(x)
    node.name = name
    return node


def _is_forward(frame: FrameType) -> bool:
    """Whether it is what a module computes."""
    module = frame.f_locals.get("self")
    return frame.f_code.co_name == "forward" and callable(getattr(module, "named_parameters", None))


def _scope(frames: list[FrameType]) -> str | None:
    """The path of the module that was running: what its callers call it."""
    names = []
    for frame in reversed(frames):
        caller, module = frame.f_locals.get("caller"), frame.f_locals.get("self")
        name_of = getattr(caller, "name_of", None)
        if frame.f_code.co_name == "__call__" and callable(name_of):
            names.append(str(name_of(module)))
    return ".".join(names) or None


def failed(
    error: BaseException,
    *,
    names: Names = None,
    parameters: Choice = None,
    highlight: Choice = None,
    **options: Any,
) -> Drawing:
    """Draw what there is of a graph whose computation raised an exception.

        try:
            loss = net(x)
        except Exception as error:
            tg.render.failed(error, names=net).save("failure.svg")

    Args:
        error: as it was caught, with its traceback.
        names: as for `draw`.
        parameters: as for `draw`.
        highlight: as for `draw`.
        **options: of `draw`, that are about the picture: title, theme, depth, …

    Raises:
        ValueError: no node and no module took part in the call that raised, so there is nothing to draw.
    """
    failure = failure_of(error)
    if failure is None:
        raise ValueError(
            f"failed: an exception out of a computation with nodes was expected, none is found in the frames of "
            f"{type(error).__name__}: catch it outside of the forward pass, and hand it on with its traceback"
        )
    model = describe(
        list(failure.operands), lambda _: Watched(), names=names, parameters=parameters, highlight=highlight
    )
    options = {"title": f"{clean(failure.name, 60)} failed", "show": "value"} | options
    return Drawing.from_model(_with_failure(model, failure, error), **options)


@contextmanager
def on_failure(path: str | PathLike[str], **options: Any) -> Iterator[None]:
    """Within it, an exception that comes out of a computation leaves a picture behind, and goes on its way.

        with tg.render.on_failure("failure.svg", names=net):
            loss = net(x)

    Args:
        path: of the file; the suffix decides its kind. A note on the exception says that it was written, or why not.
        **options: of `failed`.
    """
    try:
        yield
    except Exception as error:
        try:
            note = f"what there is of the graph is drawn in {failed(error, **options).save(path)}"
        except Exception as trouble:  # whatever it is, the first exception is the one to be seen
            note = f"the graph could not be drawn: {trouble}"
        error.add_note(note)
        raise


def _with_failure(model: GraphModel, failure: Failure, error: BaseException) -> GraphModel:
    """The graphs of the operands, and a card for what would have become of them."""
    words = f"{type(error).__name__}: {_MINUS.sub('−', clean(error, SAID))}"
    root = len(model.nodes)
    node = NodeModel(
        id=root, name=failure.name, derived="", op=failure.name, symbol=failure.symbol, role="intermediate",
        scope=failure.scope, kind=type(failure.operands[0]).__name__, requires_grad=False,
        value=Numbers((), "none", None), gradient=None, flags=("failed",), note=words,
    )  # fmt: skip
    ids = {x: i for i, x in enumerate(topological_order(failure.operands))}
    edges = [EdgeModel(ids[x], root, arg) for arg, x in enumerate(failure.operands)]
    nodes = [replace(each, role="intermediate") if each.role == "output" else each for each in model.nodes]
    return replace(
        model,
        root=root,
        nodes=(*nodes, node),
        edges=(*model.edges, *edges),
        findings=(Finding("failed", root, words),),
    )
