"""The errors of this project: each says what was expected, what came, and what to do about it."""

from __future__ import annotations


class TinygradEduError(Exception):
    """The common base, so that one `except` can catch whatever this package refuses."""


class ShapeError(TinygradEduError, ValueError):
    """Shapes that do not fit together, where broadcasting would hide a mistake."""


class StaleValueError(TinygradEduError, RuntimeError):
    """A leaf was assigned between the forward pass that used it and the sweep: the derivative would be wrong."""


class NotDifferentiableError(TinygradEduError, TypeError):
    """A derivative was asked for where there is none: an integer, a value that was not recorded, a comparison."""


class GraphLostError(TinygradEduError, TypeError):
    """A conversion to a plain number or array that would silently cut the graph."""


class RegistrationError(TinygradEduError, TypeError):
    """A primitive that cannot be registered: above all, one without verification cases."""


class GradientMismatch(TinygradEduError, AssertionError):
    """A gradient that differs from its numerical value by more than the error of the latter."""


class FormatError(TinygradEduError, ValueError):
    """A file that is damaged, or is not what its name says, or asks for what no file of arrays should ask for."""
