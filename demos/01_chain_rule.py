"""The chain rule, step by step: how the derivative of a neuron's output reaches its inputs.

    python demos/01_chain_rule.py [FOLDER]

Saves neuron.svg, with the local derivative on every arrow, into the folder; without one, into a new temporary folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tinygrad_edu as tg


def neuron() -> tuple[tg.Scalar, list[tg.Scalar]]:
    """The output o = tanh(x1 w1 + x2 w2 + b), and the leaves; every step of the computation has a name."""
    x1, x2 = tg.Scalar(2.0, "x1"), tg.Scalar(0.0, "x2")
    w1, w2, b = tg.Scalar(-3.0, "w1"), tg.Scalar(1.0, "w2"), tg.Scalar(6.8813735870195432, "b")
    p, q = x1 * w1, x2 * w2
    s = p + q
    n = s + b
    o = n.tanh()
    for node, name in ((p, "p"), (q, "q"), (s, "s"), (n, "n"), (o, "o")):
        node.name = name
    return o, [x1, w1, x2, w2, b]


def explain(step: tg.Step) -> None:
    """Print what a node sends to its operands. The local derivative is asked of the rule, not found by division."""
    node, upstream = step.node, step.cotangent
    operands = [x.value for x in node.args]
    for i, (x, share) in enumerate(step.sent):  # one for each operand: all of them want a derivative here
        rule = node.op.rule(i)
        local = rule if isinstance(rule, int) else rule(node.value, *operands)  # a constant rule is a number
        formula = f"∂o/∂{x.name:<2} += ∂o/∂{node.name} × ∂{node.name}/∂{x.name:<2}"
        print(f"    {formula} = {upstream:7.4f} × {local:7.4f} = {share:7.4f}")


def main(folder: Path) -> None:
    """Compute a neuron, sweep back through it, and draw it."""
    o, leaves = neuron()
    print("Forward: o = tanh(x1 w1 + x2 w2 + b), one operation at a time")
    for node in tg.topological_order([o]):
        made = f"{node.op.name}({', '.join(x.name for x in node.args)})" if node.op else ""
        print(f"    {node.name:<2} = {node.value:7.4f}   {made}".rstrip())

    print("\nBackward: a node sends each operand a share, upstream × local derivative = share")
    tg.reverse_sweep(o, 1.0, observe=explain)

    print("\nThe leaves add up the shares that they receive. The same sweep, by o.backward():")
    o.backward()
    for leaf in leaves:
        print(f"    ∂o/∂{leaf.name:<2} = {leaf.grad:7.4f}")
    print(f"\nThe rule of tanh, printed by itself: {tg.formula('tanh')}")

    picture = tg.draw(
        o, title="A single neuron", subtitle="after o.backward()", parameters="w* b", local=True
    )
    print(f"Drawn: {picture.save(folder / 'neuron.svg')}")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="chain_rule_"))
    target.mkdir(parents=True, exist_ok=True)
    main(target)
