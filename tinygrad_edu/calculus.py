"""Derivatives of functions, made of the two sweeps.

    grad       ∇f of a function with one number as its result      one reverse sweep
    vjp        w ↦ wᵀ J                                            one reverse sweep each
    jvp        t ↦ J t                                             one forward sweep
    jacobian   J                                                   a reverse sweep for each output
    hvp        t ↦ H t, the derivative of ∇f in a direction        a forward sweep along the recorded ∇f
    hessian    H                                                   an hvp for each input

Functions take nodes or plain values: a number arrives as a Scalar, an array as a Tensor, and so does a number beside
arrays. Derivatives by plain values are plain, those by nodes are nodes, so they nest: `grad(grad(f))`. If f finds
something that requires a gradient in its surroundings, such as a parameter, they are nodes, too; within `no_grad()`
they are plain.

Every call makes fresh inputs of its own and no `.grad` is touched, so d/dx [x · d/dy (x + y)] is 1: what x is
elsewhere does not enter into d/dy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import Node, describe, value_of
from tinygrad_edu.core.recording import NEEDED, NOTHING, current, recording
from tinygrad_edu.core.sweep import forward_sweep, reverse_sweep, topological_order
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.inputs import among_arrays, fresh, places, refuse_places
from tinygrad_edu.operators import Operators

Function = Callable[..., Any]


def gradients(
    output: Any, inputs: Sequence[Any], cotangent: Any = None, *, create_graph: bool = False
) -> list[Any]:
    """The derivatives of a recorded output by some nodes, leaves or not; `.grad` of no node changes.

    Args:
        output: the node to differentiate.
        inputs: the nodes to differentiate by.
        cotangent: of the shape of the output; may be left out where that is one number, for 1.
        create_graph: return nodes, which can be differentiated again, instead of plain values.

    Returns:
        One derivative for each input; zeros where the output does not depend on it.

    Raises:
        NotDifferentiableError: the output depends on nothing that requires a gradient.
        TypeError: something else than one node to differentiate, and a sequence of nodes to differentiate by.
    """
    if not isinstance(output, Operators):
        raise TypeError(
            f"gradients: one node to differentiate was expected, {type(output).__name__} came: give several one "
            f"after the other, or join them with tg.stack"
        )
    inputs = inputs if isinstance(inputs, Node) or not isinstance(inputs, Iterable) else list(inputs)
    if not isinstance(inputs, list) or not all(isinstance(x, Node) for x in inputs):
        came = "other things among them" if isinstance(inputs, list) else f"a single {type(inputs).__name__}"
        raise TypeError(
            f"gradients: a sequence of nodes to differentiate by was expected, {came} came: write gradients(y, [x])"
        )
    if output.uses is None:
        raise NotDifferentiableError(
            f"gradients: {describe(output)} depends on nothing that requires a gradient: make a leaf with "
            f"requires_grad=True, and do not compute within no_grad()"
        )
    seed = output.seed(cotangent, as_node=create_graph)
    found = reverse_sweep(output, seed, create_graph=create_graph, keep=set(inputs))
    return [_own(found[x]) if x in found else _zeros(x, create_graph) for x in inputs]


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """∇f, of a function with one number as its result.

    Args:
        f: the function.
        argnums: which arguments to differentiate by: one, or several, for which a tuple comes back.

    Raises:
        ShapeError: f returns more than one number.
        TypeError, ValueError: `argnums` says something else than different arguments, by numbers.
        NotDifferentiableError: an argument is made of integers, or f returns what no node was computed for.
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **params: both(*args, **params)[1]


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The value of f and its gradient, from one forward pass and one sweep; otherwise like `grad`."""
    several = isinstance(argnums, Iterable)
    chosen = places(argnums)

    def both(*args: Any, **params: Any) -> tuple[Any, Any]:
        call = _Call(f, args, chosen, params)
        if call.output.shape != ():
            raise ShapeError(
                f"grad: a function with one number as its result was expected, one of shape {call.output.shape} "
                f"came: sum it, or use tg.vjp or tg.jacobian"
            )
        found = call.pull()
        return call.value, found if several else found[0]

    return both


def vjp(f: Function, *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f, and the function w ↦ wᵀ J: from a cotangent of the result, one of each argument."""
    call = _Call(f, args, range(len(args)))
    return call.value, call.pull


