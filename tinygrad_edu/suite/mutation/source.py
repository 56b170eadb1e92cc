"""Source mutants: the text of a derivative rule with one place changed.

    rules = (lambda y, x: 1 - y * y,)    →    rules = (lambda y, x: 1 - x * y,)
                                              rules = (lambda y, x: 1 + y * y,)    …

What a rule calls in its own module is changed as well. What two rules share is changed for both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from difflib import ndiff
from functools import partial
from typing import Any, NamedTuple, TypeVar

from tinygrad_edu.core.primitive import Primitive
from tinygrad_edu.suite.mutation.mutant import Mutant, with_rules
from tinygrad_edu.suite.mutation.operators import variants
from tinygrad_edu.suite.mutation.program import program_of, rules_of

Tree = TypeVar("Tree", bound=ast.AST)


class _Part(NamedTuple):
    """A part of a program: a rule, or a function.

    Attributes:
        operand: whose rule it is, "all" if it is shared.
        place: its name and a colon if it is a function that rules call, or "".
        root: of its syntax tree.
        names: the operands, as they are called there.
    """

    operand: str
    place: str
    root: ast.AST
    names: tuple[str, ...]


def source_mutants(op: Primitive) -> Iterator[Mutant]:
    """Every mutant of the source of an operation's rules, each once; none if there is no source to read."""
    program = program_of(op)
    if program is None:
        return
    seen, count = {ast.dump(program)}, dict[tuple[str, str], int]()
    for part in _parts(program, op):
        for old, new in _exchanges(part):
            mutated = _exchanged(program, old, new)
            written = ast.dump(mutated)
            if written in seen:
                continue
            seen.add(written)
            name = f"{part.place}{_line(old)} → {_line(new)}"
            count[part.operand, name] = n = count.get((part.operand, name), 0) + 1
            name += f" ({n})" if n > 1 else ""  # the second place where the same is written
            diff = _diff(part.root, _exchanged(part.root, old, new))
            yield Mutant(part.operand, name, diff, partial(_made, op, mutated))


def _made(op: Primitive, program: ast.Module) -> Primitive:
    return with_rules(op, rules_of(program, op))


# ---- the places ----


def _parts(program: ast.Module, op: Primitive) -> Iterator[_Part]:
    *functions, last = program.body
    assert isinstance(last, ast.Assign)
    rules: list[Any] = [last.value] if op.variadic else list(getattr(last.value, "elts", ()))
    operands = ["all"] if op.variadic else [str(i) for i in range(len(rules))]
    for operand, rule in zip(operands, rules, strict=True):
        if isinstance(rule, ast.Lambda):
            yield _Part(operand, "", rule, _names(rule.args, op))
        elif not isinstance(rule, ast.Name):
            yield _Part(operand, "", rule, ())
    for f in functions:
        assert isinstance(f, ast.FunctionDef)
        of = [
            operand
            for operand, rule in zip(operands, rules, strict=True)
            if getattr(rule, "id", "") == f.name
        ]
        names = _names(f.args, op) if of else tuple(a.arg for a in f.args.args if _is_operand(a.annotation))
        yield _Part(of[0], "", f, names) if len(of) == 1 else _Part("all", f"{f.name}: ", f, names)


def _names(arguments: ast.arguments, op: Primitive) -> tuple[str, ...]:
    """What a rule calls the output, the operands and the cotangent."""
    plain = [a.arg for a in arguments.args]
    if op.variadic:
        return tuple(plain[1:3])
    return tuple(plain[: len(op.rules) + (1 if op.elementwise else 2)])


def _is_operand(annotation: ast.AST | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Operand"


def _exchanges(part: _Part) -> Iterator[tuple[ast.AST, ast.AST]]:
    """(node, what may stand in its place) for all places of a part."""
    if (
        isinstance(part.root, ast.Constant | ast.UnaryOp)
        and (value := ast.literal_eval(part.root)) is not None
    ):
        # a partial that is a number everywhere, 1 or −1
        others = (-value, 2 * value, 0, 1.01 * value, 0.99 * value)
        yield from ((part.root, ast.Constant(other)) for other in others)
    for node, parent in _places(part.root):
        yield from ((node, other) for other in variants(node, parent, part.names))


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


def _exchanged(tree: Tree, old: ast.AST, new: Any) -> Tree:
    """The tree with one node in the place of another; what has not changed is shared with it."""
    if tree is old:
        return new  # type: ignore[no-any-return]
    for name, value in ast.iter_fields(tree):
        parts = value if isinstance(value, list) else [value]
        made = [_exchanged(x, old, new) if isinstance(x, ast.AST) else x for x in parts]
        if any(a is not b for a, b in zip(parts, made, strict=True)):
            fields = dict(ast.iter_fields(tree)) | {name: made if parts is value else made[0]}
            return ast.copy_location(type(tree)(**fields), tree)
    return tree


# ---- in words ----


def _line(node: ast.AST) -> str:
    return " ".join(_written(node).split())


def _written(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node))


def _diff(old: ast.AST, new: ast.AST) -> str:
    before, after = _written(old).splitlines(), _written(new).splitlines()
    lines: Sequence[str] = [line for line in ndiff(before, after) if line[0] in "-+"]
    return "\n".join(line.replace("-", "−", 1) if line[0] == "-" else line for line in lines)
