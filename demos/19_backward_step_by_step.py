"""Backpropagation at the blackboard: every step in symbols and numbers, and as pictures that do not move.

    python demos/19_backward_step_by_step.py [FOLDER]

Prints the steps of f = (x + y) · z, the circuit of the CS231n lecture, and of a sum in which b is used twice. Saves
the frames of a neuron as an animated SVG and as a page with buttons; without a folder, into a new temporary one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import tinygrad_edu as tg
from tinygrad_edu.render import Step


def named(name: str, x: tg.Scalar) -> tg.Scalar:
    """Give a result a name, for the formulas."""
    x.name = name
    return x


def plain(x: float) -> str:
    """A number with a real minus sign."""
    return f"{x:g}".replace("-", "−")


def tell(step: Step, names: dict[int, str]) -> None:
    """Print a step: forward what is computed, backward what each operand receives."""
    made = step.numbers if step.phase == "forward" else ""
    print(f"  {step.k}/{step.n}  {step.expression:12} {made}".rstrip())
    for share in step.contributions:
        had = "" if share.before is None else f"   had {plain(share.before)}, now {plain(share.after)}"
        local = f"grad of {names[share.to]} {'+=' if had else '= '} upstream × ({share.local_symbols})"
        agrees = "✓" if share.check.agrees else "✗"
        print(f"       {local} = {share.numbers} = {plain(share.share)} {agrees}{had}")


def explain(f: tg.Scalar) -> None:
    """Print the forward pass of a computation, then the backward pass."""
    names = {i: node.name for i, node in enumerate(tg.topological_order([f]))}
    for phase in ("forward", "backward"):
        print(f"{phase.capitalize()}:")
        for step in tg.trace_steps(f, phase):
            tell(step, names)
    print()


def neuron() -> tg.Scalar:
    """The output o = tanh(x₁w₁ + x₂w₂ + b) of the micrograd lecture."""
    x1, w1, x2, w2 = (tg.Scalar(v, n) for n, v in (("x1", 2.0), ("w1", -3.0), ("x2", 0.0), ("w2", 1.0)))
    total = named("s", named("p", x1 * w1) + named("q", x2 * w2))
    return named("o", named("n", total + tg.Scalar(6.8813735870195432, "b")).tanh())


def main(folder: Path) -> None:
    """Explain two computations in words, and a neuron in pictures."""
    x, y, z = tg.Scalar(-2.0, "x"), tg.Scalar(5.0, "y"), tg.Scalar(-4.0, "z")
    explain(named("f", named("q", x + y) * z))

    a = tg.Scalar(3.0, "a")
    b = named("b", a * a)
    explain(named("c", b * named("d", b + a)))

    options = {"title": "Backpropagation through one neuron", "parameters": "w* b"}
    print(
        "Step 4 of the neuron as a picture:", tg.draw_step(neuron(), 4, **options).save(folder / "step_4.svg")
    )
    print("All steps, as an animation:", tg.animate(neuron(), folder / "steps.svg", **options))
    print("All steps, with buttons:", tg.animate(neuron(), folder / "steps.html", **options))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="steps_"))
    target.mkdir(parents=True, exist_ok=True)
    main(target)
