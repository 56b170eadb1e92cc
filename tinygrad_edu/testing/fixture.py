"""The fixture `gradcheck`: `tinygrad_edu.check`, which fails the test unless every gradient is verified.

    def test_mine(gradcheck):
        x = gradcheck.rng.normal(size=3)
        gradcheck(f, x, hazards=True)

What is random comes from a seed made of the test's name. So a test has the same numbers in every run, alone or among
others, in any order and on any worker, and two tests have different ones.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, get_args

import numpy as np

from tinygrad_edu.errors import GradientMismatch
from tinygrad_edu.testing.record import record
from tinygrad_edu.verify import Report, check
from tinygrad_edu.verify.report import Verdict

if TYPE_CHECKING:
    import pytest

OPTIONS: dict[str, Any] = {
    "hazards": False, "step": None, "directions": None, "allow_zero": (), "seed": None, "allow": (),
}  # fmt: skip
TOLERABLE = tuple(verdict for verdict in get_args(Verdict) if verdict not in ("verified", "wrong"))


class Session(Protocol):
    """What the plugin knows: the test that is running, and the checks it has made."""

    item: pytest.Item
    made: list[dict[str, Any]]


class GradCheck:
    """The fixture."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._drawing: tuple[pytest.Item, np.random.Generator] | None = None

    def __repr__(self) -> str:
        return "<gradcheck>"

    @property
    def seed(self) -> int:
        """The seed of this test: that of its marker, or one made of its name."""
        chosen = self._options()["seed"]
        item = self._session.item
        return _seed_of(item) if chosen is None else int(chosen)

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers for the inputs, in every run the same."""
        item = self._session.item
        if self._drawing is None or self._drawing[0] is not item:
            self._drawing = (item, np.random.default_rng(self.seed))
        return self._drawing[1]

    def __call__(self, target: Any, *inputs: Any, **options: Any) -> Report:
        """Check the gradients of a target, as `tinygrad_edu.check` does.

        Args:
            target: a function, a module, a loss, or a pair made by `custom_vjp`.
            inputs: what to call it with.
            options: those of `tinygrad_edu.check` but `rng`; moreover `seed`, an integer of which the random weights
                and points are made, and `allow`, verdicts that are good enough: "not differentiable here",
                "inconclusive", "vacuous". What is not given here is taken from the marker.

        Returns:
            The report.

        Raises:
            GradientMismatch: a gradient is neither verified nor allowed; the message is the report.
            TypeError: an option that there is not.
            ValueError: in `allow`, something other than those three verdicts.
        """
        __tracebackhide__ = True  # the reader wants to see the test
        chosen = self._options() | options
        seed = self.seed if chosen["seed"] is None else int(chosen["seed"])
        allowed = {"verified", *_verdicts(chosen["allow"])}
        passed = {name: value for name, value in chosen.items() if name not in ("seed", "allow")}
        report = check(target, *inputs, rng=np.random.default_rng(seed), **passed)
        name = _name_of(target)
        self._session.made.append(record(self._session.item.nodeid, name, seed, sorted(allowed), report))
        if not {row.verdict for row in report.rows} <= allowed:
            raise GradientMismatch(f"gradient check of {name}: {report.verdict}, with seed={seed}\n{report}")
        return report

    def _options(self) -> dict[str, Any]:
        """Those of the markers of this test; the closest one counts."""
        __tracebackhide__ = True
        found = dict(OPTIONS)
        for marker in reversed(list(self._session.item.iter_markers("gradcheck"))):
            unknown = sorted(set(marker.kwargs) - set(OPTIONS))
            if marker.args or unknown:
                came = ", ".join([*map(repr, marker.args), *(f"{name}=…" for name in unknown)])
                raise TypeError(
                    f"@pytest.mark.gradcheck: the options are {', '.join(f'{name}=…' for name in OPTIONS)}; {came} came"
                )
            found |= marker.kwargs
        return found


def _verdicts(allow: Any) -> Iterable[str]:
    __tracebackhide__ = True
    verdicts = [allow] if isinstance(allow, str) else list(allow)
    for verdict in verdicts:
        if verdict not in TOLERABLE:
            raise ValueError(
                f"gradcheck: allow= takes {', '.join(map(repr, TOLERABLE))}; {verdict!r} came. A gradient that "
                f"is known to be wrong is marked with pytest.mark.xfail"
            )
    return verdicts


def _seed_of(item: pytest.Item) -> int:
    """Of the name of the file and of the test in it: the same in whichever folder pytest was started."""
    return zlib.crc32(f"{item.path.name}::{item.location[2]}".encode())


def _name_of(target: Any) -> str:
    return str(getattr(target, "__name__", None) or getattr(target, "name", None) or type(target).__name__)
