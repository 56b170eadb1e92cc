"""Source mutants: the text of a derivative rule with one place changed, compiled anew.

    @elementwise(partials=(lambda y, x: 1 - y * y,), …)        the rule stands in the call of the decorator
    def tanh(x): …
                                                               rules = (lambda y, x: 1 - y * y,)
    →  a program of its own, in the namespace of the module    rules = (lambda y, x: 1 - x * y,)
                                                               rules = (lambda y, x: 1 + y * y,)    …

A rule may be a lambda, a number, or a function of the module, which may call others there that are no operations: they
are part of the program, and so are their mutants. What two rules share is changed for both.
"""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
import sys
from collections.abc import Iterator, Sequence
from difflib import ndiff
from functools import cache, partial
from typing import Any, NamedTuple

from tinygrad_edu import ops
from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite.mutation.mutant import Mutant, with_rules
from tinygrad_edu.suite.mutation.operators import variants

_KEYWORDS = {"partials", "transposes", "vjps"}
RULES = "rules"


class _Part(NamedTuple):
    """A part of a program: a rule, or a function.

    Attributes:
        operand: whose rule it is, "all" if it is shared.
        place: its name and a colon if it is a function that rules call, or "".
        path: the number of its root among all nodes of the program.
        names: the operands, as they are called there.
    """

    operand: str
    place: str
    path: int
    names: tuple[str, ...]


def source_mutants(op: Primitive) -> Iterator[Mutant]:
    """Every mutant of the source of an operation's rules, each once; none if there is no source to read."""
    program = program_of(op)
    if program is None:
        return
    seen, names = {ast.dump(program)}, dict[tuple[str, str], int]()
    for part in _parts(program, op):
        for mutated, old, new in _mutated(program, part):
            written = ast.dump(mutated)
            if written in seen:
                continue
            seen.add(written)
            name = f"{part.place}{old} → {new}"
            names[part.operand, name] = count = names.get((part.operand, name), 0) + 1
            name += f" ({count})" if count > 1 else ""  # the second place where the same is written
            diff = _diff(_nodes(program)[part.path], _nodes(mutated)[part.path])
            yield Mutant(part.operand, name, diff, partial(_built, op, mutated))


def _built(op: Primitive, program: ast.Module) -> Primitive:
    return with_rules(op, rules_of(program, op))


# ---- the program ----


def program_of(op: Primitive) -> ast.Module | None:
    """The rules of an operation, and the functions that they call, as a module of their own."""
    body = _tree(op.forward.__module__)
    functions = {f.name: f for f in body if isinstance(f, ast.FunctionDef) and not f.decorator_list}
    for declared in body:
        decorators = getattr(declared, "decorator_list", ())
        if decorators and decorators[0].lineno == op.forward.__code__.co_firstlineno:
            for keyword in getattr(decorators[0], "keywords", ()):
                if keyword.arg in _KEYWORDS:
                    rules = ast.Assign([ast.Name(RULES, ast.Store())], keyword.value)
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
    found: dict[str, ast.FunctionDef] = {}
    todo = [start]
    while todo:
        for node in ast.walk(todo.pop()):
            if isinstance(node, ast.Name) and node.id in known.keys() - found.keys():
                found[node.id] = known[node.id]
                todo.append(known[node.id])
    return [f for name, f in known.items() if name in found]


def rules_of(program: ast.Module, op: Primitive) -> Any:
    """Run a program of rules in the namespace of the module that it comes from."""
    module = sys.modules[op.forward.__module__]
    namespace = {**vars(module), "ops": ops, "ones_like": ones_like, "shifted": shifted}
    tree = ast.fix_missing_locations(copy.deepcopy(program))
    exec(compile(tree, f"<mutant of {op.name}>", "exec", __future__.annotations.compiler_flag), namespace)
    rules = namespace[RULES]
    if op.variadic:
        return rules
    return tuple(_constant(r) if isinstance(r, int | float) and r not in (1, -1) else r for r in rules)


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


# ---- its places ----


def _nodes(program: ast.AST) -> list[ast.AST]:
    return list(ast.walk(program))


