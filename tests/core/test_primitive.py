from __future__ import annotations

import numpy as np
import pytest
from derivatives import close

import tinygrad_edu as tg
from tinygrad_edu.core.cases import real
from tinygrad_edu.errors import NotDifferentiableError, RegistrationError, ShapeError

CASES = [tg.case(real(3))]
V = np.array([0.5, -1.0, 2.0])


def test_an_elementwise_primitive_of_ones_own(registry):
    @tg.elementwise(partials=(lambda y, x: 3 * x * x,), cases=CASES, symbol="x³", notation="{0}³")
    def cube(x):
        """The third power."""
        return x * x * x

    close(tg.grad(lambda x: cube(x).sum())(V), 3 * V**2)
    close(tg.jvp(cube, [V], [np.ones(3)])[1], 3 * V**2)
    close(tg.hessian(lambda x: cube(x).sum())(V), np.diag(6 * V))
    assert tg.grad(cube)(2.0) == 12.0
    assert cube(2.0) == 8.0
    assert tg.formula("cube") == "∂y/∂x = 3 · x · x"
    assert (cube.__name__, cube.__doc__, repr(registry["cube"])) == (
        "cube",
        "The third power.",
        "<primitive cube>",
    )


def test_a_multilinear_primitive_of_ones_own(registry):
    @tg.multilinear(
        transposes=(lambda g, y, x, *, by: tg.mul(g, by),), cases=[tg.case(real(3), by=2.0)], name="scaled"
    )
    def scale(x, by):
        """Times a fixed number."""
        return x * by

    close(tg.jacobian(lambda x: scale(x, by=4.0))(V), 4 * np.eye(3))
    close(tg.jvp(lambda x: scale(x, 4.0), [V], [V])[1], 4 * V)
    assert "scaled" in registry
    assert "scale" not in registry


def test_a_primitive_with_vjps_of_ones_own(registry):
    @tg.primitive(vjps=(lambda g, y, x: 2 * x * g,), cases=CASES)
    def squared_norm(x):
        """Σ x²."""
        return np.add.reduce(x * x)

    close(tg.grad(squared_norm)(V), 2 * V)
    close(tg.jvp(squared_norm, [V], [V])[1], 2 * V @ V)
    close(tg.hessian(squared_norm)(V), 2 * np.eye(3))


def test_what_the_forward_saves_reaches_the_rule(registry):
    @tg.primitive(vjps=(lambda g, y, x, *, saved: g * saved,), cases=CASES)
    def tripled(x):
        """3x, and the 3 for later."""
        return 3 * x, 3.0

    x = tg.tensor(V, requires_grad=True)
    y = tripled(x)
    assert y.params == {"saved": 3.0}
    close(tripled(V), 3 * V)
    y.backward(np.ones(3))
    close(x.grad, [3.0, 3.0, 3.0])


def test_any_number_of_operands(registry):
    @tg.primitive(vjps=lambda i, g, y, *xs: (i + 1) * g, cases=[tg.case(real(2), real(2))])
    def weighted(*xs):
        """x₁ + 2 x₂ + 3 x₃ + …"""
        return sum((i + 1) * x for i, x in enumerate(xs))

    found = tg.grad(lambda *xs: weighted(*xs).sum(), (0, 1, 2))(V, V, V)
    close(found, [[1.0] * 3, [2.0] * 3, [3.0] * 3])


@pytest.mark.parametrize("declare", [
    lambda: tg.elementwise(partials=(1,), cases=[]),
    lambda: tg.multilinear(transposes=(lambda g, y, x: g,), cases=()),
    lambda: tg.primitive(vjps=(lambda g, y, x: g,)),
])  # fmt: skip
def test_a_derivative_without_cases_is_refused(registry, declare):
    with pytest.raises(RegistrationError, match=r"'unproved' declares no cases.*cases=\[case\(real\(3\)\)\]"):

        @declare()
        def unproved(x):
            return x

    assert "unproved" not in registry


def square(y, x):
    return 2 * x


def two(y, a, b):
    return b


