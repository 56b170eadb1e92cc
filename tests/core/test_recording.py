from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

import tinygrad_edu as tg


def tracked() -> bool:
    return (tg.Scalar(1.0) * 2).requires_grad


def test_nothing_is_recorded_within_no_grad():
    x = tg.Scalar(3.0)
    with tg.no_grad():
        y = x * x
    assert (y.value, y.op, y.requires_grad) == (9.0, None, False)
    assert tracked()


def test_no_grad_ends_with_an_exception():
    with pytest.raises(KeyError), tg.no_grad():
        raise KeyError
    assert tracked()


def test_no_grad_nests():
    with tg.no_grad():
        with tg.no_grad():
            pass
        assert not tracked()
    assert tracked()


def test_no_grad_belongs_to_its_thread():
    seen = []
    with tg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(tracked()))
        thread.start()
        thread.join()
        assert not tracked()
    assert seen == [True]


def test_no_grad_belongs_to_its_context():
    with tg.no_grad():
        copied = contextvars.copy_context()
    assert not copied.run(tracked)
    assert tracked()


def test_no_grad_belongs_to_its_task():
    async def quiet(inside: asyncio.Event, leave: asyncio.Event) -> bool:
        with tg.no_grad():
            inside.set()
            await leave.wait()
            return tracked()

    async def both() -> tuple[bool, bool]:
        inside, leave = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(quiet(inside, leave))
        await inside.wait()
        mine = tracked()
        leave.set()
        return mine, await task

    assert asyncio.run(both()) == (True, False)


def test_scopes_nest():
    x = tg.Scalar(1.0)
    with tg.scope("block"):
        outer = x * 2
        with tg.scope("fc1"):
            inner = x * 3
        after = x * 4
    outside = x * 5
    assert [y.scope for y in (outer, inner, after, outside)] == ["block", "block.fc1", "block", None]


def test_scope_and_no_grad_do_not_disturb_each_other():
    with tg.scope("fc"):
        with tg.no_grad():
            pass
        assert (tg.Scalar(1.0) * 2).scope == "fc"
    with tg.no_grad(), tg.scope("fc"):
        assert not tracked()


@pytest.mark.parametrize("make", [
    lambda x: x * 2, lambda x: x.exp(), lambda x: tg.sum(x), lambda x: x + tg.tensor([[1.0, 2.0]]),
    lambda x: x @ x,
])  # fmt: skip
def test_every_way_of_recording_notes_the_scope(make):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with tg.scope("here"):
        assert make(x).scope == "here"


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_scope_wants_a_name(name):
    with pytest.raises(ValueError, match="a name that is not empty was expected"), tg.scope(name):
        pass
