"""A picture that follows its reader: light by day, dark where the reader's system is dark.

    <svg class="follows"> <style>@media (prefers-color-scheme: dark) { .follows [fill="#ffffff"] { fill: #14181d } …

The picture is laid out and coloured for a light page. Where every light colour has one dark counterpart, a style sheet
can put the one in the place of the other, and a viewer that knows no style sheets still shows the light picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache

from tinygrad_edu.render.look.style import DARK, LIGHT, Look, Palette, escape

FOLLOWS = "follows"  # the class of such a picture: pages may show others beside it
SCALES = "max-width:100%;height:auto"  # in a browser that has less room than the picture is wide
DARK_READER = "@media (prefers-color-scheme: dark)"


def dressed(picture: str, *, title: str, description: str, theme: str) -> str:
    """An engine's SVG with its title and description for those who cannot see it, and its style sheet if it follows."""
    before, tag, after = picture.partition("<svg ")
    attributes, end, inside = after.partition(">")
    says = f'role="img" style="{SCALES}" aria-label="{escape(title, 300)}"'
    about = f"\n<desc>{escape(description, 3000)}</desc>\n"
    if theme == "auto":
        says, about = f'{says} class="{FOLLOWS}"', f"{about}<style>\n{style_sheet()}\n</style>\n"
    return f"{before}{tag}{says} {attributes}{end}{about}{inside}"


def counterparts(light: Palette = LIGHT, dark: Palette = DARK) -> dict[str, str]:
    """{light colour: dark colour}; where one light colour has several uses, the first one counts."""
    pairs: dict[str, str] = {}
    for ours, theirs in zip(_colours(light), _colours(dark), strict=True):
        pairs.setdefault(ours.lower(), theirs.lower())
    return pairs


def _colours(palette: Palette) -> Iterator[str]:
    """All colours of a palette, in the order of their declaration."""
    for each in fields(palette):
        value = getattr(palette, each.name)
        for entry in value.values() if each.name == "roles" else [value]:
            if isinstance(entry, Look):
                yield from (entry.fill, entry.border, entry.tag)
            else:
                yield from ([entry] if isinstance(entry, str) else entry)


@cache
def style_sheet() -> str:
    """The rules that turn the colours of the light theme into those of the dark one."""
    rules = [
        f'.{FOLLOWS} [{paint}="{ours}"]{{{paint}:{theirs}}}'
        for ours, theirs in counterparts().items()
        for paint in ("fill", "stroke")
    ]
    return f"{DARK_READER} {{\n" + "\n".join(rules) + "\n}"
