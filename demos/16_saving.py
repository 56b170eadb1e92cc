"""A model in a file: three formats, what lies in them, and files that are not believed.

python demos/16_saving.py
"""

from __future__ import annotations

import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.saving import load_into, save


def network(seed: int) -> nn.Module:
    """A small classifier of images with 64 pixels."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(64, 16, rng=rng), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 10, rng=rng)
    )


def three_formats(folder: Path) -> None:
    """The same numbers three times, and bit for bit the same outputs from each."""
    trained, x = network(seed=1), np.random.default_rng(0).normal(size=(5, 64))
    trained(x)  # moves the running statistics, which are buffers, and are saved as well
    expected = trained.eval()(x).numpy()
    for suffix in (".npz", ".safetensors", ".pt"):
        path = save(folder / f"digits{suffix}", trained.state_dict())
        other = network(seed=2).eval()
        load_into(other, path)
        same = (other(x).numpy() == expected).all()
        print(f"{path.name:20} {path.stat().st_size:6} bytes   the same outputs: {same}")


def what_lies_in_them(folder: Path) -> None:
    """Safetensors is a line of JSON and numbers; PyTorch's own file has a program in it."""
    data = (folder / "digits.safetensors").read_bytes()
    begin = data.index(b'"0.bias"')
    print("\n.safetensors says", data[begin : begin + 72].decode())
    with zipfile.ZipFile(folder / "digits.pt") as archive:
        print(".pt has", ", ".join(name.split("/", 1)[1] for name in archive.namelist()))


class Innocent:
    """A pickle of this calls `print` when it is read. It could call anything."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("    pickle.loads: this text was printed by the file",)


def not_believed(folder: Path) -> None:
    """What a file says is checked before anything of it is used."""
    print("\nA .pt file with a program of its own:")
    pickle.loads(program := pickle.dumps({"0.weight": Innocent()}, protocol=2))
    with zipfile.ZipFile(folder / "innocent.pt", "w") as archive:
        archive.writestr("innocent/data.pkl", program)
    data = (folder / "digits.npz").read_bytes()
    (folder / "flipped.npz").write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    np.savez(folder / "objects.npz", w=np.array([{}], dtype=object))
    before = (model := network(seed=3)).state_dict()
    save(folder / "incomplete.npz", {name: x for name, x in before.items() if name != "3.bias"})
    for name in ("innocent.pt", "flipped.npz", "objects.npz", "incomplete.npz"):
        try:
            load_into(model, folder / name)
        except ValueError as error:
            print("    refused:", error)
    changed = any((before[name] != x).any() for name, x in model.state_dict().items())
    print("The model has changed:", changed)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as target:
        for part in (three_formats, what_lies_in_them, not_believed):
            part(Path(target))
