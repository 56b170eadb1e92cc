"""Optimizers: how parameters follow from their gradients; clipping, averages, and the course of the learning rate."""

from tinygrad_edu.optim import schedules
from tinygrad_edu.optim.adadelta import Adadelta
from tinygrad_edu.optim.adagrad import Adagrad
from tinygrad_edu.optim.adam import Adam
from tinygrad_edu.optim.adamw import AdamW
from tinygrad_edu.optim.average import Average
from tinygrad_edu.optim.clipping import clip_each_grad_norm_, clip_grad_norm_, clip_grad_value_
from tinygrad_edu.optim.groups import groups
from tinygrad_edu.optim.lamb import LAMB
from tinygrad_edu.optim.lbfgs import LBFGS
from tinygrad_edu.optim.lion import Lion
from tinygrad_edu.optim.muon import Muon
from tinygrad_edu.optim.nadam import NAdam
from tinygrad_edu.optim.newton_cg import NewtonCG
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.plateau import ReduceOnPlateau
from tinygrad_edu.optim.radam import RAdam
from tinygrad_edu.optim.rmsprop import RMSprop
from tinygrad_edu.optim.sgd import SGD

__all__ = [
    "LAMB", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Average", "Lion", "Muon", "NAdam", "NewtonCG",
    "Optimizer", "RAdam", "RMSprop", "ReduceOnPlateau", "clip_each_grad_norm_", "clip_grad_norm_", "clip_grad_value_",
    "groups", "schedules",
]  # fmt: skip
