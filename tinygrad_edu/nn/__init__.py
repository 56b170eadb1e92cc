"""Networks: modules with parameters, their layers and losses, and how parameters start (`nn.init`)."""

from tinygrad_edu.nn import functional, init
from tinygrad_edu.nn.activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    Identity,
    LogSigmoid,
    LogSoftmax,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softmin,
    Softplus,
    Softsign,
    Tanh,
)  # fmt: skip
from tinygrad_edu.nn.activation_hard import (
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    Maxout,
    PReLU,
    ReLU6,
)  # fmt: skip
from tinygrad_edu.nn.activation_shrink import GLU, Hardshrink, Softshrink, Tanhshrink, Threshold
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
from tinygrad_edu.nn.dropout import Dropout, Dropout1d, Dropout2d
from tinygrad_edu.nn.embedding import Embedding
from tinygrad_edu.nn.flatten import Flatten
from tinygrad_edu.nn.functional import elastic_net, l1, l2
from tinygrad_edu.nn.group_norm import GroupNorm, InstanceNorm1d, InstanceNorm2d
from tinygrad_edu.nn.layer_norm import LayerNorm, RMSNorm
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CrossEntropyLoss,
    FocalLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)  # fmt: skip
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import BatchNorm1d, BatchNorm2d
from tinygrad_edu.nn.parameter import Buffer, parameter
from tinygrad_edu.nn.pool import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from tinygrad_edu.nn.recurrent import GRU, LSTM, RNN
from tinygrad_edu.nn.recurrent_cell import GRUCell, LSTMCell, RNNCell
from tinygrad_edu.nn.reparametrize import spectral_norm, weight_norm
from tinygrad_edu.nn.residual import ModuleDict, ModuleList, Residual
from tinygrad_edu.nn.scalar_mlp import MLP, Layer, Neuron
from tinygrad_edu.nn.transformer import LearnedPositions, SinusoidalPositions, TransformerEncoderLayer

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Container",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineEmbeddingLoss",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "FocalLoss",
    "GRUCell",
    "GlobalAvgPool",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "KLDivLoss",
    "L1Loss",
    "LSTMCell",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "Neuron",
    "PReLU",
    "RMSNorm",
    "RNNCell",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "SmoothL1Loss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TransformerEncoderLayer",
    "elastic_net",
    "functional",
    "init",
    "l1",
    "l2",
    "parameter",
    "spectral_norm",
    "weight_norm",
]  # fmt: skip
