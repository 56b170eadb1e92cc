"""Weights that are computed anew at every call have two families of names in PyTorch.

    torch.nn.utils.weight_norm                       weight_g, weight_v             as `nn.weight_norm` has them
    torch.nn.utils.parametrizations.weight_norm      parametrizations.weight.original0, …original1
    torch.nn.utils.spectral_norm                     weight_orig, weight_u, weight_v
    torch.nn.utils.parametrizations.spectral_norm    parametrizations.weight.original, ….0._u, ….0._v

The numbers are the same. A file with the newer names fits a module that has the older ones; PyTorch itself reads the
older ones into a module with the newer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from tinygrad_edu.types import Array

NEWER = re.compile(r"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.(?P<part>original[01]?|0\._[uv])")
OLDER = {"original0": "g", "original1": "v", "original": "orig", "0._u": "u", "0._v": "v"}


def by_older_names(arrays: Mapping[str, Array], expected: Collection[str]) -> dict[str, Array]:
    """The arrays, those of newer names under the older ones, where those are expected and not there already."""
    found = {}
    for name, array in arrays.items():
        newer = NEWER.fullmatch(name)
        older = f"{newer['path']}{newer['name']}_{OLDER[newer['part']]}" if newer else name
        fits = older in expected and older not in arrays and name not in expected
        found[older if fits else name] = array
    return found
