"""The conditions of a run: one thread, and OpenBLAS free to choose its kernel. Nothing here loads NumPy."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# A kernel for an older processor, or for a smaller cache, slows NumPy's large products down, but not torch's.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def prepare() -> list[str]:
    """Set the conditions, for this process and those that it starts; return the variables that were removed.

    OpenBLAS reads them when NumPy is loaded, so this must come first.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    return [name for name in UNSET if os.environ.pop(name, None) is not None]


def describe(removed: list[str]) -> dict[str, Any]:
    """What a reader has to know to judge the figures."""
    return {
        "python": platform.python_version(),
        "processor": _processor(),
        "threads": 1,
        "blas": _blas(),
        "unset": list(UNSET),
        "were_set": removed,
        "versions": {name: installed(name) for name in ("numpy", "micrograd", "autograd", "torch")},
    }


def installed(package: str) -> str | None:
    """The version of a package, or None where it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def _blas() -> str:
    """The kernel in use. NumPy's own `show_config` names the one that it was built on, whatever runs."""
    import numpy as np

    built: Any = np.show_config(mode="dicts")
    blas = built["Build Dependencies"]["blas"]
    name = f"{blas['name']} {blas['version']}"
    if find_spec("threadpoolctl") is None:
        return f"{name}, kernel unknown (threadpoolctl would tell)"
    import threadpoolctl

    pools = threadpoolctl.threadpool_info()
    kernels = [str(pool.get("architecture")) for pool in pools if pool["user_api"] == "blas"]
    return f"{name}, kernel {', '.join(kernels) or 'unknown'}"
