"""Checkpoints: to the last bit, all or nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import nn, optim, saving
from tinygrad_edu.errors import FormatError
from tinygrad_edu.training import load_checkpoint, save_checkpoint

KINDS = [np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64]


def build(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    net = nn.Sequential(
        nn.Linear(4, 6, rng=rng, dtype=dtype), nn.BatchNorm1d(6, dtype=dtype), nn.ReLU(), nn.Dropout(0.3, rng=rng),
        nn.Linear(6, 1, rng=rng, dtype=dtype),
    )  # fmt: skip
    return net, rng


def steps(net, optimizer, rng, count):
    for _ in range(count):
        x = rng.normal(size=(8, 4)).astype(net.parameters()[0].dtype)

        def closure(x=x):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(net(x), np.ones_like(x[:, :1]))
            loss.backward()
            return loss

        optimizer.step(closure)


OPTIMIZERS = {
    "Adam": lambda p: optim.Adam(p, amsgrad=True), "NAdam": optim.NAdam,
    "RMSprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.5),
    "SGD": lambda p: optim.SGD(p, momentum=0.9), "L-BFGS": lambda p: optim.LBFGS(p, max_iter=2),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_training_goes_on_with_the_same_bits(tmp_path, make, dtype):
    path = tmp_path / "check.npz"
    net, rng = build(0, dtype)
    optimizer = make(net.named_parameters())
    steps(net, optimizer, rng, 3)
    save_checkpoint(path, net, optimizer, generators={"data": rng}, progress={"step": 3, "loss": 0.1})
    steps(net, optimizer, rng, 3)

    other, other_rng = build(1, dtype)
    resumed = make(other.named_parameters())
    progress, best = load_checkpoint(path, other, resumed, generators={"data": other_rng})
    steps(other, resumed, other_rng, 3)
    assert (progress, best) == ({"step": 3, "loss": 0.1}, None)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
        assert other.state_dict()[name].dtype == (int if name.endswith("num_batches_tracked") else dtype)
    for leaf, state in zip(optimizer.parameters, resumed.state.values(), strict=True):
        assert optimizer.state[leaf].keys() == state.keys()
        for key, value in state.items():
            np.testing.assert_array_equal(value, optimizer.state[leaf][key])


@pytest.mark.parametrize("kind", KINDS)
def test_every_generator_of_numpy(tmp_path, kind):
    net = nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimizer = optim.SGD(net.parameters())
    rng, other = (np.random.Generator(kind(seed)) for seed in (1, 2))
    rng.integers(0, 10, 3, dtype=np.int32)  # half a word is left over
    save_checkpoint(tmp_path / "a.npz", net, optimizer, generators={"rng": rng})
    load_checkpoint(tmp_path / "a.npz", net, optimizer, generators={"rng": other})
    np.testing.assert_array_equal(
        rng.integers(0, 1000, 9, dtype=np.int32), other.integers(0, 1000, 9, dtype=np.int32)
    )
    np.testing.assert_array_equal(rng.normal(size=9), other.normal(size=9))


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    net, rng = build(0)
    optimizer = optim.Adam(net.parameters())
    steps(net, optimizer, rng, 1)
    save_checkpoint(tmp_path / "a.npz", net, optimizer)
    other, _ = build(1)
    before = other.state_dict()
    bit = np.random.Generator(np.random.MT19937(0))
    wider = nn.Sequential(nn.Linear(5, 6, rng=rng))
    for model, made, generators, words in (
        (other, optim.SGD(other.parameters()), {}, "options of this optimizer"),
        (other, optim.Adam(other.parameters()), {"rng": bit}, "the generators .*MT19937.* were expected"),
        (wider, optim.Adam(wider.parameters()), {}, "generators"),
    ):
        with pytest.raises(ValueError, match=words):
            load_checkpoint(tmp_path / "a.npz", model, made, generators=generators)
    for name, value in other.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


# ---- the file, which is one of `saving`, and tested there ----


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_every_format_will_do(tmp_path, suffix):
    path = tmp_path / f"check{suffix}"
    net, rng = build(0)
    optimizer = optim.Adam(net.parameters())
    steps(net, optimizer, rng, 2)
    history = [{"epoch": i, "loss": 1 / 3} for i in range(100_000)]  # longer than metadata may be
    save_checkpoint(path, net, optimizer, progress={"history": history}, best=net.state_dict())
    other, _ = build(1)
    progress, best = load_checkpoint(path, other, optim.Adam(other.parameters()))
    assert progress["history"] == history
    assert best is not None
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
        np.testing.assert_array_equal(best[name], value)
    assert saving.load(path).keys() >= {"model.0.weight", "best.0.weight", "optimizer.0.exp_avg"}


def test_what_is_no_checkpoint_says_so(tmp_path):
    path, net = tmp_path / "x.npz", nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimizer = optim.SGD(net.parameters())
    strange = [
        {"weight": np.ones(2)},
        {"checkpoint": np.arange(9, dtype=np.uint8)},
        {"checkpoint": b_array("{}")},
    ]
    for state in strange:
        saving.save(path, state)
        with pytest.raises(FormatError, match="a checkpoint was expected"):
            load_checkpoint(path, net, optimizer)
    save_checkpoint(path, net, optimizer)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match=r"x\.npz"):
        load_checkpoint(path, net, optimizer)
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.npz", net, optimizer)


def b_array(text):
    return np.frombuffer(text.encode(), np.uint8)


def test_what_json_cannot_hold_leaves_the_old_file(tmp_path):
    path, net = tmp_path / "x.npz", nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimizer = optim.SGD(net.parameters())
    save_checkpoint(path, net, optimizer, progress={"old": True})
    with pytest.raises(TypeError, match="JSON"):
        save_checkpoint(path, net, optimizer, progress={"f": print})
    with pytest.raises(FormatError, match="suffix"):
        save_checkpoint(tmp_path / "x.checkpoint", net, optimizer)
    assert load_checkpoint(path, net, optimizer)[0] == {"old": True}
