"""Optimizers: how parameters follow from their gradients; clipping, and the course of the learning rate."""

from tinygrad_edu.optim import schedules
from tinygrad_edu.optim.adadelta import Adadelta
from tinygrad_edu.optim.adagrad import Adagrad
from tinygrad_edu.optim.adam import Adam
from tinygrad_edu.optim.adamw import AdamW
from tinygrad_edu.optim.clipping import clip_each_grad_norm_, clip_grad_norm_, clip_grad_value_
from tinygrad_edu.optim.groups import groups
from tinygrad_edu.optim.lbfgs import LBFGS
from tinygrad_edu.optim.lion import Lion
from tinygrad_edu.optim.nadam import NAdam
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.plateau import ReduceOnPlateau
from tinygrad_edu.optim.rmsprop import RMSprop
from tinygrad_edu.optim.sgd import SGD

__all__ = [
    "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Lion", "NAdam", "Optimizer", "RMSprop",
    "ReduceOnPlateau", "clip_each_grad_norm_", "clip_grad_norm_", "clip_grad_value_", "groups", "schedules",
]  # fmt: skip
