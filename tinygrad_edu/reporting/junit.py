"""A document as JUnit XML, which every continuous integration reads: what was judged are its test cases.

What is wrong is a `failure`; what could not be decided is an `error`, since nothing was shown of it. The result is
valid by both schemas in use, Ant's and that of Jenkins; the first allows no attribute of `testsuites`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

from tinygrad_edu.reporting.document import Document, clean

TAGS = {"wrong": "failure", "open": "error"}


def junit(document: Document) -> str:
    """The document as JUnit XML."""
    root = ElementTree.Element("testsuites")
    tones = [entry.tone for entry in document.entries]
    suite = ElementTree.SubElement(
        root, "testsuite", name=clean(document.title).strip() or document.kind, package="tinygrad_edu", id="0",
        hostname="localhost", timestamp=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        time=_seconds(sum(entry.seconds for entry in document.entries)),
        tests=str(len(tones)), failures=str(tones.count("wrong")), errors=str(tones.count("open")),
    )  # fmt: skip
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in ({"verdict": document.verdict} | dict(document.facts)).items():
        ElementTree.SubElement(properties, "property", name=clean(name), value=clean(value))
    for entry in document.entries:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=clean(f"{document.kind}.{entry.group}"),
            name=clean(entry.name),
            time=_seconds(entry.seconds),
        )
        if entry.tone in TAGS:
            said = clean(entry.said)
            first = said.partition("\n")[0]
            tag = ElementTree.SubElement(case, TAGS[entry.tone], type=clean(entry.verdict), message=first)
            tag.text = said
    ElementTree.SubElement(suite, "system-out").text = clean(document.summary)
    ElementTree.SubElement(suite, "system-err")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _seconds(time: float) -> str:
    return f"{time:.6f}"
