"""What a diagnosis finds besides NaN, on graphs that were made to be ill, and on healthy ones."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.render import diagnose, load_model
from tinygrad_edu.render.diagnosing.flow import flow


def kinds(drawing):
    return [finding.kind for finding in drawing.findings]


def words(drawing, kind):
    return next(finding.words for finding in drawing.findings if finding.kind == kind)


class Deep(nn.Module):
    """Layers of one width, with weights of a standard deviation of `gain` / √width."""

    def __init__(self, depth, activation, gain, rng, width=16):
        self.layers = [nn.Linear(width, width, rng=rng) for _ in range(depth)]
        self.activation = activation
        for layer in self.layers:
            layer.weight.assign(gain * rng.normal(size=(width, width)) / np.sqrt(width))

    def forward(self, x):
        for layer in self.layers:
            x = self.activation(layer(x))
        return tg.mean(tg.square(x))


def deep(depth, activation, gain, rng):
    net = Deep(depth, activation, gain, rng)
    return net, net(tg.tensor(rng.normal(size=(32, 16)), name="x"))


@pytest.mark.parametrize(
    ("depth", "activation", "gain"),
    [(1, tg.tanh, 1.0), (3, tg.tanh, 1.0), (8, tg.tanh, 1.2), (20, tg.tanh, 1.2), (2, tg.sigmoid, 1.0)],
)  # fmt: skip
def test_healthy_networks(depth, activation, gain, rng):
    net, loss = deep(depth, activation, gain, rng)
    drawing = diagnose(loss, names=net)
    assert drawing.findings == ()
    assert drawing.title == "Nothing found"
    n = len(drawing.graph.nodes)
    assert f"nothing found: {n} values and {n - 1} gradients are finite" in drawing.text()
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize(
    "layers",
    [
        lambda rng: [nn.Linear(16, 8, rng=rng), nn.Tanh(), nn.Linear(8, 3, rng=rng)],
        lambda rng: [nn.Linear(16, 32, rng=rng), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 3, rng=rng)],
        lambda rng: [nn.TransformerEncoderLayer(16, 2, rng=rng), nn.Linear(16, 3, rng=rng)],
        lambda rng: [
            nn.Linear(16, 16, bias=False, rng=rng),
            nn.BatchNorm1d(16),
            nn.SiLU(),
            nn.Linear(16, 2, rng=rng),
        ],
    ],
)
def test_healthy_layers(layers, rng):
    net = nn.Sequential(*layers(rng))
    shape = (2, 5, 16) if isinstance(net[0], nn.TransformerEncoderLayer) else (32, 16)
    drawing = diagnose(tg.mean(tg.square(net(tg.tensor(rng.normal(size=shape))))), names=net)
    assert kinds(drawing) in (
        [],
        ["dead"],
    )  # the bias of keys is dead by nature: softmax ignores what is added to all
    if kinds(drawing):
        assert shape == (2, 5, 16)


def test_thirty_layers_of_sigmoids_vanish(rng):
    net, loss = deep(30, tg.sigmoid, 1.0, rng)
    drawing = diagnose(loss, names=net)
    found = flow(drawing.graph)
    assert [layer.name for layer in found.layers] == [f"layers.{i}" for i in reversed(range(30))]
    loss.backward()
    norms = [
        np.sqrt(sum(np.sum(p.grad.numpy() ** 2) for p in (layer.weight, layer.bias))) for layer in net.layers
    ]
    assert [layer.norm for layer in found.layers] == pytest.approx(norms[::-1])
    assert found.factor == pytest.approx((norms[0] / norms[-1]) ** (1 / 29))
    assert found.factor < 0.3  # σ′ ≤ 1/4
    assert kinds(drawing)[0] == "vanishing"
    assert "over 30 layers" in words(drawing, "vanishing")
    assert drawing.title == "Where does the gradient vanish?"


def test_a_chain_without_parameters_has_operations_for_layers():
    x = tg.Scalar(0.5, "x")
    y = x
    for _ in range(30):
        y = y.sigmoid()
    drawing = diagnose(y)
    assert kinds(drawing) == ["vanishing"]
    assert "over 31 operations" in words(drawing, "vanishing")


@pytest.mark.parametrize(("factor", "kind"), [(0.1, "vanishing"), (10.0, "exploding")])
def test_weights_by_themselves_are_layers(factor, kind):
    w = [tg.tensor(np.eye(2), requires_grad=True) for _ in range(6)]
    h = tg.tensor(np.ones((1, 2)))
    for each in w:
        h = h @ each * factor
    drawing = diagnose(tg.sum(h), names={"w": w})
    # The gradient of each weight is the product of all factors, whichever it is: the same for all. What flows is not.
    assert kinds(drawing) == [kind, kind]
    assert f"{kind} gradients: ×{factor:g} per layer in the mean" in drawing.text()
    assert f"{kind} signals: ×{factor:g} per layer in the mean" in drawing.text()
    steps = [tg.Scalar(1.0, f"w{i}") for i in range(6)]
    y = tg.Scalar(1.0, "x", requires_grad=False)
    for i, each in enumerate(steps):
        y = y + each * factor**i  # the gradients are 1, f, f², …, from the input on
    found = flow(diagnose(y, parameters="w*").graph)
    assert found.factor == pytest.approx(1 / factor)
    assert [layer.name for layer in found.layers] == [f"w{i}" for i in reversed(range(6))]
    assert kinds(diagnose(y, parameters="w*")) == [
        {"vanishing": "exploding", "exploding": "vanishing"}[kind],
        kind,  # the signals, which go the other way
    ]


@pytest.mark.parametrize(("scale", "kind"), [(0.5, "vanishing"), (1.5, "exploding")])
def test_the_powers_of_the_lecture(scale, kind):
    """W = c · I in every layer: signals and gradients are c, c², c³, …"""
    layers = [nn.Linear(4, 4, bias=False, rng=np.random.default_rng(0)) for _ in range(20)]
    for layer in layers:
        layer.weight.assign(scale * np.eye(4))
    net = nn.Sequential(*layers)
    drawing = diagnose(tg.mean(net(tg.tensor(np.ones((2, 4))))), names=net)
    found = flow(drawing.graph)
    assert [layer.norm for layer in found.signals] == pytest.approx([scale ** (k + 1) for k in range(20)])
    assert found.sent[0].norm / found.sent[-1].norm == pytest.approx(scale**-19)
    assert np.ptp([layer.norm for layer in found.layers]) == pytest.approx(0, abs=1e-15)
    assert kinds(drawing) == [kind, kind]
    assert f"{kind} signals: ×{scale} per layer" in drawing.text()


def test_gradients_that_are_small_everywhere(rng):
    net, loss = deep(3, tg.tanh, 1.0, rng)
    drawing = diagnose(loss * 1e-9, names=net)
    assert kinds(drawing) == ["vanishing"]
    assert "below 1e−6, and nowhere larger than that" in words(drawing, "vanishing")


def test_a_bias_before_a_normalization(network):
    net, loss = network()
    drawing = diagnose(loss, names=net)
    assert kinds(drawing) == ["dead"]
    assert "dead: the gradient of fc1.bias is nothing beside the largest" in words(drawing, "dead")


def test_units_that_are_always_off(rng):
    layer = nn.Linear(4, 8, rng=rng)
    bias = np.zeros(8)
    bias[[1, 5, 6]] = -1e3
    layer.bias.assign(bias)
    h = layer(tg.tensor(rng.normal(size=(32, 4)))).relu()
    drawing = diagnose(tg.mean(h), names=layer)
    assert "3 of 8" in words(drawing, "dead")
    assert "are 0 for all samples at max(0, " in words(drawing, "dead")
    assert "3 of 8 units dead" in drawing.source


@pytest.mark.parametrize(
    ("shape", "index"),
    [((8, 5, 6), (..., 2)), ((8, 5, 4, 3), (slice(None), 2)), ((8, 5, 6), (slice(None), 2))],
)
def test_units_are_features_or_channels(shape, index, rng):
    x = rng.normal(size=shape)
    x[index] = -1.0
    assert words(diagnose(tg.sum(tg.tensor(x, requires_grad=True).relu())), "dead").startswith(
        f"dead units: 1 of {6 if index[0] is ... else 5} are 0"
    )


def test_a_few_units_are_dead_from_the_start(rng):
    x = rng.normal(size=(32, 20))
    x[:, 3] = -1.0
    assert kinds(diagnose(tg.sum(tg.tensor(x, requires_grad=True).relu()))) == []


def test_units_that_may_be_off_by_chance(rng):
    x = tg.tensor(np.array([[1.0, -1.0, 1.0], [1.0, -1.0, 1.0]]), requires_grad=True)
    assert kinds(diagnose(tg.sum(x.relu()))) == []  # one of three, for two samples
    assert kinds(diagnose(tg.sum((x - 3.0).relu()))) == ["dead", "dead"]  # all of them: nothing arrives at x


def test_parameters_without_a_path(rng):
    net = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng))
    loss = tg.mean(net[0](tg.tensor(rng.normal(size=(5, 3)))))
    drawing = diagnose(loss, names=net)
    assert [node.name for node in drawing.graph.unused] == [
        name for name, p in net.named_parameters() if p is net[2].weight or p is net[2].bias
    ]
    assert "unused: no path leads from" in words(drawing, "unused")
    assert "no path to the output" in drawing.source
    assert drawing.text().count("(no path to the output)") == 2
    w, v = (tg.tensor([1.0], requires_grad=True, name=name) for name in "wv")
    assert "from v to" in words(diagnose(tg.sum(w), parameters=[w, v]), "unused")


def detached(drawing):
    nodes = (*drawing.graph.nodes, *drawing.graph.unused)
    return [(nodes[a].name or nodes[a].derived, nodes[b].name) for a, b in drawing.graph.detached]


def test_a_detached_tensor(rng):
    x = tg.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="x")
    h = x.tanh()
    h.name = "h"
    target = h.detach()
    target.name = "target"
    drawing = diagnose(tg.mean(tg.square(h * 2.0 - target)))
    assert detached(drawing) == [("h", "target")]
    assert "✂ detach" in drawing.source
    assert "style=dotted" in drawing.source


def test_a_detached_scalar():
    x = tg.Scalar(0.3, "x")
    y = x.exp()
    c = y.detach()
    c.name = "c"
    assert detached(diagnose(y * c)) == [("exp(x)", "c")]


def test_a_parameter_that_is_only_used_detached(rng):
    layer = nn.Linear(2, 2, rng=rng)
    w = layer.weight.detach()
    w.name = "w"
    x = tg.tensor(rng.normal(size=(3, 2)), requires_grad=True)
    drawing = diagnose(tg.sum(x @ w + layer.bias), names=layer)
    assert detached(drawing) == [("weight", "w")]
    assert "(weight only detached)" in words(drawing, "unused")


def test_backpropagation_through_time_that_is_truncated(rng):
    w = tg.tensor(rng.normal(size=(4, 4)) / 2, requires_grad=True, name="w")
    h, loss = tg.tensor(rng.normal(size=(3, 4)), name="h0"), 0.0
    for step in range(1, 31):
        h = tg.tanh(h @ w)
        if step % 3 == 0:
            loss = tg.sum(tg.square(h)) + loss
            h = h.detach()
    drawing = diagnose(loss)
    ops = [drawing.graph.nodes[a].op for a, _ in drawing.graph.detached]
    assert ops == ["tanh"] * 9  # after each third step but the last
    assert kinds(drawing) == ["detached"]


@pytest.mark.parametrize("value", [2.0, 0.1, 1.0])
def test_equal_literals_are_not_detached(value):
    x = tg.Scalar(value, "x")
    assert detached(diagnose(x * value + x.relu() * value)) == []
    t = tg.tensor(value, requires_grad=True)
    assert detached(diagnose(t * np.array(value) + t)) == []


def test_equal_arrays_that_people_write_are_not_detached():
    w = tg.tensor([2.0], requires_grad=True)
    x, t = tg.tensor([1.0, 2.0]), tg.tensor([2.0, 4.0], name="t")
    assert detached(diagnose(tg.sum(tg.square(x * w - t)))) == []  # a perfect fit


def test_what_a_node_was_computed_from_is_no_copy_of_it(rng):
    mask = tg.tensor(rng.normal(size=3), name="mask")
    x = tg.tensor(rng.normal(size=3), requires_grad=True)
    assert detached(diagnose(tg.sum(x * 0.0 + mask))) == []


def test_frozen_leaves_of_a_module(rng):
    net = nn.Sequential(nn.Linear(3, 2, rng=rng), nn.Linear(2, 2, rng=rng))
    net[0].weight.requires_grad_(False)
    drawing = diagnose(tg.mean(net(tg.tensor(rng.normal(size=(4, 3))))), names=net)
    roles = {node.name: node.role for node in drawing.graph.nodes}
    (name,) = (name for name, role in roles.items() if role == "frozen")
    assert name.endswith("weight")
    assert words(drawing, "frozen") == f"frozen, so not learned: {name}"
    assert "nothing found" in drawing.text()  # that is no illness


def test_passes_that_were_added_up_are_not_taken_for_an_explosion():
    w = tg.tensor([1.0, 2.0], requires_grad=True, name="w")
    for _ in range(400):
        loss = tg.sum(w * w)
        loss.backward()
    drawing = diagnose(loss)
    assert kinds(drawing) == ["accumulated"]
    assert "|grad| is 1788.9, where one pass gives 4.4721" in words(drawing, "accumulated")  # 2 √5, 400 times
    w.grad = None
    loss = tg.sum(w * w)
    loss.backward()
    assert kinds(diagnose(loss)) == []


def test_gradients_that_cannot_be_recomputed_are_explained(rng):
    net = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 1, rng=rng))
    loss = tg.mean(tg.square(net(tg.tensor(rng.normal(size=(2, 3))))))
    loss.backward()
    for p in net.parameters():
        p.assign(p.value * 0.9)
    said = "0.weight, 0.bias and 2 more were assigned after this had been computed, so the gradients in between can"
    drawing = diagnose(loss, names=net)
    assert words(drawing, "stale").startswith(said)
    assert drawing.board.caption.count(said) == 1
    assert drawing.warnings[0].startswith(said)


def test_a_stale_graph():
    x = tg.Scalar(2.0, "x")
    y = x * x
    x.assign(3.0)
    assert words(diagnose(y), "stale") == "x was assigned after this had been computed: compute it anew"


def test_outputs_of_several_numbers_have_no_gradients_to_look_at(rng):
    y = tg.tanh(tg.tensor(rng.normal(size=3), requires_grad=True))
    assert "No gradients were looked at: backward has not run" in diagnose(y).text()
    assert "No gradients were looked at" not in diagnose(tg.sum(y)).text()
    assert "No gradients were looked at" in diagnose(tg.Scalar(1.0, requires_grad=False)).text()


def test_the_origin_is_pink_and_the_way_from_it_is_red():
    x = tg.tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        y = tg.sum(tg.log(x) * 2.0)
    drawing = diagnose(y, theme="light")
    lines = {line.split(" ")[0]: line for line in drawing.source.splitlines() if line.startswith("n")}
    origin, product, total = (i for i, node in enumerate(drawing.graph.nodes) if node.op)
    assert 'fillcolor="#FBE4EA" color="#B3124A" penwidth=3.0' in lines[f"n{origin}"]
    assert "⚠ first −∞" in lines[f"n{origin}"]
    assert 'fillcolor="#FDF4F7" color="#B3124A" penwidth=1.2' in lines[f"n{product}"]
    assert lines[f"n{origin}->n{product}"].endswith('[color="#B3124A" penwidth=2.2]')
    assert lines[f"n{product}->n{total}"].endswith('[color="#B3124A" penwidth=2.2]')
    assert "penwidth" not in lines[f"n0->n{origin}"]
    assert "first NaN or ∞" in drawing.source
    assert "not finite after it" in drawing.source


def test_a_broken_gradient_goes_back_along_red_arrows():
    x = tg.tensor([0.0, 1.0], requires_grad=True, name="x")
    drawing = diagnose(tg.sum(tg.sqrt(x * 1.0)))
    assert drawing.title == "Where did the gradient break?"
    assert drawing.source.count("dir=back") == 2  # from √ to the product, and on to x
    assert "⚠ gradient breaks here" in drawing.source


def test_the_origin_is_not_lost_in_a_large_graph():
    x = tg.tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        y = tg.log(x)
        for i in range(400):
            with tg.scope(f"layer{i}"):
                y = tg.tanh(y * 1.0 + 0.0)
    drawing = diagnose(tg.sum(y), max_cards=40)
    assert len(drawing.board.cards) <= 40
    assert any("first" in card.flags for card in drawing.board.cards)
    assert "⚠ first −∞" in drawing.source


def test_a_diagnosis_is_plain_data(rng):
    net, loss = deep(2, tg.sigmoid, 1.0, rng)
    drawing = diagnose(loss, names=net, parameters=[net, tg.tensor([1.0], requires_grad=True, name="alone")])
    assert kinds(drawing) == ["unused"]
    again = load_model(json.loads(drawing.json()))
    assert [finding.words for finding in again.findings] == [finding.words for finding in drawing.findings]
    assert [node.name for node in again.unused] == ["alone"]


def test_only_nodes_can_be_ill():
    with pytest.raises(TypeError, match="diagnose: a Scalar or a Tensor was expected, float came"):
        diagnose(1.0)
    with pytest.raises(ValueError, match="rankdir is one of"):
        diagnose(tg.Scalar(1.0), rankdir="diagonal")


def test_a_logarithm_behind_a_mask():
    x = tg.tensor([0.0, 2.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        y = tg.sum(tg.where(x.numpy() > 0, tg.log(x), 0.0))
    drawing = diagnose(y)
    assert drawing.title == "Where did the gradient break?"  # the output is in order
    assert "⚠ first −∞, gradient breaks" in drawing.source
    assert words(drawing, "gradient").endswith(
        "∂y/∂x = 1 / x = ∞ at x = 0, y = −∞, and 0 · ∞ = NaN at element 0"
    )


def test_the_way_from_an_infinite_gradient_to_nan_is_told():
    x = tg.tensor([0.0, 4.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        loss = tg.sum(tg.sqrt(x * 0.0))
        said = [finding.words for finding in diagnose(loss).findings]
    assert said[1] == (
        "it becomes NaN on the way from x·0 to x: ∂y/∂a = b = 0 at a = 0, b = 0, y = 0, and ∞ · 0 = NaN at element 0"
    )


def test_places_and_signs_are_written_in_one_way():
    x = tg.tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        loss = tg.sum(tg.log(x) * x)
        loss.backward()
        drawing = diagnose(loss)
    assert [finding.words for finding in drawing.findings] == [
        "first −∞ at log(x): log(0) = −∞ at element 0 of 2; 2 values after it are not finite either; nor is the "
        "gradient of x",
        "it becomes NaN at log(x)·x: (−∞) · 0 = NaN at element 0",
    ]
    assert ">⚠ first −∞ · 2</FONT>" in drawing.source
    assert ">1 −∞ of 2</" in drawing.source


def test_an_infinity_without_consequences():
    mask = tg.tensor([0.0, -np.inf], name="mask")
    drawing = diagnose(tg.sum(tg.exp(tg.tensor([1.0, 2.0], requires_grad=True) + mask)))
    assert drawing.title == "What is not finite?"
    assert kinds(drawing) == ["nonfinite"]
