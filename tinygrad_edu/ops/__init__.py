"""The primitives, a chapter for each kind: every derivative of the project is declared here, once."""

from tinygrad_edu.core.broadcasting import broadcast_to, sum_to
from tinygrad_edu.ops.arithmetic import add, div, mul, neg, power, reciprocal, square, sub
from tinygrad_edu.ops.choice import (
    above,
    absolute,
    clip,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_not,
    maximum,
    minimum,
    not_equal,
    relu,
    sign,
    where,
)  # fmt: skip
from tinygrad_edu.ops.convolution import convolve, convolve_transpose, convolve_weight
from tinygrad_edu.ops.fused import linear, log_softmax, softmax, softmax_cross_entropy
from tinygrad_edu.ops.indexing import getitem, scatter_add
from tinygrad_edu.ops.linalg import einsum, matmul
from tinygrad_edu.ops.reduction import cumsum, logsumexp, max, mean, min, prod, std, sum, var
from tinygrad_edu.ops.shape import (
    concatenate,
    expand_dims,
    flip,
    identity,
    moveaxis,
    pad,
    reshape,
    squeeze,
    stack,
    transpose,
)  # fmt: skip
from tinygrad_edu.ops.transcendental import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    log,
    log1p,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    tan,
    tanh,
)  # fmt: skip
from tinygrad_edu.ops.windows import fold, windows

__all__ = [
    "above", "absolute", "add", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "broadcast_to", "clip",
    "concatenate", "convolve", "convolve_transpose", "convolve_weight", "cos", "cosh", "cumsum", "div", "einsum",
    "equal", "erf", "exp", "expand_dims", "expm1", "flip", "fold", "getitem", "greater", "greater_equal", "identity",
    "less", "less_equal", "linear", "log", "log1p", "log_softmax", "logical_not", "logsumexp", "matmul", "max",
    "maximum", "mean", "min", "minimum", "moveaxis", "mul", "neg", "not_equal", "pad", "power", "prod", "reciprocal",
    "relu", "reshape", "scatter_add", "sigmoid", "sign", "sin", "sinh", "softmax", "softmax_cross_entropy", "softplus",
    "sqrt", "square", "squeeze", "stack", "std", "sub", "sum", "sum_to", "tan", "tanh", "transpose", "var", "where",
    "windows",
]  # fmt: skip
