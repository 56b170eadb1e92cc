"""A module takes over a file as a whole, or stays what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.core import node
from tinygrad_edu.errors import FormatError, ShapeError
from tinygrad_edu.saving import load_into, save

SUFFIXES = [".npz", ".safetensors", ".pt"]


def network(seed: int, dtype: Any = np.float64) -> nn.Module:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=dtype),
        nn.BatchNorm1d(4, dtype=dtype),
        nn.Linear(4, 2, rng=rng, dtype=dtype),
    )


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(a[k].tobytes() == b[k].tobytes() for k in a)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_network_and_its_buffers(suffix: str, tmp_path: Path, rng: np.random.Generator) -> None:
    trained, other = network(1), network(2)
    trained(rng.normal(size=(5, 3)))  # moves the running statistics
    path = save(tmp_path / f"a{suffix}", trained.state_dict())
    assert load_into(other, path) == ([], [])
    assert same(other.state_dict(), trained.state_dict())
    x = rng.normal(size=(2, 3))
    assert (other.eval()(x).numpy() == trained.eval()(x).numpy()).all()


def test_scalars(tmp_path: Path) -> None:
    trained, other = (nn.MLP(2, [3, 1], rng=np.random.default_rng(seed)) for seed in (1, 2))
    load_into(other, save(tmp_path / "a.npz", trained.state_dict()))
    assert same(other.state_dict(), trained.state_dict())


def test_all_parameters_change_in_one_event(tmp_path: Path) -> None:
    """A graph that was made before is stale, and the era has advanced by one."""
    model = network(1)
    path = save(tmp_path / "a.npz", network(2).state_dict())
    loss = model[0](np.ones((1, 3))).sum()
    before = node.era
    load_into(model, path)
    assert node.era == before + 1
    with pytest.raises(tg.errors.StaleValueError):
        loss.backward()


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        (lambda s: s.pop("2.bias"), ValueError, "missing: 2.bias; unexpected: none"),
        (lambda s: s.update(more=1.0), ValueError, "missing: none; unexpected: more"),
        (lambda s: s.update({"2.bias": np.zeros(3)}), ShapeError, r"2.bias \(3,\), not \(2,\)"),
        (lambda s: s.update({"1.running_var": np.zeros((4, 1))}), ShapeError, r"1.running_var \(4, 1\), not \(4,\)"),
        (lambda s: s.update({"2.bias": np.float64([0, 1e300])}), FormatError, "2.bias: values that float32 has.*e.300"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("strict", [True, False])
def test_nothing_changes_if_anything_does_not_fit(
    strict: bool, change: Any, error: type[Exception], reason: str, tmp_path: Path
) -> None:
    model, state = network(1, np.float32), network(2).state_dict()
    before = model.state_dict()
    change(state)
    path = save(tmp_path / "a.npz", state)
    if strict or error is not ValueError:
        with pytest.raises(error, match=reason):
            load_into(model, path, strict=strict)
        assert same(model.state_dict(), before)
    else:
        missing, unexpected = load_into(model, path, strict=False)
        assert (
            f"missing: {', '.join(missing) or 'none'}; unexpected: {', '.join(unexpected) or 'none'}"
            == reason
        )
        assert not same(model.state_dict(), before)


def test_a_damaged_file_changes_nothing(tmp_path: Path) -> None:
    model = network(1)
    before = model.state_dict()
    path = save(tmp_path / "a.npz", network(2).state_dict())
    data = bytearray(path.read_bytes())
    data[data.index(b"2.bias.npy") + 140] ^= 1  # one bit of the last array
    path.write_bytes(data)
    with pytest.raises(FormatError, match="not those that were stored"):
        load_into(model, path)
    assert same(model.state_dict(), before)


def test_dtypes_are_those_of_the_module(tmp_path: Path) -> None:
    """Rounded as NumPy rounds; NaN and infinities, which float32 has, stay."""
    model, state = network(1, np.float32), network(2).state_dict()
    state["2.bias"] = np.array([np.nan, -np.inf])
    load_into(model, save(tmp_path / "a.safetensors", state))
    assert model.state_dict()["2.bias"].dtype == np.float32
    assert same(
        model.state_dict(), {name: x.astype(model.state_dict()[name].dtype) for name, x in state.items()}
    )


class Counter(nn.Module):
    def __init__(self, start: Any) -> None:
        self.seen = nn.Buffer(start)


@pytest.mark.parametrize(
    ("start", "value", "fits"),
    [
        (np.int8(3), 5, True), (np.int8(3), 5.0, True), (np.int8(3), 300, False), (np.int8(3), 2.5, False),
        (np.int8(3), np.nan, False), (np.int64(3), np.uint64(2**63), False), (np.uint64(3), -1, False),
        (np.uint64(3), 2.0**64, False), (np.bool_(True), 0, True), (np.bool_(True), 2, False),
    ],
)  # fmt: skip
def test_whole_numbers_stay_whole(start: Any, value: Any, fits: bool, tmp_path: Path) -> None:
    module = Counter(start)
    path = save(tmp_path / "a.npz", {"seen": value})
    if fits:
        load_into(module, path)
    else:
        with pytest.raises(FormatError, match=f"seen: values that {start.dtype} has were expected"):
            load_into(module, path)
    assert module.seen.value == (value if fits else start)
    assert module.seen.value.dtype == start.dtype


def test_counts_of_batches_may_be_in_excess(tmp_path: Path, rng: np.random.Generator) -> None:
    """PyTorch's batch normalization has one, which a layer that does the same need not have."""
    model = nn.Sequential(nn.Linear(3, 2, rng=rng))
    path = save(tmp_path / "a.pt", model.state_dict() | {"0.num_batches_tracked": np.int64(7)})
    assert load_into(model, path) == ([], [])
    with pytest.raises(ValueError, match=r"unexpected: 0\.num_batches_tracked"):
        load_into(model, path, ignore=())
    assert load_into(model, path, ignore=(), strict=False) == ([], ["0.num_batches_tracked"])
