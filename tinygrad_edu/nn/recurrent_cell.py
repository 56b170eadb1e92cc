"""Recurrent cells: one step along a sequence, from an input and the state before to the state after.

With a = W x + b of the input, and u = U h + c of the state, both cut into as many parts as there are gates:

    RNN     h′ = tanh(a + u)                                                                    Elman 1990
    LSTM    i, f, o = σ(a + u)    g = tanh(a + u)    c′ = f c + i g    h′ = o tanh(c′)          Gers et al. 2000
    GRU     r, z = σ(a + u)       n = tanh(a + r u)                    h′ = (1 − z) n + z h     Cho et al. 2014

The state of an LSTM that is kept, c, only ever is multiplied by f and added to. Where f is 1, its gradient goes back
through any number of steps as it is, while that of an RNN is multiplied by Uᵀ and a slope below 1 at each.

Parameters and the order of the gates are PyTorch's: weight_ih (gates · hidden, input), i f g o and r z n. As there, the
GRU's reset gate r comes after the product with U, and not before it as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.cases import real
from tinygrad_edu.core.node import value_of
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.nn.axes import counts
from tinygrad_edu.nn.cases import layer, verified
from tinygrad_edu.nn.init import lecun_normal
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import parameter
from tinygrad_edu.types import Array, Operand

State = tuple[Operand, ...]  # h, or h and c, each (batch, hidden)

# ---- one step ----


def gates(x: Operand, n: int) -> list[Operand]:
    """(batch, n · hidden) cut into n parts (batch, hidden)."""
    hidden = x.shape[-1] // n
    return [ops.getitem(x, (..., slice(i * hidden, (i + 1) * hidden))) for i in range(n)]


def rnn_step(a: Operand, u: Operand, h: Operand) -> State:
    """A step of a plain network, by tanh."""
    return (ops.tanh(a + u),)


def relu_step(a: Operand, u: Operand, h: Operand) -> State:
    """A step of a plain network, by ReLU."""
    return (ops.relu(a + u),)


def lstm_step(a: Operand, u: Operand, h: Operand, c: Operand) -> State:
    """A step of an LSTM."""
    i, f, g, o = gates(a + u, 4)
    c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
    return ops.sigmoid(o) * ops.tanh(c), c


def gru_step(a: Operand, u: Operand, h: Operand) -> State:
    """A step of a GRU."""
    (a_r, a_z, a_n), (u_r, u_z, u_n) = gates(a, 3), gates(u, 3)
    r, z = ops.sigmoid(a_r + u_r), ops.sigmoid(a_z + u_z)
    n = ops.tanh(a_n + r * u_n)
    return (n + z * (h - n),)  # (1 − z) n + z h, with a product less


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of step."""

    step: Callable[..., State]  # (a, u, *state) → state
    gates: int  # how many parts a and u are cut into
    states: int  # how many parts a state has


PLAIN = {"tanh": Kind(rnn_step, 1, 1), "relu": Kind(relu_step, 1, 1)}
LSTM_KIND, GRU_KIND = Kind(lstm_step, 4, 2), Kind(gru_step, 3, 1)


def plain(name: str, nonlinearity: str) -> Kind:
    """The kind of a plain network; a ValueError for another nonlinearity than "tanh" and "relu"."""
    if nonlinearity not in PLAIN:
        raise ValueError(
            f"{name}: nonlinearity {' or '.join(map(repr, PLAIN))} was expected, {nonlinearity!r} came"
        )
    return PLAIN[nonlinearity]


# ---- what cells and whole layers share ----


