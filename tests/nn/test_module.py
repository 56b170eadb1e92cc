from __future__ import annotations

import copy
import io
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.errors import NotDifferentiableError, ShapeError


class Block(nn.Module):
    def __init__(self, rng):
        self.fc1 = nn.Linear(3, 3, rng=rng)
        self.act = nn.Tanh()

    def forward(self, x):
        return self.act(self.fc1(x))


class Net(nn.Module):
    """Everything at once: attributes, a list, a tuple, a dict, a bare parameter, a buffer, other things."""

    def __init__(self, rng):
        self.stem = nn.Linear(3, 3, rng=rng)
        self.blocks = [Block(rng), Block(rng)]
        self.heads = {"mean": nn.Linear(3, 1, rng=rng), "spread": (nn.Linear(3, 1, rng=rng),)}
        self.scale = nn.parameter([2.0], name="s")
        self.seen = nn.Buffer(np.zeros(2))
        self.constant = tg.tensor([1.0])
        self.sizes = [3, 3, 1]
        self.note = "no dots. here? yes"

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.heads["mean"](x) + self.scale * self.heads["spread"][0](x)


@pytest.fixture
def net(rng):
    return Net(rng)


def test_parameters_have_the_paths_of_their_attributes(net):
    assert [path for path, _ in net.named_parameters()] == [
        "stem.weight", "stem.bias", "blocks.0.fc1.weight", "blocks.0.fc1.bias", "blocks.1.fc1.weight",
        "blocks.1.fc1.bias", "heads.mean.weight", "heads.mean.bias", "heads.spread.0.weight",
        "heads.spread.0.bias", "scale",
    ]  # fmt: skip
    assert [path for path, _ in net.named_buffers()] == ["seen"]
    assert [path for path, _ in net.named_modules()] == [
        "", "stem", "blocks.0", "blocks.0.fc1", "blocks.0.act", "blocks.1", "blocks.1.fc1", "blocks.1.act",
        "heads.mean", "heads.spread.0",
    ]  # fmt: skip
    assert net.parameters() == [leaf for _, leaf in net.named_parameters()]


def test_results_kept_as_attributes_are_no_parameters(net, rng):
    net.last = net(rng.normal(size=(2, 3)))
    with tg.no_grad():
        net.silent = net(rng.normal(size=(2, 3)))
    assert not {"last", "silent"} & {path for path, _ in net.named_parameters()}


def test_what_is_shared_is_found_once_under_its_first_path(rng):
    class Tied(nn.Module):
        def __init__(self):
            self.first = nn.Linear(3, 3, rng=rng)
            self.second = self.first
            self.third = nn.Linear(3, 3, rng=rng)
            self.third.weight = self.first.weight
            self.owner = self  # even this

    tied = Tied()
    assert [path for path, _ in tied.named_parameters()] == ["first.weight", "first.bias", "third.bias"]
    assert [path for path, _ in tied.named_modules()] == ["", "first", "third"]
    assert list(tied.state_dict()) == ["first.weight", "first.bias", "third.bias"]


def test_a_name_with_a_dot_is_refused(rng):
    class Dotted(nn.Module):
        def __init__(self):
            self.parts = {"a.b": nn.Linear(3, 3, rng=rng), "c.d": "no part"}

    with pytest.raises(ValueError, match=re.escape("without dots was expected in 'parts', 'a.b' came")):
        Dotted().parameters()


def test_a_name_with_a_dot_matters_only_above_what_has_a_path(net):
    before = [path for path, _ in net.named_parameters()]
    net.history = {0.1: [1, {"a.b": "no part"}], 0.2: {}}
    assert [path for path, _ in net.named_parameters()] == before
    for held in (nn.Buffer(1.0), nn.parameter(1.0), nn.Tanh()):
        net.history = {0.1: [held]}
        with pytest.raises(ValueError, match=re.escape("without dots was expected in 'history', '0.1' came")):
            net.parameters()