def jvp(f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of f, and J t: how it changes when the arguments move along their tangents.

    Raises:
        ShapeError: not one tangent for each argument, of its shape.
        TypeError: no sequences.
    """
    for what, xs in (("arguments", args), ("tangents", tangents)):
        if not isinstance(xs, list | tuple):  # an array would fall apart into numbers
            raise TypeError(
                f"jvp: a list or tuple of {what} was expected, {type(xs).__name__} came: write jvp(f, [x], [t])"
            )
    shapes, given = ([np.shape(value_of(x)) for x in xs] for xs in (args, tangents))
    if shapes != given:
        raise ShapeError(f"jvp: tangents of the arguments' shapes {shapes} were expected, {given} came")
    call = _Call(f, args, range(len(args)))
    nested = call.nested or any(isinstance(t, Node) for t in tangents)
    along = {x: _operand(t, x, nested) for x, t in zip(call.inputs, tangents, strict=True)}
    (t,) = forward_sweep([call.output], along, create_graph=nested)
    return call.value, _zeros(call.output, nested) if t is None else t


def jacobian(f: Function, argnum: int = 0) -> Function:
    """J, the derivative of every output by every input: of shape (*output shape, *input shape)."""
    chosen = places((argnum,))

    def matrix(*args: Any, **params: Any) -> Any:
        call = _Call(f, args, chosen, params)
        shape = call.output.shape
        if shape == ():
            return call.pull()[0]
        rows = [call.pull(e)[0] for e in _basis(shape)]
        if not rows:
            return np.zeros((*shape, *call.inputs[0].shape))
        return ops.reshape(ops.stack(rows), (*shape, *rows[0].shape))

    return matrix


def hvp(f: Function, x: Any, t: Any) -> Any:
    """H t, the derivative of ∇f along t, at about four times the cost of f and without H (Pearlmutter 1994)."""
    return jvp(grad(f), [x], [t])[1]


def hessian(f: Function) -> Function:
    """H, the second derivatives of a function with one number as its result: of shape (*shape, *shape)."""

    def matrix(x: Any) -> Any:
        shape = np.shape(value_of(x))
        if shape == ():
            return hvp(f, x, 1.0)
        columns = [hvp(f, x, e) for e in _basis(shape)]
        if not columns:
            return np.zeros((*shape, *shape))
        return ops.reshape(ops.stack(columns), (*shape, *shape))  # symmetric: a column is a row

    return matrix


class _Call:
    """One call of a function with fresh inputs, recorded, and what to differentiate it by."""

    def __init__(
        self, f: Function, args: Sequence[Any], chosen: Sequence[int], params: dict[str, Any] | None = None
    ) -> None:
        refuse_places(chosen, len(args))
        arguments, outside = list(args), current()
        # Those to differentiate by become nodes: of a list, too. Others are none of our business.
        beside_arrays = among_arrays(args) or any(isinstance(args[i], list | tuple) for i in chosen)
        with recording(NEEDED):
            for i in chosen:
                arguments[i] = fresh(arguments[i], beside_arrays)
            self.inputs: list[Any] = [arguments[i] for i in chosen]
            self.output: Any = f(*arguments, **(params or {}))
        if isinstance(self.output, list | tuple) and any(isinstance(y, Node) for y in self.output):
            raise NotDifferentiableError(
                f"the function returned a {type(self.output).__name__} of nodes, one node was expected: join them with "
                f"tg.stack"
            )
        if not isinstance(self.output, Node):
            raise NotDifferentiableError(
                f"the function returned a plain {type(self.output).__name__}, so nothing was recorded: compute it "
                f"from the arguments, and not by way of .numpy(), float() or .item()"
            )
        # By whatever else requires a gradient, even if f found it in its surroundings, an outer derivative may be.
        own = set(self.inputs)
        self.nested = outside.threshold != NOTHING and (
            any(isinstance(args[i], Node) for i in chosen)
            or any(
                node.op is None and node.uses is not None and node not in own
                for node in topological_order([self.output])
            )
        )

    @property
    def value(self) -> Any:
        return self.output if self.nested else self.output.value

    def pull(self, cotangent: Any = None) -> tuple[Any, ...]:
        seed = self.output.seed(cotangent, as_node=self.nested)
        found = reverse_sweep(self.output, seed, create_graph=self.nested, stop=self.inputs)
        return tuple(_own(found[x]) if x in found else _zeros(x, self.nested) for x in self.inputs)


def _operand(x: Any, like: Any, as_node: bool) -> Any:
    """X as the sweeps along `like` want it: a node, or a plain value."""
    node = x if isinstance(x, Node) else like.beside(x)
    return node if as_node else node.value


def _own(g: Any) -> Any:
    """A derivative that shares no memory with another: the sweep hands arrays on as they are."""
    return g.copy() if isinstance(g, np.ndarray) else g


def _zeros(x: Any, as_node: bool) -> Any:
    return _operand(x.zeros(), x, as_node)


def _basis(shape: Sequence[int]) -> Any:
    """The unit vectors of a space of arrays."""
    n = int(np.prod(shape))
    return np.eye(n).reshape(n, *shape)
