"""The chain rule, step by step: how the derivative of a neuron's output reaches its inputs.

python demos/01_chain_rule.py [FOLDER]        draws neuron.svg into the folder
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tinygrad_edu as tg


def main(folder: Path) -> None:
    """Compute a neuron, sweep back through it, and draw it."""
    x1, x2 = tg.Scalar(2.0, "x1"), tg.Scalar(0.0, "x2")
    w1, w2, b = tg.Scalar(-3.0, "w1"), tg.Scalar(1.0, "w2"), tg.Scalar(6.8813735870195432, "b")
    p, q = x1 * w1, x2 * w2
    s = p + q
    n = s + b
    o = n.tanh()
    for node, name in ((p, "p"), (q, "q"), (s, "s"), (n, "n"), (o, "o")):
        node.name = name

    print("Forward, o = tanh(x1·w1 + x2·w2 + b):")
    for node in tg.topological_order([o]):
        made = f" = {node.op.name}({', '.join(a.name for a in node.args)})" if node.op else ""
        print(f"    {node.name}{made} = {node.value:.4f}")

    print("\nBackward. A node sends each operand: its own derivative × the local derivative.")
    o.backward()

    def explain(step: tg.Step) -> None:
        g, y = step.cotangent, step.node.name
        for x, share in step.sent:
            local = share / g
            print(f"    ∂o/∂{x.name} += ∂o/∂{y} × ∂{y}/∂{x.name} = {g:.4f} × {local:.4f} = {share:.4f}")

    tg.reverse_sweep(o, 1.0, observe=explain)

    print("\nWhere they arrive:")
    for leaf in (x1, w1, x2, w2, b):
        print(f"    ∂o/∂{leaf.name} = {leaf.grad:.4f}")
    print("\nThe rule of tanh, as it has just run:", tg.formula("tanh"))

    picture = tg.draw(
        o, title="A single neuron", subtitle="after o.backward()", parameters="w* b", local=True
    )
    print("Drawn:", picture.save(folder / "neuron.svg").name)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.mkdir(parents=True, exist_ok=True)
        main(target)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
