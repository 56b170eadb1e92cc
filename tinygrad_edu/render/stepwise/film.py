"""Film: many frames as one SVG, in which what does not change stands once.

    frames of SVG  --split-->  pieces, each with the frames that it is seen in  -->  one SVG, timed by its style sheet

All frames have their elements in the same order, so element 17 of one frame and element 17 of the next are the same
card, perhaps with another number. Nothing runs in it: the browser's own style sheets show and hide the pieces. For
readers who have asked for less motion, and in viewers that know none, it is the last frame.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

SVG = "{http://www.w3.org/2000/svg}"
TOOLTIP = "{http://www.w3.org/1999/xlink}title"  # as Graphviz writes it
HERE = "\ue000"  # a private character: where the pieces go
_NAMESPACE = re.compile(r' xmlns(:\w+)?="[^"]*"')
HOLD = 3  # how many times longer the last frame is seen
Seen = tuple[int, ...]


def pieces(frames: Sequence[str]) -> tuple[str, list[tuple[str, Seen]], str]:
    """The frames cut up.

    Args:
        frames: SVG files with the same number of elements in their outermost group, as those of `Frames` are.

    Returns:
        What stands before the pieces, the pieces with the numbers of the frames that they are seen in, and the end.
    """
    ElementTree.register_namespace("", SVG[1:-1])
    roots = [ElementTree.fromstring(frame) for frame in frames]
    groups = [next(iter(root.iter(f"{SVG}g"))) for root in roots]
    for group in groups:
        for element in group.iter():
            element.tail = None
            element.attrib.pop("id", None)  # the same in several pieces
            element.attrib.pop(TOOLTIP, None)  # it has the numbers of one frame
    found = [piece for versions in zip(*map(list, groups), strict=True) for piece in _cut(versions)]
    last, group = roots[-1], groups[-1]
    for element in list(group):
        group.remove(element)
    group.text = HERE
    before, _, after = ElementTree.tostring(last, "unicode").rpartition(HERE)
    return before, found, after


def _cut(versions: Sequence[ElementTree.Element]) -> list[tuple[str, Seen]]:
    """One element as it is in each of the frames; of a group that stays, only what changes within it is cut out."""
    everywhere = tuple(range(len(versions)))
    seen: dict[str, list[int]] = {}
    for i, element in enumerate(versions):
        seen.setdefault(_written(element), []).append(i)
    if len(
        {(element.tag, tuple(element.attrib.items()), len(element)) for element in versions}
    ) > 1 or not len(versions[0]):
        return [(text, tuple(places)) for text, places in seen.items()]
    if len(seen) == 1:
        return [(_written(versions[0]), everywhere)]
    shell = ElementTree.Element(versions[0].tag, versions[0].attrib)
    shell.text = HERE
    opening, _, closing = _written(shell).partition(HERE)
    inside = [piece for parts in zip(*map(list, versions), strict=True) for piece in _cut(parts)]
    return [(opening, everywhere), *inside, (closing, everywhere)]


def _written(element: ElementTree.Element) -> str:
    return _NAMESPACE.sub("", ElementTree.tostring(element, "unicode"))


def film(frames: Sequence[str], seconds: float) -> str:
    """One SVG that shows the frames one after the other, each for so many seconds, the last for longer, and again."""
    before, found, after = pieces(frames)
    n = len(frames)
    total = n - 1 + HOLD
    classes: dict[Seen, str] = {}
    body = []
    for text, seen in found:
        if len(seen) < n:
            name = classes.setdefault(seen, f"f{len(classes)}")
            text = f'<g class="{name}">{text}</g>'
        body.append(text)
    rules = []
    for seen, name in classes.items():
        rest = "visible" if n - 1 in seen else "hidden"
        rules.append(
            f".{name} {{ visibility: {rest}; animation: {name} {seconds * total:g}s step-end infinite; }}\n"
            f"@keyframes {name} {{ {_keyframes(seen, n, total)} }}"
        )
    still = (
        "@media (prefers-reduced-motion: reduce) { "
        + "".join(f".{name} {{ animation: none; }} " for name in classes.values())
        + "}"
    )
    style = "<style>\n" + "\n".join([*rules, still]) + "\n</style>"
    return f"{before}{style}{''.join(body)}{after}\n"


def _keyframes(seen: Seen, n: int, total: int) -> str:
    """When a piece comes and goes, in percent."""
    states = [i in seen for i in range(n)]
    changes = [i for i in range(n) if i == 0 or states[i] != states[i - 1]]
    words = [
        f"{100 * i / total:.4f}% {{ visibility: {'visible' if states[i] else 'hidden'}; }}" for i in changes
    ]
    return " ".join([*words, f"100% {{ visibility: {'visible' if states[-1] else 'hidden'}; }}"])
