"""The command: python -m benchmarks [WORKLOAD …] [--rounds N] [--json FILE] [--quick]."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import environment

STEPS = 10_000  # of M1
NAMES = ("S1", "S2", "O1", "T1", "T3", "I1", "M1")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Compare with code written by hand and with other libraries, in one run.",
        epilog="S1 a net of scalar nodes · S2 chains and sums of scalar nodes, time and memory\n"
        "O1 small arrays · T1 MLP on digits · T3 deep narrow net · I1 import · M1 memory over many steps",
    )  # fmt: skip
    parser.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD", help=f"of {' '.join(NAMES)}; default: all"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is timed (9, or 3 if quick)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all the figures there")
    parser.add_argument("--quick", action="store_true", help="short samples, and graphs of 1e4 nodes only")
    arguments = parser.parse_args()
    if unknown := set(arguments.workloads) - set(NAMES):
        parser.error(f"workloads of {', '.join(NAMES)} were expected, {', '.join(sorted(unknown))} came")
    if arguments.rounds is None:
        arguments.rounds = 3 if arguments.quick else 9
    if arguments.rounds < 1:
        parser.error(f"--rounds of at least 1 were expected, {arguments.rounds} came")
    return arguments


def main() -> int:
    """Run what was asked for; 1 if a library's result differs from the hand-written one."""
    arguments = _arguments()
    removed = environment.prepare()

    from benchmarks import extras, harness, report
    from benchmarks.peers import PEERS
    from benchmarks.workloads import workloads

    chosen = [name for name in NAMES if name in (arguments.workloads or NAMES)]
    conditions = environment.describe(removed)
    print(report.header(conditions))
    left_out = harness.missing()
    for peer, why in left_out.items():
        print(f"{peer} is left out: {why}")
    peers = [peer for peer in PEERS if peer not in left_out]

    figures: dict[str, Any] = {"conditions": conditions, "rounds": arguments.rounds}
    results: dict[str, harness.Result] = {}
    known = workloads(quick=arguments.quick)
    for group in (known[name] for name in chosen if name in known):
        for name, workload in group.items():
            results[name] = harness.run(
                workload, peers, rounds=arguments.rounds, seconds=0.005 if arguments.quick else 0.03,
                longest=1.0 if arguments.quick else 15.0, smaller=results.get(workload.smaller or ""),
                say=_say,
            )  # fmt: skip
    _say("")
    if results:
        print("", report.ratios(results), sep="\n")
    if graphs := {name: result for name, result in results.items() if name.startswith("S2")}:
        print("", report.nodes(graphs), sep="\n")
    if goals := report.goals(results):
        print("", goals, sep="\n")
    figures |= report.as_json(results)
    if "I1" in chosen:
        times = extras.import_times([PEERS[peer] for peer in peers if peer != "hand"], arguments.rounds)
        figures["import_seconds_beyond_numpy"] = times
        print("", report.imports(times), sep="\n")
    if "M1" in chosen:
        grown = extras.growth(peers, STEPS)
        figures["bytes_grown"] = {"steps": STEPS, "peers": grown}
        print("", report.growth(grown, STEPS), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    wrong = {f"{name}, {peer}" for name, result in results.items() for peer in result.wrong}
    if wrong:
        print(f"\nWrong results: {'; '.join(sorted(wrong))}", file=sys.stderr)
    return 1 if wrong else 0


def _say(what: str) -> None:
    """Where things are, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