def _parts(program: ast.Module, op: Primitive) -> Iterator[_Part]:
    *functions, last = program.body
    assert isinstance(last, ast.Assign)
    numbers = {node: k for k, node in enumerate(_nodes(program))}
    given: list[Any] = [last.value] if op.variadic else list(getattr(last.value, "elts", ()))
    operand = {k: "all" if op.variadic else str(k) for k in range(len(given))}
    for k, rule in enumerate(given):
        if not (isinstance(rule, ast.Name) or (isinstance(rule, ast.Constant) and rule.value is None)):
            names = _names(rule.args, op) if isinstance(rule, ast.Lambda) else ()
            yield _Part(operand[k], "", numbers[rule], names)
    for f in functions:
        assert isinstance(f, ast.FunctionDef)
        of = [operand[k] for k, rule in enumerate(given) if isinstance(rule, ast.Name) and rule.id == f.name]
        alone = len(of) == 1
        names = (
            _names(f.args, op)
            if of
            else tuple(
                a.arg
                for a in f.args.args
                if isinstance(a.annotation, ast.Name) and a.annotation.id == "Operand"
            )
        )
        yield _Part(of[0] if alone else "all", "" if alone else f"{f.name}: ", numbers[f], names)


def _names(arguments: ast.arguments, op: Primitive) -> tuple[str, ...]:
    """What a rule calls the output, the operands and the cotangent."""
    plain = [a.arg for a in arguments.args]
    if op.variadic:
        return tuple(plain[1:3])
    return tuple(plain[: len(op.rules) + (1 if op.elementwise else 2)])


def _mutated(program: ast.Module, part: _Part) -> Iterator[tuple[ast.Module, str, str]]:
    """Programs with one place of a part changed, and what was written there before and after."""
    nodes = _nodes(program)
    root = nodes[part.path]
    numbers = {node: k for k, node in enumerate(nodes)}
    for node, parent in [(root, None), *_places(root)]:
        found = variants(node, parent, part.names) if parent else _of_a_constant_rule(node)
        for other in found:
            mutated = copy.deepcopy(program)
            place = _nodes(mutated)[numbers[node]]
            _Exchange(place, copy.deepcopy(other)).visit(mutated)
            yield mutated, _written(node), _written(other)


def _of_a_constant_rule(node: Any) -> Iterator[ast.AST]:
    """A partial that is a number everywhere, 1 or −1."""
    if isinstance(node, ast.Constant | ast.UnaryOp):
        value = ast.literal_eval(node)
        yield from (ast.Constant(other) for other in (-value, 2 * value, 0, 1.01 * value, 0.99 * value))


def _places(root: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """(node, parent) of all that is computed: no annotations, no words, and no errors that are raised."""
    if isinstance(root, ast.arguments):
        return
    if isinstance(root, ast.Lambda | ast.FunctionDef):
        for default in _defaults(root):
            yield default, root.args
            yield from _places(default)
    for field, value in ast.iter_fields(root):
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST) and field not in ("annotation", "returns") and not _is_said(node):
                yield node, root
                yield from _places(node)


def _defaults(function: ast.Lambda | ast.FunctionDef) -> Iterator[ast.AST]:
    """The defaults of those parameters that a function makes use of."""
    given, body = function.args, function.body if isinstance(function.body, list) else [function.body]
    used = {node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)}
    by_place = zip(given.args[::-1], given.defaults[::-1], strict=False)
    for parameter, default in (*by_place, *zip(given.kwonlyargs, given.kw_defaults, strict=True)):
        if parameter.arg in used and default is not None:
            yield default


def _is_said(node: ast.AST) -> bool:
    """Words, errors, and what only guards against errors."""
    match node:
        case ast.Raise() | ast.JoinedStr() | ast.Expr(value=ast.Constant()) | ast.keyword(arg="strict"):
            return True
        case _:
            return False


class _Exchange(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


# ---- in words ----


def _written(node: ast.AST) -> str:
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())


def _diff(old: ast.AST, new: ast.AST) -> str:
    before, after = (
        ast.unparse(ast.fix_missing_locations(copy.deepcopy(x))).splitlines() for x in (old, new)
    )
    lines: Sequence[str] = [line for line in ndiff(before, after) if line[0] in "-+"]
    return "\n".join(line.replace("-", "−", 1) if line[0] == "-" else line for line in lines)
