"""The part of pickle that a state_dict needs: a stack machine with thirty instructions, none of which runs anything.

A pickle is a program. `{"b": 7}` is, in the assembly of `python -m pickletools`:

    EMPTY_DICT          {}
    MARK                {} |
    BINUNICODE 'b'      {} | 'b'
    BININT1 7           {} | 'b' 7
    SETITEMS            {'b': 7}

Two instructions make this dangerous. GLOBAL fetches any function by its name, `os.system` too, and REDUCE calls it. In
this machine GLOBAL looks into a table of the few names that it is given, and everything that is not in the table, and
every other instruction, ends the reading. It is our own machine, and not `pickle.Unpickler` with `find_class`
replaced, since a hostile program can also make that one reserve gigabytes for a single entry of its memo.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tinygrad_edu.errors import FormatError


def run(program: bytes, known: Mapping[str, Any], persistent: Callable[[Any], Any]) -> Any:
    """What the program leaves on its stack.

    Args:
        program: the pickle, of protocol 2 or later.
        known: what GLOBAL may fetch, by "module name"; REDUCE may call those of it that can be called.
        persistent: makes an object of an identifier, which stands for something outside the pickle.

    Raises:
        FormatError: an instruction or a global that a state_dict does not need, or no proper program.
    """
    machine = Machine(known, persistent)
    try:
        for step, argument in _instructions(program):
            step(machine, argument)
    except FormatError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise FormatError(
            f"a proper pickle was expected, this one is damaged ({type(error).__name__})"
        ) from error
    if len(machine.stack) != 1 or machine.marks:
        raise FormatError("one object was expected in a pickle, more came, or none")
    return machine.stack.pop()


class Machine:
    """The stack, and what each instruction does to it."""

    def __init__(self, known: Mapping[str, Any], persistent: Callable[[Any], Any]) -> None:
        self.known, self.persistent = known, persistent
        self.stack: list[Any] = []
        self.marks: list[int] = []  # how long the stack was at each MARK
        self.memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        """Put a number, a string or an empty container on top."""
        self.stack.append(value)

    def mark(self, _: None) -> None:
        """Remember this place."""
        self.marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        """Take what lies above the last mark."""
        return self.take(len(self.stack) - self.marks.pop())

    def take(self, n: int) -> list[Any]:
        """Take n things off the top."""
        begin = len(self.stack) - n
        if n < 0 or begin < (self.marks[-1] if self.marks else 0):
            raise IndexError(n)
        items = self.stack[begin:]
        del self.stack[begin:]
        return items

    def fill_dict(self, items: list[Any]) -> None:
        """Put pairs into the dict that is on top. Keys are strings: to hash tuples of tuples may take forever."""
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2 or not all(type(key) is str for key in items[::2]):
            raise FormatError("pairs for a dict, with strings as keys, were expected, something else came")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key in target:
                raise FormatError(f"each key once was expected, {key[:80]!r} came twice")
            target[key] = value

    def fill_list(self, items: list[Any]) -> None:
        """Put items into the list that is on top."""
        target = self.stack[-1]
        if type(target) is not list:
            raise FormatError("items for a list were expected, something else came")
        target.extend(items)

    def fetch(self, name: str) -> None:
        """Put what has this name in the table on top."""
        if name not in self.known:
            raise FormatError(
                f"a state_dict of plain tensors was expected, its pickle asks for {name[:80].replace(' ', '.')!r}, "
                f"which is not fetched: who reads a pickle runs what it asks for"
            )
        self.push(self.known[name])

    def call(self, _: None) -> None:
        """Call a function with a tuple. It came out of the table: nothing else that can be called gets here."""
        function, arguments = self.take(2)
        if not callable(function) or type(arguments) is not tuple:
            raise FormatError("the call of a known function was expected, something else is called")
        self.push(function(*arguments))

    def build(self, _: None) -> None:
        """Forget the attributes of a dict: those of a state_dict, `_metadata`, say nothing about its numbers."""
        self.take(1)
        if type(self.stack[-1]) is not dict:
            raise FormatError("attributes of a dict were expected, of something else came")

    def put(self, number: int) -> None:
        """Remember what is on top by a number. It is a key of a dict: a large one costs no more than a small one."""
        self.memo[number] = self.stack[-1]


Step = Callable[[Machine, Any], None]
_values = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE")
#: All that a pickle may say.
STEPS: dict[str, Step] = {
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "STOP": lambda m, _: None,
    **dict.fromkeys(_values, Machine.push),
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "MARK": Machine.mark,
    "TUPLE": lambda m, _: m.push(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.push(tuple(m.take(1))),
    "TUPLE2": lambda m, _: m.push(tuple(m.take(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.take(3))),
    "SETITEM": lambda m, _: m.fill_dict(m.take(2)),
    "SETITEMS": lambda m, _: m.fill_dict(m.since_mark()),
    "APPEND": lambda m, _: m.fill_list(m.take(1)),
    "APPENDS": lambda m, _: m.fill_list(m.since_mark()),
    "BINPUT": Machine.put,
    "LONG_BINPUT": Machine.put,
    "MEMOIZE": lambda m, _: m.put(len(m.memo)),
    "BINGET": lambda m, number: m.push(m.memo[number]),
    "LONG_BINGET": lambda m, number: m.push(m.memo[number]),
    "GLOBAL": Machine.fetch,
    "STACK_GLOBAL": lambda m, _: m.fetch(" ".join(m.take(2))),
    "BINPERSID": lambda m, _: m.push(m.persistent(*m.take(1))),
    "REDUCE": Machine.call,
    "BUILD": Machine.build,
}
OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}


def _instructions(program: bytes) -> Iterator[tuple[Step, Any]]:
    """What each instruction does, and its argument, up to STOP, which must be the end."""
    file, name = io.BytesIO(program), ""
    while name != "STOP":
        opcode = OPCODES[file.read(1).decode("latin-1")]
        name = opcode.name
        if name not in STEPS:
            raise FormatError(
                f"a state_dict was expected, its pickle has the instruction {name}, which none needs"
            )
        if name == "GLOBAL":  # pickletools would take a backslash for an escape, which pickle does not
            yield Machine.fetch, f"{_line(file)} {_line(file)}"
        else:
            yield STEPS[name], opcode.arg.reader(file) if opcode.arg else None
    if file.read(1):
        raise FormatError("one object was expected in a pickle, more came")


def _line(file: io.BytesIO) -> str:
    return file.readline().removesuffix(b"\n").decode()
