"""The graph that a name in a user's file stands for, whatever it is.

a computed node     itself, such as the loss that a training ends with
a function          what it returns for its inputs, if it takes any
a module            what it returns for inputs of the shapes given
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NamedTuple

from tinygrad_edu.cli.arguments import seed, shape

TARGET = "FILE.py:NAME"


class Graph(NamedTuple):
    """A node of the user's, and what it takes to draw it with the user's own names.

    Attributes:
        node: the root.
        names: where the names of its leaves are.
        parameters: which leaves are learned, or None: those of the modules among the names.
        title: FILE.py:NAME.
    """

    node: Any
    names: Any
    parameters: Any
    title: str

    @property
    def words(self) -> dict[str, Any]:
        """The options of `draw` that say what is what."""
        return {"names": self.names, "parameters": self.parameters}


def declare(
    commands: Any, name: str, about: str, description: str, run: Callable[[argparse.Namespace], int]
) -> Any:
    """A command about a graph: its target, what it is called with, and whether backward is to run."""
    parser = commands.add_parser(
        name, help=about, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "target", metavar=TARGET, help="of a computed node, a function that returns one, or a module"
    )
    declare_inputs(parser)
    parser.set_defaults(run=answered(run), parser=parser)
    return parser


def answered(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """The command, which says what is wrong with a request as a sentence, and ends with exit code 2."""

    def answer(args: argparse.Namespace) -> int:
        from tinygrad_edu.cli.user_file import Refusal
        from tinygrad_edu.render import EngineError

        try:
            return run(args)
        except (Refusal, EngineError) as refusal:
            print(f"tinygrad-edu {args.command}: {refusal}", file=sys.stderr)
            return 2

    return answer


def declare_inputs(parser: argparse.ArgumentParser) -> None:
    """What a target is called with."""
    parser.add_argument("--input", type=shape, action="append", default=[], metavar="SHAPE",
                        help="of an input, such as 3,4, or () for a number; standard normal")  # fmt: skip
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the inputs (default: 0)")
    parser.add_argument("--no-backward", action="store_true",
                        help="leave the gradients as the file left them; else they are computed if that has not "
                        "happened, and the target is one number")  # fmt: skip


@contextmanager
def graph_of(target: str, args: argparse.Namespace) -> Iterator[Graph]:
    """Run the file, and find or compute the graph in it; the file's modules can be imported within.

    Raises:
        Refusal: there is no such file or name, or it is nothing that has a graph.
    """
    import numpy as np

    from tinygrad_edu.cli.target import contents
    from tinygrad_edu.cli.user_file import Refusal, guarded, opened, split

    path, name = split(target)
    # Of a division by zero a picture tells more than the warning would.
    with np.errstate(all="ignore"), opened(path, name) as module:
        if not name:
            there_are = "".join(f"\n  {path}:{each}   {said}" for each, said in contents(module).items())
            raise Refusal(f"say which, {path}:NAME" + there_are)
        with guarded(path, f"{name} could not be computed"):
            found = _found(module, name, args, np.random.default_rng(args.seed))
        with guarded(path, f"the gradients of {name} could not be computed"):
            if not args.no_backward:
                _backward(found.node)
        yield found._replace(title=f"{path.name}:{name}")


def _found(module: ModuleType, name: str, args: argparse.Namespace, rng: Any) -> Graph:
    from tinygrad_edu import Node
    from tinygrad_edu.cli.target import contents, target_of
    from tinygrad_edu.cli.user_file import Refusal, find
    from tinygrad_edu.inputs import among_arrays, input_leaf

    found: Any = find(module, name, contents(module))
    if isinstance(found, Node):
        if args.input:
            raise Refusal(f"{name} was computed already, so it takes no --input")
        return Graph(found, _names(module, found), None, "")
    inputs: list[Any] = []
    if inspect.isclass(found) or not callable(found) or args.input or _required(found):
        target = target_of(module, name, args.input, [], rng)
        found, inputs = target.target, target.inputs
        among = among_arrays([*inputs, *_leaves(found)])
        inputs = [input_leaf(x, among) if _is_float(x) else x for x in inputs]
        for each, x in zip(_argument_names(found), inputs, strict=False):
            if isinstance(x, Node) and x.name is None:
                x.name = each
    y = found(*inputs)
    if not isinstance(y, Node):
        raise Refusal(f"{name} returned {_article(y)}: a node was expected, a Scalar or a Tensor")
    names = _names(module, y)
    return Graph(
        y, [found, names] if _leaves(found) else names, _parameters(y, inputs) if inputs else None, ""
    )


def _required(found: Any) -> bool:
    """Whether it cannot be called without arguments."""
    from tinygrad_edu.cli.inputs import signature_of

    takes = signature_of(found)
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return takes is not None and any(
        each.default is each.empty and each.kind not in optional for each in takes.parameters.values()
    )


def _argument_names(found: Any) -> list[str]:
    from tinygrad_edu.cli.inputs import signature_of

    takes = signature_of(found)
    return list(takes.parameters) if takes is not None else []


def _leaves(found: Any) -> list[Any]:
    from tinygrad_edu.nn import Module

    return [leaf for _, leaf in found.named_parameters()] if isinstance(found, Module) else []


def _names(module: ModuleType, y: Any) -> dict[str, Any] | None:
    """The names in the file, but for private ones, and for modules that are no part of the graph.

    None, if no node of the graph has one: whoever gave no names is not to be told that they fit nothing.
    """
    from tinygrad_edu import topological_order
    from tinygrad_edu.render.graph.naming import named

    leaves = {id(x) for x in topological_order([y]) if x.op is None}
    names = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not (_leaves(value) and leaves.isdisjoint(map(id, _leaves(value))))
    }
    return names if set(topological_order([y])).intersection(node for _, node in named(names)) else None


def _is_float(x: Any) -> bool:
    import numpy as np

    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _article(x: Any) -> str:
    kind = type(x).__name__
    return "nothing" if x is None else f"an {kind}" if kind[0].lower() in "aeiou" else f"a {kind}"


def _parameters(y: Any, inputs: list[Any]) -> list[Any]:
    """The leaves that were not given as inputs."""
    from tinygrad_edu import topological_order

    given = set(map(id, inputs))
    return [x for x in topological_order([y]) if x.op is None and x.requires_grad and id(x) not in given]


def _backward(node: Any) -> None:
    """Compute the gradients of a number, unless the file has; what the file added up before is not part of them."""
    from tinygrad_edu import topological_order
    from tinygrad_edu.render.graph.stale import stale_leaves

    if node.grad is not None or not node.requires_grad or node.shape != ():
        return
    order = topological_order([node])
    if not stale_leaves(order):  # else the picture says so
        for x in order:
            x.grad = None
        node.backward()
