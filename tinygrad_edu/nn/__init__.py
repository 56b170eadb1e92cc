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
from tinygrad_edu.nn.adaptive_pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    GlobalAvgPool,
)  # fmt: skip
from tinygrad_edu.nn.attention import MultiheadAttention
from tinygrad_edu.nn.container import Container, Sequential
from tinygrad_edu.nn.conv import Conv1d, Conv2d
from tinygrad_edu.nn.conv_transpose import ConvTranspose1d, ConvTranspose2d
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.embedding import Embedding
from tinygrad_edu.nn.functional import l2
from tinygrad_edu.nn.layer_norm import LayerNorm
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, Loss, MSELoss
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import BatchNorm1d
from tinygrad_edu.nn.parameter import Buffer, parameter
from tinygrad_edu.nn.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from tinygrad_edu.nn.recurrent import GRU, LSTM, RNN
from tinygrad_edu.nn.recurrent_cell import GRUCell, LSTMCell, RNNCell
from tinygrad_edu.nn.residual import ModuleList, Residual
from tinygrad_edu.nn.scalar_mlp import MLP, Layer, Neuron
from tinygrad_edu.nn.transformer import LearnedPositions, SinusoidalPositions, TransformerEncoderLayer

__all__ = [
    "GELU", "GRU", "LSTM", "MLP", "RNN", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d", "BCEWithLogitsLoss", "BatchNorm1d", "Buffer", "Container",
    "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "CrossEntropyLoss", "Dropout", "Embedding", "Flatten",
    "GRUCell", "GlobalAvgPool", "Identity", "LSTMCell", "Layer", "LayerNorm", "LeakyReLU", "LearnedPositions",
    "Linear", "Loss", "MSELoss", "MaxPool1d", "MaxPool2d", "Module", "ModuleList", "MultiheadAttention", "Neuron",
    "RNNCell", "ReLU", "Residual", "Sequential", "Sigmoid", "SinusoidalPositions", "Softmax", "Softplus", "Tanh",
    "TransformerEncoderLayer", "functional", "init", "l2", "parameter",
]  # fmt: skip
