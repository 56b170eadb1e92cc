"""Make the pictures of the documentation, and the page that shows them, docs/gallery.md.

    python docs/pictures/make_pictures.py            all of them
    python docs/pictures/make_pictures.py NAME …     some

A picture is a function below: its docstring is what the page says of it, its body the code that the page shows. The
networks start from fixed seeds, so the pictures change only when the code does.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import subjects

import tinygrad_edu as tg
from tinygrad_edu.render import animate, capture, diff, failed

HERE = Path(__file__).parent
GALLERY = HERE.parent / "gallery.md"


def neuron() -> Any:
    """A neuron.

    The operation is a dark chip, the value stands above, the gradient below it in a pill. What has no name is
    titled by its expression, in grey.
    """
    o = subjects.neuron()
    return tg.draw(
        o, title="A single neuron", parameters="w* b",
        subtitle="o = tanh(w₁·x₁ + w₂·x₂ + b)     after o.backward()",
    )  # fmt: skip


def neuron_local() -> Any:
    """Local derivatives.

    On an arrow stands the derivative of its head by its tail. A gradient is the sum, over the arrows that
    leave a card, of that number times the gradient at the head.
    """
    return tg.draw(
        subjects.neuron(), title="A single neuron, with local derivatives", parameters="w* b", local=True,
        subtitle="the number on an arrow is ∂(head)/∂(tail);  grad(tail) += grad(head) × that number",
    )  # fmt: skip


def neuron_dark() -> Any:
    """In the dark.

    As they are, pictures follow the reader: SVG and HTML turn dark where dark is wished for. `theme` decides
    it once.
    """
    return tg.draw(subjects.neuron(), title="A single neuron", parameters="w* b", theme="dark")


def step() -> Any:
    """A step back.

    The orange card passes its gradient on. What each operand gets is written out, and compared with a
    numerical derivative. Cards that have not been reached yet show a dash, and not 0.
    """
    return tg.draw_step(subjects.neuron(), 4, title="Backpropagation through one neuron", parameters="w* b")


def steps() -> Path:
    """All steps.

    The frames have one layout, so nothing jumps. This is an SVG that moves by itself; GIF, a page with
    buttons, and single frames are made in the same way.
    """
    path = animate(
        subjects.neuron(), HERE / "steps.svg", fps=0.5, title="Forward, and back", parameters="w* b"
    )
    assert isinstance(path, Path)
    return path


def perceptron() -> Any:
    """A network of single numbers.

    Leaves that one card alone uses are rows of that card, and chains of + are one Σ: 25 shapes would be 80
    otherwise.
    """
    return tg.draw(
        subjects.perceptron(), title="MLP 2 → 4 → 1, one sample", parameters="w* b* v* c",
        subtitle="ŷ = v·tanh(Wx + b) + c     L = (ŷ − target)²     after L.backward()",
    )  # fmt: skip


def network() -> Any:
    """A network of arrays.

    A value is the histogram of its elements, and mean ± standard deviation; a gradient its norm, on a scale
    of colours. The bias before the batch normalization is dead: the normalization takes it out again.
    """
    net, loss = subjects.network()
    return tg.draw(
        loss, names=net, title="Two-layer net with batch normalization",
        subtitle="batch of 8 · 3 features · 2 classes     histogram, mean ± std, gradient norm",
    )  # fmt: skip


def network_depth1() -> Any:
    """Modules as cards.

    With `depth=1` every module is one card, with its parameters as rows.
    """
    net, loss = subjects.network()
    return tg.draw(loss, names=net, depth=1, title="The same net, depth = 1")


def blocks() -> Any:
    """Equal blocks.

    They are drawn once, with a bar for each. Here the weights are half as large as they should be: the signal
    dies on its way from the left, and the gradient on its way from the right.
    """
    net, loss = subjects.blocks(12, scale=0.5)
    return tg.draw(loss, names=net, title="12 equal blocks, folded into one card")


def residual() -> Any:
    """A residual network.

    The same with a way around each block: nothing dies.
    """
    net, loss = subjects.residual()
    return tg.draw(loss, names=net, title="8 residual blocks")


def recurrent() -> Any:
    """An LSTM.

    Twenty steps, 379 operations: too many to draw, so the module is one card. What is not in the graph, such as
    the states at the start, is an input.
    """
    net, loss = subjects.recurrent()
    return tg.draw(loss, names=net, title="An LSTM over 20 steps")


def attention() -> Any:
    """Attention.

    One input becomes queries, keys and values. Changes of shape are words on the arrows.
    """
    net, loss = subjects.attention()
    return tg.draw(loss, names=net, title="Multi-head attention")


def tied() -> Any:
    """Shared weights.

    A matrix that is used twice has two arrows, and the sum of two gradients.
    """
    return tg.draw(subjects.tied(), title="An autoencoder with one matrix")


def long_chain() -> Any:
    """Three hundred layers.

    603 nodes on two cards, with W = 0.9 · rotation.
    """
    return tg.draw(subjects.long_chain(), title="h ← tanh(h W), three hundred times")


def first_nan() -> Any:
    """Where did the NaN come from?

    A feature that is constant has the variance 0. The card where ∞ was born is red, and so is the way that it took.
    """
    net, loss = subjects.constant_feature()
    return tg.diagnose(loss, names=net)


def vanishing() -> Any:
    """Vanishing gradients.

    What a picture shows is also said in words, with the factor for each layer.
    """
    net, loss = subjects.blocks(12, scale=0.5)
    return tg.diagnose(loss, names=net)


def what_does_not_learn() -> Any:
    """What does not learn.

    A frozen matrix, a gate that `detach` makes a constant, a layer that is never called.
    """
    net, frozen, loss = subjects.sick()
    return tg.diagnose(loss, names=net, parameters=[net, frozen])


def wrong_rule() -> Any:
    """A wrong derivative.

    What a gradient check has found is red in the picture.
    """
    x = tg.tensor([0.5, -1.0, 2.0], requires_grad=True, name="x")

    def cube(x: Any) -> Any:
        return x**3

    y = (tg.custom_vjp(cube, lambda g, y, x: g * 2 * x**2)(x.tanh()) * 2).sum()  # 3 x² would be right
    y.name = "y"
    y.backward()
    return tg.draw(y, report=tg.check_graph(y), title="A wrong derivative")


def change() -> Any:
    """Training and use.

    The same network in training and in eval: what has gone is dashed, what has come is green, what has
    changed says from what to what.
    """
    net, loss = subjects.network()
    training = capture(loss, names=net)
    net.eval().zero_grad()
    _, in_use = subjects.loss_of(net, 8, 3)
    return diff(training, in_use, names=net, title="From training to eval")


def failure() -> Any:
    """A forward pass that fails.

    What there was is drawn, up to the operation that did not come about.
    """
    net = subjects.Net(rng=np.random.default_rng(0))
    x = tg.tensor(np.zeros((8, 3)), name="x")
    try:
        net.fc2(net.fc1(x).reshape(4, 8))
    except tg.errors.ShapeError as error:
        return failed(error, names=net)


PICTURES: tuple[Callable[[], Any], ...] = (
    neuron, neuron_local, neuron_dark, step, steps, perceptron, network, network_depth1, blocks, residual, recurrent,
    attention, tied, long_chain, first_nan, vanishing, what_does_not_learn, wrong_rule, change, failure,
)  # fmt: skip
INTRODUCTION = """# Gallery

