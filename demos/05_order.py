"""Order: why a backward pass sorts the graph, and what two shorter ways get wrong.

python demos/05_order.py
"""

from __future__ import annotations

import tinygrad_edu as tg


def diamonds(n: int) -> tuple[tg.Scalar, tg.Scalar]:
    """Node x, and y = x doubled n times as h + h: two ways through each step, 2ⁿ through all, and dy/dx = 2ⁿ."""
    x = tg.Scalar(1.0, "x")
    h = x
    for _ in range(n):
        h = h + h
    return x, h


def along_every_path(node: tg.Scalar, upstream: float, gradients: dict[tg.Scalar, float]) -> int:
    """The naive recursion: right, but each path is walked by itself. How many calls it took."""
    gradients[node] = gradients.get(node, 0.0) + upstream
    if node.op is None:
        return 1
    return 1 + sum(along_every_path(operand, upstream, gradients) for operand in node.args)


def each_node_once(y: tg.Scalar) -> dict[tg.Scalar, float]:
    """Depth first, each node when it is first met: it sends on what it has, though a second share is still to come."""
    gradients, seen, stack = {y: 1.0}, set(), [y]
    while stack:
        node = stack.pop()
        if node in seen or node.op is None:
            continue
        seen.add(node)
        shares = {"add": (1.0, 1.0), "mul": tuple(x.value for x in reversed(node.args))}[node.op.name]
        for operand, share in zip(node.args, shares, strict=True):
            gradients[operand] = gradients.get(operand, 0.0) + gradients[node] * share
            stack.append(operand)
    return gradients


def main() -> None:
    """Count, and compare."""
    print("h ← h + h, n times: dy/dx = 2ⁿ.")
    print(f"{'n':>4} {'nodes':>7} {'calls along every path':>24}")
    for n in (1, 5, 10, 15):
        x, y = diamonds(n)
        gradients: dict[tg.Scalar, float] = {}
        calls = along_every_path(y, 1.0, gradients)
        assert gradients[x] == 2.0**n
        print(f"{n:4} {len(tg.topological_order([y])):7} {calls:24,}")
    x, y = diamonds(1000)
    y.backward()
    print(f"The engine takes n = 1000 in one sweep: dy/dx = {x.grad:.4g} = 2^1000 = {2.0**1000:.4g}")

    a = tg.Scalar(3.0, "a")
    b = a * a
    b.name = "b"
    c = b * a + b  # b is used twice: through another node, and at once
    c.name = "c"
    c.backward()
    print("\na = 3, b = a², c = a b + b = a³ + a²:   dc/da = 2a + 3a² = 33")
    print(f"    each node when it is first met   {each_node_once(c)[a]:g}")
    print(f"    in the order of the sorted graph {a.grad:g}")
    print(
        "b had sent on its first share before the second one came. So a node must wait for all of its users:"
    )
    order = reversed(tg.topological_order([c]))
    print(
        "    " + ", ".join(node.name or node.op.name for node in order) + "   every node before its operands"
    )


if __name__ == "__main__":
    main()
