"""Pictures of computation graphs: `tg.draw(loss)` shows what was computed, from what, and every gradient."""

from tinygrad_edu.render.drawing import Drawing, draw
from tinygrad_edu.render.engine import EngineError, engines
from tinygrad_edu.render.model import GraphModel, capture

__all__ = ["Drawing", "EngineError", "GraphModel", "capture", "draw", "engines"]