Every picture is drawn by the lines below it; `subjects` is [docs/pictures/subjects.py](pictures/subjects.py), which
computes something. [Drawing](drawing.md) explains what the pictures mean, and what else can be asked of them.

This page is made by `python docs/pictures/make_pictures.py`.
"""


def page() -> str:
    """The gallery as Markdown."""
    return "\n".join([INTRODUCTION, *map(_entry, PICTURES)])


def _entry(picture: Callable[[], Any]) -> str:
    title, _, words = inspect.cleandoc(picture.__doc__ or "").partition("\n")
    title = title.rstrip(".")
    body = inspect.getsource(picture).split('"""', 2)[2]
    code = textwrap.dedent(body).strip("\n").replace("  # fmt: skip", "")
    return (
        f"## {title}\n\n{words.strip()}\n\n![{title}](pictures/{picture.__name__}.svg)\n\n```\n{code}\n```\n"
    )


def main(names: list[str]) -> None:
    """Write the pictures of these names, or all; and the page."""
    for picture in PICTURES:
        name = picture.__name__
        if names and name not in names:
            continue
        drawn = picture()
        written = [drawn if isinstance(drawn, Path) else drawn.save(HERE / f"{name}.svg")]
        if name in ("neuron", "network"):  # for places that show no SVG; kept below 200 KB
            written.append(HERE / f"{name}.png")
            written[-1].write_bytes(drawn.png(dpi=110 if name == "neuron" else 88))
        for path in written:
            print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB", *getattr(drawn, "warnings", ()))
    GALLERY.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
