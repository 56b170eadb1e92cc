"""A node: a value, and the record of how it was computed.

    y = f(a, b)   is kept as   y.value, y.op = f, y.a = a, y.b = b

Nodes know their operands and never their users, so there are no reference cycles: a graph dies with the last
reference to its end. `Scalar` (a float) and `Tensor` (an array) are this same node with different contents;
neither this chapter nor the sweeps ask which of the two they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, Self

from tinygrad_edu.core.recording import NOTHING, current, recording
from tinygrad_edu.types import Operand

if TYPE_CHECKING:
    from tinygrad_edu.core.primitive import Primitive

# The era advances whenever a leaf is assigned. A node notes the era it was recorded in, which is one shared
# object for all the nodes of a forward pass: a serial number for each would cost 32 bytes and its allocation.
era = 0
_advancing = Lock()


class Node:
    """What `Scalar` and `Tensor` have in common."""

    # One object an operation, and nothing in it that is not needed there: the garbage collector walks every
    # slot of every node several times. Slots left unset cost it nothing, so the rare ones stay unset.
    __slots__ = (
        "_grad", "_name", "_scope", "_seed", "a", "b", "cotangent", "era", "frozen", "op", "uses", "value",
    )  # fmt: skip

    _grad: Any
    _name: str | None
    _scope: str
    _seed: Any  # what `backward` started with here
    value: Any  # a float, or an array that is read-only. Set by `data` or `assign` alone: others go unnoticed
    op: Primitive | None  # None: a leaf
    a: Any  # the operands, see `args`
    b: Any
    uses: int | None  # None: needs no gradient. A sweep counts the users here, see core/sweep.py
    era: int
    frozen: bool  # whether a leaf required a gradient until `requires_grad_(False)`; unset in all others
    cotangent: Any  # of a sweep under way; unset until the first

    # ---- what a kind of node must say ----

    @staticmethod
    def result(y: Any) -> Any:
        """The result of a computation, in the form that this kind of node holds."""
        raise NotImplementedError

    @classmethod
    def constant(cls, x: Any) -> Self:
        """A plain operand as a leaf without gradient."""
        raise NotImplementedError

    def like(self, g: Any) -> Any:
        """A derivative by this node in the form that it has itself, after operands of another precision."""
        raise NotImplementedError

    def beside(self, x: Any) -> Self:
        """A plain value as a leaf without gradient, in the precision of this node: its cotangent or tangent."""
        raise NotImplementedError

    def ones(self) -> Any:
        """A cotangent of ones, in the form that this node holds."""
        raise NotImplementedError

    def zeros(self) -> Any:
        """A cotangent of zeros, in the form that this node holds."""
        raise NotImplementedError

    def replacement(self, value: Any, given: bool = False) -> Any:
        """What `assign` puts in the place of the value, in the form that this node holds; only leaves have one."""
        raise NotImplementedError

    def brief(self) -> str:
        """The value, or what kind of value it is, in a few characters."""
        raise NotImplementedError

    def become_leaf(self, value: Any, requires_grad: bool, name: str | None) -> None:
        """Start as a node that was not computed."""
        self.value = self.result(value)
        self.op = self.a = self.b = None
        self.uses = 0 if requires_grad else None
        self.era = era
        if name is not None:
            self._name = name

    # ---- the record ----

    @property
    def args(self) -> tuple[Node, ...]:
        """The operands, always nodes; a leaf has none.

        They are kept in one of two forms. The short one, of an elementwise operation on operands of one shape:
        `a`, and `b` if there are two. The long one, of all others: `a` is the tuple of operands, `b` the
        parameters.
        """
        a, b = self.a, self.b
        if type(a) is tuple:
            return a
        return () if a is None else (a,) if b is None else (a, b)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the operation, such as `axis`."""
        return self.b if type(self.a) is tuple else {}

    @property
    def requires_grad(self) -> bool:
        """Whether a derivative with respect to this node can be asked for."""
        return self.uses is not None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze a leaf, so that no derivative by it is computed, or ask for one again. Its gradient is forgotten."""
        if self.op is not None or getattr(getattr(self.value, "dtype", None), "kind", "f") != "f":
            raise TypeError(f"requires_grad_: a leaf of floats was expected, {describe(self)} came")
        self.frozen = not requires_grad and (self.requires_grad or getattr(self, "frozen", False))
        self.uses = 0 if requires_grad else None
        self._grad = None
        return self

    @property
    def scope(self) -> str | None:
        """The path of the module in whose forward this was computed."""
        return getattr(self, "_scope", None)

    @property
    def name(self) -> str | None:
        """What the reader calls it; shown in drawings and errors."""
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name

    # ---- the value ----

    @property
    def data(self) -> Any:
        """The value. Setting it is `assign`."""
        return self.value

    @data.setter
    def data(self, value: Any) -> None:
        self.assign(value)

    def assign(self, value: Any) -> None:
        """Replace a leaf's value: the only change that a node can suffer. Graphs that used it become stale."""
        assign([(self, value)])

    # ---- the gradient ----

    @property
    def grad(self) -> Any:
        """What `backward` has added up here, or None: not computed yet."""
        return getattr(self, "_grad", None)

    @grad.setter
    def grad(self, value: Any) -> None:
        self._grad = value

    # ---- copies ----

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not None:
            raise TypeError(
                f"{describe(self)} was computed: copy its value (.detach()), or copy the leaves and compute it"
            )
        frozen = {"frozen": getattr(self, "frozen", False)}
        return leaf, (type(self), self.value, self.requires_grad, self.name), (None, frozen)


