"""The arguments that a layer is made with: shown in full, and a surplus one is refused in words.

    class Convolution(Module):  def __init__(self, …, groups=1, *, bias=True, init=…, rng, dtype=…)
    class _Conv(Convolution):   def __init__(self, …, groups=1, *, padding_mode="zeros", **others)

A layer that passes `**others` on to the class above takes what that one takes by name. Read along the chain, this
gives the signature that `help` shows, and what can be said when an argument fits nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from inspect import Parameter, Signature, signature
from typing import Any


class Arguments:
    """As the attribute `__signature__` of a class: the signature of its `__init__`, with all that is passed on."""

    def __get__(self, held: Any, owner: type) -> Signature:
        if held is not None:  # a module, not its class: it has the signature of its call
            raise AttributeError("__signature__")
        return signature_of(owner)


@lru_cache(maxsize=256)
def signature_of(cls: type) -> Signature:
    """What a class is called with."""
    found: dict[str, Parameter] = {}
    for each in cls.__mro__:
        init = vars(each).get("__init__")
        if init is None:
            continue
        if init is object.__init__:
            break
        own, first = list(signature(init).parameters.values())[1:], not found
        ours = each.__module__.startswith("tinygrad_edu.nn.")  # what others do with theirs is not known
        passed = [x for x in own if ours and x.name == "others" and x.kind is Parameter.VAR_KEYWORD]
        for x in own:
            if x not in passed and (first or x.kind is Parameter.KEYWORD_ONLY):
                found.setdefault(x.name, x)
        if not passed:
            break
    return Signature(sorted(found.values(), key=lambda x: x.kind))


def refuse_surplus(cls: type, args: tuple[Any, ...], params: Mapping[str, Any]) -> None:
    """Refuse an argument that a class does not take, by a TypeError that names those it does."""
    taken = signature_of(cls)
    try:
        taken.bind_partial(*args, **params)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}: {_surplus(taken, args, params) or error}") from None


def _surplus(taken: Signature, args: tuple[Any, ...], params: Mapping[str, Any]) -> str:
    names = list(taken.parameters)
    for name in params:
        if name in names:
            continue
        if name == "inplace":
            return "there is no inplace: nothing that a graph has recorded is changed, so leave it out"
        near = get_close_matches(name, names, 1)
        hint = f", perhaps {near[0]} was meant" if near else ""
        return f"there is no argument {name}{hint}: it takes {', '.join(names) or 'none'}"
    by_place = [name for name, x in taken.parameters.items() if x.kind is not Parameter.KEYWORD_ONLY]
    if len(args) <= len(by_place):
        return ""
    by_name = [name for name in names if name not in by_place]
    wanted = (
        f"{', '.join(by_place)} were expected by their place"
        if by_place
        else "none was expected by its place"
    )
    return f"{wanted}, {len(args)} arguments came: " + (
        f"give {', '.join(by_name)} by name" if by_name else "leave the others out"
    )
