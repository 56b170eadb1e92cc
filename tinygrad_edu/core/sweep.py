"""The two sweeps along one graph.

    reverse   cotangents from the output to the leaves    x̄ = Σ over the users y of x:  ȳ · ∂y/∂x
    forward   tangents from the leaves to the outputs     ẏ = Σ over the operands x of y:  ∂y/∂x · ẋ

A node may pass its cotangent on when all of its users have sent it theirs. So the reverse sweep first counts
the users, and then visits a node when its count comes to nought (Kahn 1962). Neither sweep recurses, and
neither touches `.grad`: what to do with the derivatives is up to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from threading import RLock
from typing import Any, NamedTuple

from tinygrad_edu.core import node as graph
from tinygrad_edu.core.broadcasting import broadcast_to, shape_of, sum_to
from tinygrad_edu.core.node import Node, describe, leaf
from tinygrad_edu.core.primitive import MINUS_ONE, ONE, Primitive
from tinygrad_edu.core.recording import NEEDED, NOTHING, recording
from tinygrad_edu.errors import ShapeError, StaleValueError

# The counts and the cotangents under way are slots of the nodes: a table beside the graph takes twice the time.
# In return a thread waits while another sweeps, and a sweep within a sweep lays the outer one's marks aside.
_one_at_a_time = RLock()
_depth = 0


class Step(NamedTuple):
    """One visit of the reverse sweep: a node, its complete cotangent, and what it sent to which operand."""

    node: Node
    cotangent: Any
    sent: list[tuple[Node, Any]]


def topological_order(outputs: Iterable[Node]) -> list[Node]:
    """Every node that the outputs were computed from, operands first, in the order in which they were written."""
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[Any] = list(outputs)[::-1]
    while stack:
        node = stack.pop()
        if node is None:  # the operands of the node below are done
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None, *node.args[::-1])
    return order


def reverse_sweep(
    output: Node, cotangent: Any, *, create_graph: bool = False, keep: Iterable[Node] = (),
    stop: Iterable[Node] = (), observe: Callable[[Step], None] | None = None,
) -> dict[Node, Any]:  # fmt: skip
    """Carry the cotangent of the output to the leaves.

    Args:
        output: where to start; a node that requires a gradient, else nothing is found.
        cotangent: the derivative of the result by `output`: a value of its shape (a node, if that is to be
            differentiated too).
        create_graph: apply the rules to the nodes instead of their values, so that the derivatives are nodes
            and can be differentiated again.
        keep: inner nodes whose cotangents are wanted as well.
        stop: nodes that are leaves for the time of this sweep, which does not look at what they were computed from.
        observe: is shown every `Step`; for a stepper, a drawing, or the search for the first NaN.

    Returns:
        {leaf: its cotangent}, and those of the nodes to keep.

    Raises:
        StaleValueError: a leaf was assigned after it had been used.
    """
    global _depth
    found: dict[Node, Any] = {}
    if output.uses is None:
        return found
    kept, ends = frozenset(keep), frozenset(stop)  # not as lists, which would compare the values of nodes
    with _one_at_a_time:
        laid_aside = _lay_aside(output) if _depth else []
        _depth += 1
        try:
            _count_uses(output, ends)
            if create_graph:
                output.cotangent = cotangent if isinstance(cotangent, Node) else output.constant(cotangent)
                with recording(NEEDED):
                    _pull(output, found, kept, ends, True, observe)
            else:
                output.cotangent = cotangent
                _pull(output, found, kept, ends, False, observe)
        except BaseException:
            _lay_aside(output)
            raise
        finally:
            _depth -= 1
            for node, uses, held in laid_aside:
                node.uses, node.cotangent = uses, held
    return found


def _lay_aside(output: Node) -> list[tuple[Node, int, Any]]:
    """Clear the marks of a sweep that is under way or has failed, and return them."""
    marks = []
    for node in topological_order([output]):
        if node.uses is not None:
            marks.append((node, node.uses, getattr(node, "cotangent", None)))
            node.uses, node.cotangent = 0, None
    return marks


def _count_uses(output: Node, stop: frozenset[Node]) -> None:
    """Count how often every node is used on the way to the output."""
    stack = [output]
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        if stop and node in stop:
            continue
        x, b = node.a, node.b
        if type(x) is tuple:
            for x in node.a:
                n = x.uses
                if n is not None:
                    x.uses = n + 1
                    if not n:
                        x.cotangent = None
                        push(x)
            continue
        while x is not None:  # the short form: one operand, or two
            n = x.uses
            if n is not None:
                x.uses = n + 1
                if not n:
                    x.cotangent = None
                    push(x)
            x, b = b, None


def _pull(
    output: Node, found: dict[Node, Any], keep: frozenset[Node], stop: frozenset[Node], create_graph: bool,
    observe: Callable[[Step], None] | None,
) -> None:  # fmt: skip
    """Visit a node when it has received everything; it may be the last that others were waiting for."""
    ready = [output]
    push, pop = ready.append, ready.pop
    short, now = not create_graph and observe is None, graph.era
    special = bool(keep or stop or observe)
    value = attrgetter("value")
    node = output
    try:
        while ready:
            node = pop()
            g = node.cotangent
            node.cotangent = None  # dropped as soon as it is used
            op: Any = node.op
            if op is None:
                found[node] = node.like(g)
                continue
            if special:
                if node in stop:
                    found[node] = node.like(g)
                    continue
                if node in keep:
                    found[node] = g
                if graph.era != now:  # an observer may assign, too
                    _refuse_stale(node)
            if node.era != now:
                _refuse_stale(node)
            x, b = node.a, node.b
            if short and type(x) is not tuple:
                # The short form, nearly every node of a scalar graph: as below, but without a single list or tuple.
                a, both, rule = x, b, op.rules[0]
                while True:
                    n = x.uses
                    if n is not None:
                        if rule is ONE:
                            c = g
                        elif rule is MINUS_ONE:
                            c = -g
                        elif both is None:
                            c = g * rule(node.value, a.value)
                        else:
                            c = g * rule(node.value, a.value, both.value)
                        held = x.cotangent
                        x.cotangent = c if held is None else held + c
                        x.uses = n - 1
                        if n == 1:
                            push(x)
                    if b is None:
                        break
                    x, b, rule = b, None, op.rules[1]
                continue
            args, params = (x, b) if type(x) is tuple else (node.args, node.params)
            xs = args if create_graph else map(value, args)
            y = node if create_graph else node.value
            elementwise = op.elementwise
            inputs = (y, *xs) if elementwise else (g, y, *xs)
            rule_for = op.rule
            sent: list[tuple[Node, Any]] = []
            for i, x in enumerate(args):
                n = x.uses
                if n is None:
                    continue
                rule = rule_for(i)
                if rule is ONE:
                    c = g
                elif rule is MINUS_ONE:
                    c = -g
                else:
                    c = rule(*inputs, **params) if params else rule(*inputs)
                    if elementwise:
                        c = g * c
                if getattr(c, "shape", ()) != getattr(x.value, "shape", ()):
                    c = _unbroadcast(c, x, op, i)
                held = x.cotangent
                x.cotangent = c if held is None else held + c  # the first by reference: no zeros to add to
                x.uses = n - 1
                if n == 1:
                    push(x)
                if observe is not None:
                    sent.append((x, c))
            if observe is not None:
                observe(Step(node, g, sent))
    except Exception as error:
        error.add_note(f"in the reverse sweep, at {describe(node)}")
        raise


def _unbroadcast(c: Any, x: Node, op: Primitive, i: int) -> Any:
    """An elementwise operation repeated operand x, whose cotangent is the sum; any other rule must keep the shape."""
    if op.elementwise:
        return sum_to(c, shape=shape_of(x.value))
    raise ShapeError(
        f"the vjp of '{op.name}' with respect to operand {i} has shape {shape_of(c)}, but the operand has "
        f"{shape_of(x.value)}: a vjp must have the shape of its operand"
    )


def _refuse_stale(node: Node) -> None:
    op: Any = node.op
    for x in node.args:
        if x.op is None and x.era > node.era:
            raise StaleValueError(
                f"{describe(x)} was assigned after '{op.name}' had used it, so the derivative would mix two "
                f"values: run the forward pass again"
            )


def forward_sweep(
    outputs: Sequence[Node], tangents: dict[Node, Any], *, create_graph: bool = False
) -> list[Any]:
    """Carry tangents, {node: tangent}, to the outputs; None for an output where none arrives.

    Raises:
        StaleValueError: a leaf was assigned after it had been used.
    """
    known = dict(tangents)
    with recording(NEEDED if create_graph else NOTHING):
        for node in topological_order(outputs):
            if node.era != graph.era:
                _refuse_stale(node)
            for i, x in enumerate(node.args):
                if x in known and x.uses is not None:
                    t = _push(node, i, known[x], create_graph)
                    known[node] = known[node] + t if node in known else t
    return [known.get(node) for node in outputs]


def _push(node: Node, i: int, t: Any, create_graph: bool) -> Any:
    """The jvp with respect to operand i. It is never declared: it follows from the rule."""
    op: Any = node.op
    params = node.params
    y: Any = node if create_graph else node.value
    xs: Sequence[Any] = node.args if create_graph else [x.value for x in node.args]
    rule = op.rule(i)
    if op.elementwise:
        t = t if rule is ONE else -t if rule is MINUS_ONE else t * rule(y, *xs, **params)
        return t if shape_of(t) == shape_of(node.value) else broadcast_to(t, shape=shape_of(node.value))
    if op.linear:
        return op.call(*xs[:i], t, *xs[i + 1 :], **params)
    # A vjp is linear in g, and its transpose is the jvp: the cotangent that g receives when t is sent back.
    g = leaf(type(node), node.zeros(), True)
    with recording(NEEDED):
        pulled = rule(g, y, *xs, **params)
    found = (
        reverse_sweep(pulled, t, create_graph=create_graph, stop=(node, *node.args))
        if isinstance(pulled, Node)
        else {}
    )
    return found[g] if g in found else node.zeros()  # a rule without g: the derivative is 0
