"""Training: the loop, its checkpoints and its record, metrics, and a learning rate to start with."""

from tinygrad_edu.training import metrics
from tinygrad_edu.training.checkpoint import load_checkpoint, save_checkpoint
from tinygrad_edu.training.evaluation import evaluate, predict
from tinygrad_edu.training.fit import Run, fit
from tinygrad_edu.training.lr_finder import LRCurve, find_lr
from tinygrad_edu.training.record import fingerprint, run_record
from tinygrad_edu.training.stopping import EarlyStopping

__all__ = [
    "EarlyStopping", "LRCurve", "Run", "evaluate", "find_lr", "fingerprint", "fit", "load_checkpoint", "metrics",
    "predict", "run_record", "save_checkpoint",
]  # fmt: skip