new = object.__new__


def leaf(kind: type[Node], value: Any, requires_grad: bool, name: str | None = None) -> Any:
    """A node that was not computed; its value must have the form that the kind holds."""
    node = new(kind)
    node.become_leaf(value, requires_grad, name)
    return node


def record(kind: type[Node], value: Any, op: Primitive | None, a: Any, b: Any, needed: bool) -> Any:
    """A result of `op`; without the operands if nothing has to be remembered."""
    node = new(kind)  # past `__init__`, which is for the leaves that a user makes: it would double the price
    node.value = value
    now = current()
    if needed >= now.threshold:
        node.op, node.a, node.b = op, a, b
        node.uses = 0 if needed else None
        if now.scope is not None:
            node._scope = now.scope
    else:
        node.op = node.a = node.b = node.uses = None
    node.era = era
    return node


def assign(pairs: list[tuple[Any, Any]], *, given: bool = False) -> None:
    """Replace the values of several leaves, (leaf, value) each, as one event: an optimizer's step.

    Arrays are copied, unless they are `given` away: then nobody may hold on to them.
    """
    global era
    prepared = [(node, node.replacement(value, given)) for node, value in pairs]  # before anything changes
    with _advancing:
        era += 1
        for node, value in prepared:
            node.value = value
            node.era = era


@contextmanager
def preserved(leaves: Iterable[Any]) -> Iterator[None]:
    """Give the leaves their values back at the end, whatever happens; graphs made before are as valid as they were.

    Within it nothing is recorded: a graph of values that are gone could not be told from those.
    """
    held = [(node, node.value, node.era) for node in leaves]
    try:
        with recording(NOTHING):
            yield
    finally:
        for node, value, made in held:
            node.value, node.era = value, made


def value_of(x: Operand) -> Any:
    """What a node holds; anything else as it is."""
    return x.value if isinstance(x, Node) else x


def refuse_assignment(node: Node) -> NoReturn:
    """Only leaves can be assigned."""
    raise TypeError(f"{describe(node)} was computed: only leaves can be assigned")


def describe(node: Operand) -> str:
    """A node in the words of an error: its name, or what it is."""
    if node.name:
        return f"'{node.name}'"
    made = f", a result of '{node.op.name}'" if node.op is not None else ""
    return f"the {type(node).__name__} {node.brief()}{made}"
