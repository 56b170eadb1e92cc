"""Pictures of computation graphs: `tg.draw(loss)` shows what was computed, from what, and every gradient.

    draw            a graph, in every form
    diagnose        the same, with what is wrong in it
    diff            two graphs, and what has changed
    trace_steps     the computation one operation at a time, and back; `draw_step`, `Frames` draw it, `animate` plays it
    explore         all of that as a page to walk through
    on_failure      what there is of a forward pass that failed

The chapters, each a package: `look` (colours, letters), `graph` (what there is), `folding` (what is drawn as one),
`layout` (cards as DOT, and engines), `vector` (SVG of our own), `stepwise`, `diagnosing`, `explorer`. Beside this file
stand the forms that a drawing has.

What a picture needs is loaded with it; the others come when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_edu.render.drawing import draw
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.graph.model import GraphModel, capture
from tinygrad_edu.render.layout.engine import EngineError, engines

if TYPE_CHECKING:
    from tinygrad_edu.render.diagnosing.diagnosis import diagnose
    from tinygrad_edu.render.diagnosing.difference import diff
    from tinygrad_edu.render.diagnosing.failure import failed, on_failure
    from tinygrad_edu.render.explorer import Page, explore
    from tinygrad_edu.render.plain import ModelError, load_model
    from tinygrad_edu.render.stepwise.animation import animate
    from tinygrad_edu.render.stepwise.frames import Frames, draw_step
    from tinygrad_edu.render.stepwise.steps import Contribution, Step, trace_steps

_LAZY = {
    "Contribution": "stepwise.steps", "Frames": "stepwise.frames", "ModelError": "plain", "Page": "explorer",
    "Step": "stepwise.steps", "animate": "stepwise.animation", "diagnose": "diagnosing.diagnosis", "diff":
    "diagnosing.difference", "draw_step": "stepwise.frames", "explore": "explorer", "failed":
    "diagnosing.failure", "load_model": "plain", "on_failure": "diagnosing.failure", "trace_steps":
    "stepwise.steps",
}  # fmt: skip

__all__ = [
    "Contribution", "Drawing", "EngineError", "Frames", "GraphModel", "ModelError", "Page", "Step", "animate",
    "capture", "diagnose", "diff", "draw", "draw_step", "engines", "explore", "failed", "load_model", "on_failure",
    "trace_steps",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tinygrad_edu.render' has no attribute '{name}'")
    found = getattr(import_module(f"tinygrad_edu.render.{_LAZY[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
