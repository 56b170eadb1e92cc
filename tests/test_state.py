"""What is taken back within a block has never changed for the block around it."""

from __future__ import annotations

from tinygrad_edu.nn.parameter import Buffer
from tinygrad_edu.state import state_restored


def test_a_block_within_a_block() -> None:
    buffer = Buffer(1.0)
    with state_restored():
        with state_restored():
            buffer.value = 2.0
        assert buffer.value == 1.0
        buffer.value = 3.0
    assert buffer.value == 1.0
    with state_restored(), state_restored():
        buffer.value = 2.0
    assert buffer.value == 1.0
