"""The adapters: one file for each library, with one function for each workload that it can do.

A function takes the problem and returns an `Entry`. Each is written as a user who knows the library would.
"""

from __future__ import annotations

# The adapter, and the package that it needs. The order is that of the tables.
PEERS = {
    "hand": "numpy",
    "micrograd": "micrograd",
    "autograd": "autograd",
    "torch": "torch",
    "tinygrad_edu": "tinygrad_edu",
}
