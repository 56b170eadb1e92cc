"""Recurrent layers: a cell goes along a sequence, and hands its state on.

    h₀ → step(x₁) → h₁ → step(x₂) → h₂ → … → h_T        the output is h₁ … h_T

The graph is as long as the sequence, with the same parameters in every step. Its backward pass goes through the steps
in reverse, and adds up what each of them says of the parameters: "backpropagation through time" (Werbos 1990) is no
more. What h_T owes to h₀ is a product of T matrices, which vanishes or explodes (Bengio, Simard and Frasconi 1994).

Several layers are stacked: the outputs of one are the inputs of the next. With `bidirectional` each has a second cell
that reads the sequence from its end, and the outputs of both stand side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.recurrent_cell import GRU_KIND, LSTM_KIND, NAMES, Recurrence, State, joined, plain
from tinygrad_edu.types import Operand


def elements(x: Operand, axis: int) -> list[Operand]:
    """x[0], x[1], … along an axis, at least one.

    By halves: going back, each piece is put into zeros of the size of what it was cut from, so that T elements move
    T log T numbers and not T².
    """

    def cut(x: Operand, where: int | slice) -> Operand:
        return ops.getitem(x, (*(slice(None),) * axis, where))

    n = np.shape(value_of(x))[axis]
    if n == 1:
        return [cut(x, 0)]
    return elements(cut(x, slice(n // 2)), axis) + elements(cut(x, slice(n // 2, n)), axis)


class Recurrent(Recurrence):
    """What RNN, LSTM and GRU share: the way along the sequence.

    Args:
        input_size: of an element of the sequence, ≥ 1.
        hidden_size: of the state, ≥ 1.
        num_layers: ≥ 1, one above the other.
        batch_first: x is (batch, time, input) instead of (time, batch, input), and so is the output.
        dropout: the probability in [0, 1) with which a number on its way from one layer to the next is left out in
            training.
        bidirectional: whether each layer also reads from the end.
        rng: where the initial weights and the dropout's masks come from.
        others: bias, init and dtype, see `Recurrence`.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, *, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, rng: np.random.Generator, **others: Any,
    ) -> None:  # fmt: skip
        if not counts(num_layers):
            raise ValueError(f"{type(self).__name__}: at least 1 layer was expected, {num_layers} came")
        self.num_layers, self.batch_first, self.bidirectional = num_layers, batch_first, bidirectional
        sizes = [input_size] + [hidden_size * (1 + bidirectional)] * (num_layers - 1)
        steps = {suffix: sizes[i] for i in range(num_layers) for suffix in self.suffixes(i)}
        super().__init__(input_size, hidden_size, steps, rng=rng, **others)
        self.dropout = Dropout(dropout, rng=rng)

    def suffixes(self, i: int) -> list[str]:
        """Of the names of the parameters of layer i, for each direction."""
        return [f"_l{i}", f"_l{i}_reverse"][: 1 + self.bidirectional]

    def forward(self, x: Operand, state: Any = None) -> tuple[Operand, Any]:
        """Go through sequences.

        Args:
            x: (time, batch, input), or (batch, time, input) if `batch_first`.
            state: to begin with, h (layers · directions, batch, hidden), or (h, c) of an LSTM; zeros by default.

        Returns:
            The outputs of the last layer, (time, batch, directions · hidden) or as x, and the state at the end, of the
            form of `state`.

        Raises:
            ShapeError: x or the state has another shape, or there is no time.
            TypeError: an array was put in the place of a parameter.
        """
        suffixes = [self.suffixes(i) for i in range(self.num_layers)]
        self.require_nodes(*(name + suffix for of_layer in suffixes for suffix in of_layer for name in NAMES))
        shape = np.shape(value_of(x))
        if len(shape) != 3 or shape[2] != self.input_size or not shape[int(self.batch_first)]:
            axes = "batch, time" if self.batch_first else "time, batch"
            raise ShapeError(f"{self.title()}: x ({axes}, {self.input_size}) was expected, {shape} came")
        time = int(self.batch_first)
        batch, cells = shape[1 - time], sum(map(len, suffixes))
        begin = self.parts(state, (cells, batch, self.hidden_size), vars(self)["weight_hh_l0"].dtype)
        outputs = elements(x, time)
        ends: list[State] = []
        for i, of_layer in enumerate(suffixes):
            if i:
                outputs = [self.dropout(y) for y in outputs]
            directions = []
            for suffix in of_layer:
                before = tuple(ops.getitem(part, len(ends)) for part in begin)
                hidden, end = self._along(outputs, before, suffix)
                directions.append(hidden)
                ends.append(end)
            outputs = [
                both[0] if len(both) == 1 else ops.concatenate(both, axis=-1)
                for both in zip(*directions, strict=True)
            ]
        end_state = tuple(ops.stack(part) for part in zip(*ends, strict=True))
        return ops.stack(outputs, axis=time), self.whole(end_state)

    def _along(self, xs: list[Operand], state: State, suffix: str) -> tuple[list[Operand], State]:
        """All the h, in the order of xs, and the state at the end of the way."""
        backwards = suffix.endswith("reverse")
        hidden = []
        for x in reversed(xs) if backwards else xs:
            state = self.stepped(x, state, suffix)
            hidden.append(state[0])
        return hidden[::-1] if backwards else hidden, state

    def extra_repr(self) -> str:
        """The sizes, and what is not usual."""
        parts = [super().extra_repr()] + [f"{self.num_layers} layers"] * (self.num_layers > 1)
        parts += ["batch first"] * self.batch_first + ["bidirectional"] * self.bidirectional
        return ", ".join(parts)


@verified(
    layer(lambda rng: RNN(1, 2, 2, rng=rng), real(2, 2, 1), real(2, 2, 2), batch=1,
          call=lambda f, x, h: joined(f(x, h))),
    layer(lambda rng: RNN(2, 1, bidirectional=True, batch_first=True, bias=False, rng=rng), real(2, 3, 2),
          call=lambda f, x: joined(f(x))),
)  # fmt: skip
class RNN(Recurrent):
    """A plain recurrent network. See `Recurrent`; `nonlinearity` is "tanh" or "relu"."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        **others: Any,
    ) -> None:
        self.kind = plain("RNN", nonlinearity)
        super().__init__(input_size, hidden_size, num_layers, **others)


@verified(
    layer(lambda rng: LSTM(1, 1, 2, rng=rng), real(2, 2, 1), real(2, 2, 1), real(2, 2, 1), batch=1,
          call=lambda f, x, h, c: joined(f(x, (h, c)))),
    layer(lambda rng: LSTM(1, 1, bidirectional=True, batch_first=True, bias=False, rng=rng), real(2, 2, 1),
          call=lambda f, x: joined(f(x))),
)  # fmt: skip
class LSTM(Recurrent):
    """Long short-term memory. See `Recurrent`; the state is (h, c)."""

    kind = LSTM_KIND


@verified(
    layer(lambda rng: GRU(1, 1, 2, dropout=0.4, rng=rng), real(2, 2, 1), real(2, 2, 1), batch=1,
          call=lambda f, x, h: joined(f(x, h))),
    layer(lambda rng: GRU(1, 1, bidirectional=True, batch_first=True, bias=False, rng=rng), real(2, 2, 1),
          call=lambda f, x: joined(f(x))),
)  # fmt: skip
class GRU(Recurrent):
    """Gated recurrent units. See `Recurrent`."""

    kind = GRU_KIND
