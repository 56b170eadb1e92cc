"""Pinned: many pictures of one layout.

    DOT  --engine-->  Layout;     DOT of the same cards with other numbers + Layout  -->  DOT that draws them there

A graph that jumps from picture to picture cannot be followed. So an engine arranges the cards once, and in every
picture each of them is told its place: Graphviz has a layout `nop2` that changes nothing and only draws.

This reads and writes the DOT of the chapter `dot`, which has every statement on a line of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import hypot

from tinygrad_edu.render.layout import engine as engines
from tinygrad_edu.render.look.metrics import text_width

LABEL, CLEAR = 11.0, 2.5  # the size of the largest label, and how far it keeps away from its line
HEAD = 7.0  # points from the tip of an arrow to where its line ends
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """The line of an arrow from card to card, and the middle of its label."""

    points: tuple[Point, ...]
    label: Point | None

    def pinned(self, backward: bool) -> str:
        """The line with a head at its end, or at its start."""
        points = list(self.points)
        tip = 0 if backward else -1
        tail = 1 if backward else -2
        (x, y), (a, b) = points[tip], points[tail]
        length = hypot(a - x, b - y) or 1.0
        points[tip] = (x + HEAD * (a - x) / length, y + HEAD * (b - y) / length)
        place = f"{'s' if backward else 'e'},{_point((x, y))} {' '.join(map(_point, points))}"
        at = f' lp="{_point(self.label)}"' if self.label else ""
        return f'pos="{place}"{at} dir={"back" if backward else "forward"}'


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in points; y grows upward.

    Attributes:
        width: of the whole.
        height: of the whole.
        boxes: {card or `rest`: place and size}, as DOT attributes.
        clusters: {cluster: its box and the place of its label}, likewise.
        curves: {(tail, head): the arrows between them, in their order}.
        legend: its place and size.
    """

    width: float
    height: float
    boxes: dict[str, str]
    clusters: dict[str, str]
    curves: dict[tuple[str, str], tuple[Curve, ...]]
    legend: str | None = None


def lay_out(source: str, cards: Iterable[int], engine: str = "auto") -> Layout:
    """Ask an engine where it would put everything.

    Raises:
        EngineError: no engine is there, or it took too long.
    """
    bare = source.replace("edge [", "edge [dir=none ", 1)  # lines from border to border
    answer = json.loads(engines.layout(bare, "json0", cards=list(cards), engine=engine)[0])
    width, height = _numbers(answer["bb"])[2:]
    boxes, clusters, names = {}, {}, {}
    for thing in answer.get("objects", ()):
        names[thing["_gvid"]] = name = thing["name"]
        if "bb" in thing:
            label = f' lp="{thing["lp"]}"' if "lp" in thing else ""
            clusters[name] = f'bb="{thing["bb"]}"{label}'
        elif "pos" in thing:
            size = f"width={thing['width']} height={thing['height']}"
            boxes[name] = f'pos="{thing["pos"]}" {size} fixedsize=true'
    arrows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for line in answer.get("edges", ()):
        arrows.setdefault((names[line["tail"]], names[line["head"]]), []).append(line)
    legend = None
    if "lp" in answer:
        legend = f'pos="{answer["lp"]}" width={answer["lwidth"]} height={answer["lheight"]} fixedsize=true'
    curves = {pair: _curves(lines) for pair, lines in arrows.items()}
    return Layout(width, height, boxes, clusters, curves, legend)


def _curves(lines: list[dict[str, str]]) -> tuple[Curve, ...]:
    """The arrows from one card to another; x · x has two, and the lower one is labelled below."""
    found: list[Curve] = []
    paths = [tuple(map(_read, line["pos"].split())) for line in lines]
    lowest = min(paths, key=lambda path: _middle(path)[1])
    for line, path in zip(lines, paths, strict=True):
        under = len(lines) > 1 and path == lowest
        label = _beside(path, line["label"], _read(line["lp"]), under) if "lp" in line else None
        found.append(Curve(path, label))
    return tuple(found)


def _middle(path: tuple[Point, ...]) -> Point:
    """The middle of a curve that is one piece."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = path[:4]
    return (ax + 3 * bx + 3 * cx + dx) / 8, (ay + 3 * by + 3 * cy + dy) / 8


def _beside(path: tuple[Point, ...], label: str, given: Point, under: bool) -> Point:
    """The middle of a label: beside the middle of a simple curve, above or under it; else where the engine put it."""
    if len(path) != 4:
        return given
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = path
    right, up = dx + cx - bx - ax, dy + cy - by - ay  # along the curve
    length = hypot(right, up) or 1.0
    side = -1 if (right < 0) != under else 1
    aside, above = -side * up / length, side * right / length
    half = text_width(label, LABEL) / 2
    room = abs(aside) * half + abs(above) * LABEL / 2 + CLEAR
    x, y = _middle(path)
    x, y = x + aside * room, y + above * room
    left, end = sorted((ax, dx))
    if end - left > 2 * half:  # as long as there is room for it between the cards
        x = min(max(x, left + half), end - half)
    return x, y


def pin(source: str, layout: Layout, arrow: Callable[[str, str], tuple[str, bool]]) -> list[str]:
    """The lines of a picture with every place in them, but without the brackets that close it.

    Args:
        source: DOT with the cards and arrows of that layout.
        layout: the places.
        arrow: (tail, head) → further attributes of the arrow, and whether it points backward.
    """
    used: dict[tuple[str, str], int] = {}
    lines = []
    for line in source.rstrip().removesuffix("}").rstrip().splitlines():
        if line.startswith("graph ["):
            line += ' [layout=nop2 label=""]'
        elif found := re.match(r"subgraph (\w+) \{ graph \[", line):
            line += f" [{layout.clusters[found[1]]}]" if found[1] in layout.clusters else ""
        elif found := re.match(r"(\w+)->(\w+)", line):
            pair = found[1], found[2]
            place = used[pair] = used.get(pair, -1) + 1
            more, backward = arrow(*pair)
            line += f" [{layout.curves[pair][place].pinned(backward)}{more}]"
        elif (found := re.match(r"(\w+) \[", line)) and found[1] in layout.boxes:
            line += f" [{layout.boxes[found[1]]}]"
        lines.append(line)
    return lines


def _read(text: str) -> Point:
    x, y = _numbers(text)
    return x, y


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _point(point: Point) -> str:
    return f"{point[0]:.2f},{point[1]:.2f}"
