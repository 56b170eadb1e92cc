"""Mermaid: the golden text, its grammar, and names that stay names.

The grammar here is the part of Mermaid's that we write. That it is Mermaid's was seen by having Mermaid 11.17 itself
draw these graphs and those of the hostile names: as many nodes, edges and subgraphs as cards, arrows and modules, and
every label letter by letter.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

import tinygrad_edu as tg
from tinygrad_edu.render import diagnose, draw
from tinygrad_edu.render.mermaid import label

GOLDEN = Path(__file__).parent / "golden"
LABEL = r'"[^"\n]*"'
GRAMMAR = re.compile(
    rf"""flowchart\ (LR|TB) | n\d+\[{LABEL}\]:::\w+ | rest\[{LABEL}\]:::omitted | subgraph\ m\d+\ \[{LABEL}\] | end
    | n\d+\ -->(\|{LABEL}\|)?\ n\d+ | (rest|n\d+)\ -\.->(\|{LABEL}\|)?\ n\d+
    | linkStyle\ \d+(,\d+)*\ [\w:#,-]+ | classDef\ \w+\ [\w:#,\ .-]+ | class\ n\d+(,n\d+)*\ \w+""",
    re.VERBOSE,
)


def read(words: str) -> str:
    """A label as Mermaid shows it."""
    return unescape(re.sub(r"#(\d+);", r"&#\1;", words[1:-1]))


def test_the_neuron_as_mermaid(neuron):
    source = draw(neuron(), title="A single neuron", parameters="w* b").mermaid()
    assert source == (GOLDEN / "neuron.mmd").read_text(encoding="utf-8")


def test_every_line_is_of_the_grammar(drawings):
    for drawing in drawings:
        lines = drawing.mermaid().splitlines()
        if drawing.options.title:
            assert lines[:3] == ["---", f'title: "{drawing.options.title}"', "---"]
            lines = lines[3:]
        assert [line for line in lines if not GRAMMAR.fullmatch(line)] == []
        assert sum(line.startswith("subgraph ") for line in lines) == lines.count("end")
        assert sum(bool(re.match(r"n\d+\[", line)) for line in lines) == len(drawing.board.cards)
        assert sum("-->" in line for line in lines) == len(drawing.board.links)


def test_what_a_card_says_is_said(neuron, network):
    source = draw(neuron(), parameters="w* b", local=True).mermaid()
    assert '["tanh │ o output<br/>value 0.7071<br/>grad 1"]:::output' in source
    assert 'n0 -->|"×(−3)"| n2' in source
    net, loss = network()
    source = draw(loss, names=net).mermaid()
    assert "parameter weight · " in source
    assert (
        " 0 ± 0.628 · #124;grad#124; 0.1325<br/>" in source
        or ' 0 ± 0.628 · #124;grad#124; 0.1325"]' in source
    )
    assert 'subgraph m0 ["fc1  Linear"]' in source
    assert "n6 --> n7\nn6 --> n7\n" in source  # d · d
    assert "grad" not in draw(loss, names=net, show="value").mermaid()
    assert "value" not in draw(neuron(), show="grad").mermaid()


def test_what_is_wrong_or_marked_has_a_class_of_its_own():
    x = tg.Scalar(float("nan"), name="x")
    y = x * tg.Scalar(2.0, name="w")
    source = draw(y, highlight="w").mermaid()
    assert "classDef bad fill:#FBE4EA,stroke:#" in source
    assert re.search(r"^class n0 bad$", source, re.MULTILINE)
    assert re.search(r"^class n2 tainted$", source, re.MULTILINE)
    assert re.search(r"^class n1 highlight$", source, re.MULTILINE)
    assert re.search(r"^linkStyle 0 stroke:#\w+,stroke-width:2px$", source, re.MULTILINE)


def test_what_no_gradient_reaches_is_there_with_dotted_arrows(network):
    net, _ = network()
    x = tg.tensor([[1.0, 2.0, 3.0]], name="x")
    z = (x @ net.fc1.weight).tanh()
    source = diagnose(tg.sum(z.detach() * z), names=net).mermaid()
    assert '|"✂ detach"|' in source
    assert "fc1.bias unused" in source or "bias unused" in source
    y = tg.Scalar(0.5)
    for i in range(30):
        y = (y * y if i % 2 else y.tanh()) + tg.Scalar(1.0, name=f"b{i}")
    source = draw(y, max_cards=10, expand=lambda _: True).mermaid()
    assert re.search(r'^rest\["… \d+ more nodes"\]:::omitted$', source, re.MULTILINE)
    assert "rest -.-> n" in source
    assert "classDef omitted" in source
    assert [line for line in source.splitlines() if not GRAMMAR.fullmatch(line)] == []


@pytest.mark.parametrize(
    "words",
    [
        '"] ; evil [label="x', "</FONT></TD>", '%%{init: {"theme":"dark"}}%%', "end", "1. list", "- item", "# head",
        "`code`", "<script>alert(1)</script>", "&nbsp;", "#35;", "click n0 call alert()", "style n0 fill:#f00;",
        "_em_ **bold**", "😀 é", "a.b.c", "((()))", "~~~", "x@y{a:b}", "http://example.org/x", "  ", "1) x", "|a|",
    ],
)  # fmt: skip
def test_a_label_is_read_letter_by_letter(words):
    written = label(words)
    assert read(written) == words
    assert re.fullmatch(LABEL, written)
    assert not re.search(r"[<>`*\\_|{}\[\]]|(^|[^0-9])\.", written[1:-1])


def test_what_mermaid_reads_in_spite_of_escapes_is_written_in_another_way():
    assert read(label("a\\nb")) == "a∖nb"
    assert "$$" not in read(label("$$x^2$$"))
    assert read(label("ﬂ°°35¶ß")) == "fl°°35¶ß"
    assert label("") == '"#160;"'  # an empty label would be no label