@pytest.mark.parametrize(("declare", "words"), [
    (lambda: tg.elementwise(partials=square, cases=CASES), r"a tuple .* function came: .*\(rule,\), with"),
    (lambda: tg.elementwise(partials={square}, cases=CASES), "a tuple .* set came"),
    (lambda: tg.primitive(vjps=1, cases=CASES), "a tuple .* int came"),
    (lambda: tg.elementwise(partials=(2,), cases=CASES), "None, or 1 or -1, .* operand 0, 2 came"),
    (lambda: tg.elementwise(partials=("1",), cases=CASES), "None, or 1 or -1, .* operand 0, '1' came"),
    (lambda: tg.primitive(vjps=(1,), cases=CASES), "a function or None was expected .* operand 0, 1 came"),
    (lambda: tg.elementwise(partials=(square,), cases=CASES[0]), r"a list .*single Case .*\[case\(real\(3\)\)\]"),
    (lambda: tg.elementwise(partials=(square,), cases=real(3)), "a list of cases .* Domain came"),
    (lambda: tg.elementwise(partials=(square,), cases=[real(3)]), "a list of cases .* Domain came"),
    (lambda: tg.elementwise(partials=(square,), cases=[tg.case(3)]), r"a domain .* 3 came: write case\(real\(3\)\)"),
    (lambda: tg.elementwise(partials=(two, two), cases=[tg.case(real(3), real(3))]), "no more operands than the 1"),
    (lambda: tg.primitive(vjps=lambda i, g, y, *xs: g, cases=[tg.case(real(3), real(3))]), "no more operands than"),
    (lambda: tg.elementwise(partials=(square,), cases=[*CASES, tg.case(real(3), real(3))]), "1 expected, 2 came"),
    (lambda: tg.primitive(vjps=(square,), cases=[tg.case()]), "1 expected, 0 came"),
    (lambda: tg.primitive(vjps=lambda i, g, y, *xs: g, cases=[tg.case()]), "at least one expected, 0 came"),
])  # fmt: skip
def test_what_could_not_be_verified_is_refused_before_it_is_registered(registry, declare, words):
    with pytest.raises(RegistrationError, match=f"primitive 'squared': .*{words}"):

        @declare()
        def squared(x):
            return x * x

    assert "squared" not in registry


def test_an_operand_without_a_rule_is_refused_unless_the_case_gives_it_as_a_parameter(registry):
    def product(a, b):
        return a * b

    def scaled(a, *, by):
        return a * by

    rules = (lambda y, a, b=1, *, by=1: b * by,)
    for forward, name in ((product, "b"), (scaled, "by")):
        with pytest.raises(
            RegistrationError,
            match=rf"case\(real\(3,\)\) says nothing about {name}: .* needs a rule and a domain",
        ):
            tg.elementwise(partials=rules, cases=CASES)(forward)
        assert forward.__name__ not in registry
        tg.elementwise(partials=rules, cases=[tg.case(real(3), **{name: 2.0})])(forward)
        assert forward.__name__ in registry


def test_only_a_function_of_python_can_be_declared(registry):
    with pytest.raises(RegistrationError, match=r"a function of Python, <ufunc 'exp'> came"):
        tg.elementwise(partials=(lambda y, x: y,), cases=CASES, name="unnamed")(np.exp)
    assert "unnamed" not in registry


@pytest.mark.parametrize("sign", [1, -1, 1.0, -1.0, np.float64(1)])
def test_a_constant_partial_may_be_a_float(registry, sign):
    op = tg.elementwise(partials=[sign], cases=CASES, name="signed")(lambda x: sign * x)
    assert tg.grad(op)(2.0) == sign
    close(tg.grad(lambda x: op(x).sum())(V), [sign] * 3)
    assert tg.formula("signed") == f"∂y/∂x = {'1' if sign > 0 else '−1'}"


def test_what_has_no_derivative_needs_no_cases(registry):
    @tg.primitive()
    def rounded(x):
        return np.round(x)

    x = tg.tensor(V, requires_grad=True)
    assert not rounded(x).requires_grad
    assert tg.formula("rounded") == "not differentiable"


def test_a_name_is_given_once(registry):
    held = registry["tanh"]
    with pytest.raises(
        RegistrationError, match=r"a primitive 'tanh' already: .* say del tg\.registry\['tanh'\]"
    ):
        tg.elementwise(partials=(1,), cases=CASES, name="tanh")(lambda x: x)
    assert registry["tanh"] is held


@pytest.mark.parametrize("kind", ["primitive", "multilinear"])
def test_a_rule_of_the_wrong_shape_is_refused(registry, kind):
    rules = {"vjps" if kind == "primitive" else "transposes": (lambda g, y, x: tg.sum(g),)}

    @getattr(tg, kind)(cases=CASES, **rules)
    def doubled(x):
        return 2 * x

    x = tg.tensor(V, requires_grad=True)
    with pytest.raises(
        ShapeError,
        match=r"vjp of 'doubled' with respect to operand 0 has shape \(\), but the operand has \(3,\)",
    ):
        doubled(x).sum().backward()


