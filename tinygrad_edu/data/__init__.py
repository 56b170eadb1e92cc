"""Data: real digits, how to split and standardize them, and how to serve them in batches."""

from tinygrad_edu.data.digits import Digits, load_digits, split
from tinygrad_edu.data.loader import batches
from tinygrad_edu.data.standardize import LeakError, Standardizer

__all__ = ["Digits", "LeakError", "Standardizer", "batches", "load_digits", "split"]
