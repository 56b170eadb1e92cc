"""Make docs/common-mistakes.md from the catalogue of mistakes: the same text at every run.

    python scripts/make_mistakes_page.py

A chapter of the catalogue becomes a table that unfolds, in the order of the causes. The last column says where a
mistake first shows: each rule is compared with the right one beside it at the example inputs, and then at the hazard
points that `tg.check(..., hazards=True)` goes to, in its order.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.catalogue import CAUSES, CHAPTERS, Entry, Mistake, catalogue
from tinygrad_edu.verify.hazards import hazard_points

TARGET = Path(__file__).resolve().parent.parent / "docs" / "common-mistakes.md"

INTRODUCTION = """\
# Common mistakes

{mistakes} wrong backward rules for {entries} operations, with the reasons for which people write them. The page is made
from the [catalogue](../tinygrad_edu/catalogue), where each stands in one line of NumPy beside the right rule:

```
python scripts/make_mistakes_page.py
```

They are of {causes} kinds. If your gradient is wrong, [check it](check-a-rule.md): the report names the kind where the
numbers tell, and the entry of this page if it is one of them.

| cause | what it is | how many |
| --- | --- | ---: |
{table}

In the tables, *shows at* says where the wrong rule first differs from the right one: at *any* values, or only at
special ones. Those are what a test with random numbers misses. A dash stands for a mistake that these points do not
show.
"""


def points(entry: Entry) -> list[tuple[str, list[Any]]]:
    """Example inputs and hazard points, several of each kind, at which the operation has a finite value."""
    found: dict[str, list[list[Any]]] = {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        inputs = entry.inputs(rng)
        for name, xs in [("any", inputs), *hazard_points(inputs, rng)]:
            found.setdefault(name, []).append(xs)
    return [(name, xs) for name, drawn in found.items() for xs in drawn if _finite(entry, xs)]


def _finite(entry: Entry, xs: list[Any]) -> bool:
    try:
        return bool(np.isfinite(entry.f(*xs)).all())
    except (ArithmeticError, np.linalg.LinAlgError, IndexError, ValueError):
        return False


def shown_at(entry: Entry, mistake: Mistake, where: list[tuple[str, list[Any]]]) -> str:
    """The first point at which a mistake differs from the right rule."""
    if mistake.cause in ("in place", "state"):
        return {"in place": "any, in what is left of the arguments", "state": "any, in a second call"}[
            mistake.cause
        ]
    for name, xs in where:
        y = np.asarray(entry.f(*xs))
        g = np.linspace(1.1, 2.5, y.size).reshape(y.shape) * np.where(
            np.arange(y.size).reshape(y.shape) % 3, -1, 1
        )
        right = entry.vjp(g.copy(), y.copy(), *[x.copy() for x in xs])
        wrong = mistake.vjp(g.copy(), y.copy(), *[x.copy() for x in xs])
        for a, b in zip(right, wrong, strict=True):
            if a is not None and not (np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6, atol=1e-9)):
                return re.sub(r" in input (\d+)", r" in operand \1", name)
    return "—"


def _cell(text: str) -> str:
    return re.sub(r"([|*_<\[\]])", r"\\\1", text)


def chapter(module: ModuleType) -> str:
    """A heading, the first sentence of the chapter, and the table."""
    first = " ".join((module.__doc__ or "").partition("\n\n")[0].split())
    title, _, said = first.partition(": ")
    said = said[0].upper() + said[1:] if said[1].isascii() else said  # not of a formula
    entries = [found for found in vars(module).values() if isinstance(found, Entry)]
    rows = []
    for entry in entries:
        where = points(entry)
        rows += [(m.cause, entry.name, m.name, m.why, shown_at(entry, m, where)) for m in entry.mistakes]
    rows.sort(key=lambda row: list(CAUSES).index(row[0]))
    count = Counter(row[0] for row in rows)
    lines, last = [], ""
    for cause, *cells in rows:
        named = f"**{cause}**" if cause != last else ""
        lines.append(f"| {' | '.join([named, *map(_cell, cells)])} |")
        last = cause
    often = ", ".join(f"{cause} ({n})" for cause, n in count.most_common(3))
    return "\n".join([
        f"## {title}", "", said, "",
        f"<details><summary>{len(rows)} mistakes in {len(entries)} operations; most often: {often}</summary>", "",
        "| cause | operation | what is wrong | why it is written | shows at |", "| --- | --- | --- | --- | --- |",
        *lines, "", "</details>", "",
    ])  # fmt: skip


def page() -> str:
    """The whole page."""
    entries = catalogue()
    count = Counter(mistake.cause for entry in entries for mistake in entry.mistakes)
    table = "\n".join(f"| {cause} | {_cell(what)} | {count[cause]} |" for cause, what in CAUSES.items())
    introduction = INTRODUCTION.format(
        mistakes=sum(count.values()), entries=len(entries), causes=len(CAUSES), table=table
    )
    return "\n".join([introduction, *map(chapter, CHAPTERS)]).rstrip("\n") + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
