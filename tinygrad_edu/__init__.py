"""tinygrad_edu: automatic differentiation to be read like a textbook and trusted like a library.

    import tinygrad_edu as tg

    x = tg.Scalar(2.0)                  a number in a graph
    y = x * x + 1
    y.backward()
    x.grad                              4.0

    tg.grad(f), tg.check(f, x), tg.draw(y), tg.explore(y), tg.formula("tanh"), tg.nn, tg.init, tg.optim, tg.data

Importing it loads NumPy and the engine; layers, checks and drawings are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu import errors, ops
from tinygrad_edu.calculus import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_edu.core.cases import case
from tinygrad_edu.core.node import Node
from tinygrad_edu.core.primitive import elementwise, multilinear, primitive, registry
from tinygrad_edu.core.recording import no_grad, scope
from tinygrad_edu.core.sweep import Step, forward_sweep, reverse_sweep, topological_order
from tinygrad_edu.formula import formula
from tinygrad_edu.operators import Operators
from tinygrad_edu.ops import *
from tinygrad_edu.scalar import Scalar
from tinygrad_edu.tensor import Tensor, tensor

if TYPE_CHECKING:
    from tinygrad_edu import data, diagnostics, nn, optim, render, saving, training, verify
    from tinygrad_edu.custom import custom_vjp
    from tinygrad_edu.nn import init
    from tinygrad_edu.render import animate, diagnose, draw, draw_step, explore, trace_steps
    from tinygrad_edu.suite.power import power as check_power
    from tinygrad_edu.verify import check, check_graph, check_training, error_curve

__version__ = "0.1.0"

# What is loaded on first use: its module, and its name there (None: the module itself).
_LAZY = {
    "check": ("tinygrad_edu.verify", "check"), "draw": ("tinygrad_edu.render", "draw"),
    "animate": ("tinygrad_edu.render", "animate"),
    "diagnose": ("tinygrad_edu.render", "diagnose"), "draw_step": ("tinygrad_edu.render", "draw_step"),
    "explore": ("tinygrad_edu.render", "explore"), "trace_steps": ("tinygrad_edu.render", "trace_steps"),
    "check_power": ("tinygrad_edu.suite.power", "power"), "error_curve": ("tinygrad_edu.verify", "error_curve"),
    "check_graph": ("tinygrad_edu.verify", "check_graph"),
    "check_training": ("tinygrad_edu.verify", "check_training"),
    "custom_vjp": ("tinygrad_edu.custom", "custom_vjp"),
    "data": ("tinygrad_edu.data", None), "diagnostics": ("tinygrad_edu.diagnostics", None),
    "init": ("tinygrad_edu.nn.init", None), "nn": ("tinygrad_edu.nn", None),
    "optim": ("tinygrad_edu.optim", None), "render": ("tinygrad_edu.render", None),
    "saving": ("tinygrad_edu.saving", None),
    "training": ("tinygrad_edu.training", None), "verify": ("tinygrad_edu.verify", None),
}  # fmt: skip

__all__ = [
    "Node", "Scalar", "Step", "Tensor", "animate", "case", "check", "check_graph", "check_power", "check_training",
    "custom_vjp", "data", "diagnose", "diagnostics", "draw", "draw_step", "elementwise", "error_curve", "errors",
    "explore", "formula", "forward_sweep", "grad", "gradients", "hessian", "hvp", "init", "jacobian", "jvp",
    "multilinear", "nn", "no_grad", "ops", "optim", "primitive", "registry", "render", "reverse_sweep", "saving",
    "scope", "tensor", "topological_order", "trace_steps", "training", "value_and_grad", "verify", "vjp", *ops.__all__,
]  # fmt: skip


def _render(self: Node, path: str | PathLike[str], **options: Any) -> Path:
    """Draw the graph that this node was computed by into a file, `y.render("net.svg")`.

    The suffix decides its kind: .svg, .png, .pdf, .html, .dot, .mmd (Mermaid), .json or .txt. The options are those of
    `draw`.
    """
    from tinygrad_edu.render import draw

    return draw(self, **options).save(path)


Operators.render = _render  # type: ignore[method-assign]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'tinygrad_edu' has no attribute '{name}'")
    module, attribute = _LAZY[name]
    found = import_module(module)
    found = found if attribute is None else getattr(found, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
