"""The explorer: a page on which a learner walks through a computation, forward and backward."""

from tinygrad_edu.render.explorer.page import Page, explore

__all__ = ["Page", "explore"]
