"""What several commands ask of their arguments."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable


def seed(text: str) -> int:
    """An integer, 0 or larger."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"a seed is an integer, 0 or larger; {text!r} came")
    return number


def shape(text: str) -> tuple[int, ...]:
    """3,4 as (3, 4); () as a number."""
    parts = [part for part in text.strip("()[] ").replace(" ", "").split(",") if part]
    if not all(part.isdecimal() and int(part) for part in parts) or (not parts and text.strip() != "()"):
        raise argparse.ArgumentTypeError(
            f"a shape is lengths with commas between them, such as 3,4, or () for a number; {text!r} came"
        )
    return tuple(map(int, parts))


def known(parser: argparse.ArgumentParser, names: Iterable[str], what: str, there_are: Iterable[str]) -> None:
    """End with exit code 2 if a name is none of those that there are."""
    there = sorted(there_are)
    unknown = sorted(set(names) - set(there))
    if not unknown:
        return
    meant = [did_you_mean(name, there) for name in unknown]
    if all(meant):
        parser.error("; ".join(f"no {what} {name}{said}" for name, said in zip(unknown, meant, strict=True)))
    parser.error(f"no {what} {', '.join(unknown)}; there are {', '.join(there)}")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The end of a sentence: the names that are nearly the same, if there are some."""
    there = [each for each in names if not each.startswith("__")]
    near = difflib.get_close_matches(name.lower(), {each.lower() for each in there}, cutoff=0.7)
    meant = sorted(
        (each for each in there if each.lower() in near), key=lambda each: near.index(each.lower())
    )
    return f": did you mean {' or '.join(meant[:3])}?" if meant else ""
