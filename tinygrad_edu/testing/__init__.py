"""For your own tests: the fixture `gradcheck` of the pytest plugin, and strategies for Hypothesis.

    def test_mine(gradcheck):                       gradcheck(f, x, w)

    @given(operands("softmax"))                     from tinygrad_edu.testing.strategies import operands
    def test_yours(call): ...

Neither pytest nor Hypothesis is needed to import this; the strategies are loaded by their own name.
"""

from tinygrad_edu.testing.fixture import GradCheck

__all__ = ["GradCheck"]
