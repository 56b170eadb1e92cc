"""The story: every step in the words, symbols and numbers that the page shows.

    ∂L/∂v₃ = ∂L/∂q × ∂q/∂v₃                    the chain rule, in symbols
    local derivative ∂q/∂v₃ = h₃ = −0.0825     what the rule says
    −0.0495 × (−0.0825) = 0.0041               and the chain rule in numbers

With every step come the gradients that have changed, as the cards are to show them from then on.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tinygrad_edu.render.folding import wording
from tinygrad_edu.render.graph.model import GraphModel, NodeModel
from tinygrad_edu.render.graph.numbers import Numbers, numbers
from tinygrad_edu.render.look.style import number, shape
from tinygrad_edu.render.stepwise.single import AT_A_KINK, Check
from tinygrad_edu.render.stepwise.steps import Contribution, Quantity, Step
from tinygrad_edu.render.stepwise.symbols import factor
from tinygrad_edu.render.vector.moment import state

_SHAPE = re.compile(r"\(\d+(?:×\d+)*\)")
Run = list[str]  # a piece of a line of numbers: its text, and its class if it has one


def told(step: Step, model: GraphModel, names: list[str]) -> dict[str, Any]:
    """One step as data for the page."""
    node = model.nodes[step.node]
    found: dict[str, Any] = {
        "phase": step.phase, "k": step.k, "n": step.n, "node": step.node, "operands": list(step.operands),
    }  # fmt: skip
    if step.phase == "forward":
        found |= {"title": step.expression, "shares": [{"lines": [], "sum": [[step.numbers, "numbers"]]}]}
        return found
    receivers = list(dict.fromkeys(names[c.to] for c in step.contributions))
    several = node.op == "add" and len(step.operands) > 2
    symbol = "Σ" if several else " ".join((node.symbol or "").split())
    found["title"] = f"Through {symbol} into {_listed(receivers)}"
    found["shares"] = [_share(c, node, model, names) for c in step.contributions]
    gradients = [(c.to, *look(model.nodes[c.to], c.after)) for c in step.contributions]
    if step.k == 1 and step.contributions:
        gradients.insert(0, (node.id, *look(node, step.contributions[0].upstream)))
    found["gradients"] = [list(each) for each in gradients]
    return found


def look(node: NodeModel, received: Quantity | None) -> tuple[str, str]:
    """The text of a gradient on a card, and its class."""
    as_numbers = numbers(received) if isinstance(received, float) else received
    graded = replace(node, gradient=as_numbers)
    if as_numbers != node.gradient:  # only in the end can one say that nothing has arrived
        graded = replace(graded, flags=tuple(flag for flag in node.flags if flag != "dead"))
    return wording.gradient(graded), state(graded)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nothing"


def _share(c: Contribution, node: NodeModel, model: GraphModel, names: list[str]) -> dict[str, Any]:
    """What one operand receives."""
    end, y, x = (factor(names[i]) for i in (model.root, node.id, c.to))
    if model.nodes[model.root].name is None:
        end, y = "L", "L" if node.id == model.root else y
    single = isinstance(c.share, float)
    lines, run = [], list[Run | str]()
    if c.local is not None:
        lines.append(f"∂{end}/∂{x} = ∂{end}/∂{y} × ∂{y}/∂{x}")
        value = number(c.local) if isinstance(c.local, float) else None
        told_by = [c.local_symbols] + ([value] if value is not None and value != c.local_symbols else [])
        lines.append(f"local derivative ∂{y}/∂{x} = " + " = ".join(told_by))
    else:
        lines.append(f"∂{end}/∂{x} = {c.local_symbols}, where G = ∂{end}/∂{y}")
    if c.note:
        lines.append(c.note)
    if single and isinstance(c.local, float) and isinstance(c.upstream, float):
        run += [[number(c.upstream), "grad"], " × ", [_bracketed(c.local), "value"], " = "]
    else:
        shapes = _SHAPE.findall(c.numbers)
        if single:
            lines.append(c.numbers)
        elif len(shapes if c.local is None else set(shapes)) > 1:  # that all are the same says nothing
            lines.append(f"in shapes: {c.numbers}")
        run += [f"∂{end}/∂{x} = " if single else f"|∂{end}/∂{x}| = "]
    run.append([_size(c.share), "grad result"])
    if isinstance(c.share, Numbers):
        run.append([f" {shape(c.share.shape)}", "shape"])
    if c.before is not None:
        had, has = (text if single else f"|grad| {text}" for text in (_size(c.before), _size(c.after)))
        lines.append(f"{names[c.to]} already had {had}; with this it has {has}")
    if c.check is not None:
        lines.append(_checked(c.check, single))
    return {"lines": lines, "sum": run}


def _checked(check: Check, single: bool) -> str:
    """What differences say of a share; of an array they are taken along one direction, in which it has another size."""
    if check.kink:
        return AT_A_KINK
    sign, numeric = "✓" if check.agrees else "✗", number(check.numeric)
    if single:
        return f"{sign} by differences: {numeric}"
    return f"along a random direction: {number(check.analytic)} by the rule, {numeric} by differences {sign}"


def _size(x: Quantity | None) -> str:
    """A single number, or the norm of an array."""
    if x is None or isinstance(x, float):
        return number(x)
    return number(x.norm) if x.norm is not None else wording.value(x)


def _bracketed(x: float) -> str:
    words = number(x)
    return f"({words})" if words.startswith("−") else words