def test_an_input_that_is_kept_counts_as_a_parameter_unless_it_is_detached(net):
    net.seen_last = tg.tensor([1.0], requires_grad=True)
    assert "seen_last" in dict(net.named_parameters())
    del net.seen_last
    net.seen_last = tg.tensor([1.0], requires_grad=True).detach()
    assert "seen_last" not in dict(net.named_parameters())


def test_training_is_a_flag_of_the_whole_tree(net):
    assert all(module.training for _, module in net.named_modules())
    assert net.eval() is net
    assert not any(module.training for _, module in net.named_modules())
    assert net.blocks[0].train() is net.blocks[0]
    assert [path for path, module in net.named_modules() if module.training] == [
        "blocks.0", "blocks.0.fc1", "blocks.0.act",
    ]  # fmt: skip
    assert Net.training  # the class was not touched


def test_zero_grad(net, rng):
    net(rng.normal(size=(2, 3))).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


# ---- names of what is being called ----


def scopes(y):
    return [(node.op.name, node.scope) for node in tg.topological_order([y]) if node.op is not None]


def test_scopes_are_paths_below_the_outermost_module(net, rng):
    assert scopes(net(rng.normal(size=(2, 3)))) == [
        ("linear", "stem"), ("linear", "blocks.0.fc1"), ("tanh", "blocks.0.act"), ("linear", "blocks.1.fc1"),
        ("tanh", "blocks.1.act"), ("linear", "heads.mean"), ("linear", "heads.spread.0"), ("mul", None),
        ("add", None),
    ]  # fmt: skip


def test_a_module_called_by_itself_is_outermost(net, rng):
    net(rng.normal(size=(2, 3)))
    assert scopes(net.blocks[1](rng.normal(size=(2, 3)))) == [("linear", "fc1"), ("tanh", "act")]
    assert scopes(net.stem(rng.normal(size=(2, 3)))) == [("linear", None)]


def test_scopes_stand_within_those_of_the_user(net, rng):
    with tg.scope("encoder"):
        y = net.blocks[0](rng.normal(size=(2, 3)))
    assert scopes(y) == [("linear", "encoder.fc1"), ("tanh", "encoder.act")]


def test_a_shared_module_is_called_by_the_name_that_its_caller_knows(rng):
    shared = nn.Tanh()

    class Inner(nn.Module):
        def __init__(self):
            self.squash = shared

        def forward(self, x):
            return self.squash(x)

    class Outer(nn.Module):
        def __init__(self):
            self.inner, self.act = Inner(), shared

        def forward(self, x):
            return self.act(self.inner(x))

    assert scopes(Outer()(tg.tensor([1.0], requires_grad=True))) == [
        ("tanh", "inner.squash"),
        ("tanh", "act"),
    ]


def test_modules_reached_past_their_owner_or_made_on_the_way(net, rng):
    class Reaching(nn.Module):
        def __init__(self):
            self.net = net

        def forward(self, x):
            return nn.Tanh()(self.net.heads["spread"][0](self.net.stem(x)))

    assert scopes(Reaching()(rng.normal(size=(2, 3)))) == [
        ("linear", "net.stem"), ("linear", "net.heads.spread.0"), ("tanh", "Tanh"),
    ]  # fmt: skip


def test_after_an_error_the_next_call_is_outermost_again(net, rng):
    with pytest.raises(ShapeError):
        net(rng.normal(size=(2, 4)))
    assert scopes(net.stem(rng.normal(size=(2, 3)))) == [("linear", None)]


def test_a_module_without_forward_says_so():
    class Nothing(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Nothing defines no forward"):
        Nothing()(1)


def test_arguments_are_passed_on():
    class Weighted(nn.Module):
        def forward(self, a, b, *, weight=1):
            return a + weight * b

    assert Weighted()(1, b=2, weight=10) == 21


# ---- state ----


def test_state_goes_around_by_way_of_a_file(net, rng):
    file = io.BytesIO()
    np.savez(file, **net.state_dict())
    file.seek(0)
    other = Net(np.random.default_rng(7))
    x = rng.normal(size=(4, 3))
    assert not np.allclose(net(x).numpy(), other(x).numpy())
    assert other.load_state_dict(np.load(file)) == ([], [])
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())


