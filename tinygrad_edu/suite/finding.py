"""What a witness has to say of one subject in one case; and how it is asked, so that nothing it does ends the run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace


class Undecided(Exception):
    """The numerical side has too wide an error bar to judge by."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One witness on one case; `wrong` says what it saw, and is empty if all was right.

    `undecided` marks a failure that is none of the subject, a primitive or a layer: the numerical side could not tell.
    `seconds` is how long the witness took, which is in no certificate, for it differs from run to run.
    """

    subject: str
    case: str
    witness: str
    wrong: str
    undecided: bool = False
    seconds: float = field(default=0.0, compare=False)


def ask(subject: str, at: str, witness: str, question: Callable[[], str | None]) -> Finding:
    """A finding, whatever happens: an error is what the witness saw."""
    started = time.perf_counter()
    finding = _asked(subject, at, witness, question)
    return replace(finding, seconds=time.perf_counter() - started)


def _asked(subject: str, at: str, witness: str, question: Callable[[], str | None]) -> Finding:
    try:
        return Finding(subject, at, witness, question() or "")
    except Undecided as error:
        return Finding(subject, at, witness, f"undecided: {error}", undecided=True)
    except Exception as error:
        said = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
        return Finding(subject, at, witness, said)
