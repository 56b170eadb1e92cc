"""A document as one HTML page, which needs no other file, no network and no script, and may be mailed to a student.

Whatever a user named, a parameter or a layer, is escaped; and lest something slip through, the page tells the browser
(by a content security policy) to run and load nothing. Colours follow the reader's choice of light or dark, and none of
them carries a meaning alone: a verdict is a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from xml.etree import ElementTree

from tinygrad_edu.reporting.document import Cell, Column, Document, Picture, Row, Table, clean

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}: {verdict}</title>
<style>
{style}</style>
</head>
<body>
<main>
"""


def page(document: Document) -> str:
    """The document as an HTML page.

    Raises:
        ValueError: the document's picture is no SVG, or has a script in it, or would load something.
    """
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = HEAD.format(title=_text(document.title), verdict=_text(document.verdict), style=style)
    return head + "\n".join(_body(document)) + "\n</main>\n</body>\n</html>\n"


def _body(document: Document) -> Iterator[str]:
    yield f'<header class="{document.tone}">\n<p class="kind">{_text(document.kind)}</p>'
    yield f"<h1>{_text(document.title)}</h1>"
    yield f'<p class="outcome">{_badge(document.verdict, document.tone)} {_text(document.summary)}</p>\n</header>'
    yield _list("facts", document.facts)
    for table in document.tables:
        yield from _section(table, document.scale)
    if document.graph is not None:
        yield f'<section>\n<h2>The graph</h2>\n<figure class="scroll" tabindex="0">{_inline(document.graph)}</figure>'
        yield "</section>"
    yield "<section>\n<h2>What the verdicts mean</h2>"
    yield _list("legend", document.legend) + "\n</section>"


def _section(table: Table, scale: tuple[str, ...]) -> Iterator[str]:
    caption = _text(table.caption)
    yield f'<section>\n<h2>{caption}</h2>\n<div class="scroll" role="region" aria-label="{caption}" tabindex="0">'
    yield "<table>\n<thead><tr>"
    yield from (
        f'<th scope="col" class="{column.align}">{_text(column.name)}</th>' for column in table.columns
    )
    yield "</tr></thead>"
    for row in table.rows:  # a row and its notes belong together
        yield "<tbody>\n" + "\n".join(_rows(row, table.columns)) + "\n</tbody>"
    yield "</table>\n</div>"
    if any(cell.position is not None for row in table.rows for cell in row.cells):
        yield '<p class="bands">' + "".join(f"<span>{_text(words)}</span>" for words in scale) + "</p>"
    yield "</section>"


def _rows(row: Row, columns: tuple[Column, ...]) -> Iterator[str]:
    first, *others = ((column, _cell(cell)) for column, cell in zip(columns, row.cells, strict=True))
    below = f' rowspan="{1 + len(row.notes)}"' if row.notes else ""
    heading = f'<th scope="row"{below} class="{first[0].align}">{first[1]}</th>'
    yield (
        f"<tr>{heading}"
        + "".join(f'<td class="{column.align}">{cell}</td>' for column, cell in others)
        + "</tr>"
    )
    yield from (
        f'<tr class="note"><td colspan="{len(others)}"><p>{_text(note)}</p></td></tr>' for note in row.notes
    )


def _cell(cell: Cell) -> str:
    if cell.tone and not cell.spoken:
        return _badge(cell.text, cell.tone)
    if cell.tone:  # a sign to those who see it, a word to those who hear it
        sign = f'<span class="sign {cell.tone}" aria-hidden="true">{_text(cell.text)}</span>'
        return f'{sign}<span class="spoken">{_text(cell.spoken)}</span>'
    if cell.position is not None:
        mark = f'<i style="left:{100 * cell.position:.1f}%"></i>'
        return f'{_text(cell.text)}<span class="scale" aria-hidden="true">{mark}</span>'
    return _text(cell.text)


def _badge(word: str, tone: str) -> str:
    return f'<strong class="badge {tone}">{_text(word)}</strong>'


def _list(name: str, items: Mapping[str, str]) -> str:
    each = (f"<div><dt>{_text(term)}</dt><dd>{_text(said)}</dd></div>" for term, said in items.items())
    return f'<dl class="{name}">\n' + "\n".join(each) + "\n</dl>"


def _text(text: str) -> str:
    return escape(clean(text))


ACTIVE = {"script", "foreignObject", "image"}  # elements of SVG that are more than strokes and text
LOADS = re.compile(r"url\((?!#)|@import|\\|<", re.IGNORECASE)  # in a style sheet, something from elsewhere


def _inline(picture: Picture) -> str:
    """The picture's `svg` element, without what stands before it."""
    svg = picture.svg()
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(
            f"page: a graph whose svg() is SVG was expected, it cannot be read: {error}"
        ) from error
    if root.tag.rpartition("}")[2] != "svg" or "<svg" not in svg:
        raise ValueError(f"page: a graph whose svg() is SVG was expected, an element {root.tag} came")
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        found = (
            [tag] if tag in ACTIVE or (tag == "style" and LOADS.search("".join(element.itertext()))) else []
        )
        for name, value in element.items():
            loads = name.rpartition("}")[2] in ("href", "src") and not value.startswith("#")
            found += [f"{name} of {tag}"] if loads or name.startswith("on") else []
        if found:
            raise ValueError(f"page: a graph without scripts and links was expected, {', '.join(found)} came")
    return svg[svg.index("<svg") :]