def test_state_is_a_copy(net):
    state = net.state_dict()
    before = net.scale.item()
    state["scale"][:] = 99
    assert net.scale.item() == before
    net.load_state_dict(state)
    state["scale"][:] = 1
    assert net.scale.item() == 99


def loads_nothing(net, state, error, *words, **options):
    before = net.state_dict()
    with pytest.raises(error) as caught:
        net.load_state_dict(state, **options)
    for word in words:
        assert word in str(caught.value)
    for path, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[path])


def test_a_state_that_does_not_fit_is_refused_as_a_whole(net):
    other = {path: array + 1 for path, array in net.state_dict().items()}
    without = {path: array for path, array in other.items() if path != "stem.bias"}
    loads_nothing(net, without | {"more": np.ones(1)}, ValueError, "missing: stem.bias", "unexpected: more")
    loads_nothing(net, without, ValueError, "missing: stem.bias; unexpected: none")
    wrong = other | {"scale": np.ones(2), "seen": np.ones((2, 1))}
    loads_nothing(net, wrong, ShapeError, "scale (2,), not (1,); seen (2, 1), not (2,)")
    loads_nothing(net, wrong, ShapeError, strict=False)
    loads_nothing(net, other | {"seen": np.array(["a", "b"])}, TypeError, "seen", "<U1")


def test_a_state_that_is_none_is_refused(net):
    for state, came in ((net, "Net"), (None, "NoneType"), ([1.0], "list")):
        loads_nothing(net, state, TypeError, f"{{path: array}} was expected, {came} came: say .state_dict()")


def test_what_there_is_is_loaded_if_asked(net):
    missing, unexpected = net.load_state_dict({"scale": [5.0], "more": [1.0]}, strict=False)
    assert net.scale.item() == 5
    assert "stem.weight" in missing
    assert "scale" not in missing
    assert unexpected == ["more"]


def test_state_keeps_the_dtype_of_the_module(rng):
    small, large = (nn.Linear(3, 2, rng=rng, dtype=dtype) for dtype in (np.float32, np.float64))
    small.load_state_dict(large.state_dict())
    assert small.weight.dtype == np.float32
    np.testing.assert_allclose(small.weight.numpy(), large.weight.numpy(), rtol=1e-7)


def test_loading_makes_a_recorded_graph_stale(net, rng):
    loss = net(rng.normal(size=(2, 3))).sum()
    net.load_state_dict(net.state_dict())
    with pytest.raises(tg.errors.StaleValueError):
        loss.backward()


def test_a_deep_copy_stands_on_its_own(net, rng):
    other = copy.deepcopy(net)
    x = rng.normal(size=(2, 3))
    np.testing.assert_array_equal(net(x).numpy(), other(x).numpy())
    assert not {id(p) for p in net.parameters()} & {id(p) for p in other.parameters()}
    other.scale.assign([7.0])
    other.seen.value = [1.0, 2.0]
    assert net.scale.item() == 2
    np.testing.assert_array_equal(net.seen.value, [0, 0])
    with pytest.raises(ValueError, match="read-only"):
        other.seen.value[0] = 1


# ---- parameters and buffers ----


def test_a_parameter_is_a_leaf_with_a_copy():
    array = np.ones(3, np.float32)
    w = nn.parameter(array, "w")
    array[:] = 5
    assert w.requires_grad
    assert w.op is None
    assert w.name == "w"
    assert w.dtype == np.float32
    np.testing.assert_array_equal(w.numpy(), [1, 1, 1])
    with pytest.raises(NotDifferentiableError):
        nn.parameter([1, 2])


