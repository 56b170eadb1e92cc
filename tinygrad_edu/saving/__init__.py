"""Models in files: `save`, `load` and `load_into`, as .npz, as .safetensors, and as PyTorch's own .pt."""

from tinygrad_edu.errors import FormatError
from tinygrad_edu.saving.files import load, load_into, read_metadata, save

__all__ = ["FormatError", "load", "load_into", "read_metadata", "save"]
