"""Arrangements: elements are moved, copied or left out; the rule moves them back, and adds up the copies.

Every rule here is a permutation, a selection or a sum, so a mistake gives the right numbers in the wrong places.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.catalogue.entry import entry, labels, wrong
from tinygrad_edu.catalogue.habits import upstream_overwritten, upstream_summed
from tinygrad_edu.core.cases import distinct, real
from tinygrad_edu.types import Array

RESHAPE = entry(
    "reshape", [real(2, 3)],
    lambda x: x.reshape(3, 2),
    lambda g, y, x: g.reshape(x.shape),
    wrong("transposed", "order", lambda g, y, x: g.T, "the shape is right, the order is not"),
    wrong("by columns", "order", lambda g, y, x: g.reshape(x.shape, order="F"), "Fortran's order on the way back"),
    wrong("not shaped back", "shape", lambda g, y, x: g, "the shape of y for that of x"),
)  # fmt: skip

TRANSPOSE = entry(
    "transpose", [real(2, 3, 5)],
    lambda x: x.transpose(2, 0, 1),
    lambda g, y, x: g.transpose(1, 2, 0),
    wrong("same permutation", "order", lambda g, y, x: g.transpose(2, 0, 1),
          "right for those that are their own inverse"),
    wrong("reversed axes", "order", lambda g, y, x: g.T, ".T of three axes"),
    wrong("reshaped", "order", lambda g, y, x: g.reshape(x.shape), "a reshape does not move anything"),
)  # fmt: skip

CONCATENATE = entry(
    "concatenate", [real(2, 3), real(5, 3)],
    lambda a, b: np.concatenate([a, b]),
    lambda g, y, a, b: (g[:2], g[2:]),
    wrong("order reversed", "order", lambda g, y, a, b: (g[5:], g[:5]), "split from the end"),
    wrong("all from the start", "order", lambda g, y, a, b: (g[:2], g[:5]), "the offset is not moved on"),
    wrong("first only", "detached", lambda g, y, a, b: (g[:2], np.zeros_like(b)), "a loop that returns too early"),
)  # fmt: skip

STACK = entry(
    "stack", [real(3), real(3)],
    lambda a, b: np.stack([a, b]),
    lambda g, y, a, b: (g[0], g[1]),
    wrong("exchanged", "exchanged", lambda g, y, a, b: (g[1], g[0]), "the operands in the wrong order"),
    wrong("sum to both", "twice", lambda g, y, a, b: (g.sum(axis=0), g.sum(axis=0)), "as if a and b had been added"),
)  # fmt: skip

PAD = entry(
    "pad with zeros", [real(2, 3)],
    lambda x: np.pad(x, ((1, 2), (0, 1))),
    lambda g, y, x: g[1:3, :3],
    wrong("sides exchanged", "order", lambda g, y, x: g[2:4, 1:4], "(before, after) read as (after, before)"),
    wrong("from the corner", "order", lambda g, y, x: g[:2, :3], "only the width is cut off, not the offset"),
    wrong("not cut", "shape", lambda g, y, x: g, "the padding has a gradient"),
)  # fmt: skip


def _pad_edge(g: Array) -> Array:
    inner = g[2:-1].copy()
    inner[0] += g[:2].sum()
    inner[-1] += g[-1]
    return inner


PAD_EDGE = entry(
    "pad with the edge", [real(5)],
    lambda x: np.pad(x, (2, 1), mode="edge"),
    lambda g, y, x: _pad_edge(g),
    wrong("copies ignored", "path", lambda g, y, x: g[2:-1].copy(), "the rule of padding with zeros"),
    wrong("copies averaged", "count", lambda g, y, x: _pad_edge(g) / np.array([3, 1, 1, 1, 2]),
          "a mean over the copies"),
)  # fmt: skip

FLIP = entry(
    "flip columns", [real(2, 3)],
    lambda x: x[:, ::-1],
    lambda g, y, x: g[:, ::-1],
    wrong("not flipped", "order", lambda g, y, x: g, "back in the order of y"),
    wrong("all axes", "order", lambda g, y, x: g[::-1, ::-1], "flip() without its axis"),
)  # fmt: skip

ROLL = entry(
    "roll by two", [real(7)],
    lambda x: np.roll(x, 2),
    lambda g, y, x: np.roll(g, -2),
    wrong("same direction", "order", lambda g, y, x: np.roll(g, 2), "rolled on instead of back"),
    wrong("shifted by one", "order", lambda g, y, x: np.roll(g, -1), "one too little"),
    wrong("what leaves is lost", "path", lambda g, y, x: np.append(g[2:], [0, 0]),
          "shifted, with zeros, instead of rolled"),
)  # fmt: skip


def _scatter(g: Array, places: Array, x: Array) -> Array:
    gradient = np.zeros(x.shape)
    np.add.at(gradient, places, g)
    return gradient


def _scatter_assigned(g: Array, places: Array, x: Array) -> Array:
    gradient = np.zeros(x.shape)
    gradient[places] += g  # which looks like adding, and adds once for a place that stands there twice
    return gradient


_TWICE = np.array([0, 2, 2, 4])

GETITEM = entry(
    "index with a repetition", [real(5)],
    lambda x: x[_TWICE],
    lambda g, y, x: _scatter(g, _TWICE, x),
    wrong("last one counts", "ties", lambda g, y, x: _scatter_assigned(g, _TWICE, x),
          "gradient[places] += g adds a place once"),
    wrong("not scattered", "shape", lambda g, y, x: g, "the shape of the selection"),
    wrong("gathered", "order", lambda g, y, x: np.append(g, 0)[[0, 1, 2, 2, 4]],
          "indexed once more instead of scattered"),
)  # fmt: skip

TAKE = entry(
    "take rows", [real(5, 3), labels(5, 7)],
    lambda x, i: x[i],
    lambda g, y, x, i: (_scatter(g, i, x), None),
    wrong("last one counts", "ties", lambda g, y, x, i: (_scatter_assigned(g, i, x), None),
          "repeated rows are not added up"),
    wrong("averaged over uses", "ties", lambda g, y, x, i: (
        _scatter(g, i, x) / np.maximum(np.bincount(i, minlength=5), 1)[:, None], None), "a mean over repeated rows"),
    wrong("shifted by one", "order", lambda g, y, x, i: (_scatter(g, i - 1, x), None), "indices that count from one"),
)  # fmt: skip

SLICE = entry(
    "every other element", [real(7)],
    lambda x: x[1::2],
    lambda g, y, x: _scatter(g, np.array([1, 3, 5]), x),
    wrong("start forgotten", "order", lambda g, y, x: _scatter(g, np.array([0, 2, 4]), x),
          "the step without the offset"),
    wrong("step forgotten", "order", lambda g, y, x: _scatter(g, np.array([1, 2, 3]), x),
          "the offset without the step"),
)  # fmt: skip

SORT = entry(
    "sort", [distinct(5)],
    lambda x: np.sort(x),
    lambda g, y, x: _scatter(g, np.argsort(x), x),
    wrong("left in order", "order", lambda g, y, x: g, "the sorted places are taken for the original ones"),
    wrong("permuted on", "order", lambda g, y, x: g[np.argsort(x)], "the permutation itself instead of its inverse"),
)  # fmt: skip

REPEAT = entry(
    "repeat each twice", [real(3)],
    lambda x: np.repeat(x, 2),
    lambda g, y, x: g.reshape(3, 2).sum(axis=1),
    wrong("rule of tile", "order", lambda g, y, x: g.reshape(2, 3).sum(axis=0), "a a b b is taken for a b a b"),
    wrong("first copy only", "path", lambda g, y, x: g[::2], "the other copies have no gradient"),
    wrong("averaged", "count", lambda g, y, x: g.reshape(3, 2).mean(axis=1), "a mean over the copies"),
)  # fmt: skip

TILE = entry(
    "tile twice", [real(3)],
    lambda x: np.tile(x, 2),
    lambda g, y, x: g.reshape(2, 3).sum(axis=0),
    wrong("rule of repeat", "order", lambda g, y, x: g.reshape(3, 2).sum(axis=1), "a b a b is taken for a a b b"),
    wrong("last copy only", "path", lambda g, y, x: g[3:], "assigned instead of added"),
)  # fmt: skip

BROADCAST = entry(
    "broadcast to rows", [real(5)],
    lambda x: np.broadcast_to(x, (3, 5)).copy(),
    lambda g, y, x: g.sum(axis=0),
    wrong("first row only", "path", lambda g, y, x: g[0], "one of the copies"),
    wrong("not summed", "shape", lambda g, y, x: g, "the shape of y"),
    wrong("averaged", "count", lambda g, y, x: g.mean(axis=0), "divided by the number of copies"),
    wrong("upstream summed", "upstream", upstream_summed(lambda g, y, x: g[0]), "one sum over everything"),
)  # fmt: skip

DIFF = entry(
    "differences", [real(7)],
    lambda x: np.diff(x),
    lambda g, y, x: -np.diff(np.pad(g, 1)),
    wrong("sign", "sign", lambda g, y, x: np.diff(np.pad(g, 1)), "xᵢ₊₁ − xᵢ read as xᵢ − xᵢ₊₁"),
    wrong("ends forgotten", "path", lambda g, y, x: np.pad(-np.diff(g), 1),
          "the first and the last have one neighbour"),
    wrong("one use of two", "path", lambda g, y, x: np.append(0, g), "only the path of the first operand of the minus"),
)  # fmt: skip

DIAGONAL = entry(
    "diagonal matrix", [real(3)],
    lambda x: np.diag(x),
    lambda g, y, x: np.diagonal(g).copy(),
    wrong("rows summed", "twice", lambda g, y, x: g.sum(axis=1), "the zeros beside the diagonal are constants"),
    wrong("a matrix", "shape", lambda g, y, x: g * np.eye(3), "masked instead of extracted"),
)  # fmt: skip

TRIL = entry(
    "lower triangle", [real(5, 5)],
    lambda x: np.tril(x),
    lambda g, y, x: np.tril(g),
    wrong("upper triangle", "region", lambda g, y, x: np.triu(g), "transposed as if tril were a product"),
    wrong("without the diagonal", "region", lambda g, y, x: np.tril(g, -1), "shifted by one"),
    wrong("no mask", "region", lambda g, y, x: g, "the upper triangle has a gradient"),
)  # fmt: skip

SYMMETRIC = entry(
    "symmetric part", [real(3, 3)],
    lambda x: (x + x.T) / 2,
    lambda g, y, x: (g + g.T) / 2,
    wrong("one path", "path", lambda g, y, x: g / 2, "x stands in two places"),
    wrong("½ forgotten", "factor", lambda g, y, x: g + g.T, "both paths, each with weight one"),
    wrong("upstream overwritten", "in place", upstream_overwritten(lambda g, y, x: (g + g.T) / 2), "halved in place"),
)  # fmt: skip
