"""The same graph gives the same bytes in every process, whatever the hashes of strings and the addresses of objects.

DOT, JSON, Mermaid and text are compared over three processes; each makes other objects first, so that its addresses are
others, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import hashlib, json, sys
import numpy as np
junk = [object() for _ in range(int(sys.argv[1]))]
import tinygrad_edu as tg
from tinygrad_edu.render import diagnose, diff, draw, trace_steps
from conftest import network, neuron

net, loss = network()
w, b = tg.Scalar(0.5, name="w"), tg.Scalar(0.1, name="b")
h = tg.Scalar(1.0, name="x")
for _ in range(12):
    h = (h * w + b).tanh() * w  # the weights are shared by all steps
h.backward()
many = sum((tg.tensor([1.0, float(k)], requires_grad=True) * 2.0).sum() for k in range(40))
sick = (tg.tensor([0.0, 1.0], requires_grad=True, name="t") * 0.0).sum() * float("nan")
drawings = {
    "scalars": draw(neuron(), title="A neuron", parameters="w* b"), "local": draw(neuron(), local=True),
    "modules": draw(loss, names=net), "folded": draw(loss, names=net, depth=1, theme="dark"),
    "shared": draw(h, names=locals()), "whole": draw(h, fold=False), "cut": draw(many, max_cards=9),
    "diagnosis": diagnose(sick), "difference": diff(draw(neuron(backward=False)), neuron()),
}
forms = ("dot", "json", "mermaid", "text", "describe")
print(json.dumps({
    f"{name}.{form}": hashlib.sha256(getattr(drawing, form)().encode()).hexdigest()
    for name, drawing in drawings.items() for form in forms
} | {"steps": hashlib.sha256(repr(trace_steps(h)).encode()).hexdigest()}))
"""


@pytest.fixture(scope="module", name="digests")
def _digests() -> list[dict[str, str]]:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parents[1]), str(here)])
    runs = []
    for seed, junk in (("0", "1"), ("1", "70001"), ("4242", "30011")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, junk], env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        runs.append(json.loads(done.stdout))
    return runs


def test_every_process_writes_the_same_bytes(digests):
    first, *others = digests
    assert len(first) == 46
    for other in others:
        assert {name for name in first if first[name] != other[name]} == set()


def test_different_pictures_are_different(digests):
    dots = [digest for name, digest in digests[0].items() if name.endswith(".dot")]
    assert len(set(dots)) == len(dots)
