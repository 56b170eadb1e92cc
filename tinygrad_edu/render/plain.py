"""The model as JSON, and JSON as a model: what another program knows of a graph can be drawn here.

    {"schema": 1, "root": 2,
     "nodes": [{"id": 0, "name": "x", "value": {"shape": [3]}}, {"id": 1, "name": "w"}, {"id": 2, "op": "mul"}],
     "edges": [{"src": 0, "dst": 2, "arg": 0}, {"src": 1, "dst": 2, "arg": 1}]}

This is a whole file: what is left out has a default, or follows from the rest. What is there is read strictly, by the
types that the model declares, and every error says where it is.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from tinygrad_edu.errors import TinygradEduError
from tinygrad_edu.render.folding.wording import ROLES
from tinygrad_edu.render.graph.model import SCHEMA, GraphModel, NodeModel
from tinygrad_edu.render.look.style import clean

KINDS = ("Scalar", "Tensor")
STATISTICS = ("mean", "std", "smallest", "largest")
TEXT = 1000  # characters of a text that are kept
NOUNS = {
    int: "an integer", float: "a number", str: "a text", bool: "true or false", type(None): "null",
    tuple: "a list", dict: "an object",
}  # fmt: skip


types_of = cache(get_type_hints)  # the annotations of a class are texts, and evaluating them takes its time


class ModelError(TinygradEduError, ValueError):
    """A file is no graph that could be drawn; the message says where it is not, and what was expected there."""


def as_plain(graph: GraphModel) -> dict[str, Any]:
    """The model as dictionaries and lists, with nothing in it that JSON does not know."""
    plain: dict[str, Any] = _plain(asdict(graph))
    return plain


def as_json(graph: GraphModel) -> str:
    """The model as JSON; NaN and infinities as strings, which JSON has no numbers for."""
    return json.dumps(as_plain(graph), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(x: Any) -> Any:
    """Floats to 12 digits, since the last ones differ between processors."""
    if isinstance(x, dict):
        return {key: _plain(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(value) for value in x]
    if isinstance(x, float):
        return float(f"{x:.12g}") if math.isfinite(x) else str(x)
    return clean(x, TEXT) if isinstance(x, str) else x


def load_model(source: str | Path | Mapping[str, Any]) -> GraphModel:
    """Read a model.

    Args:
        source: a path, JSON, or what JSON was read as. A text that starts with `{` is JSON, any other one a path.

    Raises:
        ModelError: it is no JSON, a field is missing, unknown or of another type, or the edges are no graph.
        OSError: the file cannot be read.
    """
    if isinstance(source, str | Path):
        text = source if isinstance(source, str) else ""
        if not text.lstrip().startswith("{"):
            text = Path(source).read_text(encoding="utf-8")
        try:
            source = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"the graph is no JSON: {error}") from error
    if not isinstance(source, Mapping):
        raise ModelError(f"an object with nodes and edges was expected, {_noun(source)} came")
    if source.get("schema") != SCHEMA:
        raise ModelError(f'"schema": {SCHEMA} was expected, {source.get("schema")!r} came')
    graph: GraphModel = _read(GraphModel, _completed(source), "")
    _ensure_graph(graph)
    return graph


def _completed(source: Mapping[str, Any]) -> dict[str, Any]:
    """The file with what a node need not say: what it does by its position and its operation."""
    nodes, edges = source.get("nodes"), source.get("edges", [])
    if not isinstance(nodes, list) or not nodes:
        raise ModelError(f"nodes: a list with at least one node was expected, {_noun(nodes)} came")
    root = source.get("root", len(nodes) - 1)
    completed = []
    for i, node in enumerate(nodes):
        if not isinstance(node, Mapping):
            raise ModelError(f"nodes[{i}]: an object was expected, {_noun(node)} came")
        op = node.get("op")
        value = node.get("value", {})
        default: dict[str, Any] = {
            "id": i, "name": None, "op": op, "symbol": op, "scope": None, "gradient": None,
            "derived": f"{op}(…)" if op else f"n{i}", "kind": "Tensor",
            "role": ("output" if i == root else "intermediate") if op else "input", "requires_grad": False,
        }  # fmt: skip
        whole: dict[str, Any] = {"shape": [], "dtype": "?", "items": None}
        completed.append(
            default | dict(node) | {"value": whole | dict(value) if isinstance(value, Mapping) else value}
        )
    return {"root": root} | dict(source) | {"nodes": completed, "edges": edges}


def _read(kind: Any, x: Any, place: str) -> Any:
    """A value of a declared type: a plain one, a dataclass, a union with None, or a tuple."""
    if type(x) is kind:
        return x
    if is_dataclass(kind):
        return _read_fields(kind, x, place)
    origin, inside = _parts(kind)
    if origin in (Union, types.UnionType):
        return None if x is None else _read(next(each for each in inside if each is not type(None)), x, place)
    if origin is tuple and isinstance(x, list):
        if inside[-1] is Ellipsis:
            return tuple(_read(inside[0], each, f"{place}[{i}]") for i, each in enumerate(x))
        if len(x) != len(inside):
            raise ModelError(f"{place}: a list of {len(inside)} was expected, one of {len(x)} came")
        parts = enumerate(zip(inside, x, strict=True))
        return tuple(_read(each, item, f"{place}[{i}]") for i, (each, item) in parts)
    if kind is float and (type(x) is int or x in ("nan", "inf", "-inf")):
        return float(x)
    raise ModelError(f"{place}: {NOUNS[origin or kind]} was expected, {_noun(x)} came")


@cache
def _parts(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """`tuple[int, ...]` as `tuple` and `(int, ...)`."""
    return get_origin(kind), get_args(kind)


def _read_fields(kind: Any, x: Any, place: str) -> Any:
    if not isinstance(x, Mapping):
        raise ModelError(f"{place}: an object was expected, {_noun(x)} came")
    hints = types_of(kind)
    known = {field.name: field for field in fields(kind)}
    dot = f"{place}." if place else ""
    for name in x:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            raise ModelError(
                f"{dot}{clean(name)}: no such field" + (f"; did you mean {near[0]}?" if near else "")
            )
    for name, field in known.items():
        if name not in x and field.default is MISSING and field.default_factory is MISSING:
            raise ModelError(f"{dot}{name}: is missing")
    return kind(**{name: _read(hints[name], value, f"{dot}{name}") for name, value in x.items()})


def _noun(x: Any) -> str:
    noun = NOUNS.get(tuple if isinstance(x, list) else type(x), type(x).__name__)
    return noun if isinstance(x, list | Mapping) or x is None else f"{noun}, {clean(repr(x), 60)},"


def _ensure_graph(graph: GraphModel) -> None:
    """Raise unless nodes are numbered with operands first: the order that all pictures rely on."""
    for i, node in enumerate(graph.nodes):
        _ensure_node(node, i)
    places = {"root": graph.root}
    places |= {
        f"edges[{i}].{end}": getattr(x, end) for i, x in enumerate(graph.edges) for end in ("src", "dst")
    }
    places |= {f"detached[{i}][{end}]": pair[end] for i, pair in enumerate(graph.detached) for end in (0, 1)}
    nodes = graph.nodes
    for place, i in places.items():
        if not 0 <= i < len(nodes):
            raise ModelError(f"{place}: there is no node {i}, they go from 0 to {len(nodes) - 1}")
    users: dict[int, list[int]] = {}
    for edge in graph.edges:
        users.setdefault(edge.dst, []).append(edge.src)
    try:
        TopologicalSorter(users).prepare()
    except CycleError as error:
        path = " → ".join(clean(nodes[i].name or f"n{i}") for i in error.args[1])
        raise ModelError(
            f"the edges have a cycle: {path}. In a graph of a computation there is none"
        ) from None
    for i, edge in enumerate(graph.edges):
        if edge.src >= edge.dst:
            raise ModelError(
                f"edges[{i}]: node {edge.src} is used by node {edge.dst} and stands after it: list operands first"
            )
    if graph.root != len(nodes) - 1:
        raise ModelError(f"root: the last node, {len(nodes) - 1}, was expected, {graph.root} came")


def _ensure_node(node: NodeModel, i: int) -> None:
    if node.id != i:
        raise ModelError(
            f"nodes[{i}].id: {i} was expected, since nodes are numbered in order; {node.id} came"
        )
    for field, known in (("role", ROLES), ("kind", KINDS)):
        if getattr(node, field) not in known:
            came = clean(repr(getattr(node, field)))
            raise ModelError(f"nodes[{i}].{field}: one of {', '.join(known)} was expected, {came} came")
    for field in ("value", "gradient"):
        x = getattr(node, field)
        if x is not None and len({getattr(x, name) is None for name in STATISTICS}) > 1:
            raise ModelError(f"nodes[{i}].{field}: {', '.join(STATISTICS)} were expected together")
