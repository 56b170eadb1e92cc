"""float32 stays float32: in every primitive, in both sweeps, and in gradients of gradients."""

from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg

DIFFERENTIABLE = [op for op in tg.registry.values() if op.rules]
IN_CASES = [(op, case) for op in DIFFERENTIABLE for case in op.cases]


@pytest.mark.parametrize(("op", "case"), IN_CASES, ids=lambda x: getattr(x, "name", None) or str(x)[:40])
def test_every_case_of_every_primitive(op, case, rng):
    drawn = case.draw(rng)
    nodes = [tg.tensor(x.astype(np.float32) if np.asarray(x).dtype.kind == "f" else x, d.differentiable)
             for x, d in zip(drawn, case.domains, strict=True)]  # fmt: skip
    tracked = [n for n in nodes if n.requires_grad]
    y = op.call(*nodes, **case.params)
    assert y.dtype == np.float32
    found = tg.reverse_sweep(y, y.ones())
    assert {np.asarray(found[n]).dtype for n in tracked} == {np.dtype(np.float32)}
    (pushed,) = tg.forward_sweep([y], {n: np.ones(n.shape, np.float32) for n in tracked})
    assert np.asarray(pushed).dtype == np.float32
    again = tg.gradients(y, tracked, tg.tensor(y.ones()), create_graph=True)
    assert {g.dtype for g in again} == {np.dtype(np.float32)}
    exact = op.call(*[tg.tensor(x) for x in drawn], **case.params)
    close(y, exact, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("f", [
    lambda x: x + 1, lambda x: 1.5 * x, lambda x: 2 - x, lambda x: x / 3, lambda x: 3 / x, lambda x: x**2,
    lambda x: x**0.5,
    lambda x: 2**x, lambda x: 2.0**x, lambda x: tg.maximum(x, 1.0), lambda x: tg.minimum(0.7, x),
    lambda x: tg.where(x > 1, x, 0.0),
    lambda x: tg.clip(x, 0.6, 0.9), lambda x: x.mean(), lambda x: x.std(), lambda x: x * np.float32(2),
    lambda x: tg.erf(x),
])  # fmt: skip
def test_numbers_of_python_do_not_widen(f):
    x = tg.tensor(np.array([0.5, 1.5], np.float32), requires_grad=True)
    y = f(x)
    assert y.dtype == np.float32
    y.backward(np.ones(y.shape, np.float32))
    assert x.grad.dtype == np.float32
    (pushed,) = tg.forward_sweep([y], {x: np.ones(2, np.float32)})
    assert np.asarray(pushed).dtype == np.float32
    x.grad = None
    f(x).backward(np.ones(y.shape, np.float32), create_graph=True)
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize(
    "cotangent", [[1.0, 2.0], [1, 2], np.array([1.0, 2.0])], ids=["list", "integers", "float64"]
)
def test_a_cotangent_takes_the_dtype_of_its_node(cotangent):
    x = tg.tensor(np.ones(2, np.float32), requires_grad=True)
    y = x * x
    y.backward(cotangent)
    assert y.grad.dtype == np.float32
    assert x.grad.dtype == np.float32


def test_derivatives_of_functions():
    x = np.ones(2, np.float32)
    found = {
        "grad": tg.grad(lambda v: (v * v * v).sum())(x),
        "jacobian": tg.jacobian(lambda v: v * v)(x),
        "hessian": tg.hessian(lambda v: (v * v * v).sum())(x),
        "hvp": tg.hvp(lambda v: (v * v * v).sum(), x, x),
        "hvp along a list": tg.hvp(lambda v: (v * v * v).sum(), x, [1.0, 0.0]),
        "vjp": tg.vjp(lambda v: v * v, x)[1]([1.0, 2.0])[0],
        "jvp": tg.jvp(lambda v: v * v, [x], [[1.0, 2.0]])[1],
    }
    assert {name: value.dtype.name for name, value in found.items()} == dict.fromkeys(found, "float32")


def test_the_gradient_has_the_dtype_of_its_leaf():
    x, w = tg.tensor(np.ones(2, np.float32), requires_grad=True), tg.tensor([2.0, 3.0], requires_grad=True)
    (x * w).sum().backward()
    assert (x.grad.dtype, w.grad.dtype) == (np.float32, np.float64)
