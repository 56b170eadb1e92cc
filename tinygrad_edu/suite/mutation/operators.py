"""Mutation operators: what a slip of the pen makes of one place in a program (DeMillo, Lipton and Sayward 1978).

    a * b → a / b, a, b        a + b → a − b, a, b        x → y, −x, 2 x        A @ B → B @ A        Aᵀ → A
    cos → sin                  sum → mean                 > → ≥                 2 → 3, 1, 2.02       f(x) → x

Each operator takes a node of a syntax tree and yields what may stand in its place. None knows which operation it
spoils. The list is that of mistakes made in derivative rules: signs, factors, transposes, axes, the output for the
input, ties, and summands that were forgotten.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

# What stands beside what it is mistaken for.
_PAIRS = [
    ("sin", "cos"), ("sinh", "cosh"), ("exp", "log"), ("tanh", "sigmoid"), ("sum", "mean"), ("sqrt", "square"),
    ("maximum", "minimum"), ("max", "min"), ("scatter_add", "getitem"), ("sum_to", "broadcast_to"),
    ("fold", "windows"), ("greater", "greater_equal"), ("less", "less_equal"), ("equal", "not_equal"),
]  # fmt: skip
_MISTAKEN = {a: b for a, b in _PAIRS} | {b: a for a, b in _PAIRS} | {"prod": "sum", "above": "greater"}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt,), ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt,), ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
# What tells the shape or the kind of an operand, or turns one container into another, and computes nothing; and what
# gives an order to that which has none, without which every run would be another.
_SHAPES = {"shape_of", "isinstance", "len", "_dtype", "shape"}
_KINDS = {
    "value_of", "tolist", "tuple", "list", "iter", "next", "range", "enumerate", "zip", "getattr", "isinstance",
    "sorted",
}  # fmt: skip


def variants(node: ast.AST, parent: ast.AST | None, operands: Sequence[str]) -> Iterator[ast.AST]:
    """What may stand in the place of a node.

    Args:
        node: of a syntax tree.
        parent: the node that it is part of.
        operands: the names that mean an operand, the output or, if it is there, the cotangent "g".
    """
    if isinstance(node, ast.expr) and isinstance(parent, ast.Lambda | ast.Return) and not _is_container(node):
        yield from (_times(2, node), _minus(node))  # a factor too many in all that a rule returns
    match node:
        case ast.BinOp():
            yield from _of_two(node)
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.IfExp():
            yield ast.IfExp(node.test, node.orelse, node.body)
        case ast.Compare(ops=[one]):
            yield from (
                ast.Compare(node.left, [other()], node.comparators)
                for other in _COMPARISONS.get(type(one), ())
            )
        case ast.Call():
            yield from _of_a_call(node)
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield from _of_a_number(node, parent)
        case ast.Name(ctx=ast.Load()):
            yield from _of_a_name(node, parent, operands)
        case ast.AugAssign(op=ast.Add()):
            yield ast.Assign([node.target], node.value)
        case ast.AugAssign():
            yield ast.Pass()
        case _:
            pass


def _of_two(node: ast.BinOp) -> Iterator[ast.AST]:
    left, right = node.left, node.right
    match node.op:
        case ast.Mult():
            yield from (ast.BinOp(left, ast.Div(), right), left, right)
        case ast.Div():
            yield from (ast.BinOp(left, ast.Mult(), right), left)
        case ast.Add():
            yield from (ast.BinOp(left, ast.Sub(), right), left, right)
        case ast.Sub():
            yield from (ast.BinOp(left, ast.Add(), right), left, _minus(right))
        case ast.MatMult():
            yield ast.BinOp(right, ast.MatMult(), left)
        case ast.Pow():
            yield from (ast.BinOp(left, ast.Mult(), right), left)
        case ast.Mod():
            yield left
        case _:
            pass


def _of_a_call(node: ast.Call) -> Iterator[ast.AST]:
    f, args = node.func, node.args
    name = f.id if isinstance(f, ast.Name) else f.attr if isinstance(f, ast.Attribute) else ""
    method = isinstance(f, ast.Attribute) and not _is_module(f.value)
    if name in _MISTAKEN and not any(isinstance(x, ast.GeneratorExp) for x in args):  # Python's own sum
        other = _MISTAKEN[name]
        function = ast.Attribute(f.value, other) if isinstance(f, ast.Attribute) else _of_ops(other)
        yield ast.Call(function, args, node.keywords)
    if name not in _KINDS | _SHAPES:
        if method and isinstance(f, ast.Attribute):
            yield f.value
        elif args and not isinstance(args[0], ast.Starred):
            yield args[0]
    if name == "scatter_add":
        yield ast.Call(_name("assigned"), args, node.keywords)  # `out[i] = g` in place of `out[i] += g`
    if name == "where":
        yield ast.Call(f, [args[0], args[2], args[1]], node.keywords)
    elif len(args) == 2 and all(isinstance(x, ast.Name) for x in args) and name not in _KINDS | {"equal"}:
        yield ast.Call(f, args[::-1], node.keywords)


def _of_a_number(node: ast.Constant, parent: ast.AST | None) -> Iterator[ast.AST]:
    value: Any = node.value
    yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, _ARITHMETIC):
        yield from (ast.Constant(value * 1.01), ast.Constant(value * 0.99))


def _of_a_name(node: ast.Name, parent: ast.AST | None, operands: Sequence[str]) -> Iterator[ast.AST]:
    called = isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in _SHAPES
    of_shape = called or (isinstance(parent, ast.Attribute) and parent.attr in _SHAPES)
    if node.id == "axis" and isinstance(parent, ast.Call | ast.keyword | ast.BinOp):
        yield from (ast.Call(_name("shifted"), [node, ast.Constant(by)], []) for by in (1, -1))
    if node.id not in operands:
        return
    yield from (_name(other) for other in operands if other not in (node.id, "g"))
    if of_shape:
        return
    if node.id == "g":
        yield ast.Call(_name("ones_like"), [node], [])
    yield from (_minus(node), _times(2, node))


def _is_container(node: ast.AST) -> bool:
    return isinstance(node, ast.Tuple) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tuple", "iter")
    )


def _is_module(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return _is_module(node.value)
    return isinstance(node, ast.Name) and node.id in ("np", "math")


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _of_ops(name: str) -> ast.expr:
    """An operation of this package, from a module that need not have imported it."""
    return ast.Attribute(_name("ops"), name, ast.Load())


def _minus(x: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), x)


def _times(factor: int, x: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(factor), ast.Mult(), x)
