"""Equivalent mutants: programs that are written otherwise and compute the same. No test could tell them apart.

Each is listed by hand, with the reason: (primitive, operand, mutant) → why. A mutant that is not here and survives is a
gap in the suite. The number behind a mutant says which of the places it is at where the same is written.
"""

from __future__ import annotations

Key = tuple[str, str, str]

EQUIVALENT: dict[Key, str] = {}


def _because(reason: str, *keys: Key) -> None:
    EQUIVALENT.update(dict.fromkeys(keys, reason))


# ---- elementwise ----

_because("2 c is 0 where c is False, and not 0 where it is True.", ("where", "2", "c → 2 * c"))
_because("A positive factor changes no sign.", ("absolute", "0", "x → 2 * x"), ("relu", "0", "x → 2 * x"))
_because("y = max(0, x) is positive exactly where x is.", ("relu", "0", "x → y"))
_because(
    "At 0 any slope from 0 to 1 is a subgradient: which one is a convention.", ("relu", "0", "x > 0 → x >= 0")
)
_because("The cosine is even.", ("sin", "0", "x → -x"), ("sinh", "0", "x → -x"))
_because("Both partial derivatives are 1.", ("add", "0", "x̄ of operand 1"), ("add", "1", "x̄ of operand 0"))
_because("A number is 0 exactly where twice the number, or minus the number, is.",
         ("power", "0", "b → -b (2)"), ("power", "0", "b → 2 * b (2)"), ("power", "1", "y → -y (2)"),
         ("power", "1", "y → 2 * y (2)"), ("power", "0", "a → -a"), ("power", "0", "a → 2 * a"))  # fmt: skip
_because("Where a = b = 0, the power is multiplied by b: any base will do but 0.", ("power", "0", "1 → 2"))
_because("Where y = 0, the logarithm is multiplied by y: any positive argument will do.",
         ("power", "1", "y + 1 → 1"), ("power", "1", "y → a (3)"), ("power", "1", "y → b (3)"),
         ("power", "1", "y → -y (3)"), ("power", "1", "y → 2 * y (3)"), ("power", "1", "1 → 2"),
         ("power", "1", "1 → 1.01"), ("power", "1", "1 → 0.99"))  # fmt: skip
_because("For b > 0, y = a^b is 0 exactly where a is; for b ≤ 0 there is no derivative by b at a = 0.",
         ("power", "1", "y → a (2)"))  # fmt: skip

_because("The derivative of the identity is 1.", ("identity", "0", "ȳ passed on"))

# ---- what is passed for its shape alone ----

_because("`spread` reads the shape of x, and none of its values.",
         *[(name, "0", f"x → {other}{place}") for other in ("-x", "2 * x") for name, place in
           (("sum", ""), ("mean", ""), ("var", ""), ("max", " (2)"), ("min", " (2)"), ("prod", " (2)"),
            ("prod", " (5)"), ("logsumexp", ""), ("logsumexp", " (3)"))])  # fmt: skip
_because("`getattr(…, 'dtype')` reads the type of x, and none of its values; y has the same type.",
         *[(name, "0", mutant) for name in ("max", "min")
           for mutant in ("x → y (4)", "x → -x (3)", "x → 2 * x (3)")])  # fmt: skip
_because("`_matrices` reads of the operand that is differentiated by the shape alone.",
         ("matmul", "0", "a → -a"), ("matmul", "0", "a → 2 * a"), ("matmul", "1", "b → -b"),
         ("matmul", "1", "b → 2 * b"))  # fmt: skip
_because("ȳ has as many axes as y.", ("concatenate", "all", "g → y"), ("stack", "all", "g → y (2)"),
         ("linear", "2", "g → y (2)"), ("linear", "2", "g → y (3)"))  # fmt: skip
_because("The operands and the result of a linear layer have equally many axes.",
         ("linear", "1", "x → y"), ("linear", "2", "g → x (2)"), ("linear", "2", "g → x (3)"))  # fmt: skip
_because("b has one axis, never two: the matrices are then reshaped to what they are already.",
         ("linear", "1", "x → b"))  # fmt: skip
_because("b has one axis, never two: then all axes but the last are summed over, of which there is one.",
         ("linear", "2", "g → b (2)"))  # fmt: skip
_because("Of two operands and their product, any two that are matrices make the third one.",
         ("matmul", "0", "a → y"), ("matmul", "0", "b → y"), ("matmul", "1", "a → y"),
         ("matmul", "1", "b → y"))  # fmt: skip
_because("Ȳ Bᵀ is right for a matrix B, whatever A is.", ("matmul", "0", "a → b"))
_because("Aᵀ Ȳ is right for a matrix A, whatever B is.", ("matmul", "1", "b → a"))
_because("Either x and y are both nodes, or neither is.", ("softmax_cross_entropy", "0", "x → y"))

# ---- two ways of one thing ----

_because("Where the bias has the shape of y, there is one row, and nothing to sum over.",
         ("linear", "2", "ȳ passed on"))  # fmt: skip

_because("Any negative length tells NumPy to find out.", ("linear", "1", "1 → 2"), ("prod", "0", "1 → 2"))
_because("The axis before the first is the last.",
         ("matmul", "all", "_transposed: n - 1 → -1"), ("matmul", "all", "_transposed: n - 2 → -2 (2)"))  # fmt: skip
_because("A number is 0 exactly where twice the number, or minus the number, is.",
         ("prod", "0", "x → -x"), ("prod", "0", "x → 2 * x"))  # fmt: skip
_because("The formula for rows with a 0 is right for all rows; the quotient is only quicker.",
         ("prod", "0", "x → y"))  # fmt: skip

_because("The product with an array of the shape of x repeats what `spread` has not repeated.",
         *[(name, "all", "spread: broadcast_to(reshape(g, shape=kept(shape, axis)), shape=shape) → "
            "reshape(g, shape=kept(shape, axis))") for name in ("var", "max", "min", "prod", "logsumexp")])  # fmt: skip
_because("Without an axis all axes keep their order, be they reduced or not.", ("prod", "0", "x → y (4)"))

# ---- einsum ----

_because("Dots come in threes: none of them is there once.",
         ("einsum", "all", "_letters: ''.join(terms).replace('.', '') → ''.join(terms)"))  # fmt: skip
_because("A letter that is there once is met once.", ("einsum", "all", "_letters: set(joined) → joined"))
_because(
    "Every letter of the output is in a term.", ("einsum", "all", "''.join(terms) + output → ''.join(terms)")
)
_because("An identity matrix between a letter and a new one does no harm where none is needed.",
         ("einsum", "all", "letter in wanted → letter not in wanted"))  # fmt: skip
_because("ȳ has the type of y.", ("einsum", "all", "g → y (2)"), ("einsum", "all", "g → y (3)"))
_because("To multiply by ones changes nothing.",
         ("einsum", "all", "n > max(sizes, default=-1) → n >= max(sizes, default=-1)"))  # fmt: skip
_because("No axis is shorter than 0.", ("einsum", "all", "1 → 2"))
