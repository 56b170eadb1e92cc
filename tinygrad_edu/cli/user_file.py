"""A file of the user's: run it, find a name in it, and say in a sentence what is not there.

It is run as `python FILE.py` would run it: in the present folder, with its own folder on the path of imports, and what
it prints is printed. What stands under `if __name__ == "__main__":` is run only if the name is not there without it: so
a function is checked without the training below it, and a loss after it.
"""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import tinygrad_edu
from tinygrad_edu.cli.arguments import did_you_mean

PACKAGE = str(Path(tinygrad_edu.__file__).parent)
GUARD = ast.dump(ast.parse('__name__ == "__main__"', mode="eval").body)


class Refusal(Exception):
    """What is wrong with a request, in a sentence: the command prints it, and ends with exit code 2."""


def split(text: str) -> tuple[Path, str]:
    """FILE.py:NAME as a path and a name, which is "" if there is none.

    Raises:
        Refusal: there is no such file, or it is none of Python.
    """
    before, colon, after = text.rpartition(":")
    path, name = (Path(before), after) if colon and before.endswith(".py") else (Path(text), "")
    if path.is_file() and path.suffix == ".py":
        return path, name
    if path.is_file() or Path(before).is_file():
        raise Refusal(f"a file of Python was expected, and a name in it, FILE.py:NAME; {text} came")
    if path.is_dir():
        raise Refusal(f"a file of Python was expected, and a name in it, FILE.py:NAME; {path} is a folder")
    there = [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
    raise Refusal(f"there is no file {path}" + did_you_mean(path.name, there))


@contextmanager
def opened(path: Path, name: str) -> Iterator[ModuleType]:
    """The file as a module that has been run. Within, imports find what stands beside it.

    Args:
        path: of the file.
        name: what is wanted of it; it decides whether the main part is run.

    Raises:
        Refusal: the file raises, or ends the process with an exit code that is none of success.
    """
    called = path.stem if path.stem not in sys.modules else f"{path.stem}.py"
    module = ModuleType(called)
    module.__file__ = str(path)
    argv, places = sys.argv, sys.path[:]
    sys.argv, sys.path[:] = [str(path)], [str(path.resolve().parent), *places]
    sys.modules[called] = module  # where a dataclass, for one, looks for its own module
    try:
        _run(path, name.partition(".")[0], module)
        yield module
    finally:
        sys.argv, sys.path[:] = argv, places
        del sys.modules[called]


def _run(path: Path, wanted: str, module: ModuleType) -> None:
    with guarded(path, f"{path} raises an error"):
        tree = ast.parse(path.read_bytes(), str(path))
        main = [part for part in tree.body if isinstance(part, ast.If) and ast.dump(part.test) == GUARD]
        exec(compile(tree, str(path), "exec"), vars(module))
        if wanted and main and not hasattr(module, wanted):
            called, module.__name__ = module.__name__, "__main__"
            exec(compile(ast.Module(list(main), []), str(path), "exec"), vars(module))
            module.__name__ = called


@contextmanager
def guarded(path: Path, doing: str, besides: str = "") -> Iterator[None]:
    """Errors of the user's code, as refusals with what of the traceback is the user's.

    Args:
        path: of the file.
        doing: what went wrong.
        besides: what else there is to say, below the traceback.
    """
    try:
        yield
    except Refusal:
        raise
    except SystemExit as ended:
        if ended.code not in (None, 0):
            raise Refusal(f"{path} ended itself with exit code {ended.code}") from None
    except Exception as error:
        raise Refusal("\n".join(filter(None, [doing, own_traceback(error, path), besides]))) from None


def own_traceback(error: BaseException, path: Path) -> str:
    """The traceback, but only those lines of it that stand in the file, or in others beside it."""
    folder = str(path.resolve().parent)

    def own(file: str) -> bool:
        place = str(Path(file).resolve())
        return place.startswith(folder) and not place.startswith(PACKAGE) and "site-packages" not in place

    shown = traceback.TracebackException.from_exception(error)
    raised = shown.stack
    shown.stack = traceback.StackSummary.from_list([frame for frame in shown.stack if own(frame.filename)])
    if shown.stack:
        return "".join(shown.format(chain=False)).rstrip()
    # None of it is the user's: a refusal of this package is a sentence, and needs no name of a class.
    ours = bool(raised) and Path(raised[-1].filename).resolve().is_relative_to(PACKAGE)
    notes = getattr(error, "__notes__", [])
    return "\n".join([str(error), *notes]) if ours else "".join(shown.format_exception_only()).rstrip()


def find(module: ModuleType, name: str, there_are: Iterable[str]) -> Any:
    """What a dotted name stands for.

    Args:
        module: the file.
        name: such as `loss`, or `net.fc1`.
        there_are: the names to choose among, which the error tells.

    Raises:
        Refusal: there is nothing of that name.
    """
    found: Any = module
    for i, part in enumerate(name.split(".")):
        try:
            found = getattr(found, part)
        except AttributeError:
            if i:
                owner = ".".join(name.split(".")[:i])
                raise Refusal(f"{owner} has no attribute {part!r}" + did_you_mean(part, dir(found))) from None
            said = f"{module.__file__} has no name {part!r}" + did_you_mean(part, vars(module))
            can = ", ".join(there_are) or "nothing that could be checked"
            raise Refusal(f"{said}{'' if said.endswith('?') else '.'} It has {can}") from None
    return found
