"""Checkpoints: to the last bit, all or nothing, and whole whenever the process is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from tinygrad_edu import nn, optim
from tinygrad_edu.training import load_checkpoint, save_checkpoint
from tinygrad_edu.training.store import read_arrays, write_arrays

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
    save_checkpoint(tmp_path / "a", net, optimizer, generators={"rng": rng})
    load_checkpoint(tmp_path / "a", net, optimizer, generators={"rng": other})
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


# ---- the file ----


def test_arrays_of_all_sorts_come_back(tmp_path, rng):
    arrays = {
        "file": rng.normal(size=(3, 0, 2)), "a/b.c": np.float32(0.1), "γ": rng.integers(0, 9, (2, 2)),
        "transposed": rng.normal(size=(3, 2)).T, "bits": np.array([True, False]), "nan": np.array([np.nan, -0.0]),
    }  # fmt: skip
    write_arrays(tmp_path / "x.npz", arrays, {"n": 2**200, "x": 0.1, "text": "ε"})
    found, metadata = read_arrays(tmp_path / "x.npz")
    assert metadata == {"n": 2**200, "x": 0.1, "text": "ε"}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype
        assert found[name].tobytes() == np.asarray(array).tobytes()


def test_what_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.npz"
    write_arrays(path, {"a": np.ones(3)}, {"old": True})
    with pytest.raises(ValueError, match="Object arrays"):
        write_arrays(path, {"a": np.zeros(3), "b": np.array([object()])}, {})
    with pytest.raises(TypeError, match="JSON"):
        write_arrays(path, {}, {"f": print})
    arrays, metadata = read_arrays(path)
    np.testing.assert_array_equal(arrays["a"], 1)
    assert metadata == {"old": True}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_stays_one(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "latest.npz"
    link.symlink_to(tmp_path / "far" / "x.npz")
    write_arrays(link, {"a": np.ones(3)}, {})
    assert link.is_symlink()
    assert [file.name for file in (tmp_path / "far").iterdir()] == ["x.npz"]
    with pytest.raises(FileNotFoundError):
        write_arrays(tmp_path / "none" / "x.npz", {}, {})


def test_damaged_files_say_so(tmp_path):
    path = tmp_path / "x.npz"
    write_arrays(path, {"a": np.arange(1000.0)}, {})
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    for damaged in (whole[: len(whole) // 2], flipped, b"", b"no archive"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="something else or a damaged file came"):
            read_arrays(path)
    np.savez(path, a=np.ones(2))
    with pytest.raises(ValueError, match=r"metadata\.json"):
        read_arrays(path)
    net = nn.Linear(2, 2, rng=np.random.default_rng(0))
    write_arrays(path, {}, {})
    with pytest.raises(ValueError, match="an archive of other things"):
        load_checkpoint(path, net, optim.SGD(net.parameters()))
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")


def test_nothing_in_it_is_pickled(tmp_path):
    net, rng = build(0)
    optimizer = optim.Adam(net.parameters())
    steps(net, optimizer, rng, 1)
    save_checkpoint(tmp_path / "a.npz", net, optimizer)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert name == "metadata.json" or b"'descr': '|O'" not in archive.read(name)[:128]


WRITER = """
import sys
import numpy as np
from tinygrad_edu.training.store import write_arrays
i = 0
while True:
    write_arrays(sys.argv[1], {f"a{k}": np.full(60_000, float(i)) for k in range(8)}, {"i": i})
    print(i, flush=True)
    i += 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_kill_in_the_middle_of_a_write_leaves_a_whole_checkpoint(tmp_path):
    """Killed at random moments: the file is that of the last announced write, or of the one under way."""
    path, chance = tmp_path / "check.npz", random.Random(0)
    under_way = 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()  # one is there: from now on, the file must be whole
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        said = process.communicate()[0].split()
        arrays, metadata = read_arrays(path)
        last = int(said[-1]) if said else 0
        assert last <= metadata["i"] <= last + 1
        assert len(arrays) == 8
        for array in arrays.values():
            np.testing.assert_array_equal(array, np.full(60_000, float(metadata["i"])))
        under_way += (tmp_path / "check.npz.part").exists()
        assert {file.name for file in tmp_path.iterdir()} <= {"check.npz", "check.npz.part"}
    assert under_way  # else no kill has met a write, and nothing was seen
