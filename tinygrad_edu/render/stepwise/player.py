"""The player: the frames of a computation on a page, with buttons and keys to go back and forth.

It is one file that loads nothing. Without scripts it shows the last frame and the list of all steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.render.look.style import DARK, LIGHT, Palette, escape
from tinygrad_edu.render.look.themes import DARK_READER
from tinygrad_edu.render.stepwise.film import pieces
from tinygrad_edu.render.stepwise.steps import Step

EDGE = 41.0  # points from the edge of a frame to its first card, below which the buttons begin, too
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="@SCHEME">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>@TITLE</title>
<style>
@COLOURS
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 Helvetica, Arial, sans-serif; }
body { padding: 1rem clamp(0.5rem, 3vw, 2rem); }
main { width: min(100%, @WIDTHpt); margin: 0 auto; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; }
nav, details { padding-left: @EDGE%; }
nav { display: flex; gap: 0.5rem; align-items: center; margin: 1rem 0; flex-wrap: wrap; }
button { font: inherit; min-width: 2.75rem; min-height: 2.75rem; color: var(--ink); background: var(--paper);
  border: 1px solid var(--dim); border-radius: 0.5rem; cursor: pointer; }
input { accent-color: var(--accent); width: min(40rem, 60vw); }
details { color: var(--dim); }
[hidden] { display: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
</style>
</head>
<body>
<main>
<figure>
@PICTURE
</figure>
<nav hidden aria-label="steps">
<button id="first" aria-label="first step">|◀</button><button id="back" aria-label="one step back">◀</button>
<button id="play" aria-label="play">▷</button><button id="next" aria-label="next step">▶</button>
<input id="place" type="range" min="0" max="@LAST" value="@LAST" aria-label="step">
<span id="said" aria-live="polite"></span>
</nav>
<details><summary>All steps as text</summary>
<ol id="words">
@WORDS
</ol>
</details>
</main>
<script>
"use strict";
const moving = [...document.querySelectorAll("[data-f]")].map(e => [e, new Set(e.dataset.f.split(" ").map(Number))]);
const words = [...document.querySelectorAll("#words li")];
const get = id => document.getElementById(id);
let now = @LAST, timer = 0;
function show(k) {
  now = Math.max(0, Math.min(@LAST, k));
  for (const [e, seen] of moving) e.style.display = seen.has(now) ? "" : "none";
  get("place").value = now;
  get("said").textContent = `${now + 1} / ${@LAST + 1}`;
  get("place").setAttribute("aria-valuetext", words[now].textContent);
}
function stop() { clearInterval(timer); timer = 0; get("play").textContent = "▷"; }
function play() {
  if (timer) return stop();
  if (now === @LAST) show(0);
  get("play").textContent = "❚❚";
  timer = setInterval(() => now === @LAST ? stop() : show(now + 1), @PAUSE);
}
const acts = { first: () => show(0), back: () => show(now - 1), next: () => show(now + 1) };
for (const id in acts) get(id).onclick = () => { stop(); acts[id](); };
get("play").onclick = play;
get("place").oninput = e => { stop(); show(+e.target.value); };
document.onkeydown = e => {
  if (e.target.tagName === "INPUT" || e.ctrlKey || e.metaKey || e.altKey) return;
  const act = { ArrowLeft: acts.back, ArrowRight: acts.next, Home: acts.first, End: () => show(@LAST) }[e.key];
  if (act) { stop(); act(); e.preventDefault(); }
  if (e.key === " " && e.target.tagName !== "BUTTON" && e.target.tagName !== "SUMMARY") { play(); e.preventDefault(); }
};
document.querySelector("nav").hidden = false;
show(0);
</script>
</body>
</html>
"""


def player(frames: Sequence[str], steps: Sequence[Step], *, title: str, fps: float, theme: str) -> str:
    """Put frames on a page.

    Args:
        frames: SVG files, as `film` takes them.
        steps: what they show.
        title: of the window.
        fps: frames per second, when it plays.
        theme: "light", "dark" or "auto".
    """
    before, found, after = pieces(frames)
    width = float(before.partition('viewBox="')[2].split()[2])
    n = len(frames)
    body = []
    for text, seen in found:
        if len(seen) < n:
            still = "" if n - 1 in seen else ' style="display:none"'
            text = f'<g data-f="{" ".join(map(str, seen))}"{still}>{text}</g>'
        body.append(text)
    palettes = {"light": [LIGHT], "dark": [DARK], "auto": [LIGHT, DARK]}[theme]
    colours = [_variables(palette) for palette in palettes]
    parts = {
        "SCHEME": {"auto": "light dark"}.get(theme, theme), "TITLE": escape(title, 300), "LAST": str(n - 1),
        "COLOURS": "\n".join([colours[0], *(f"{DARK_READER} {{ {each} }}" for each in colours[1:])]),
        "WORDS": "\n".join(f"<li>{escape(in_words(step), 2000)}</li>" for step in steps),
        "WIDTH": f"{width:g}", "EDGE": f"{100 * EDGE / width:.2f}",
        "PAUSE": str(round(1000 / fps)), "PICTURE": before[before.index("<svg") :] + "".join(body) + after,
    }  # fmt: skip
    start, *rest = PAGE.split("@")
    return start + "".join(_filled(part, parts) for part in rest)


def _filled(part: str, parts: dict[str, str]) -> str:
    """A part of the page that begins with a place to fill; an at sign of a style sheet is no such place."""
    name = next((name for name in parts if part.startswith(name)), None)
    return f"@{part}" if name is None else parts[name] + part.removeprefix(name)


def in_words(step: Step) -> str:
    """A step as a sentence, for those who cannot see the picture."""
    start = f"{step.phase.capitalize()} step {step.k} of {step.n}: {step.expression}"
    if step.phase == "forward":
        return f"{start}, {step.numbers}."
    shares = [
        f"input {c.arg + 1} receives {c.numbers}" + (f" ({c.note})" if c.note else "")
        for c in step.contributions
    ]
    return f"{start}; {', '.join(shares)}."


def _variables(palette: Palette) -> str:
    colours = {"paper": palette.paper, "ink": palette.ink, "dim": palette.dim, "accent": palette.accent}
    return f":root {{ {' '.join(f'--{name}: {colour};' for name, colour in colours.items())} }}"
