"""Functions of networks that hold no parameters: activations, normalization, losses, penalties.

All but one are composed of primitives, so none of those has a derivative of its own: it follows from the parts. The
chapters: activations (`smooth`, `piecewise`, `shrinkage`), `normalization`, losses of numbers (`regression`), of yes
and no (`classification`) and of classes (`cross_entropy`), what losses have in common (`reduction`), and `penalty`.
"""

from tinygrad_edu.nn.functional.classification import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    focal_loss,
    hinge_loss,
    kl_div,
)
from tinygrad_edu.nn.functional.cross_entropy import cross_entropy, nll_loss
from tinygrad_edu.nn.functional.normalization import (
    moments,
    root_mean_square_norm,
    standardize,
    standardize_fused,
)
from tinygrad_edu.nn.functional.penalty import elastic_net, l1, l2
from tinygrad_edu.nn.functional.piecewise import (
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    maxout,
    prelu,
    relu6,
)
from tinygrad_edu.nn.functional.reduction import check_reduction
from tinygrad_edu.nn.functional.regression import (
    cosine_embedding_loss,
    cosine_similarity,
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from tinygrad_edu.nn.functional.shrinkage import glu, hardshrink, softshrink, tanhshrink, threshold
from tinygrad_edu.nn.functional.smooth import (
    celu,
    elu,
    gelu,
    logsigmoid,
    mish,
    scaled_softplus,
    selu,
    silu,
    softmin,
    softsign,
)
from tinygrad_edu.ops import log_softmax, relu, sigmoid, softmax, softplus, tanh

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "check_reduction",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "elastic_net",
    "elu",
    "focal_loss",
    "gelu",
    "glu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1",
    "l1_loss",
    "l2",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "maxout",
    "mish",
    "moments",
    "mse_loss",
    "nll_loss",
    "prelu",
    "relu",
    "relu6",
    "root_mean_square_norm",
    "scaled_softplus",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "standardize",
    "standardize_fused",
    "tanh",
    "tanhshrink",
    "threshold",
]  # fmt: skip
