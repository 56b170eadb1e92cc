"""Products and linear algebra: the rule of a product is a product again, of g with the other operands.

There are many ways to put three matrices in a row. With axes of different lengths a wrong one seldom fits; with square
matrices all of them do.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.entry import entry, invertible, wrong
from tinygrad_edu.catalogue.habits import accumulating, as_column, scaled, upstream_ignored, upstream_summed
from tinygrad_edu.core.cases import interval, real
from tinygrad_edu.types import Array

DOT = entry(
    "dot", [real(7), real(7)],
    lambda a, b: a @ b,
    lambda g, y, a, b: (g * b, g * a),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (g * a, g * b), "each vector gets itself"),
    wrong("columns", "shape", lambda g, y, a, b: ((g * b)[:, None], (g * a)[:, None]), "(n, 1) for (n,)"),
    wrong("a fork of one path", "detached", lambda g, y, a, b: (g * b, np.zeros_like(a)),
          "only the first operand is thought of"),
)  # fmt: skip

MATMUL = entry(
    "matmul", [real(2, 3), real(3, 5)],
    lambda a, b: a @ b,
    lambda g, y, a, b: (g @ b.T, a.T @ g),
    wrong("second transposed", "order", lambda g, y, a, b: (g @ b.T, g.T @ a), "the shape of bᵀ"),
    wrong("averaged over rows", "count", lambda g, y, a, b: (g @ b.T, a.T @ g / len(a)),
          "1/m belongs to the loss, which has it"),
    wrong("upstream summed", "upstream", upstream_summed(lambda g, y, a, b: (g @ b.T, a.T @ g)),
          "right after a sum only"),
    wrong("upstream ignored", "upstream", upstream_ignored(lambda g, y, a, b: (g @ b.T, a.T @ g)), "ones for g"),
)  # fmt: skip

MATMUL_SQUARE = entry(
    "matmul of square matrices", [real(3, 3), real(3, 3)],
    lambda a, b: a @ b,
    lambda g, y, a, b: (g @ b.T, a.T @ g),
    wrong("not transposed", "order", lambda g, y, a, b: (g @ b, a @ g), "nothing but the values can tell"),
    wrong("order exchanged", "order", lambda g, y, a, b: (b.T @ g, g @ a.T), "g on the wrong side"),
    wrong("operands exchanged", "exchanged", lambda g, y, a, b: (a.T @ g, g @ b.T),
          "the gradients at the wrong operands"),
    wrong("elementwise", "formula", lambda g, y, a, b: (g * b, g * a), "* for @"),
)  # fmt: skip

MATVEC = entry(
    "matrix times vector", [real(3, 5), real(5)],
    lambda a, x: a @ x,
    lambda g, y, a, x: (np.outer(g, x), a.T @ g),
    wrong("outer product transposed", "order", lambda g, y, a, x: (np.outer(x, g), a.T @ g), "x gᵀ for g xᵀ"),
    wrong("a column", "shape", lambda g, y, a, x: (np.outer(g, x), (a.T @ g)[:, None]), "(n, 1) for (n,)"),
    wrong("output for input", "input for output", lambda g, y, a, x: (np.outer(g, np.resize(y, 5)), a.T @ g),
          "a cached activation, one off"),
)  # fmt: skip

MATMUL_BATCHED = entry(
    "matmul with a shared matrix", [real(2, 3, 5), real(5, 7)],
    lambda a, b: a @ b,
    lambda g, y, a, b: (g @ b.T, np.einsum("nij,nik->jk", a, g)),
    wrong("not summed", "shape", lambda g, y, a, b: (g @ b.T, a.swapaxes(1, 2) @ g),
          "one gradient for each of the batch"),
    wrong("averaged", "count", lambda g, y, a, b: (g @ b.T, np.einsum("nij,nik->jk", a, g) / 2),
          "a mean over the batch"),
    wrong("first of the batch", "path", lambda g, y, a, b: (g @ b.T, a[0].T @ g[0]), "written for one example"),
    wrong("summed too early", "axis", lambda g, y, a, b: (g @ b.T, a.sum(axis=0).T @ g.sum(axis=0)),
          "Σ aᵀg is not Σaᵀ Σg"),
)  # fmt: skip

OUTER = entry(
    "outer", [real(3), real(5)],
    lambda a, b: np.outer(a, b),
    lambda g, y, a, b: (g @ b, a @ g),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (a @ g, g @ b), "the gradients at the wrong operands"),
    wrong("other operand left out", "chain", lambda g, y, a, b: (g.sum(axis=1), g.sum(axis=0)),
          "summed as in a broadcast sum"),
    wrong("one operand left out", "chain", lambda g, y, a, b: (g @ b, g.sum(axis=0)), "right for a, and a lapse for b"),
)  # fmt: skip

QUADRATIC = entry(
    "quadratic form", [real(3), real(3, 3)],
    lambda x, a: x @ a @ x,
    lambda g, y, x, a: (g * (a + a.T) @ x, g * np.outer(x, x)),
    wrong("symmetry assumed", "formula", lambda g, y, x, a: (2 * g * a @ x, g * np.outer(x, x)),
          "2Ax holds for A = Aᵀ only"),
    wrong("one use of two", "path", lambda g, y, x, a: (g * a @ x, g * np.outer(x, x)), "x stands on both sides"),
    wrong("diagonal only", "path", lambda g, y, x, a: (g * (a + a.T) @ x, g * np.diag(x * x)), "the mixed terms lost"),
)  # fmt: skip

BILINEAR = entry(
    "bilinear", [real(2, 3), real(7, 3, 5), real(2, 5)],
    lambda a, w, b: np.einsum("ni,oij,nj->no", a, w, b),
    lambda g, y, a, w, b: (np.einsum("no,oij,nj->ni", g, w, b), np.einsum("no,ni,nj->oij", g, a, b),
                           np.einsum("no,oij,ni->nj", g, w, a)),
    wrong("averaged over the batch", "count", lambda g, y, a, w, b: (
        np.einsum("no,oij,nj->ni", g, w, b), np.einsum("no,ni,nj->oij", g, a, b) / 2,
        np.einsum("no,oij,ni->nj", g, w, a)), "1/m for the weights, though g has it"),
    wrong("batch mixed", "axis", lambda g, y, a, w, b: (
        np.einsum("no,oij,mj->ni", g, w, b), np.einsum("no,ni,mj->oij", g, a, b),
        np.einsum("no,oij,mi->nj", g, w, a)), "one letter of the einsum too many: examples leak into one another"),
)  # fmt: skip

ROW_DOTS = entry(
    "dot of rows", [real(3, 5), real(3, 5)],
    lambda a, b: np.einsum("ij,ij->i", a, b),
    lambda g, y, a, b: (g[:, None] * b, g[:, None] * a),
    wrong("upstream of another row", "order", lambda g, y, a, b: (g[::-1, None] * b, g[::-1, None] * a),
          "rows reversed"),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (g[:, None] * a, g[:, None] * b), "each operand gets itself"),
)  # fmt: skip

CROSS = entry(
    "cross product", [real(3), real(3)],
    lambda a, b: np.cross(a, b),
    lambda g, y, a, b: (np.cross(b, g), np.cross(g, a)),
    wrong("sign", "sign", lambda g, y, a, b: (np.cross(g, b), np.cross(a, g)), "the order in a × b matters"),
    wrong("sign of one", "sign", lambda g, y, a, b: (np.cross(b, g), np.cross(a, g)),
          "written alike for both, by symmetry"),
)  # fmt: skip

INVERSE = entry(
    "inverse", [invertible(3)],
    lambda x: np.linalg.inv(x),
    lambda g, y, x: -y.T @ g @ y.T,
    wrong("not transposed", "order", lambda g, y, x: -y @ g @ y, "right for symmetric matrices"),
    wrong("sign", "sign", lambda g, y, x: y.T @ g @ y.T, "dY = −Y dX Y without its minus"),
    wrong("as of a number", "formula", lambda g, y, x: -g * y * y, "−1/x², elementwise"),
)  # fmt: skip

SOLVE = entry(
    "solve", [invertible(3), real(3)],
    lambda a, b: np.linalg.solve(a, b),
    lambda g, y, a, b: (-np.outer(np.linalg.solve(a.T, g), y), np.linalg.solve(a.T, g)),
    wrong("not transposed", "order", lambda g, y, a, b: (-np.outer(np.linalg.solve(a, g), y), np.linalg.solve(a, g)),
          "A for Aᵀ"),
    wrong("outer product transposed", "order", lambda g, y, a, b: (
        -np.outer(y, np.linalg.solve(a.T, g)), np.linalg.solve(a.T, g)), "the gradient of Aᵀ"),
    wrong("matrix detached", "detached", lambda g, y, a, b: (np.zeros_like(a), np.linalg.solve(a.T, g)),
          "A is taken for data"),
    wrong("sign", "sign", lambda g, y, a, b: (np.outer(np.linalg.solve(a.T, g), y), np.linalg.solve(a.T, g)),
          "the minus lost"),
)  # fmt: skip


def _cofactors(x: Array) -> Array:
    """∂ det / ∂x of a matrix (3, 3), which exists for singular ones too."""
    return np.stack([np.cross(x[1], x[2]), np.cross(x[2], x[0]), np.cross(x[0], x[1])])


DETERMINANT = entry(
    "determinant", [invertible(3)],
    lambda x: np.linalg.det(x),
    lambda g, y, x: g * _cofactors(x),
    wrong("adjugate", "order", lambda g, y, x: g * _cofactors(x).T, "the transpose of the cofactors"),
    wrong("rule of log det", "chain", lambda g, y, x: g * np.linalg.pinv(x).T, "det X · X⁻ᵀ without its factor det X"),
    wrong("zero where singular", "region", lambda g, y, x: g * y * np.linalg.pinv(x).T,
          "det X · X⁻ᵀ, though the cofactors remain"),
    wrong("1 % too small", "factor", scaled(lambda g, y, x: g * _cofactors(x), 0.99), "a single-precision constant"),
)  # fmt: skip

LOG_DET = entry(
    "log determinant", [invertible(3)],
    lambda x: np.linalg.slogdet(x)[1],
    lambda g, y, x: g * np.linalg.inv(x).T,
    wrong("not transposed", "order", lambda g, y, x: g * np.linalg.inv(x),
          "right for symmetric matrices, which tests often use"),
    wrong("rule of det", "chain", lambda g, y, x: g * np.exp(y) * np.linalg.inv(x).T, "det X too much"),
)  # fmt: skip

TRACE = entry(
    "trace", [real(5, 5)],
    lambda x: np.trace(x),
    lambda g, y, x: g * np.eye(5),
    wrong("everywhere", "region", lambda g, y, x: np.full(x.shape, g), "the rule of the sum"),
    wrong("upstream ignored", "upstream", lambda g, y, x: np.eye(5), "the derivative of the trace is I, times g"),
    wrong("shared", "count", lambda g, y, x: g * np.eye(5) / 5, "the rule of the mean"),
)  # fmt: skip

CONVOLUTION = entry(
    "convolution", [real(7), real(3)],
    lambda x, w: np.correlate(x, w, "valid"),
    lambda g, y, x, w: (np.convolve(g, w, "full"), np.correlate(x, g, "valid")),
    wrong("kernel not flipped", "order",
          lambda g, y, x, w: (np.convolve(g, w[::-1], "full"), np.correlate(x, g, "valid")),
          "what was a correlation forward is a convolution backward"),
    wrong("kernel gradient reversed", "order",
          lambda g, y, x, w: (np.convolve(g, w, "full"), np.convolve(x, g, "valid")),
          "a convolution with g, where a correlation is meant"),
    wrong("shifted by one", "order",
          lambda g, y, x, w: (np.roll(np.convolve(g, w, "full"), 1), np.correlate(x, g, "valid")),
          "a padding that is off by one"),
    wrong("border lost", "path",
          lambda g, y, x, w: (np.pad(np.convolve(g, w, "valid"), 2), np.correlate(x, g, "valid")),
          "only the positions that the whole kernel covers"),
    wrong("kernel gradient is kept", "state", accumulating(lambda g, y, x, w: (
        np.convolve(g, w, "full"), np.correlate(x, g, "valid"))), "+= without a zero_grad before"),
)  # fmt: skip


def _cosine(g: Array, y: Array, a: Array, b: Array, length: bool = True) -> Array:
    """The gradient of `a`, with the path by its length or without."""
    norm = np.sqrt(a @ a)
    return np.asarray(g * (b / (norm * np.sqrt(b @ b)) - length * y * a / norm**2))


COSINE = entry(
    "cosine similarity", [real(5), real(5)],
    lambda a, b: a @ b / np.sqrt((a @ a) * (b @ b)),
    lambda g, y, a, b: (_cosine(g, y, a, b), _cosine(g, y, b, a)),
    wrong("lengths detached", "path",
          lambda g, y, a, b: (_cosine(g, y, a, b, length=False), _cosine(g, y, b, a, length=False)),
          "the denominator is taken for a constant"),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (_cosine(g, y, b, a), _cosine(g, y, a, b)),
          "a symmetric value, read as equal"),
)  # fmt: skip

POLYNOMIAL = entry(
    "polynomial", [real(5), interval(-1, 1)],
    lambda c, x: np.polyval(c, x),
    lambda g, y, c, x: (g * x ** np.arange(4, -1, -1), g * np.polyval(np.polyder(c), x)),
    wrong("order reversed", "order", lambda g, y, c, x: (g * x ** np.arange(5), g * np.polyval(np.polyder(c), x)),
          "the constant first, where it is last"),
    wrong("powers kept", "chain", lambda g, y, c, x: (g * x ** np.arange(4, -1, -1), g * np.polyval(c[:-1], x)),
          "lowered, and not multiplied by the exponent"),
)  # fmt: skip

ROW_SUMS = entry(
    "matrix times ones", [real(3, 5)],
    lambda x: x @ np.ones(5),
    lambda g, y, x: np.outer(g, np.ones(5)),
    wrong("a column", "shape", as_column(lambda g, y, x: np.outer(g, np.ones(5))), "flattened to (n, 1) by the caller"),
    wrong("an entry of g", "upstream", lambda g, y, x: np.outer(np.full(3, g[0]), np.ones(5)),
          "the first of the upstream for all"),
)  # fmt: skip
