"""Findings: what a doctor would say of a graph, each as a sentence about a node.

    nonfinite    the first NaN or ∞ of the forward pass, and how it came to be
    gradient     the same of the backward pass, if the forward pass was in order
    vanishing, exploding    the factor of the gradient per layer
    dead         parameters that learn nothing, and units of a ReLU that are 0 for every sample
    unused, detached, frozen    what no gradient reaches
    accumulated  gradients that hold more than one backward pass
    stale        values that are no longer those of the leaves

Each is found by a rule of its own, and none of them changes the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tinygrad_edu.core.node import Node
from tinygrad_edu.render.diagnosing.accumulated import accumulated, of_one_pass
from tinygrad_edu.render.diagnosing.dead_units import dead_activations
from tinygrad_edu.render.diagnosing.explanation import (
    backward_birth,
    backward_turned,
    first_place,
    forward_birth,
    turned,
)
from tinygrad_edu.render.diagnosing.flow import flow, verdicts
from tinygrad_edu.render.folding.fold import out_of_date
from tinygrad_edu.render.graph.backward import Watched, finite
from tinygrad_edu.render.graph.flags import is_broken
from tinygrad_edu.render.graph.model import Finding, GraphModel, NodeModel
from tinygrad_edu.render.look.style import clean, number, typeset

NAMED = 3  # of many, so many are named


def findings(model: GraphModel, nodes: Sequence[Node], seen: Watched) -> list[Finding]:
    """All that is found, the worst first.

    Args:
        model: what `capture` made.
        nodes: of the graph, in the order of the model.
        seen: the backward sweep.
    """
    found = [*_forward(model, nodes), *_backward(model, nodes, seen)]
    if not is_broken(model.nodes[model.root].value):  # else its gradients say nothing
        once = of_one_pass(model, nodes, seen)
        found += [
            *(Finding(*each) for each in verdicts(flow(once))),
            *_dead(model),
            *_accumulated(model, once),
        ]
    found += [*_dead_units(model, nodes), *_unreached(model)]
    if stale := out_of_date(model):
        found.append(Finding("stale", None, stale))
    return found


def healthy(model: GraphModel) -> str:
    """What was looked at and found in order."""
    gradients = [node for node in model.nodes if node.gradient is not None]
    values = f"{len(model.nodes)} values"
    if not gradients:
        return (
            f"nothing found: {values} are finite. No gradients were looked at: backward has not run from here"
        )
    layers = flow(model).layers
    size = ""
    if layers:
        norms = sorted(layer.norm for layer in layers)
        size = f", |grad| from {number(norms[0])} to {number(norms[-1])}"
    return (
        f"nothing found: {values} and {len(gradients)} gradients are finite{size}\n"
        f"nothing vanishes or explodes from layer to layer, and no parameter is dead, unused, detached or stale"
    )


def title_of(node: NodeModel) -> str:
    """A node in a sentence: its name, what computes it, and where."""
    name = clean(node.derived if node.name is None else typeset(node.name), 40)
    made = f" = {clean(node.derived, 40)}" if node.name is not None and node.op else ""
    return f"{name}{made}{f', in {node.scope}' if node.scope else ''}"


def bad_word(x: object) -> str:
    """`NaN`, `∞` or `−∞`: what the first element is that is not finite."""
    array = np.asarray(x)
    return number(float(array[first_place(array)]))


# ---- numbers that are none ----


def _forward(model: GraphModel, nodes: Sequence[Node]) -> Iterator[Finding]:
    origins = [node for node in model.nodes if "origin" in node.flags]
    if not origins:
        return
    first, node = origins[0], nodes[origins[0].id]
    tainted = sum("tainted" in each.flags for each in model.nodes)
    root = model.nodes[model.root]
    lost = [title_of(each) for each in model.nodes if each.op is None and is_broken(each.gradient)]
    if root is first:
        reach = ""
    elif is_broken(root.value):
        reach = f"; {tainted} value{'s' * (tainted > 1)} after it {'are' if tainted > 1 else 'is'} not finite either"
    else:
        reach = "; the output is finite all the same"
    if lost and is_broken(root.value):
        reach += f"; nor {'are the gradients' if len(lost) > 1 else 'is the gradient'} of {_list(lost)}"
    words = f"first {bad_word(node.value)} at {title_of(first)}: {forward_birth(node)}{reach}"
    yield Finding("nonfinite", first.id, words)
    for each in model.nodes:
        args = nodes[each.id].args
        if "tainted" in each.flags and each.value.nan and not any(np.isnan(x.value).any() for x in args):
            words = f"it becomes NaN at {title_of(each)}: {turned(nodes[each.id])}"
            yield Finding("nonfinite", each.id, words)
            break
    if others := origins[1:]:
        words = f"not finite by themselves, too: {_list(map(title_of, others))}"
        yield Finding("nonfinite", others[0].id, words)


def _backward(model: GraphModel, nodes: Sequence[Node], seen: Watched) -> Iterator[Finding]:
    ids = {node: i for i, node in enumerate(nodes)}
    births = [birth for birth in seen.births if "backward" in model.nodes[ids[birth.node]].flags]
    if births:
        birth = births[0]
        at = model.nodes[ids[birth.node]]
        arg = "" if birth.arg is None else title_of(model.nodes[ids[birth.node.args[birth.arg]]])
        lost = sum(is_broken(node.gradient) for node in model.nodes)
        reach = f"; {lost} gradients are not finite" if lost > 1 else ""
        what = "backward fails" if birth.error else "first gradient that is not finite, backward"
        yield Finding("gradient", at.id, f"{what} at {title_of(at)}: {backward_birth(birth, arg)}{reach}")
        if len(births) > 1:
            others = dict.fromkeys(title_of(model.nodes[ids[each.node]]) for each in births[1:])
            others.pop(title_of(at), None)
            if others:
                yield Finding("gradient", ids[births[1].node], f"and by themselves at {_list(others)}")
        yield from _backward_nan(model, nodes, seen)
    before = [
        node for node in model.nodes
        if is_broken(node.gradient) and node.op is None and finite(seen.cotangents.get(nodes[node.id], 0.0))
    ]  # fmt: skip
    if before and seen.cotangents:
        yield Finding(
            "gradient", before[0].id,
            f"the grad of {_list(map(title_of, before))} is not finite, but not by this graph: it was added to "
            f"something that had been there before",
        )  # fmt: skip


def _backward_nan(model: GraphModel, nodes: Sequence[Node], seen: Watched) -> Iterator[Finding]:
    """The first arrow, going backward, that an ∞ enters and a NaN leaves."""
    ids = {node: i for i, node in enumerate(nodes)}
    nan = {node for node, g in seen.cotangents.items() if np.isnan(g).any()}
    for each in reversed(model.nodes):
        node = nodes[each.id]
        g = seen.cotangents.get(node)
        if g is None or node in nan or finite(g):
            continue
        for arg, x in enumerate(node.args):
            if x in nan and (node, arg) in seen.sent:
                to = title_of(model.nodes[ids[x]])
                words = f"it becomes NaN on the way from {title_of(each)} to {to}: {backward_turned(node, arg, g)}"
                yield Finding("gradient", each.id, words)
                return


# ---- what does not learn ----


def _dead(model: GraphModel) -> Iterator[Finding]:
    dead = [node for node in model.nodes if "dead" in node.flags]
    norms = [
        node.gradient.norm or 0.0 for node in model.nodes if node.op is None and node.gradient is not None
    ]
    if dead:
        many = len(dead) > 1
        none = "0" if not any(node.gradient and node.gradient.norm for node in dead) else "nothing"
        beside = f" beside the largest, {number(max(norms))}" if max(norms) else ""
        yield Finding(
            "dead", dead[0].id,
            f"dead: the gradient{'s' * many} of {_list(map(title_of, dead))} {'are' if many else 'is'} {none}{beside}: "
            f"{'they learn' if many else 'it learns'} nothing",
        )  # fmt: skip


def _accumulated(model: GraphModel, once: GraphModel) -> Iterator[Finding]:
    more = accumulated(model, once)
    if more:
        node, held, one = max(more, key=lambda each: each[1])
        many = len(more) > 1
        whose = f"gradients of {len(more)} leaves hold" if many else f"gradient of {title_of(node)} holds"
        who = f" of {title_of(node)}" if many else ""
        yield Finding(
            "accumulated", node.id,
            f"accumulated: the {whose} more than this backward pass: |grad|{who} is {number(held)}, where one pass "
            f"gives {number(one)}: call zero_grad() before backward() unless the sum is meant",
        )  # fmt: skip


def _dead_units(model: GraphModel, nodes: Sequence[Node]) -> Iterator[Finding]:
    found = dead_activations(model, nodes)
    if found:
        worst = max(found, key=lambda i: found[i].share)
        dead, units, _ = found[worst]
        more = f", and there are some at {len(found) - 1} more" if len(found) > 1 else ""
        yield Finding(
            "dead", worst,
            f"dead units: {dead} of {units} are 0 for all samples at {title_of(model.nodes[worst])}{more}: what leads "
            f"to them learns nothing",
        )  # fmt: skip


def _unreached(model: GraphModel) -> Iterator[Finding]:
    by_id = {node.id: node for node in (*model.nodes, *model.unused)}
    idle = [node for node in model.unused if node.role == "parameter"]
    taken = {source for source, _ in model.detached}
    if idle:
        cut = [node for node in idle if node.id in taken]
        by = f" ({_list(map(title_of, cut))} only detached)" if cut else ""
        yield Finding(
            "unused", idle[0].id, f"unused: no path leads from {_list(map(title_of, idle))} to the output{by}"
        )
    if model.detached:
        pairs = [f"{title_of(by_id[a])} as {title_of(by_id[b])}" for a, b in model.detached]
        yield Finding(
            "detached",
            model.detached[0][1],
            f"detached: the value goes on and no gradient comes back: {_list(pairs)}",
        )
    still = [node for node in (*model.nodes, *model.unused) if node.role == "frozen"]
    if still:
        yield Finding("frozen", still[0].id, f"frozen, so not learned: {_list(map(title_of, still))}")


def _list(words: Iterable[str]) -> str:
    """`a, b and 4 more`."""
    names = list(words)
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
