"""Networks: modules with parameters, their layers and losses, and how parameters start (`nn.init`)."""

from tinygrad_edu.nn import functional, init
from tinygrad_edu.nn.activation import (
    GELU,
    Flatten,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)  # fmt: skip
from tinygrad_edu.nn.container import Container, Sequential
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.functional import l2
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, Loss, MSELoss
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import BatchNorm1d
from tinygrad_edu.nn.parameter import Buffer, parameter
from tinygrad_edu.nn.scalar_mlp import MLP, Layer, Neuron

__all__ = [
    "GELU", "MLP", "BCEWithLogitsLoss", "BatchNorm1d", "Buffer", "Container", "CrossEntropyLoss", "Dropout",
    "Flatten", "Identity", "Layer", "LeakyReLU", "Linear", "Loss", "MSELoss", "Module", "Neuron", "ReLU",
    "Sequential", "Sigmoid", "Softmax", "Softplus", "Tanh", "functional", "init", "l2", "parameter",
]  # fmt: skip
