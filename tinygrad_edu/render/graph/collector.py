"""The garbage collector, at rest while something large is built.

Python looks for cycles after every few hundred new objects, among all that there are. Where millions are made and none
is given up, as in the model of a large graph, that is a third of the time, and finds nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Within it, or in a function that it decorates, cycles are not looked for; afterwards as before."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