class Recurrence(Module):
    """The parameters of one step or of several, and how a step is taken.

    Args:
        input_size: ≥ 1.
        hidden_size: the length of the state, ≥ 1.
        bias: whether b and c are added. They start at 0, but for the forget gate's b, which starts at 1, so that an
            LSTM remembers before it has learned to (Jozefowicz et al. 2015).
        init: how W and U start, a function (shape, *, rng, layout) of `nn.init`; by default normal with variance
            1 / input_size and 1 / hidden_size. PyTorch's are uniform on ±1 / √hidden_size, and so are its biases.
        rng: where the initial weights come from.
        dtype: of the parameters.

    Raises:
        ValueError: a size below 1.
    """

    kind: Kind

    def __init__(
        self, input_size: int, hidden_size: int, steps: dict[str, int], *, bias: bool = True,
        init: Callable[..., Array] = lecun_normal, rng: np.random.Generator, dtype: Any = np.float64,
    ) -> None:  # fmt: skip
        if not counts(input_size, hidden_size):
            raise ValueError(
                f"{type(self).__name__}: sizes of at least 1 were expected, {input_size} → {hidden_size} came"
            )
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.kind.gates * hidden_size
        b = np.zeros(rows, dtype)
        if self.kind is LSTM_KIND:
            b[hidden_size : 2 * hidden_size] = 1
        for suffix, inputs in steps.items():  # PyTorch's names, such as weight_ih_l0
            W, U = (init((rows, n), rng=rng, layout="out_in") for n in (inputs, hidden_size))
            starts = {"weight_ih": W, "weight_hh": U, "bias_ih": b, "bias_hh": np.zeros(rows)}
            for name, start in starts.items():
                given = bias or start.ndim == 2
                vars(self)[name + suffix] = (
                    parameter(np.asarray(start, dtype), name + suffix) if given else None
                )

    def stepped(self, x: Operand, state: State, suffix: str = "") -> State:
        """The state after x (batch, input), by the parameters with this suffix."""
        W, U, b, c = (getattr(self, name + suffix) for name in NAMES)
        a = x @ W.T if b is None else ops.linear(x, W, b, transposed=True)
        u = state[0] @ U.T if c is None else ops.linear(state[0], U, c, transposed=True)
        return self.kind.step(a, u, *state)

    def parts(self, state: Any, shape: tuple[int, ...], dtype: Any) -> State:
        """The state as a tuple: zeros if it is None, else every part must have the shape."""
        if state is None:
            return (np.zeros(shape, dtype),) * self.kind.states
        if self.kind.states > 1 and not isinstance(state, tuple | list):
            raise TypeError(f"{self.title()}: a state (h, c) was expected, one {type(state).__name__} came")
        given = tuple(state) if self.kind.states > 1 else (state,)
        shapes = [np.shape(value_of(part)) for part in given]
        if shapes != [shape] * self.kind.states:
            wanted = " and ".join([str(shape)] * self.kind.states)
            raise ShapeError(
                f"{self.title()}: a state {wanted} was expected, {' and '.join(map(str, shapes))} came"
            )
        return given

    def whole(self, parts: State) -> Any:
        """A state as the user has it: h, or (h, c)."""
        return parts if self.kind.states > 1 else parts[0]

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.input_size} → {self.hidden_size}"


NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def joined(results: Any) -> Operand:
    """All that a recurrent layer returns, in one vector: for verification."""
    if not isinstance(results, tuple):
        return ops.reshape(results, (-1,))
    return ops.concatenate([joined(part) for part in results])


# ---- cells ----


class _Cell(Recurrence):
    def __init__(self, input_size: int, hidden_size: int, **others: Any) -> None:
        super().__init__(input_size, hidden_size, {"": input_size}, **others)

    def forward(self, x: Operand, state: Any = None) -> Any:
        """The state after x.

        Args:
            x: (batch, input).
            state: the state before, h (batch, hidden), or (h, c) of an LSTM; zeros by default.

        Raises:
            ShapeError: x or the state has another shape.
            TypeError: an array was put in the place of a parameter.
        """
        self.require_nodes(*NAMES)
        shape = np.shape(value_of(x))
        if len(shape) != 2 or shape[1] != self.input_size:
            raise ShapeError(f"{self.title()}: x (batch, {self.input_size}) was expected, {shape} came")
        before = self.parts(state, (shape[0], self.hidden_size), vars(self)["weight_hh"].dtype)
        return self.whole(self.stepped(x, before))


@verified(
    layer(lambda rng: RNNCell(2, 3, rng=rng), real(2, 2), real(2, 3)),
    layer(lambda rng: RNNCell(1, 2, bias=False, rng=rng), real(2, 1), real(2, 2)),
)
class RNNCell(_Cell):
    """A step of a plain recurrent network: x (batch, input), h (batch, hidden) give h′. See `Recurrence`.

    `nonlinearity` is "tanh" or "relu".
    """

    def __init__(self, input_size: int, hidden_size: int, nonlinearity: str = "tanh", **others: Any) -> None:
        self.kind = plain("RNNCell", nonlinearity)
        super().__init__(input_size, hidden_size, **others)


@verified(
    layer(lambda rng: LSTMCell(1, 2, rng=rng), real(2, 1), real(2, 2), real(2, 2),
          call=lambda f, x, h, c: joined(f(x, (h, c)))),
    layer(lambda rng: LSTMCell(1, 1, bias=False, rng=rng), real(2, 1), real(2, 1), real(2, 1),
          call=lambda f, x, h, c: joined(f(x, (h, c)))),
)  # fmt: skip
class LSTMCell(_Cell):
    """A step of an LSTM: x (batch, input), (h, c) give (h′, c′), each (batch, hidden). See `Recurrence`."""

    kind = LSTM_KIND


@verified(
    layer(lambda rng: GRUCell(2, 2, rng=rng), real(2, 2), real(2, 2)),
    layer(lambda rng: GRUCell(1, 2, bias=False, rng=rng), real(2, 1), real(2, 2)),
)
class GRUCell(_Cell):
    """A step of a GRU: x (batch, input), h (batch, hidden) give h′. See `Recurrence`."""

    kind = GRU_KIND
