"""Make init.json: what PyTorch's initializations do, to compare this project's with.

    python tests/reference/make_init_reference.py         wants torch, which the tests do not

Fans, gains, and weights without chance are kept as they are; of random weights, the mean, the mean square and the
extremes of a million draws. The file is frozen: the tests compare with what is in it, and no test runs this script.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import init

SEED = 20151207  # the day on which He et al. was shown at ICCV
OUT, IN = 500, 2000
SHAPES = [(300, 20), (2, 3), (16, 3, 5, 5), (8, 4, 3), (6, 5, 3, 2, 4), (1, 1), (7, 1, 9)]


def moments(name: str, *arguments: Any, **options: Any) -> dict[str, Any]:
    """What a million draws of an initialization have in common."""
    w = torch.empty(OUT, IN, dtype=torch.float64)
    getattr(init, name)(w, *arguments, **options)
    return {
        "name": name.removesuffix("_"), "arguments": arguments, "options": options, "mean": w.mean().item(),
        "square": (w**2).mean().item(), "fourth": (w**4).mean().item(), "min": w.min().item(), "max": w.max().item(),
    }  # fmt: skip


def exact(w: Tensor) -> list[Any]:
    """A weight that no chance has a part in, as nested lists."""
    found: list[Any] = w.tolist()
    return found


def main() -> None:
    """Write the file beside this script."""
    torch.manual_seed(SEED)
    linear = [
        "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    ]  # fmt: skip
    diracs = [
        ((4, 4, 3), 1), ((3, 5, 4), 1), ((5, 3, 3, 3), 1), ((6, 2, 3, 2), 3), ((4, 2, 3, 3, 3), 2), ((6, 4, 3), 3)
    ]  # fmt: skip
    reference = {
        "provenance": {
            "made by": "make_init_reference.py",
            "torch": torch.__version__,
            "dtype": "float64",
            "seed": SEED,
        },
        "names": sorted(name for name in dir(init) if name.endswith("_") and not name.startswith("_")),
        "fans": [[shape, init._calculate_fan_in_and_fan_out(torch.empty(shape))] for shape in SHAPES],
        "gains": [
            [name, init.calculate_gain(name)]
            for name in (*linear, "sigmoid", "tanh", "relu", "leaky_relu", "selu")
        ],
        "leaky gains": [[a, init.calculate_gain("leaky_relu", a)] for a in (0.0, 0.2, 1.0, -0.5, 3.0)],
        "dirac": [
            [shape, groups, exact(init.dirac_(torch.empty(shape), groups))] for shape, groups in diracs
        ],
        "eye": [[shape, exact(init.eye_(torch.empty(shape)))] for shape in ((3, 3), (2, 4), (4, 2))],
        "moments": [
            moments("normal_"),
            moments("normal_", mean=3.0, std=0.5),
            moments("uniform_"),
            moments("trunc_normal_"),
            moments("trunc_normal_", mean=0.5, std=2.0, a=-1.0, b=4.0),
            moments("xavier_normal_"),
            moments("xavier_normal_", gain=5 / 3),
            moments("xavier_uniform_"),
            moments("xavier_uniform_", gain=5 / 3),
            moments("kaiming_normal_", nonlinearity="relu"),
            moments("kaiming_normal_", nonlinearity="relu", mode="fan_out"),
            moments("kaiming_normal_", nonlinearity="leaky_relu", a=0.5),
            moments("kaiming_uniform_", nonlinearity="relu"),
            moments("kaiming_uniform_", nonlinearity="tanh", mode="fan_out"),
            moments("orthogonal_"),
        ],
    }
    text = json.dumps(reference, indent=None, separators=(",", ":"))
    Path(__file__).with_name("init.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
