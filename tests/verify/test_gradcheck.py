"""What can be checked, what is refused, and that a check leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import NotDifferentiableError, ShapeError
from tinygrad_edu.verify.taylor import taylor


def names(report: tg.verify.Report) -> list[str]:
    return [row.name for row in report.rows]


# ---- what can be checked ----


def test_functions_of_numbers() -> None:
    report = tg.check(lambda x, y: x * tg.sin(y) + y / x, 1.5, -0.5)
    assert report
    assert names(report) == ["input 0", "input 1"]
    # ∂/∂x = sin y − y/x², by hand.
    assert report.rows[0].backward == pytest.approx(np.sin(-0.5) + 0.5 / 2.25, rel=1e-14)
    assert report.rows[0].numeric == pytest.approx(np.sin(-0.5) + 0.5 / 2.25, rel=1e-9)


def test_functions_of_scalars_with_names() -> None:
    a, b = tg.Scalar(2.0, "a"), tg.Scalar(-3.0)
    assert names(tg.check(lambda a, b: a * b + a.tanh(), a, b)) == ["a", "input 1"]


def test_functions_of_arrays(rng: np.random.Generator) -> None:
    report = tg.check(lambda x, y: tg.exp(x @ y).sum(), rng.normal(size=(2, 3)), rng.normal(size=(3, 5)))
    assert report
    assert [row.shape for row in report.rows] == [(2, 3), (3, 5)]


def test_functions_of_tensors_with_names(rng: np.random.Generator) -> None:
    x = tg.tensor(rng.normal(size=4), requires_grad=True, name="x")
    assert names(tg.check(lambda x: (x * x).mean(), x)) == ["x"]


def test_numpys_numbers_and_arrays_without_axes() -> None:
    assert tg.check(lambda x, y: x * y, np.float64(2.0), np.array(3.0))


def test_what_is_not_differentiated_is_passed_on(rng: np.random.Generator) -> None:
    fixed = tg.tensor(rng.normal(size=3))

    def f(x: Any, fixed: Any, power: int, index: np.ndarray, word: str) -> Any:
        assert (word, power) == ("yes", 3)
        return (x[index] ** power * fixed).sum()

    report = tg.check(f, rng.uniform(1, 2, 4), fixed, 3, np.array([0, 2, 0]), "yes")
    assert report
    assert names(report) == ["input 0"]


def test_a_module_with_its_input(rng: np.random.Generator) -> None:
    net = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng))
    report = tg.check(net, rng.normal(size=(5, 3)))
    assert report
    assert names(report) == [*dict(net.named_parameters()), "input 0"]


@pytest.mark.parametrize("form", ["module", "dict", "list", "tuple"])
def test_a_closure_over_parameters(form: str, rng: np.random.Generator) -> None:
    layer = nn.Linear(3, 2, rng=rng)
    x = rng.normal(size=(4, 3))
    parameters: dict[str, Any] = {
        "module": layer,
        "dict": {"weight": layer.weight, "bias": layer.bias},
        "list": layer.parameters(),
        "tuple": tuple(layer.parameters()),
    }
    report = tg.check(lambda: tg.sigmoid(layer(x)).sum(), parameters=parameters[form])
    assert report
    assert names(report) == ["weight", "bias"]


def test_a_network_of_scalars() -> None:
    net = nn.MLP(2, [3, 1], rng=np.random.default_rng(4))
    report = tg.check(lambda: net([tg.Scalar(0.5), tg.Scalar(-1.0)]), parameters=net)
    assert report
    assert len(report.rows) == len(net.parameters())


def test_leaves_without_names_are_numbered() -> None:
    leaves = [tg.Scalar(2.0), tg.Scalar(3.0)]
    assert names(tg.check(lambda: leaves[0] * leaves[1], parameters=leaves)) == ["parameter 0", "parameter 1"]


def test_the_same_leaf_twice_is_one() -> None:
    x = tg.tensor([1.0, -2.0], requires_grad=True, name="x")
    report = tg.check(lambda a, b: (a * b).sum(), x, x)
    assert names(report) == ["x"]
    assert abs(report.rows[0].backward) in (2.0, 4.0)  # 2x
    assert report


def test_leaves_of_one_name_do_not_hide_each_other() -> None:
    a, b = (tg.tensor([value], requires_grad=True, name="x") for value in (2.0, 3.0))
    report = tg.check(lambda a, b: (a * b * b).sum(), a, b)
    assert report
    assert sorted(row.backward for row in report.rows) == [9.0, 12.0]


def test_a_wrong_gradient_is_found_although_an_input_has_the_parameters_name(
    rng: np.random.Generator,
) -> None:
    layer = nn.Linear(3, 2, rng=rng)
    report = tg.check(layer, tg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="weight"))
    assert sorted(row.shape for row in report.rows) == [(2,), (2, 3), (4, 3)]


def test_target_and_parameters_may_not_share_a_name_for_different_leaves(rng: np.random.Generator) -> None:
    one, other = nn.Linear(3, 2, rng=rng), nn.Linear(2, 1, rng=rng)
    with pytest.raises(ValueError, match="'weight'"):
        tg.check(one, rng.normal(size=(4, 3)), parameters=other)
    assert names(tg.check(one, np.ones((4, 3), int), parameters=one)) == ["weight", "bias"]


def test_gradients_written_by_hand(rng: np.random.Generator) -> None:
    x = tg.tensor(rng.normal(size=(2, 3)), requires_grad=True, name="x")
    right = np.cos(x.numpy())
    assert tg.check(lambda x: tg.sin(x).sum(), x, gradients={"x": right})
    assert tg.check(lambda x: tg.sin(x).sum(), x, gradients={"x": tg.tensor(right)})
    assert tg.check(lambda x: tg.sin(x).sum(), x, gradients={"x": -right}).verdict == "wrong"


def test_only_what_has_a_hand_written_gradient_is_judged() -> None:
    a, b = tg.Scalar(2.0, "a"), tg.Scalar(3.0, "b")
    report = tg.check(lambda: a * b * b, parameters=[a, b], gradients={"b": 12.0})
    assert report
    assert names(report) == ["b"]


def test_inside_no_grad_it_works_as_outside() -> None:
    with tg.no_grad():
        assert tg.check(lambda x: x * x, 3.0)


def test_an_empty_array_is_vacuous() -> None:
    report = tg.check(lambda x: x.sum() + 1.0, np.zeros((0, 3)))
    assert report.verdict == "vacuous"
    assert report.rows[0].note == "it has no elements, so there was nothing to check"


def test_a_check_is_repeatable(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 4))
    assert tg.check(tg.softmax, x).to_dict() == tg.check(tg.softmax, x).to_dict()
    other = tg.check(tg.softmax, x, rng=np.random.default_rng(77))
    assert other
    assert other.rows[0].backward != tg.check(tg.softmax, x).rows[0].backward


def test_lists_of_floats_are_arrays_and_lists_of_integers_are_passed_on() -> None:
    def f(x: Any, i: list[int]) -> Any:
        assert i == [1, 0]
        return (x[i] ** 2 * np.array([1.0, 2.0])).sum()

    report = tg.check(f, [3.0, 4], [1, 0])
    assert report
    assert names(report) == ["input 0"]
    assert report.rows[0].shape == (2,)
    assert tg.check(lambda x: (x @ x).sum(), [[1.0, 2.0], [3.0, 4.0]])


def test_lists_that_are_no_arrays_are_passed_on(rng: np.random.Generator) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    for given in (
        [tg.tensor([1.0, 2.0])],
        [[tg.tensor([1.0, 2.0])]],
        [[1.0], [2.0, 3.0]],
        ["a"],
        [],
        (1.0, 2.0),
    ):

        def f(x: Any, given: Any = given) -> Any:
            assert x is given
            return (w * w).sum()

        assert names(tg.check(f, given, parameters=[w])) == ["w"]
    net = nn.MLP(2, [3, 1], activation=tg.tanh, rng=rng)  # of Scalars, which meet no array
    assert len(tg.check(net, [0.5, -1.0]).rows) == len(net.parameters())


def test_a_number_beside_the_parameters_of_a_module(rng: np.random.Generator) -> None:
    layer = nn.Linear(3, 2, rng=rng)
    report = tg.check(lambda a: tg.tanh(layer(np.ones((2, 3))) * a).sum(), 0.5, parameters=layer)
    assert report
    assert names(report) == ["weight", "bias", "input 0"]


def test_parameters_in_other_forms(rng: np.random.Generator) -> None:
    w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    assert names(tg.check(lambda: (w * w).sum(), parameters=w)) == ["w"]
    assert names(tg.check(lambda: (w * w).sum(), parameters=(x for x in [w, w]))) == ["w"]
    one, other = nn.Linear(3, 2, rng=rng), nn.Linear(2, 1, rng=rng)

    def f() -> Any:
        return (other(tg.tanh(one(np.ones((2, 3))))) ** 2).sum() * w.sum()

    found = names(tg.check(f, parameters=[one, w, other]))
    assert found == ["0.weight", "0.bias", "w", "2.weight", "2.bias"]
    assert names(tg.check(f, parameters={"a": one, "b": w})) == ["a.weight", "a.bias", "b"]


# ---- outputs of many numbers ----


def test_the_plain_sum_of_a_softmax_shows_nothing_but_random_weights_do(
    registry: dict[str, object], rng: np.random.Generator
) -> None:
    def forward(x: Any) -> Any:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    # The rule forgets that the elements of a row compete.
    careless: Callable[[Any], Any] = tg.primitive(
        vjps=(lambda g, y, x: 0 * g * y,), cases=[tg.case(tg.core.cases.real(2, 3))], name="careless softmax"
    )(forward)
    x = rng.normal(size=(2, 3))
    assert tg.check(lambda x: careless(x).sum(), x).verdict == "vacuous"  # the sum is 2, whatever x is
    assert tg.check(careless, x).verdict == "wrong"
    assert tg.check(tg.softmax, x)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 3), (2, 1, 3)])
def test_outputs_of_any_shape(shape: tuple[int, ...], rng: np.random.Generator) -> None:
    assert tg.check(lambda x: tg.exp(x) * x, rng.normal(size=shape))


def test_an_output_that_changes_its_shape_is_refused() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(0)
        return x if len(calls) == 1 else x[:1]

    with pytest.raises(ShapeError, match=r"shape \(3,\) first and \(1,\) then"):
        tg.check(f, np.ones(3))


# ---- float32 ----


def float32_network(rng: np.random.Generator) -> tuple[nn.Module, Callable[[], Any]]:
    net = nn.Sequential(
        nn.Linear(6, 8, rng=rng, dtype=np.float32), nn.Tanh(), nn.Linear(8, 3, rng=rng, dtype=np.float32)
    )
    x, y = rng.normal(size=(10, 6)).astype(np.float32), rng.integers(0, 3, 10)
    return net, lambda: nn.functional.cross_entropy(net(tg.tensor(x)), y)


@pytest.mark.parametrize("seed", range(5))
def test_right_gradients_in_float32_are_verified(seed: int) -> None:
    net, loss = float32_network(np.random.default_rng(seed))
    report = tg.check(loss, parameters=net)
    assert report, str(report)
    assert all(leaf.value.dtype == np.float32 for leaf in net.parameters())


@pytest.mark.parametrize("factor", [1.01, 0.99, 1.003])
def test_a_percent_is_too_much_for_float32(factor: float) -> None:
    net, loss = float32_network(np.random.default_rng(0))
    leaves = dict(net.named_parameters())
    for name in leaves:
        right = dict(zip(leaves, tg.gradients(loss(), list(leaves.values())), strict=True))
        wrong = right | {name: right[name] * np.float32(factor)}
        report = tg.check(loss, parameters=net, gradients=wrong)
        assert [row.name for row in report.rows if row.verdict == "wrong"] == [name]


# ---- no trace ----


class Net(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.fc1 = nn.Linear(3, 4, bias=False, rng=rng)
        self.norm = nn.BatchNorm1d(4)
        self.fc2 = nn.Linear(4, 2, rng=rng)

    def forward(self, x: Any) -> Any:
        return self.fc2(tg.tanh(self.norm(self.fc1(x))))


def snapshot(net: nn.Module) -> dict[str, Any]:
    """Every bit of what a check must not change, and the very objects in `.grad`."""
    state = {name: value.tobytes() for name, value in net.state_dict().items()}
    grads = {name: (id(leaf.grad), leaf.grad.numpy().tobytes()) for name, leaf in net.named_parameters()}
    return {"state": state, "grads": grads, "dtypes": [leaf.value.dtype for leaf in net.parameters()]}


@pytest.fixture
def trained(rng: np.random.Generator) -> tuple[Net, np.ndarray]:
    net, x = Net(rng), rng.normal(size=(6, 3))
    net(tg.tensor(x)).sum().backward()  # running statistics and gradients that are not 0
    return net, x


def test_parameters_buffers_gradients_and_inputs_are_left_alone(trained: tuple[Net, np.ndarray]) -> None:
    net, x = trained
    before, bits = snapshot(net), x.tobytes()
    assert tg.check(net, x)
    assert tg.check(lambda x: tg.square(net(x)).sum(), x, parameters=net)
    assert tg.check(net, x, step=1e-6)
    assert snapshot(net) == before
    assert x.tobytes() == bits


def test_buffers_are_left_alone_even_if_only_a_closure_knows_the_module(
    trained: tuple[Net, np.ndarray],
) -> None:
    net, x = trained
    before = snapshot(net)
    assert tg.check(lambda: tg.square(net(x)).sum(), parameters=dict(net.named_parameters()))
    assert tg.check(lambda x: tg.square(net(x)).sum(), x)
    with pytest.raises(ValueError, match="finite"):
        tg.check(lambda x: tg.square(net(x)).sum() * np.inf, x)
    assert snapshot(net) == before
    net(tg.tensor(x))  # and afterwards they move again
    assert snapshot(net) != before


class Broken(Exception):
    pass


@pytest.mark.parametrize("calls", [1, 2, 3, 4, 6, 8])
def test_even_if_the_function_raises(trained: tuple[Net, np.ndarray], calls: int) -> None:
    net, x = trained
    leaf = tg.tensor(x, requires_grad=True)
    before, bits = snapshot(net), leaf.numpy().tobytes()
    left = iter(range(calls - 1))

    def f(x: Any) -> Any:
        y = net(x)
        if next(left, None) is None:
            raise Broken
        return y

    with pytest.raises(Broken):
        tg.check(f, leaf, parameters=net)
    assert snapshot(net) == before
    assert leaf.numpy().tobytes() == bits
    assert leaf.grad is None
    assert tg.check(net, x)  # and nothing is left open


def test_an_input_that_had_no_gradient_has_none_afterwards() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    tg.check(lambda x: (x * x).sum(), x)
    assert x.grad is None


def test_a_graph_from_before_can_still_be_swept() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = (x**3).sum()
    assert tg.check(lambda x: (x * x).sum(), x)
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), [3, 12])


def test_the_order_of_training_and_checking_does_not_matter(rng: np.random.Generator) -> None:
    # Two networks, alike but that one is checked between the steps.
    states = []
    for checked in (False, True):
        net = Net(np.random.default_rng(5))
        x = np.random.default_rng(6).normal(size=(6, 3))
        for _ in range(3):
            for leaf in net.parameters():
                leaf.grad = None
            tg.square(net(tg.tensor(x))).sum().backward()
            if checked:
                assert tg.check(net, x)
            for leaf in net.parameters():
                leaf.assign(leaf.value - 0.1 * leaf.grad.value)
        states.append(net.state_dict())
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])


# ---- what is refused ----


def test_dropout_drops_the_same_throughout_a_check_and_its_generator_is_put_back(
    rng: np.random.Generator,
) -> None:
    dropout = nn.Dropout(0.5, rng=np.random.default_rng(0))
    net = nn.Sequential(nn.Linear(4, 6, rng=rng), nn.Tanh(), dropout, nn.Linear(6, 2, rng=rng))
    x = rng.normal(size=(5, 4))
    before = dropout.rng.bit_generator.state
    report = tg.check(net, x)
    assert report
    assert dropout.rng.bit_generator.state == before
    with dropout.frozen():
        assert tg.check(net, x)
    assert tg.check(net.eval(), x)


def test_chance_that_nobody_has_announced_is_refused_in_words(rng: np.random.Generator) -> None:
    with pytest.raises(ValueError, match=r"not deterministic.*dropout\.frozen\(\).*eval\(\)"):
        tg.check(lambda x: tg.sum(x * (rng.random(50) > 0.5)), np.ones(50))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_without_a_finite_value_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=f"has the value {value} here"):
        tg.check(lambda x: x * value, 1.0)


def test_nothing_to_check_is_refused() -> None:
    with pytest.raises(NotDifferentiableError, match="nothing to check: pass inputs of floats"):
        tg.check(lambda n: tg.Scalar(2.0) * n, 3)
    with pytest.raises(NotDifferentiableError, match="nothing to check"):
        tg.check(lambda x: x * x, 2.0, gradients={})


@pytest.mark.parametrize("hazards", [False, True])
@pytest.mark.parametrize(("f", "message"), [
    (lambda x: x.numpy(), r"ndarray came: .* tg\.custom_vjp"),
    (lambda x: None, "NoneType came: end it with return"),
    (lambda x: (x, x), "tuple came: check one of its outputs at a time"),
    (lambda x: float(x.numpy().sum()), "float came: no part of it may leave the graph"),
])  # fmt: skip
def test_a_function_that_leaves_the_graph_is_refused(f: Any, message: str, hazards: bool) -> None:
    with pytest.raises(NotDifferentiableError, match=f"was to return a node, {message}"):
        tg.check(f, np.ones(3), hazards=hazards)


@pytest.mark.parametrize("hazards", [False, True])
def test_a_function_that_writes_into_a_node_is_refused(hazards: bool) -> None:
    def f(x: Any) -> Any:
        x.value *= 2
        return x

    with pytest.raises(ValueError, match="changes an array in place that belongs to a node"):
        tg.check(f, np.ones(3), hazards=hazards)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(
        TypeError, match="a function, a module or a computed node was expected, NoneType came"
    ):
        tg.check(None, np.ones(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("ask", [tg.check, tg.check_power, tg.error_curve, taylor])
def test_a_seed_is_no_generator(ask: Any) -> None:
    with pytest.raises(
        TypeError, match=r"a generator was expected as rng, 3 came: np\.random\.default_rng\(seed\)"
    ):
        ask(tg.exp, 1.0, rng=3)


def test_an_input_that_was_computed_is_refused() -> None:
    x = tg.tensor([1.0], requires_grad=True)
    with pytest.raises(NotDifferentiableError, match=r"input 1, .* a result of 'mul', was computed"):
        tg.check(lambda a, b: (a * b).sum(), x, x * x)


@pytest.mark.parametrize("wrong", [tg.Scalar(2.0) * 2, tg.tensor([1.0]), 3.0, "W"])
def test_parameters_must_be_leaves_that_require_a_gradient(wrong: Any) -> None:
    with pytest.raises(NotDifferentiableError, match="a leaf that requires a gradient was expected for 'w'"):
        tg.check(lambda: tg.Scalar(1.0), parameters={"w": wrong})


@pytest.mark.parametrize("wrong", [3, "W", nn.Linear, len])
def test_parameters_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"came, where a module, a leaf, \{name: leaf\}, or a list"):
        tg.check(lambda: tg.Scalar(1.0), parameters=wrong)


def test_gradients_without_names_are_refused() -> None:
    with pytest.raises(
        TypeError, match=r"gradients=\{name: array\} was expected, list came: the names are a"
    ):
        tg.check(lambda a: a * a, tg.Scalar(2.0, "a"), gradients=[1.0])


def test_parameters_of_one_name_are_refused() -> None:
    a, b = tg.Scalar(1.0, "w"), tg.Scalar(2.0, "w")
    with pytest.raises(ValueError, match=r"different names were expected: pass \{name: leaf\}"):
        tg.check(lambda: a * b, parameters=[a, b])
    assert tg.check(lambda: a * b, parameters={"a": a, "b": b})


def test_a_gradient_for_what_is_no_parameter_is_refused() -> None:
    with pytest.raises(KeyError, match="for 'weigth', but the parameters are a"):
        tg.check(lambda a: a * a, tg.Scalar(2.0, "a"), gradients={"weigth": 4.0})


def test_a_gradient_of_another_shape_is_refused() -> None:
    x = tg.tensor(np.ones((2, 3)), requires_grad=True, name="x")
    with pytest.raises(ShapeError, match=r"of the shape of 'x', \(2, 3\), was expected, \(3,\) came"):
        tg.check(lambda x: x.sum(), x, gradients={"x": np.ones(3)})


@pytest.mark.parametrize("step", [0, -1e-7, np.nan, np.inf])
def test_a_step_that_is_none_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="step"):
        tg.check(lambda x: x * x, 3.0, step=step)


def test_a_last_rule_that_ignores_the_upstream_is_found_although_that_is_1() -> None:
    total = tg.custom_vjp(lambda x: x.sum(), lambda g, y, x: np.ones(x.shape))
    report = tg.check(total, np.array([1.0, 2.0, 3.0]))
    assert report.verdict == "wrong"
    assert "upstream" in report.rows[0].note
    along = tg.check(total, np.array([1.0, 2.0, 3.0]), directions=3)
    assert along.verdict == "wrong"
    right = tg.custom_vjp(lambda x: x.sum(), lambda g, y, x: g * np.ones(x.shape))
    assert tg.check(right, np.array([1.0, 2.0, 3.0]))
