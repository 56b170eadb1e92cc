"""How parameters start: random numbers whose size keeps signals from vanishing or exploding.

A linear layer adds up n products, so Var y = n · Var w · E[x²]. To pass the size of x on, the weights need

    Var w = 1 / n                    for a linear layer, and nearly so for tanh     LeCun et al. 1998
    Var w = 2 / n                    before a ReLU, which halves E[x²]              He et al. 2015
    Var w = 2 / (n_in + n_out)       a compromise with the backward pass            Glorot and Bengio 2010

The chapters, from the shape of a weight to a whole network:

    layout          which axis of a weight is which, and its fans n_in and n_out
    distributions   constants, normal, uniform and truncated normal numbers
    quadrature      E[f(z)] for a standard normal z, with an error bound
    gains           what a nonlinearity takes away: by a table, and by that integral for any function
    scaling         a variance for the fans: LeCun, Xavier, Kaiming
    structured      identity, Dirac, orthogonal and sparse weights
    residual        deep residual networks without normalization: `fixup`, and `zero_one`
    assigning       `apply`: all parameters of a model at once, by their names and shapes
    watching        what the layers of a model return
    observed        `lsuv`, `data_dependent`: scales measured on a batch, where no formula knows them

Each initialization takes a shape and returns a new array, and chance comes from the `rng` that you pass. Where PyTorch
says `kaiming_normal_(w)`, with an underscore since it changes w, here it is `w.assign(kaiming_normal(w.shape, …))`.
"""

from tinygrad_edu.nn.init.assigning import apply
from tinygrad_edu.nn.init.distributions import constant, normal, ones, trunc_normal, uniform, zeros
from tinygrad_edu.nn.init.gains import gain, gain_of
from tinygrad_edu.nn.init.layout import Layout, fans
from tinygrad_edu.nn.init.observed import Observed, data_dependent, lsuv
from tinygrad_edu.nn.init.quadrature import Estimate, normal_mean
from tinygrad_edu.nn.init.residual import fixup, hadamard, zero_one
from tinygrad_edu.nn.init.scaling import (
    Mode,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    lecun_uniform,
    variance_scaling,
    xavier_normal,
    xavier_uniform,
)  # fmt: skip
from tinygrad_edu.nn.init.structured import dirac, eye, identity, orthogonal, sparse

__all__ = [
    "Estimate", "Layout", "Mode", "Observed", "apply", "constant", "data_dependent", "dirac", "eye", "fans", "fixup",
    "gain", "gain_of", "hadamard", "identity", "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform",
    "lsuv", "normal", "normal_mean", "ones", "orthogonal", "sparse", "trunc_normal", "uniform", "variance_scaling",
    "xavier_normal", "xavier_uniform", "zero_one", "zeros",
]  # fmt: skip
