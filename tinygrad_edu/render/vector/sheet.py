"""The style sheet of our own pictures: every colour a variable, every meaning a class.

    .parameter > .box { fill: var(--parameter-fill); stroke: var(--parameter-border) }

A picture in these classes has no colours in it: one and the same drawing is light or dark by the variables around it.
They follow the reader's system, or the attribute `data-theme` of the root.
"""

from __future__ import annotations

from tinygrad_edu.render.look.style import DARK, FONT, LIGHT, THEMES, Palette

DARK_READER = "@media (prefers-color-scheme: dark)"

RULES = f"""\
.graph text {{ font-family: {FONT}; }}
.graph .box {{ stroke-width: 1.2; }}
.graph .chip {{ fill: var(--chip); }}
.graph .symbol {{ fill: var(--chip-text); font-size: 11px; font-weight: bold; text-anchor: middle; }}
.graph .name {{ fill: var(--ink); font-size: 13px; font-weight: bold; }}
.graph .derived {{ fill: var(--dim); font-size: 11px; font-weight: normal; }}
.graph .tag {{ font-size: 9px; text-anchor: end; }}
.graph .label {{ fill: var(--value); font-size: 9px; }}
.graph .bars {{ fill: var(--value); }}
.graph .bars.back {{ fill: var(--gradient); }}
.graph .value, .graph .grad {{ fill: var(--value); font-size: 12px; font-weight: bold; text-anchor: end; }}
.graph .grad, .graph .label.grad {{ fill: var(--gradient); }}
.graph .label.grad {{ font-size: 9px; font-weight: normal; text-anchor: start; }}
.graph .pill {{ fill: var(--pill); }}
.graph .inset .pill {{ fill: none; }}
.graph .inset .name, .graph .inset .value, .graph .inset .grad {{ font-size: 11px; }}
.graph .shape {{ font-size: 9px; }}
.graph .leaves .box {{ stroke-width: 1; }}
.graph .bad > .pill, .graph .inset .bad > .pill {{ fill: var(--bad-fill); }}
.graph .bad > .grad, .graph .value.bad, .graph .dead > .grad, .graph .tag.bad {{ fill: var(--bad); }}
.graph .dead > .pill {{ fill: var(--paper); }}
.graph .link {{ fill: none; stroke: var(--line); stroke-width: 1.1; marker-end: url(#head); }}
.graph .link.omitted {{ stroke-dasharray: 5 3; }}
.graph .link.detached {{ stroke-dasharray: 1.5 3.5; stroke-width: 1.8; }}
.graph .link.tainted, .graph .breaks .link.gradient {{ stroke: var(--bad); stroke-width: 2.2; }}
.graph .link.tainted {{ marker-end: url(#bad-head); }}
.graph .breaks .link.gradient:not(.tainted) {{ marker-end: none; marker-start: url(#bad-head); }}
.graph #head path {{ fill: var(--line); }}
.graph #active-head path {{ fill: var(--accent); }}
.graph #bad-head path {{ fill: var(--bad); }}
.graph .along {{ fill: var(--dim); stroke: none; font-size: 9px; text-anchor: middle; }}
.graph .remark {{ fill: var(--bad); font-size: 10px; }}
.graph .group > rect {{ stroke: var(--group-border); fill: var(--group-0); }}
.graph .group.odd > rect {{ fill: var(--group-1); }}
.graph .group .name {{ fill: var(--dim); font-size: 11px; }}
.graph .group .kind {{ fill: var(--dim); font-size: 9px; }}
.graph .rest > .box {{ stroke-dasharray: 5 3; }}
.graph .card.bad > .box {{ fill: var(--bad-fill); stroke: var(--bad); stroke-width: 3; }}
.graph .card.pale > .box {{ fill: var(--pale); stroke: var(--bad); }}
.graph .card.open > .box {{ stroke-dasharray: 5 3; }}
.graph .card.highlight > .box {{ stroke: var(--accent); stroke-width: 3; }}
.graph .card.active > .box, .graph .inset.active > .hit {{ stroke: var(--accent); stroke-width: 3; }}
.graph .card.acting > .chip {{ fill: var(--accent-text); }}
.graph .link.active {{ stroke: var(--accent); stroke-width: 2.4; marker-end: url(#active-head); }}
.graph .link.reversed {{ marker-end: none; marker-start: url(#active-head); }}
.graph .hit {{ fill: transparent; }}
.graph .title {{ fill: var(--ink); font-size: 20px; font-weight: bold; }}
.graph .subtitle {{ fill: var(--dim); font-size: 12px; }}
.graph .caption {{ fill: var(--accent-text); font-size: 12px; }}
.graph .entry {{ fill: var(--dim); font-size: 10px; }}
.graph .sample {{ font-size: 10px; text-anchor: start; }}
.graph .bound {{ font-size: 9px; font-weight: normal; text-anchor: middle; }}
"""


def _role_rules() -> str:
    lines = []
    for role, look in LIGHT.roles.items():
        dashes = " stroke-dasharray: 5 3;" if look.dashed else ""
        width = f" stroke-width: {look.width};" if look.width != 1.2 else ""
        lines.append(
            f".graph .{role} > .box {{ fill: var(--{role}-fill); stroke: var(--{role}-border);{width}{dashes} }} "
            f".graph .{role} > .tag, .graph .{role} > .shape {{ fill: var(--{role}-tag); }}"
        )
    lines += [
        f".graph .s{place} > .pill {{ fill: var(--scale-{place}); }} "
        f".graph .s{place} > .grad {{ fill: var(--scale-text); }}"
        for place in range(len(LIGHT.scale))
    ]
    return "\n".join(lines) + "\n"


def rules() -> str:
    """What the classes of a picture look like."""
    return _role_rules() + RULES


def variables(palette: Palette) -> str:
    """The colours of a theme as CSS variables."""
    plain = (
        "paper", "ink", "dim", "value", "gradient", "pill", "line", "chip", "chip_text", "accent", "accent_text", "bad",
        "bad_fill", "pale", "group_border", "scale_text",
    )  # fmt: skip
    found = {name.replace("_", "-"): getattr(palette, name) for name in plain}
    found |= {f"group-{i}": colour for i, colour in enumerate(palette.groups)}
    found |= {f"scale-{i}": colour for i, colour in enumerate(palette.scale)}
    for role, look in palette.roles.items():
        found |= {f"{role}-fill": look.fill, f"{role}-border": look.border, f"{role}-tag": look.tag}
    return " ".join(f"--{name}: {colour.lower()};" for name, colour in found.items())


def themes(theme: str = "auto", root: str = ":root") -> str:
    """The variables of one theme, or of both: light, and dark where the reader wants it or `data-theme` says so.

    Raises:
        ValueError: a theme other than light, dark and auto.
    """
    if theme in THEMES:
        return f"{root} {{ {variables(THEMES[theme])} }}\n"
    if theme != "auto":
        raise ValueError(f"a theme was expected, light, dark or auto, {theme!r} came")
    light, dark = variables(LIGHT), variables(DARK)
    return (
        f"{root} {{ color-scheme: light; {light} }}\n"
        f'{DARK_READER} {{ {root}:not([data-theme="light"]) {{ color-scheme: dark; {dark} }} }}\n'
        f'{root}[data-theme="dark"] {{ color-scheme: dark; {dark} }}\n'
    )