def test_a_buffer_is_replaced_as_a_whole():
    array = np.zeros(2, np.float32)
    buffer = nn.Buffer(array)
    array[:] = 5
    np.testing.assert_array_equal(buffer.value, [0, 0])
    with pytest.raises(ValueError, match="read-only"):
        buffer.value[0] = 1
    before = buffer.value
    buffer.value = np.array([1.0, 2.0])
    assert buffer.value.dtype == np.float32
    np.testing.assert_array_equal(before, [0, 0])
    with pytest.raises(ShapeError, match=re.escape("shape (2,) was expected, (3,) came")):
        buffer.value = np.zeros(3)
    assert repr(buffer) == "Buffer(array([1., 2.], dtype=float32))"


# ---- how it is shown ----


def test_repr_is_the_tree(net):
    assert repr(net).splitlines() == [
        "Net", "  stem: Linear(3 → 3)", "  blocks.0: Block", "    fc1: Linear(3 → 3)", "    act: Tanh",
        "  blocks.1: Block", "    fc1: Linear(3 → 3)", "    act: Tanh", "  heads.mean: Linear(3 → 1)",
        "  heads.spread.0: Linear(3 → 1)",
    ]  # fmt: skip


def test_an_error_names_the_layer_by_its_path(net, rng):
    net.blocks[1].fc1 = nn.Linear(4, 3, rng=rng)
    with pytest.raises(
        ShapeError, match=re.escape("blocks.1.fc1, Linear(4 → 3): x (…, 4) was expected, (2, 3) came")
    ):
        net(rng.normal(size=(2, 3)))


# ---- one parameter under several names ----


