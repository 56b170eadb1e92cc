"""How fast it is, in ratios: to code written by hand, and to other libraries, measured in one run.

    python -m benchmarks                       everything, some minutes
    python -m benchmarks S1 T1 --rounds 15     two workloads
    python -m benchmarks --quick               a first look

    workloads.py    what is computed
    peers/          how each library computes it, one file each
    contestant.py   a library at a workload, in an interpreter of its own
    harness.py      are they equal? then: how long, in turns
    extras.py       import time, memory over many steps
    goals.py        what was hoped for
    report.py       tables and JSON

Only ratios from one run mean anything: times move from machine to machine, and from hour to hour.
"""
