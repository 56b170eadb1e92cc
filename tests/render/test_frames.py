"""Frames and animations: nothing moves from one to the next, and they say what happens."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from html import unescape

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.errors import NotDifferentiableError, StaleValueError
from tinygrad_edu.render import Frames, draw_step
from tinygrad_edu.render.look.style import DARK, LIGHT
from tinygrad_edu.render.stepwise.film import film, pieces

SVG = "{http://www.w3.org/2000/svg}"


def tensors():
    rng = np.random.default_rng(3)
    x = tg.tensor(rng.normal(size=(8, 4)), name="X")
    w = tg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="W")
    b = tg.tensor(np.zeros(3), requires_grad=True, name="b")
    loss = tg.mean(tg.relu(x @ w + b))
    loss.name = "loss"
    return loss


def diamond():
    """c = b (b + a) with b = a²: 135 reaches a = 3 on three ways, 9 + 63 + 63."""
    a = tg.Scalar(3.0, "a")
    b = a * a
    b.name = "b"
    c = b * (b + a)
    c.name = "c"
    return c


def folded():
    x = tg.Scalar(0.5, "x")
    y = x
    for _ in range(200):
        y = y * 0.99 + 0.01
    return y


def boxes(picture):
    """The outline of every card: its corners, in points of the whole picture."""
    root = ElementTree.fromstring(picture)
    group = next(root.iter(f"{SVG}g"))
    found = {}
    for card in group.iter(f"{SVG}g"):
        title = card.find(f"{SVG}title")
        if (
            card.get("class", "").startswith("node")
            and title is not None
            and re.fullmatch(r"n\d+", title.text)
        ):
            outline = next(iter(card.iter(f"{SVG}path")))
            numbers = np.array([float(x) for x in re.findall(r"-?\d+\.?\d*", outline.get("d"))]).reshape(
                -1, 2
            )
            found[title.text] = (*numbers.min(0), *numbers.max(0))
    frame = [root.get("width"), root.get("height"), root.get("viewBox"), group.get("transform")]
    return frame, found


def words(picture):
    """All words of a picture, line by line."""
    return [unescape("".join(text.itertext())) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("make", ["neuron", tensors, diamond, folded])
def test_nothing_moves_from_frame_to_frame(make, neuron):
    frames = Frames(neuron() if make == "neuron" else make())
    chosen = frames if len(frames) < 20 else frames[::97]
    frame, places = boxes(chosen[0].svg())
    assert len(places) == len(frames.board.cards)
    for each in chosen:
        other, moved = boxes(each.svg())
        assert other == frame
        assert moved.keys() == places.keys()
        for card, place in places.items():
            assert moved[card] == pytest.approx(place, abs=0.01)


def test_the_frames_of_both_phases_and_single_ones_have_one_geometry(neuron):
    o = neuron()
    assert boxes(draw_step(o, 1, "forward").svg()) == boxes(draw_step(o, 4).svg())


def test_a_backward_step_at_the_blackboard():
    x, y, z = tg.Scalar(-2.0, "x"), tg.Scalar(5.0, "y"), tg.Scalar(-4.0, "z")
    q = x + y
    q.name = "q"
    f = q * z
    f.name = "f"
    said = words(draw_step(f, 1, title="The circuit of CS231n").svg())
    for line in (
        "The circuit of CS231n", "Backward step 1 of 2", "●○", "f = q × z", "∂f/∂q", "∂f/∂f × ∂f/∂q", "1 × z",
        "1 × (−4)", "−4", "✓ by differences",
        "— each input receives (upstream gradient) × (local derivative)",
    ):  # fmt: skip
        assert line in said
    said = words(draw_step(f, 2).svg())
    assert "∂f/∂q × ∂q/∂x" in said
    assert "−4 × 1" in said


def test_a_forward_step_at_the_blackboard():
    c = diamond()
    said = words(draw_step(c, 2, "forward").svg())
    for line in ("Forward step 2 of 3", "●●○", "b + a", "9 + 3", "12"):
        assert line in said
    assert said.count("?") == 1  # c, the last, is still to come
    assert said.count("—") == 4  # no gradient is there yet


def test_what_has_not_arrived_is_no_zero_and_what_accumulates_says_so():
    c = diamond()
    assert words(draw_step(c, 1).svg()).count("—") == 1  # a; b and b + a have received something
    said = words(draw_step(c, 3).svg())
    assert "already had 9 → now 72" in said
    assert "already had 72 → now 135" in said
    assert said.count("+=") == 2
    assert "135" in said


def test_arrays_at_the_blackboard():
    said = words(draw_step(tensors(), 4, title=None).svg())
    for line in ("X @ W", "Xᵀ @ G", "(8×4)ᵀ @ (8×3)", "norm"):
        assert line in said
    assert any("G = ∂(loss)/∂(X @ W)" in line for line in said)
    assert "summed over axis 0" in words(draw_step(tensors(), 3).svg())


@pytest.mark.parametrize(("theme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_the_active_operation_stands_out(theme, palette):
    source = draw_step(diamond(), 3, theme=theme).source
    cards = {line.partition(" ")[0]: line for line in source.splitlines() if re.match(r"n\d+ \[", line)}
    active = {name for name, line in cards.items() if f'color="{palette.accent}" penwidth=3.0' in line}
    assert active == {"n0", "n1"}
    chips = {name for name, line in cards.items() if f'BGCOLOR="{palette.accent_text}"' in line}
    assert chips == {"n1"}
    arrows = [line for line in source.splitlines() if line.startswith("n0->n1")]
    assert len(arrows) == 2  # a · a
    assert all("dir=back" in line and palette.accent in line and 'label="×3"' in line for line in arrows)
    others = [line for line in source.splitlines() if re.match(r"n\d+->", line) and line not in arrows]
    assert all("dir=forward" in line and palette.accent not in line for line in others)


def test_frames_are_drawings():
    frames = Frames(diamond(), "backward", title="Twice")
    assert len(frames) == 3
    assert [frame.options.subtitle for frame in frames] == [f"Backward step {k} of 3" for k in (1, 2, 3)]
    last = frames[-1]
    assert last.source == frames[2].source == draw_step(diamond(), 3, title="Twice").source
    assert last.png(40).startswith(b"\x89PNG")
    assert last.pdf().startswith(b"%PDF")
    assert [frame.source for frame in frames[1:]] == [frames[1].source, frames[2].source]
    with pytest.raises(IndexError):
        frames[3]


def test_many_inputs_are_not_all_written_out():
    xs = [tg.tensor(np.ones(2), requires_grad=True, name=f"x{i}") for i in range(9)]
    loss = tg.sum(tg.concatenate(xs))
    said = words(draw_step(loss, 2).svg())
    assert "… and 4 more inputs" in said


def test_a_wrong_rule_is_seen():
    square = tg.custom_vjp(lambda x: x * x, lambda g, y, x: g * 2.1 * np.asarray(x))
    loss = tg.sum(square(tg.tensor(np.array([1.0, 2.0]), requires_grad=True, name="x")))
    assert any(line.startswith("✗ by differences") for line in words(draw_step(loss, 2).svg()))


def test_what_cannot_be_drawn_says_why():
    c = diamond()
    for k in (0, 4, True, "1"):
        with pytest.raises(ValueError, match="there are backward steps 1 to 3, k = "):
            draw_step(c, k)
    with pytest.raises(ValueError, match="phase is forward or backward; 'both' came"):
        draw_step(c, 1, "both")
    with pytest.raises(ValueError, match="phase is one of forward, backward, both; 'up' came"):
        Frames(c, "up")
    with pytest.raises(ValueError, match="theme"):
        draw_step(c, 1, theme="blue")
    with pytest.raises(TypeError, match="a Scalar or a Tensor was expected, int came"):
        Frames(3)
    constant = tg.Scalar(1.0, "a", requires_grad=False)
    with pytest.raises(NotDifferentiableError, match="a requires no gradient"):
        draw_step(constant, 1)
    with pytest.raises(ValueError, match="there are no forward steps, k = 1 came"):
        draw_step(constant, 1, "forward")
    a = tg.Scalar(1.0, "a")
    f = a * 2.0
    a.assign(3.0)
    with pytest.raises(StaleValueError, match="a was assigned"):
        draw_step(f, 1)


@pytest.mark.parametrize(
    "name", ['"] ; evil [label="x', "<b>&", "", "\x01", "a\\N\nb", "n0->n1", "@TITLE", "\ue000", "🙂"]
)
def test_hostile_names(name, tmp_path):
    a = tg.Scalar(2.0, name)
    f = a * a
    f.name = name
    for frame in Frames(f):
        ElementTree.fromstring(frame.svg())
        assert frame.warnings == []
    ElementTree.parse(tg.animate(f, tmp_path / "film.svg"))
    assert "<script>" in tg.animate(f, tmp_path / "film.html").read_text(encoding="utf-8")


# ---- animations ----


def visible(picture, k, n):
    """The words of an animated picture that its style sheet shows in frame k of n."""
    rules = dict(re.findall(r"@keyframes (\w+) \{ (.*?) \}\n", picture.replace("@media", "}\n@media") + "\n"))
    assert rules
    at = 100 * (k + 0.5) / (n + 2)

    def shown(name):
        states = re.findall(r"([\d.]+)% \{ visibility: (\w+); \}", rules[name] + " }")
        return [state for percent, state in states if float(percent) <= at][-1] == "visible"

    found = []

    def walk(element):
        name = element.get("class", "")
        if re.fullmatch(r"f\d+", name) and not shown(name):
            return
        if element.tag == f"{SVG}text":
            found.append("".join(element.itertext()))
        for child in element:
            walk(child)

    walk(ElementTree.fromstring(picture))
    return found


def test_an_animated_picture_shows_the_frames_one_after_the_other(tmp_path, neuron):
    o = neuron()
    path = tg.animate(o, tmp_path / "steps.svg", fps=2, title="Steps")
    picture = path.read_text(encoding="utf-8")
    frames = Frames(o, title="Steps")
    for k, frame in enumerate(frames):
        assert sorted(visible(picture, k, len(frames))) == sorted(words(frame.svg()))
    assert "prefers-reduced-motion: reduce" in picture
    assert "<script" not in picture
    assert f"{(len(frames) + 2) / 2:g}s step-end infinite" in picture
    assert len(picture) < 0.6 * sum(len(frame.svg()) for frame in frames)  # what stays stands once


def test_without_motion_it_is_the_last_frame():
    frames = [frame.svg() for frame in Frames(diamond())]
    picture = film(frames, 1.0)
    still = {
        name for name, state in re.findall(r"\.(f\d+) \{ visibility: (\w+);", picture) if state == "hidden"
    }
    found = []

    def walk(element):
        if element.get("class") in still:
            return
        if element.tag == f"{SVG}text":
            found.append("".join(element.itertext()))
        for child in element:
            walk(child)

    walk(ElementTree.fromstring(picture))
    assert sorted(found) == sorted(words(frames[-1]))


def test_every_piece_is_seen_in_some_frame_and_every_frame_has_the_same_number():
    frames = [frame.svg() for frame in Frames(diamond())]
    _, found, _ = pieces(frames)
    counts = [sum(k in seen for _, seen in found) for k in range(len(frames))]
    assert len(set(counts)) == 1
    assert all(seen for _, seen in found)


def test_a_page_with_buttons(tmp_path):
    page = tg.animate(diamond(), tmp_path / "steps.html", title="<Twice>").read_text(encoding="utf-8")
    assert "<title>&lt;Twice&gt;</title>" in page
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=", page)
    assert "<li>Forward step 1 of 3: b = a × a, 3 × 3 = 9.</li>" in page
    assert (
        "<li>Backward step 3 of 3: b = a × a; input 1 receives 21 × 3, input 2 receives 21 × 3.</li>" in page
    )
    assert 'max="5"' in page
    assert not re.search(r"@[A-Z]{4}", page)


def test_a_gif(tmp_path):
    image = pytest.importorskip("PIL.Image")
    path = tg.animate(diamond(), tmp_path / "steps.gif", fps=4, phase="backward")
    with image.open(path) as film_:
        assert film_.n_frames == 3
        durations = []
        for k in range(3):
            film_.seek(k)
            durations.append(film_.info["duration"])
        assert durations == [250, 250, 750]
        assert film_.info["loop"] == 0


def test_a_gif_without_pillow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_edu\[gif\]'"):
        tg.animate(diamond(), tmp_path / "steps.gif")


def test_frames_as_files(tmp_path):
    paths = tg.animate(diamond(), tmp_path / "step-{k}.dot")
    assert [path.name for path in paths] == [f"step-{k}.dot" for k in range(1, 7)]
    assert paths[5].read_text(encoding="utf-8") == draw_step(diamond(), 3).source
    paths = tg.animate(diamond(), tmp_path / "folder", phase="backward")
    assert [path.name for path in paths] == ["frame-1.svg", "frame-2.svg", "frame-3.svg"]
    assert tg.animate(diamond(), tmp_path / "folder", phase="backward") == paths


def test_a_step_within_equal_parts_says_in_which():
    y = tg.Scalar(0.5, "x")
    for _ in range(14):
        y = tg.tanh(y * 0.99)
    frames = Frames(y, max_cards=10)
    assert len(frames[0].board.cards) < 10
    for k, frame in enumerate(frames):
        part = k // 2 + 1 if k < 28 else 14 - (k - 28) // 2
        assert f"in step {part} of 14" in frame.source


def test_what_cannot_be_animated_says_why(tmp_path):
    with pytest.raises(
        ValueError, match=r"one of the suffixes svg, gif, html was expected.*'steps.mp4' came"
    ):
        tg.animate(diamond(), tmp_path / "steps.mp4")
    with pytest.raises(ValueError, match=r"one of the suffixes .* was expected, 's-\{k\}.mp4' came"):
        tg.animate(diamond(), tmp_path / "s-{k}.mp4")
    for fps in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="a positive number of frames per second"):
            tg.animate(diamond(), tmp_path / "steps.svg", fps=fps)
    with pytest.raises(ValueError, match="nothing was computed"):
        tg.animate(tg.Scalar(1.0, "x"), tmp_path / "steps.svg")
    with pytest.raises(ValueError, match="at most 500 steps were expected, there are 800"):
        tg.animate(folded(), tmp_path / "steps.svg")
    assert list(tmp_path.iterdir()) == []
