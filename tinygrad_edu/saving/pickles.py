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

import pickletools
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu.errors import FormatError

NUMBERS = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
STRINGS = {"BINUNICODE", "SHORT_BINUNICODE"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def run(program: bytes, known: Mapping[str, Any], persistent: Callable[[Any], Any]) -> Any:
    """What the program leaves on its stack.

    Args:
        program: the pickle, of protocol 2 or later.
        known: what GLOBAL may fetch, by "module name"; REDUCE may call those of it that can be called.
        persistent: makes an object of an identifier, which stands for something outside the pickle.

    Raises:
        FormatError: an instruction or a global that a state_dict does not need, or no proper program.
    """
    try:
        return _run(program, known, persistent)
    except FormatError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise FormatError(
            f"a proper pickle was expected, this one is damaged ({type(error).__name__})"
        ) from error


def _run(program: bytes, known: Mapping[str, Any], persistent: Callable[[Any], Any]) -> Any:
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        begin = marks.pop()
        items = stack[begin:]
        if len(stack) < begin:
            raise IndexError
        del stack[begin:]
        return items

    end = 0
    for opcode, given, at in pickletools.genops(program):  # decodes the instructions, and ends with STOP
        name, end = opcode.name, (at or 0) + 1
        argument: Any = given
        if name in NUMBERS or name in STRINGS:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name in TUPLES:
            stack[-TUPLES[name] :] = [tuple(stack[-n] for n in range(TUPLES[name], 0, -1))]
        elif name == "APPEND":
            _extend(stack[-2], [stack.pop()])
        elif name == "APPENDS":
            items = since_mark()
            _extend(stack[-1], items)
        elif name == "SETITEM":
            items = [stack[-2], stack[-1]]
            del stack[-2:]
            _set(stack[-1], items)
        elif name == "SETITEMS":
            items = since_mark()
            _set(stack[-1], items)
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "GLOBAL":
            stack.append(_fetch(argument, known))
        elif name == "STACK_GLOBAL":
            last = stack.pop()
            stack.append(_fetch(f"{_string(stack.pop())} {_string(last)}", known))
        elif name == "BINPERSID":
            stack.append(persistent(stack.pop()))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_call(stack.pop(), arguments))
        elif (
            name == "BUILD"
        ):  # attributes of an object: a state_dict has `_metadata`, which nothing here needs
            stack.pop()
            if type(stack[-1]) is not dict:
                raise FormatError("attributes of a dict were expected, of something else came")
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise FormatError(
                f"a state_dict was expected, its pickle has the instruction {name}, which none needs"
            )
    if len(stack) != 1 or marks or end != len(program):
        raise FormatError("one object was expected in a pickle, more came")
    return stack.pop()


def _string(value: Any) -> str:
    if type(value) is not str:
        raise FormatError("a string was expected, something else came")
    return value


def _set(target: Any, items: list[Any]) -> None:
    if type(target) is not dict or len(items) % 2:
        raise FormatError("pairs for a dict were expected, something else came")
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[_string(key)] = (
            value  # other keys may be tuples within tuples, and hashing those takes forever
        )


def _extend(target: Any, items: list[Any]) -> None:
    if type(target) is not list:
        raise FormatError("items for a list were expected, something else came")
    target.extend(items)


def _fetch(name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise FormatError(
            f"a state_dict of plain tensors was expected, its pickle asks for {name[:80].replace(' ', '.')!r}, "
            f"which is not fetched: who reads a pickle runs what it asks for"
        )
    return known[name]


def _call(function: Any, arguments: Any) -> Any:
    # What can be called here came out of the table: the instructions make nothing else that could be.
    if not callable(function) or type(arguments) is not tuple:
        raise FormatError("the call of a known function was expected, something else is called")
    return function(*arguments)
