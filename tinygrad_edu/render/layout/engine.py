"""Engines: from DOT text to a picture.

A Graphviz is embedded in the package `pygraphviz`, so nothing has to be installed beside Python; the program
`dot` is used where that package has no wheel. No engine is trusted: each has been seen to answer a label that
it did not understand with success and the wrong picture. What comes back is read, and if a card is missing,
the next engine is asked. None is asked again about a graph that took one of them too long: they share the layout.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from threading import Lock

from tinygrad_edu.errors import TinygradEduError
from tinygrad_edu.render.folding.fold import grouped

SECONDS = 20.0  # for one layout in a child process
PIXELS = 100e6  # of a PNG at most; 1000 cards would take 0.6 GB
SIDE = 32_000  # pixels: cairo can't paint more
IN_PROCESS = 150  # cards up to which the embedded engine runs in this process: it cannot be interrupted there
VARIABLE = "TINYGRAD_EDU_ENGINE"  # chooses the engine where a call says "auto"
PLACES = (
    "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin", f"{sys.prefix}/bin",
    f"{sys.prefix}/Library/bin", r"C:\Program Files\Graphviz\bin", r"C:\Program Files (x86)\Graphviz\bin",
)  # fmt: skip
ADVICE = (
    "install the embedded one, `pip install pygraphviz`, or the program, from https://graphviz.org/download; "
    "SVG, HTML, DOT, Mermaid, JSON and text need neither"
)

_CHILD = (
    "import sys; from pygraphviz import AGraph; graph = AGraph(string=sys.stdin.buffer.read().decode()); "
    "sys.stdout.buffer.write(graph.draw(path=None, format=sys.argv[1], prog='dot'))"
)
_one_at_a_time = Lock()  # Graphviz has global state, and so has a process one standard error
Run = Callable[[str, str, int], tuple[bytes, str]]  # (DOT, format, cards) -> (picture, messages)


class EngineError(TinygradEduError, RuntimeError):
    """No engine could draw a picture; the message says why not, for each."""


class LayoutTimeout(EngineError):
    """A layout took too long; that of fewer cards may not."""


def engines() -> dict[str, str]:
    """Say which engines there are, in the order in which they are tried: {name: version, or why not}."""
    found = {}
    try:
        pygraphviz = import_module("pygraphviz")  # without type hints of its own
        version = re.search(r"graphviz version (\S+)", in_process("digraph {}", "svg")[0].decode())
        found["embedded"] = (
            f"Graphviz {version[1] if version else '?'} in pygraphviz {pygraphviz.__version__}"
        )
    except Exception as error:
        found["embedded"] = f"not available: {error}"
    program = _find_dot()
    if program is None:
        found["dot"] = "not available: no program `dot` on PATH or in the usual places"
    else:
        said = subprocess.run(
            [program, "-V"], capture_output=True, timeout=SECONDS, check=False
        ).stderr.decode()
        found["dot"] = f"{said.strip()} at {program}"
    return found


def layout(
    source: str, kind: str, *, cards: Sequence[int], required: Sequence[str] = (), engine: str = "auto"
) -> tuple[bytes, list[str]]:
    """Draw DOT text.

    Args:
        source: DOT.
        kind: "svg", "png", "pdf", or "json0" for where everything is.
        cards: the numbers of the nodes; many are drawn in a child process, with a time-out of 20 s.
        required: texts, such as names, that must be found in an SVG.
        engine: "auto", "embedded" or "dot".

    Returns:
        The file, and notes about engines that failed before.

    Raises:
        LayoutTimeout: an engine had not finished after 20 s.
        EngineError: no engine is there, or each one failed.
        ValueError: there is no engine of that name.
    """
    if engine == "auto":
        engine = os.environ.get(VARIABLE, "auto")
    known: dict[str, Run] = {"embedded": _embedded, "dot": _program}
    if engine != "auto" and engine not in known:
        raise ValueError(f"engine: 'auto', 'embedded' or 'dot' was expected, {engine!r} came")
    notes: list[str] = []
    for name in known if engine == "auto" else (engine,):
        try:
            picture, messages = known[name](source, kind, len(cards))
            complain(picture, kind, messages, cards, required)
        except subprocess.TimeoutExpired:
            words = f"Graphviz needed more than {SECONDS:g} s for {grouped(len(cards))} cards"
            raise LayoutTimeout(words) from None
        except Exception as error:
            notes.append(f"{name}: {error}")
        else:
            return picture, notes
    raise EngineError(f"no Graphviz engine could draw this ({'; '.join(notes)}): {ADVICE}")


def finest(svg: str) -> float:
    """The most dots per inch that a PNG can have of what this SVG shows."""
    size = re.search(r'width="(\d+)pt" height="(\d+)pt"', svg)
    if size is None:
        return math.inf
    width, height = int(size[1]) / 72, int(size[2]) / 72
    return math.floor(min(math.sqrt(PIXELS / (width * height)), SIDE / max(width, height)))


def complain(
    picture: bytes, kind: str, messages: str, cards: Sequence[int], required: Sequence[str] = ()
) -> None:
    """Raise if a picture is not what was asked for: an error message, broken XML, a missing card or name."""
    errors = [line for line in messages.splitlines() if "rror" in line and "ontconfig" not in line]
    if errors:
        raise EngineError(errors[0][:200])
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "json0": b"{"}[kind]
    if not picture.startswith(start):
        raise EngineError(f"the result is not a file of the kind {kind}")
    if kind != "svg":
        return
    try:
        tree = ElementTree.fromstring(picture)
    except ElementTree.ParseError as error:
        raise EngineError(f"the SVG is not well-formed: {error}") from error
    drawn = {text.text for text in tree.iter("{http://www.w3.org/2000/svg}title")}
    missing = [f"n{i}" for i in cards if f"n{i}" not in drawn]
    texts = {_squeezed("".join(text.itertext())) for text in tree.iter("{http://www.w3.org/2000/svg}text")}
    missing += [name for name in required if _squeezed(name) not in texts]
    if missing:
        raise EngineError(
            f"{len(missing)} cards or names are missing in the picture, the first is {missing[0]!r}"
        )


def _squeezed(text: str) -> str:
    return "".join(text.split())  # Graphviz turns one kind of space into another


def _embedded(source: str, kind: str, cards: int) -> tuple[bytes, str]:
    if cards <= IN_PROCESS:
        return in_process(source, kind)
    return _run([sys.executable, "-c", _CHILD, kind], source)


def in_process(source: str, kind: str) -> tuple[bytes, str]:
    """Draw with the library that pygraphviz brings; what it prints on the standard error is returned, too."""
    pygraphviz = import_module("pygraphviz")
    with _one_at_a_time, _standard_error() as messages:
        graph = pygraphviz.AGraph(string=source)
        try:
            picture: bytes = graph.draw(path=None, format=kind, prog="dot")
        finally:
            graph.close()
    return picture, "".join(messages)


@contextmanager
def _standard_error() -> Iterator[list[str]]:
    """Collect what C code writes to the descriptor 2, such as Fontconfig's warnings about the system."""
    messages: list[str] = []
    try:
        kept = os.dup(2)
    except OSError:  # a program without a console
        yield messages
        return
    with tempfile.TemporaryFile() as file:
        try:
            os.dup2(file.fileno(), 2)
            yield messages
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            messages.append(file.read().decode(errors="replace"))


def _program(source: str, kind: str, cards: int) -> tuple[bytes, str]:
    program = _find_dot()
    if program is None:
        raise EngineError("no program `dot` on PATH or in the usual places")
    return _run([program, f"-T{kind}"], source)


def _find_dot() -> str | None:
    found = shutil.which("dot")
    return found or shutil.which("dot", path=os.pathsep.join(PLACES))


def _run(command: list[str], source: str) -> tuple[bytes, str]:
    """Run a child with a time-out; the list of arguments never meets a shell."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            picture, errors = child.communicate(source.encode(), timeout=SECONDS)
        except BaseException:  # the time-out, or the user's Ctrl-C
            _end(child)
            raise
    messages = errors.decode(errors="replace")
    if child.returncode:
        raise EngineError(f"exit code {child.returncode}: {messages.strip()[-200:]}")
    return picture, messages


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child and its own children: `dot` may be a script that starts the program proper."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