class Tied(nn.Module):
    """A parameter with two paths, and a module with two."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.embedding = nn.Embedding(5, 3, rng=rng)
        self.inner = nn.Linear(3, 3, rng=rng)
        self.head = nn.Linear(3, 5, bias=False, rng=rng)
        self.head.weight = self.embedding.weight
        self.again = self.inner


def as_pytorch_writes_it(net):
    state = net.state_dict()
    return state | {
        "head.weight": state["embedding.weight"], "again.weight": state["inner.weight"],
        "again.bias": state["inner.bias"],
    }  # fmt: skip


def test_a_state_may_have_all_names_of_what_is_shared():
    net, other = Tied(0), Tied(1)
    assert list(net.state_dict()) == ["embedding.weight", "inner.weight", "inner.bias"]
    assert other.load_state_dict(as_pytorch_writes_it(net)) == ([], [])
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
    assert other.head.weight is other.embedding.weight


def test_or_any_one_of_them():
    net, other = Tied(0), Tied(1)
    state = net.state_dict()
    nothing = {name: np.full_like(value, np.nan) for name, value in as_pytorch_writes_it(net).items()}
    assert other.load_state_dict(nothing) == ([], [])
    renamed = {
        "head.weight": state["embedding.weight"],
        "again.weight": state["inner.weight"],
        "again.bias": np.ones(3),
    }
    assert other.load_state_dict(renamed) == ([], [])
    np.testing.assert_array_equal(other.embedding.weight.numpy(), state["embedding.weight"])
    np.testing.assert_array_equal(other.inner.bias.numpy(), 1)


def test_but_not_two_values_for_one_parameter():
    net = Tied(0)
    state = as_pytorch_writes_it(net)
    state["head.weight"] = state["head.weight"] + 1
    before = net.state_dict()
    with pytest.raises(ValueError, match=r"one value for embedding\.weight and head\.weight was expected"):
        net.load_state_dict(state)
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    with pytest.raises(ValueError, match=r"unexpected: tail\.weight"):
        net.load_state_dict(before | {"tail.weight": np.ones(2)})


# ---- what is put in the place of a parameter; freezing ----


@pytest.mark.parametrize("value", [np.eye(2), tg.tensor(np.eye(2)), 3.0, [1.0]])
def test_a_parameter_is_not_replaced_by_what_is_not_learned(rng, value):
    layer = nn.Linear(2, 2, rng=rng)
    with pytest.raises(
        TypeError, match=r"weight was expected to be a parameter.*layer\.weight = nn\.parameter"
    ):
        layer.weight = value
    layer.weight = other = nn.parameter(np.eye(2))
    layer.bias = None
    assert dict(layer.named_parameters()) == {"weight": other}
    with pytest.raises(TypeError, match="requires_grad_\\(False\\) to freeze it"):
        layer.weight = layer.weight.detach()


def test_what_is_kept_in_a_forward_is_not_looked_at():
    class Keeps(nn.Module):
        def forward(self, x):
            self.seen = x
            return x

    keeps = Keeps()
    keeps(tg.tensor([1.0], requires_grad=True))
    keeps(np.ones(1))
    assert type(keeps.seen) is np.ndarray


def test_frozen_parameters_stay_in_the_state_and_are_not_learned(rng):
    net = nn.Sequential(nn.Linear(3, 2, rng=rng), nn.Tanh(), nn.Linear(2, 1, rng=rng))
    x, names, everything = rng.normal(size=(4, 3)), list(net.state_dict()), net.parameters()
    optimizer = tg.optim.SGD(everything, lr=0.1)
    tg.sum(net(x)).backward()
    assert net[0].requires_grad_(False) is net[0]
    assert net[0].weight.grad is None  # what it had is forgotten
    optimizer.zero_grad()
    tg.sum(net(x)).backward()
    before = net.state_dict()
    optimizer.step()
    after = net.state_dict()
    moved = [name for name in names if not np.array_equal(before[name], after[name])]
    assert moved == [name for name, _ in net.named_parameters()] == ["2.weight", "2.bias"]
    assert tg.check(lambda x: net(x).sum(), x, parameters=net)
    twin = copy.deepcopy(net)
    assert list(twin.state_dict()) == names == list(net.state_dict())
    assert twin.load_state_dict(before) == ([], [])
    np.testing.assert_array_equal(twin.state_dict()["2.bias"], before["2.bias"])
    net.requires_grad_()
    assert net.parameters() == everything


def test_what_was_computed_cannot_be_frozen():
    with pytest.raises(TypeError, match=r"a leaf of floats was expected, the Tensor .*'add' came"):
        (tg.tensor([1.0], requires_grad=True) + 1).requires_grad_(False)
    with pytest.raises(TypeError, match="a leaf of floats"):
        tg.tensor([1]).requires_grad_()


# ---- values of another dtype ----


@pytest.mark.parametrize(("name", "value", "words"), [
    ("weight", [1.0, 1e300], "numbers that float32 holds were expected for weight, 1e\\+300 came"),
    ("num_batches_tracked", 3.7, "whole numbers were expected for num_batches_tracked"),
    ("num_batches_tracked", np.nan, "whole numbers were expected for num_batches_tracked"),
])  # fmt: skip
def test_values_that_the_dtype_does_not_hold_are_refused(name, value, words):
    norm = nn.BatchNorm1d(2, dtype=np.float32)
    before = norm.state_dict()
    with pytest.raises(ValueError, match=words):
        norm.load_state_dict(before | {name: np.array(value)})
    for path, array in norm.state_dict().items():
        np.testing.assert_array_equal(array, before[path])
    norm.load_state_dict(before | {"weight": np.array([np.inf, 0.1]), "num_batches_tracked": np.array(3.0)})
    assert norm.num_batches_tracked.value == 3
    np.testing.assert_array_equal(norm.weight.numpy(), np.array([np.inf, 0.1], np.float32))


def test_modules_beneath(net):
    assert [module.brief() for module in nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh())).children()] == [
        "ReLU", "Sequential",
    ]  # fmt: skip
    assert net.get_submodule("blocks.0.fc1") is net.blocks[0].fc1
    assert net.get_submodule("") is net
    with pytest.raises(KeyError, match=r"one of .*blocks\.0\.fc1.* was expected, 'blocks\.7' came"):
        net.get_submodule("blocks.7")
