"""What a run of the suite found, and what it depends on: the code, the versions, the seed, and the share of subjects.

A run is right only if every witness has seen every subject and found nothing, and if the planted errors were found.
A run that has no subject, such as the ninth of nine shards of eight, has shown nothing, and so it is not right. The
whole may be: such a shard is a part of it like the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_edu.reporting import Document, Printed, save, suite_run
from tinygrad_edu.reporting.document import environment
from tinygrad_edu.suite.finding import Finding

SCHEMA = "tinygrad-edu/suite-run/1"


class Origin(NamedTuple):
    """What judged, and what was judged; runs of different origins say nothing about each other.

    Attributes:
        version: of this package.
        numpy: its version.
        python: its version.
        sources: the SHA-256 of the source files of this package, and of those with rules of the user's own.
    """

    version: str
    numpy: str
    python: str
    sources: str


def origin(more: Iterable[Path] = ()) -> Origin:
    """The origin of a run in this process, of the rules of this package and in `more` source files."""
    package = Path(__file__).parent.parent
    files = {path.relative_to(package).as_posix(): path for path in package.rglob("*.py")}
    files |= {f"outside/{path.name}": path for path in more if package not in path.parents}
    digest = hashlib.sha256()
    for name in sorted(files):
        content = files[name].read_bytes().replace(b"\r\n", b"\n")  # as a checkout on Windows has it
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return Origin(**environment(), sources=digest.hexdigest())


@dataclass(frozen=True, slots=True, repr=False)
class SuiteReport:
    """All findings of a run, and the canaries that went unnoticed.

    Attributes:
        findings: in the order of the subjects.
        primitives: the names of those that came before the witnesses.
        without_derivative: the names of those that have none.
        survivors: the planted errors that a witness meant for them has passed.
        layers: the names of those that came before the witnesses.
        seed: of the test points.
        order: of the highest derivatives that layers were asked for, 1 or 2.
        shard: (k, n) of a run over every n-th subject from the k-th on; None of a whole run.
        selection: the names of all subjects of the whole run.
        origin: what judged, and what was judged.
    """

    findings: tuple[Finding, ...]
    primitives: tuple[str, ...]
    without_derivative: tuple[str, ...]
    survivors: tuple[str, ...]
    layers: tuple[str, ...] = ()
    seed: int = 0
    order: int = 1
    shard: tuple[int, int] | None = None
    selection: tuple[str, ...] = ()
    origin: Origin = field(default_factory=origin)

    @property
    def subjects(self) -> dict[str, tuple[str, ...]]:
        """{kind: names}, of what came before the witnesses."""
        return {"primitive": self.primitives, "layer": self.layers}

    @property
    def failures(self) -> list[Finding]:
        """What a witness saw to be wrong."""
        return [finding for finding in self.findings if finding.wrong]

    @property
    def skipped(self) -> list[str]:
        """The subjects that no witness has seen, which counts as a failure."""
        seen = {finding.subject for finding in self.findings}
        return [name for names in self.subjects.values() for name in names if name not in seen]

    def __bool__(self) -> bool:
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong, 3 something, or all, was not decided or skipped, 4 a canary went unnoticed."""
        if self.survivors:
            return 4
        if any(not finding.undecided for finding in self.failures):
            return 1
        return 3 if self.failures or self.skipped or not self.findings else 0

    @property
    def facts(self) -> dict[str, str]:
        """What the run was, in words."""
        part = {} if self.shard is None else {"shard": f"{self.shard[0]} of {self.shard[1]}"}
        short = self.origin._replace(sources=self.origin.sources[:12])
        return {"seed": str(self.seed), "order": str(self.order), **part, **short._asdict()}

    def to_dict(self) -> dict[str, Any]:
        """The run for JSON: a certificate, of which several shards can be merged."""
        return {
            "schema": SCHEMA, **self.origin._asdict(), "seed": self.seed, "order": self.order,
            "shard": None if self.shard is None else list(self.shard), "exit_code": self.exit_code,
            "failures": len(self.failures), "skipped": self.skipped, "survivors": list(self.survivors),
            "selection": list(self.selection), "primitives": list(self.primitives), "layers": list(self.layers),
            "without_derivative": list(self.without_derivative),
            "findings": [
                {name: said for name, said in asdict(finding).items() if name != "seconds"} for finding in self.findings
            ],
        }  # fmt: skip

    def document(self, title: str | None = None) -> Document:
        """The run as a document, of which every format is made."""
        return suite_run(self, title=title)

    def save(self, path: str | PathLike[str], *, title: str | None = None) -> Path:
        """Write the run; the suffix decides the format: .txt, .json, .xml (JUnit) or .html.

        Raises:
            ValueError: another suffix.
            OSError: the file cannot be written; it is then what it was.
        """
        return save(self.document(title), path)

    def __str__(self) -> str:
        """The whole in one line, and what is not right below it."""
        document = self.document()
        failed = [entry for entry in document.entries if entry.tone != "right"]
        return "\n".join(
            [
                f"{document.verdict.upper()}   {document.summary}",
                *(f"  {entry.group}, {entry.name}: {entry.said}" for entry in failed),
            ]
        )

    __repr__ = __str__

    def __rich__(self) -> Any:
        """The run for `rich.print`, as tables."""
        return Printed(self.document())