@pytest.mark.parametrize("kind", ["elementwise", "primitive"])
@pytest.mark.parametrize("make", [lambda v: tg.tensor(v, requires_grad=True), lambda v: tg.Scalar(v[0])])
def test_an_operand_without_a_rule_is_refused_only_when_it_is_asked_for(registry, kind, make):
    rule = {"elementwise": lambda y, a, b: a, "primitive": lambda g, y, a, b: g * a}[kind]
    rules = {"partials" if kind == "elementwise" else "vjps": (None, rule)}

    @getattr(tg, kind)(cases=[tg.case(real(3), real(3))], **rules)
    def lopsided(a, b):
        return a * b

    a, b = make(V), make(2 * V)
    tg.gradients(tg.ops.sum(lopsided(a.detach(), b)) if b.shape else lopsided(a.detach(), b), [b])
    y = lopsided(a, b)
    with pytest.raises(
        NotDifferentiableError, match="lopsided: there is no derivative with respect to operand 0"
    ):
        tg.reverse_sweep(y, y.ones())
    with pytest.raises(NotDifferentiableError, match="no derivative with respect to operand 0"):
        tg.forward_sweep([y], {a: a.ones()})


def test_every_differentiable_primitive_has_cases():
    assert len(tg.registry) >= 50
    assert [op.name for op in tg.registry.values() if op.rules and not op.cases] == []


def test_cases_draw_what_they_say(rng):
    from tinygrad_edu.core import cases

    drawn = {
        name: getattr(cases, name)(4, 5).draw(rng)
        for name in ("real", "positive", "nonzero", "distinct", "vanishing", "boolean")
    }
    assert {x.shape for x in drawn.values()} == {(4, 5)}
    assert np.all((drawn["positive"] >= 0.5) & (drawn["positive"] <= 2))
    assert np.all(np.abs(drawn["nonzero"]) >= 0.5)
    assert np.diff(np.sort(drawn["distinct"], axis=None)).min() > 0.1
    assert np.sum(drawn["vanishing"] == 0, axis=1).tolist() == [1, 1, 1, 1]
    assert drawn["boolean"].dtype == bool
    assert cases.real(3).of_shape(2, 7).draw(rng).shape == (2, 7)
    assert str(tg.case(cases.interval(0, 1, 3), cases.real(), axis=0)) == "[0, 1](3,), real(), axis=0"


@pytest.mark.parametrize(
    "rules", [(lambda y, x, slope=0.1: (x > 0) + slope * (x <= 0),), ()], ids=["differentiable", "not"]
)
def test_parameters_by_position_with_a_forward_for_floats(registry, rules):
    def leaky(x, slope=0.1):
        return np.where(x > 0, x, slope * x)

    def on_floats(x, slope=0.1):
        return x if x > 0 else slope * x

    declare = (
        tg.elementwise(partials=rules, cases=CASES, on_floats=on_floats)
        if rules
        else tg.primitive(on_floats=on_floats)
    )
    f = declare(leaky)
    for found in (f(tg.tensor(V), 0.5), f(tg.tensor(V), slope=0.5), f(V, 0.5)):
        close(found, [0.5, -0.5, 2.0])
    assert [f(tg.Scalar(-1.0), 0.5).value, f(tg.Scalar(-1.0)).value, f(-1.0, 0.5)] == [-0.5, -0.1, -0.5]
    if rules:
        close(tg.grad(lambda x: f(x, 0.5).sum())(V), [1.0, 0.5, 1.0])
        assert f(tg.tensor(V, True), 0.5).params == {"slope": 0.5}


def test_a_rule_that_does_not_look_at_its_cotangent(registry):
    @tg.primitive(vjps=(lambda g, y, x: np.zeros(np.shape(x)),), cases=CASES)
    def blocked(x):
        """No gradient goes through here."""
        return x * 1.0

    x = tg.tensor(V, requires_grad=True)
    y = blocked(x)
    close(tg.reverse_sweep(y, np.ones(3))[x], np.zeros(3))
    (pushed,) = tg.forward_sweep([y], {x: np.ones(3)})
    close(np.zeros(3) if pushed is None else pushed, np.zeros(3))


def test_the_errors_of_a_forward_are_passed_on(registry):
    @tg.elementwise(partials=(1, 1), cases=[tg.case(real(3), real(3))])
    def mistaken(a, b):
        return a.no_such_attribute + b

    with pytest.raises(AttributeError, match="no_such_attribute"):
        mistaken(tg.tensor(V), tg.tensor(V))
    with pytest.raises(AttributeError, match="no_such_attribute"):
        mistaken(V, V)


def test_a_number_of_python_stays_one_within_a_graph_of_tensors():
    two = (tg.tensor(np.ones(2, np.float32), requires_grad=True) ** 2).args[1]
    assert type(two.value) is int
    assert type((-two).value) is int
    assert ((-two) * np.ones(2, np.float32)).dtype == np.float32
