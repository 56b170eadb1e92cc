"""Pictures of computation graphs: `tg.draw(loss)` shows what was computed, from what, and every gradient."""

from tinygrad_edu.render.diagnosis import diagnose
from tinygrad_edu.render.drawing import draw
from tinygrad_edu.render.engine import EngineError, engines
from tinygrad_edu.render.forms import Drawing
from tinygrad_edu.render.model import GraphModel, capture
from tinygrad_edu.render.plain import ModelError, load_model

__all__ = [
    "Drawing",
    "EngineError",
    "GraphModel",
    "ModelError",
    "capture",
    "diagnose",
    "draw",
    "engines",
    "load_model",
]
