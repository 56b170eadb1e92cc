"""A drawing as a page of its own: the picture, what it shows in sentences, and the graph as text.

It is one file without a script, which loads nothing, so it can be opened from anywhere and mailed to anyone. Colours
are those of the drawing's theme; the theme "auto" follows the reader's choice of light or dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape as markup

from tinygrad_edu.render.look.style import DARK, LIGHT, Palette, escape
from tinygrad_edu.render.look.themes import DARK_READER

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{scheme}">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{variables}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 Helvetica, Arial, sans-serif; }}
main {{ padding: 1rem clamp(0.5rem, 3vw, 2rem); }}
figure {{ margin: 0; }}
figure > div {{ overflow-x: auto; }}
svg {{ display: block; margin: 0 auto; max-width: 100%; height: auto; }}
figcaption, .notes, summary {{ max-width: 60rem; margin: 1rem auto; color: var(--dim); }}
.notes {{ color: var(--warning); }}
details {{ max-width: 60rem; margin: 0 auto; }}
summary {{ cursor: pointer; }}
pre {{ overflow-x: auto; font: 13px/1.45 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }}
:focus-visible {{ outline: 3px solid var(--accent); outline-offset: 2px; }}
</style>
</head>
<body>
<main>
<figure>
<div tabindex="0" role="region" aria-label="picture of the graph">
{svg}
</div>
<figcaption>{description}</figcaption>
</figure>
{notes}<details>
<summary>The graph as text</summary>
<pre>{text}</pre>
</details>
</main>
</body>
</html>
"""


def webpage(svg: str, *, title: str, description: str, notes: Iterable[str], text: str, theme: str) -> str:
    """Put a picture on a page.

    Args:
        svg: the picture; what stands before its element `svg` is left out.
        title: of the window.
        description: the picture in sentences.
        notes: what did not go as it should.
        text: the graph as text.
        theme: "light", "dark", or "auto".
    """
    palettes = {"light": [LIGHT], "dark": [DARK], "auto": [LIGHT, DARK]}[theme]
    warnings = "".join(f"<li>{escape(note, 1000)}</li>\n" for note in notes)
    return PAGE.format(
        scheme={"auto": "light dark"}.get(theme, theme), title=escape(title, 300), svg=svg[svg.index("<svg") :],
        variables="\n".join(
            _variables(palette) if i == 0 else f"{DARK_READER} {{ {_variables(palette)} }}"
            for i, palette in enumerate(palettes)
        ),
        description=escape(description, 3000), text=markup(text),
        notes=f'<ul class="notes">\n{warnings}</ul>\n' if warnings else "",
    )  # fmt: skip


def _variables(palette: Palette) -> str:
    colours = {
        "paper": palette.paper, "ink": palette.ink, "dim": palette.dim,
        "accent": palette.accent, "warning": palette.accent_text,
    }  # fmt: skip
    return f":root {{ {' '.join(f'--{name}: {colour};' for name, colour in colours.items())} }}"
