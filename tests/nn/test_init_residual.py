"""Starts of deep residual networks: zeros and ones, and Fixup."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import init


@pytest.mark.parametrize("n", [1, 2, 8, 64])
def test_the_rows_of_hadamards_matrix_are_orthogonal(n):
    H = init.hadamard(n)
    np.testing.assert_array_equal(H @ H.T, n * np.eye(n))
    assert set(np.unique(H)) <= {-1.0, 1.0}
    for wrong in (0, 3, 12, -2):
        with pytest.raises(ValueError, match="a power of 2 was expected"):
            init.hadamard(wrong)


def test_zeros_and_ones():
    np.testing.assert_array_equal(init.zero_one((3, 3), layout="out_in"), np.eye(3))
    np.testing.assert_array_equal(init.zero_one((2, 4), layout="out_in"), np.eye(2, 4))
    wide = init.zero_one((8, 3), layout="out_in")
    np.testing.assert_allclose(wide.T @ wide, np.eye(3), atol=1e-15)  # the length of a signal stays
    assert np.linalg.matrix_rank(wide) == 3
    assert len(np.unique(wide, axis=0)) == 4  # rows differ as far as three signs, one of them fixed, allow it
    np.testing.assert_array_equal(init.zero_one((3, 8), layout="in_out"), wide.T)
    kernel = init.zero_one((4, 2, 3, 3), layout="out_in")
    np.testing.assert_array_equal(kernel[:, :, 1, 1], init.zero_one((4, 2), layout="out_in"))
    assert np.count_nonzero(kernel) == 8
    with pytest.raises(ValueError, match="zero_one"):
        init.zero_one((3,), layout="out_in")


def network(blocks, rng, width=16):
    return nn.Sequential(
        nn.Linear(4, width, rng=rng, init=init.kaiming_normal),
        *(
            nn.Residual(nn.Linear(width, width, rng=rng), nn.ReLU(), nn.Linear(width, width, rng=rng))
            for _ in range(blocks)
        ),
        nn.Linear(width, 2, rng=rng),
    )


@pytest.mark.parametrize("blocks", [4, 25])
def test_fixup_by_its_rules(blocks, rng):
    net = network(blocks, rng)
    done = init.fixup(net, rng=rng)
    state = net.state_dict()
    x = rng.normal(size=(50, 4))
    for k in range(1, blocks + 1):
        assert not state[f"{k}.body.2.weight"].any()
        assert not state[f"{k}.body.0.bias"].any()
    inner = np.concatenate([state[f"{k}.body.0.weight"].ravel() for k in range(1, blocks + 1)])
    assert inner.var() == pytest.approx(2 / 16 / blocks, rel=0.2)  # m = 2: the factor is L^(−1/2)
    assert not net(x).numpy().any()
    np.testing.assert_array_equal(net[:-1](x).numpy(), net[0](x).numpy())  # every block is the identity
    assert done["0.weight"] == "kaiming_normal"
    assert done["1.body.0.weight"] == f"{blocks**-0.5:.3g} · kaiming_normal"
    assert done[f"{blocks + 1}.weight"] == done["1.body.2.weight"] == "zeros"


def test_with_fixup_a_step_changes_outputs_alike_at_every_depth():
    """The aim of the paper, ‖Δf‖ = Θ(η): the change by the second step, relative to that of 2 blocks, stays in a band,
    where the usual start lets it grow without bound."""

    def change(blocks, start):
        rng = np.random.default_rng(1)
        net = network(blocks, rng)
        start(net, rng)
        x, y = rng.normal(size=(40, 4)), rng.integers(2, size=40)
        optimizer = tg.optim.SGD(net.parameters(), lr=1e-3)
        for _ in range(2):
            before = net(x).numpy()
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        return np.linalg.norm(net(x).numpy() - before)

    usual = [
        change(n, lambda net, rng: init.apply(net, weight=init.kaiming_normal, rng=rng)) for n in (2, 12)
    ]
    fixed = [change(n, lambda net, rng: init.fixup(net, rng=rng)) for n in (2, 12)]
    assert 0.3 < fixed[1] / fixed[0] < 3
    assert usual[1] / usual[0] > 100


def test_what_fixup_refuses(rng):
    plain = nn.Sequential(nn.Linear(3, 3, rng=rng), nn.Linear(3, 2, rng=rng))
    before = plain.state_dict()
    with pytest.raises(ValueError, match="0 branches and 1 weights of a head came: the modules are 0, 1"):
        init.fixup(plain, rng=rng)
    with pytest.raises(ValueError, match="1 branches and 0 weights of a head"):
        init.fixup(plain, rng=rng, branches="0", head="nothing")
    with pytest.raises(TypeError, match="a generator was expected"):
        init.fixup(plain, rng=0)
    for name, value in plain.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    single = nn.Sequential(nn.Residual(nn.Linear(3, 3, rng=rng)), nn.Linear(3, 2, rng=rng))
    init.fixup(single, rng=rng)
    assert not single.state_dict()["0.body.weight"].any()
