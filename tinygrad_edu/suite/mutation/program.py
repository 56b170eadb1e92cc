"""The rules of an operation as a program of its own, which can be changed and run.

    @elementwise(partials=(lambda y, x: 1 - y * y,), …)        the rule stands in the call of the decorator
    def tanh(x): …                                             →     rules = (lambda y, x: 1 - y * y,)

A rule may be a lambda, a number, or a function of the module, which may call others there that are no operations: they
are part of the program. It runs in the namespace of its module, and leaves nothing behind there.
"""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
import sys
from functools import cache
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.core.node import value_of
from tinygrad_edu.core.primitive import MINUS_ONE, ONE, Primitive
from tinygrad_edu.types import Shape

_KEYWORDS = {"partials", "transposes", "vjps"}
_RULES = "rules"


def program_of(op: Primitive) -> ast.Module | None:
    """The functions that the rules of an operation call, and the rules as the last statement; None without a source."""
    body = _tree(op.forward.__module__)
    functions = {f.name: f for f in body if isinstance(f, ast.FunctionDef) and not f.decorator_list}
    for declared in body:
        decorators = getattr(declared, "decorator_list", ())
        if decorators and decorators[0].lineno == op.forward.__code__.co_firstlineno:
            for keyword in getattr(decorators[0], "keywords", ()):
                if keyword.arg in _KEYWORDS:
                    rules = ast.Assign([ast.Name(_RULES, ast.Store())], keyword.value)
                    return copy.deepcopy(ast.Module([*_called(keyword.value, functions), rules], []))
    return None


@cache
def _tree(module: str) -> list[ast.stmt]:
    try:
        return ast.parse(inspect.getsource(sys.modules[module])).body
    except (KeyError, OSError, TypeError):  # typed at a prompt
        return []


def _called(start: ast.AST, known: dict[str, ast.FunctionDef]) -> list[ast.FunctionDef]:
    """The functions of a module that an expression calls, and those that they call."""
    found: set[str] = set()
    todo = [start]
    while todo:
        for node in ast.walk(todo.pop()):
            if isinstance(node, ast.Name) and node.id in known.keys() - found:
                found.add(node.id)
                todo.append(known[node.id])
    return [f for name, f in known.items() if name in found]


def rules_of(program: ast.Module, op: Primitive) -> Any:
    """Run a program of rules in the namespace of the module that it comes from."""
    namespace = {**vars(sys.modules[op.forward.__module__])}
    namespace |= {
        "ops": ops,
        **{f.__name__: f for f in (ones_like, shifted, assigned)},
    }  # mutants are written with it
    tree = ast.fix_missing_locations(program)
    exec(compile(tree, f"<mutant of {op.name}>", "exec", __future__.annotations.compiler_flag), namespace)
    rules = namespace[_RULES]
    if op.variadic:
        return rules
    return tuple(
        rule if callable(rule) or rule in (ONE, MINUS_ONE, None) else _constant(rule) for rule in rules
    )


def _constant(value: float) -> Any:
    return lambda *args, **params: value


def ones_like(g: Any) -> Any:
    """Ones in place of a cotangent."""
    return 0 * g + 1


def shifted(axis: Any, by: int) -> Any:
    """The axis beside the one that is meant."""
    if isinstance(axis, tuple | list):
        return tuple(a + by for a in axis)
    return axis if axis is None else axis + by


def assigned(x: Any, index: Any, shape: Shape) -> Any:
    """What `scatter_add` would be if at repeated indices the last one won."""
    value = np.asarray(value_of(x))
    out = np.zeros(shape, value.dtype)
    out[index] = value
    return out
