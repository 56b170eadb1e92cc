"""Data: real tables and images, made figures, how to split and scale them, and how to serve them in batches."""

from tinygrad_edu.data.digits import Digits, load_digits, split
from tinygrad_edu.data.loader import batches
from tinygrad_edu.data.scaling import MinMax, Robust
from tinygrad_edu.data.standardize import LeakError, Scaler, Standardizer
from tinygrad_edu.data.synthetic import circles, elongated_regression, moons, spirals, xor
from tinygrad_edu.data.tables import Table, load_breast_cancer, load_iris, load_wine

__all__ = [
    "Digits", "LeakError", "MinMax", "Robust", "Scaler", "Standardizer", "Table", "batches", "circles",
    "elongated_regression", "load_breast_cancer", "load_digits", "load_iris", "load_wine", "moons", "spirals", "split",
    "xor",
]  # fmt: skip
