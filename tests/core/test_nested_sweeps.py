"""Sweeps within sweeps, failing sweeps, and sweeps in several threads: every one finds what it would find alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg


def tower(depth: int = 6) -> tuple[tg.Scalar, tg.Scalar, list[tg.Scalar]]:
    x = tg.Scalar(1.1)
    y, inner = x, []
    for _ in range(depth):
        y = y * x + y.tanh()
        inner.append(y)
    return x, y, inner


def test_a_sweep_within_an_observer():
    x, y, inner = tower()
    alone = tg.reverse_sweep(y, 1.0)[x]
    alone_inside = [tg.reverse_sweep(h, 1.0)[x] for h in inner]
    seen = []

    def look(step):
        seen.append(tg.reverse_sweep(y, 1.0)[x])
        assert [tg.reverse_sweep(h, 1.0)[x] for h in inner] == alone_inside

    assert tg.reverse_sweep(y, 1.0, observe=look)[x] == alone
    assert seen == [alone] * len(seen)
    assert len(seen) == 18


def test_observers_three_deep():
    x, y, _ = tower(2)
    alone = tg.reverse_sweep(y, 1.0)[x]
    found = []

    def innermost(step):
        found.append(tg.reverse_sweep(y, 1.0)[x])

    def middle(step):
        found.append(tg.reverse_sweep(y, 1.0, observe=innermost)[x])

    assert tg.reverse_sweep(y, 1.0, observe=middle)[x] == alone
    assert set(found) == {alone}


def test_a_sweep_within_a_rule(registry):
    @tg.primitive(
        vjps=(lambda g, y, x: g * tg.grad(lambda a: (a * a * a).sum())(x),),
        cases=[tg.case(tg.core.cases.real())],
    )
    def sum_of_cubes(x):
        """The derivative is found by another sweep."""
        return np.add.reduce(x * x * x)

    v = np.array([1.0, 2.0, -1.0])
    close(tg.grad(sum_of_cubes)(v), 3 * v**2)
    close(tg.hessian(sum_of_cubes)(v), np.diag(6 * v))
    close(tg.jvp(sum_of_cubes, [v], [np.ones(3)])[1], np.sum(3 * v**2))


def test_a_rule_that_sweeps_the_very_graph_it_stands_in(registry):
    x = tg.Scalar(2.0)
    h = x * x * x
    found = []

    def vjp(g, y, a):
        found.append(tg.reverse_sweep(h, 1.0)[x])
        return g * 5.0

    @tg.primitive(vjps=(vjp,), cases=[tg.case(tg.core.cases.real())])
    def curious(a):
        """Looks below itself."""
        return 5.0 * a

    y = curious(h) + h
    assert tg.reverse_sweep(y, 1.0)[x] == 6 * 12.0
    assert found == [12.0]


def test_an_inner_failure_does_not_hurt_the_outer_sweep():
    x, y, inner = tower()
    alone = tg.reverse_sweep(y, 1.0)[x]

    def fail(step):
        raise ZeroDivisionError

    def look(step):
        with pytest.raises(ZeroDivisionError):
            tg.reverse_sweep(inner[-2], 1.0, observe=fail)

    assert tg.reverse_sweep(y, 1.0, observe=look)[x] == alone


@pytest.mark.parametrize("at", [0, 3, 17])
def test_a_failed_sweep_leaves_the_graph_usable(at):
    x, y, _ = tower()
    alone = tg.reverse_sweep(y, 1.0)[x]
    visits = iter(range(100))

    def fail(step):
        if next(visits) == at:
            raise KeyboardInterrupt if at == 3 else ValueError

    with pytest.raises((ValueError, KeyboardInterrupt)):
        tg.reverse_sweep(y, 1.0, observe=fail)
    assert tg.reverse_sweep(y, 1.0)[x] == alone


def test_the_error_of_a_rule_names_the_node():
    x = tg.Scalar(0.0, name="x")
    y = x.sqrt()
    y.name = "root"
    with pytest.raises(ZeroDivisionError) as caught:
        y.backward()
    assert caught.value.__notes__ == ["in the reverse sweep, at 'root'"]
    with pytest.raises(ZeroDivisionError) as caught:
        (x.sqrt() * 2).backward()
    assert "a result of 'sqrt'" in caught.value.__notes__[0]


def test_backward_after_a_failed_backward_is_not_a_second_one():
    x = tg.tensor([0.0, 1.0], requires_grad=True)
    y = x.sqrt().sum()
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        y.backward()
    assert x.grad is None
    with np.errstate(divide="ignore"):
        y.backward()
    assert x.grad.numpy().tolist() == [np.inf, 0.5]


def test_threads_that_share_leaves():
    shared = [tg.Scalar(0.1 * (i + 1)) for i in range(4)]
    common = shared[0] * shared[1]
    wanted = [tg.reverse_sweep(program(shared, common, k), 1.0) for k in range(4)]
    wrong: list[int] = []
    start = threading.Barrier(4)

    def work(k: int) -> None:
        start.wait()
        found = [tg.reverse_sweep(program(shared, common, k), 1.0) for _ in range(60)]
        wrong.extend(k for f in found if f != wanted[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def program(shared, common, k):
    y = common
    for i in range(20):
        y = (y * shared[(i + k) % 4] + shared[i % 4]).tanh()
    return y


def test_threads_that_share_the_graph():
    x, y, _ = tower(30)
    alone = tg.reverse_sweep(y, 1.0)[x]
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.extend(tg.reverse_sweep(y, 1.0)[x] for _ in range(50)))
               for _ in range(4)]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 200


def test_forward_sweeps_in_threads_that_share_the_graph():
    x = tg.tensor(np.array([0.1, 0.2, 0.3]), requires_grad=True)
    y = x
    for _ in range(15):
        y = tg.softmax(y * 2 + x)
    t = np.array([1.0, 0.0, -1.0])
    (alone,) = tg.forward_sweep([y], {x: t})
    size = len(tg.topological_order([y]))
    wrong: list[object] = []
    start = threading.Barrier(3)

    def sweep() -> None:
        start.wait()
        found = [tg.forward_sweep([y], {x: t})[0] for _ in range(40)]
        wrong.extend(f for f in found if f is None or not np.array_equal(f, alone))

    def look() -> None:
        start.wait()
        sizes = [len(tg.topological_order([y])) for _ in range(400)]
        wrong.extend(n for n in sizes if n != size)

    threads = [threading.Thread(target=f) for f in (sweep, sweep, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_graph_is_whole_while_a_sweep_is_under_way(registry):
    """What a rule sees, other threads may see at the same moment."""
    sizes = []

    def look_around(g, y, x):
        sizes.append(len(tg.topological_order([top])))
        return g

    @tg.primitive(vjps=(look_around,), cases=[tg.case(tg.core.cases.real())])
    def watching(x):
        """The identity."""
        return x * 1.0

    @tg.primitive(vjps=(lambda g, y, x: watching(g) * 2.0,), cases=[tg.case(tg.core.cases.real())])
    def doubled(x):
        """2x, whose rule has a rule that looks around."""
        return x * 2.0

    x = tg.tensor([1.0, 2.0], requires_grad=True)
    top = doubled(tg.exp(x)) * 3
    size = len(tg.topological_order([top]))
    tg.forward_sweep([top], {x: np.ones(2)})
    tg.reverse_sweep(top, np.ones(2), create_graph=True)
    assert sizes
    assert set(sizes) == {size}
