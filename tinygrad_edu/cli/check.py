"""`tinygrad-edu check FILE.py:NAME`: the gradients of the user's own function, layer, or training script."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tinygrad_edu.cli.arguments import seed, shape

if TYPE_CHECKING:
    from tinygrad_edu.cli.target import Target
    from tinygrad_edu.verify import Report

CODES = {"verified": 0, "wrong": 1}  # anything else: 3
FILES = {"json": ".json", "junit": ".xml", "html": ".html"}
DRAWN = 200  # nodes; more of them are no picture to look at


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "check", help="check the gradients of your own function, layer or training script",
        description="Exit codes: 0 verified, 1 wrong, 2 it could not be checked, 3 nothing was decided.",
    )  # fmt: skip
    parser.add_argument(
        "target", metavar="FILE.py:NAME", help="of a function, f beside f_vjp, a module, or a computed node"
    )
    parser.add_argument("--input", type=shape, action="append", default=[], metavar="SHAPE",
                        help="of an input, such as 3,4, or () for a number; standard normal")  # fmt: skip
    parser.add_argument("--parameters", action="append", default=[], metavar="NAME",
                        help="of a module, leaf or list of them, which is to be checked, too")  # fmt: skip
    parser.add_argument("--allow-zero", action="append", default=[], metavar="NAME",
                        help="of a parameter whose derivative may be 0, as a bias before a batch norm has")  # fmt: skip
    parser.add_argument("--hazards", action="store_true", help="also at points where wrong rules show")
    parser.add_argument("--step", type=_step, metavar="ε", help="a fixed one; by default it is found")
    parser.add_argument("--directions", type=_count, metavar="N",
                        help="so many random directions instead of every component: for large models")  # fmt: skip
    parser.add_argument(
        "--seed", type=seed, default=0, metavar="N", help="of all that is random (default: 0)"
    )
    for kind, suffix in FILES.items():
        parser.add_argument(f"--{kind}", metavar=f"FILE{suffix}", help="write the report there, too")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Check, print the report, and return the exit code: 0 verified, 1 wrong, 2 refused, 3 nothing decided."""
    from tinygrad_edu.cli.target import contents
    from tinygrad_edu.cli.user_file import Refusal, opened, split

    try:
        path, name = split(args.target)
        files = _files(args)
        with opened(path, name) as module:
            if name:
                return _check(args, path, name, module, files)
            found = contents(module)
        for each, said in found.items():
            print(f"{path}:{each}   {said}")
        raise Refusal(f"say which, {path}:NAME" if found else f"there is nothing to check in {path}")
    except Refusal as refusal:
        print(f"tinygrad-edu check: {refusal}", file=sys.stderr)
    return 2


def _check(args: argparse.Namespace, path: Path, name: str, module: ModuleType, files: list[Path]) -> int:
    import numpy as np

    from tinygrad_edu.cli.console import terminal
    from tinygrad_edu.cli.target import target_of
    from tinygrad_edu.cli.user_file import guarded
    from tinygrad_edu.verify import check

    rng = np.random.default_rng(args.seed)
    with guarded(path, f"{name} could not be made ready"):
        target = target_of(module, name, args.input, args.parameters, rng)
    given = "".join(f"\n  input {i}: {_brief(x)}" for i, x in enumerate(target.inputs))
    how = {each: getattr(args, each) for each in ("hazards", "step", "directions", "allow_zero")}
    with guarded(path, f"{name} could not be checked", f"It was called with{given}" if given else ""):
        report = check(target.target, *target.inputs, parameters=target.parameters, rng=rng, **how)
    print(f"{path}:{name}, {target.said}, seed {args.seed}{given}")
    if target.guessed:
        report = _without_strangers(report)
    if sys.stdout.isatty():
        terminal().print(report)
    else:
        print(report)
    where = _located(target.target) if report.verdict == "wrong" else None
    for row in where.rows if where is not None else []:
        print(f"wrong by itself, in its graph: {row.name}   {row.note}")
    for file in files:
        graph = _picture(target, report if where is None else where) if file.suffix == ".html" else None
        report.save(file, graph=graph, title=f"{path.name}: {name}")
    return CODES.get(report.verdict, 3)


def _without_strangers(report: Report) -> Report:
    """Without leaves of the file that the loss does not depend on; if it depends on none, all stay."""
    mine = [row for row in report.rows if row.verdict != "vacuous"]
    if not mine or len(mine) == len(report.rows):
        return report
    others = ", ".join(row.name for row in report.rows if row.verdict == "vacuous")
    print(f"left out, since nothing depends on it: {others}")
    return type(report)(mine, report.step, report.lecture, report.nodes)


def _located(target: Any) -> Report | None:
    """Of a graph that is not too large the operations whose own rule is wrong; None of anything else."""
    from tinygrad_edu import Node, check_graph, topological_order

    if not isinstance(target, Node) or len(topological_order([target])) > DRAWN:
        return None
    report = check_graph(target)
    wrong = [row for row in report.rows if row.verdict == "wrong"]
    return type(report)(wrong, None, None, report.nodes)


def _picture(target: Target, report: Report) -> Any:
    """The graph, if it is small enough to look at and there is an engine to draw it; else None."""
    from tinygrad_edu import Node, draw, topological_order
    from tinygrad_edu.render.layout.engine import EngineError
    from tinygrad_edu.state import state_restored
    from tinygrad_edu.verify.leaves import leaves_of

    node = target.target
    if not isinstance(node, Node):
        arguments, _ = leaves_of(target.target, target.inputs, target.parameters)
        with state_restored():
            node = target.target(*arguments)
    if len(topological_order([node])) > DRAWN:
        return None
    picture = draw(node, report=report)
    try:
        picture.svg()
    except EngineError:
        return None
    return picture


def _brief(x: Any) -> str:
    """An input in a few words."""
    import numpy as np

    from tinygrad_edu.core.node import value_of

    value = value_of(x)
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, {value.shape}"
    return f"{value!r}"


# ---- what the options mean ----


def _step(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"a step is a positive number, such as 1e-7; {text!r} came")


def _count(text: str) -> int:
    if text.isdecimal() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"a number of directions, 1 or more, was expected; {text!r} came")


def _files(args: argparse.Namespace) -> list[Path]:
    """The files to write, of which it is known now that they can be written."""
    from tinygrad_edu.cli.user_file import Refusal
    from tinygrad_edu.reporting import ensure_writable

    files = []
    for kind, suffix in FILES.items():
        file = getattr(args, kind)
        if file is not None:
            if Path(file).suffix != suffix:
                raise Refusal(f"--{kind}: a file that ends with {suffix} was expected, {file} came")
            ensure_writable(file)
            files.append(Path(file))
    return files
