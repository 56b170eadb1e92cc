"""What fit makes of the choices of a model, of its loss and of a schedule."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tinygrad_edu import nn, optim
from tinygrad_edu.nn import functional
from tinygrad_edu.optim import schedules
from tinygrad_edu.training import evaluate, fit
from tinygrad_edu.training.record import options_of


def samples(n=11):
    rng = np.random.default_rng(3)
    return rng.normal(size=(n, 4)), rng.integers(0, 3, n)


def network(**options):
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Linear(4, 5, rng=rng), nn.BatchNorm1d(5, **options), nn.ReLU(), nn.Linear(5, 3, rng=rng)
    )


def learn(net, loss=None, *, epochs=1, lr=0.1, data=None, **options):
    return fit(
        net, loss or nn.CrossEntropyLoss(), data or samples(), optimizer=optim.SGD(net.parameters(), lr=lr),
        epochs=epochs, batch_size=4, progress=False, **options,
    )  # fmt: skip


def test_a_module_that_was_put_into_eval_stays_there():
    net = network()
    net[1].eval()
    before, weight = net.state_dict(), net[0].weight.numpy().copy()
    learn(net, epochs=2)
    for name in ("1.running_mean", "1.running_var"):
        np.testing.assert_array_equal(net.state_dict()[name], before[name])
    assert not np.array_equal(net[0].weight.numpy(), weight)
    assert net.training
    assert not net[1].training
    net.eval()  # a whole model that was in use learns, as ever
    learn(net)
    assert not np.array_equal(net.state_dict()["1.running_mean"], before["1.running_mean"])


WEIGHT = np.array([1.0, 3.0, 0.25])
LOSSES = {
    "mean": nn.CrossEntropyLoss(), "weighted": nn.CrossEntropyLoss(weight=WEIGHT),
    "ignored": nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.1), "sum": nn.CrossEntropyLoss("sum"),
    "both": nn.CrossEntropyLoss(weight=list(WEIGHT), ignore_index=2),
    "partial": partial(functional.cross_entropy, weight=WEIGHT, ignore_index=0),
    "a function": functional.cross_entropy, "a sum": partial(functional.cross_entropy, reduction="sum"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_of_an_epoch_is_that_of_all_samples_at_once(name):
    """With a rate at which nothing moves; 11 samples are batches of 4, 4 and 3."""
    net = nn.Linear(4, 3, rng=np.random.default_rng(1))
    x, y = samples()
    if name == "a function":
        y[2:5] = -100  # PyTorch's label for none
    run = learn(net, LOSSES[name], lr=1e-300, data=(x, y))
    assert run.history[0]["loss"] == pytest.approx(evaluate(net, LOSSES[name], (x, y))["loss"], rel=1e-12)


def test_a_loss_of_ones_own_says_what_it_is_a_mean_of():
    class Masked:
        """The mean square over all targets that are not NaN."""

        def __call__(self, outputs, y):
            known = ~np.isnan(y)
            return functional.mse_loss(outputs[known], y[known])

        def weight_of(self, y):
            return np.sum(~np.isnan(y))

    x, y = samples()[0], np.arange(11.0).reshape(-1, 1)
    y[[0, 1, 2, 9]] = np.nan
    net = nn.Linear(4, 1, rng=np.random.default_rng(1))
    run = learn(net, Masked(), lr=1e-300, data=(x, y))
    assert run.history[0]["loss"] == pytest.approx(evaluate(net, Masked(), (x, y))["loss"], rel=1e-12)


@pytest.mark.parametrize(
    ("net", "loss", "words"),
    [
        (network, nn.CrossEntropyLoss(weight=np.array([1.0, 2.0, 3.0])), r"loss\.weight"),
        (network, nn.CrossEntropyLoss(label_smoothing=0.2), r"loss\.label_smoothing"),
        (network, partial(functional.cross_entropy, label_smoothing=0.1), r"loss"),
        (lambda: network(momentum=0.3), nn.CrossEntropyLoss(), r"model\.1\.momentum"),
        (lambda: network(eps=0.1), nn.CrossEntropyLoss(), r"model\.1\.eps"),
    ],
)
def test_another_choice_is_another_training(tmp_path, net, loss, words):
    learn(network(), checkpoint=tmp_path / "a.npz")
    with pytest.raises(ValueError, match=f"it differs in .*{words}"):
        learn(net(), loss, epochs=2, checkpoint=tmp_path / "a.npz", resume=True)
    frozen = network()
    frozen[1].eval()
    with pytest.raises(ValueError, match=r"it differs in model, model\.1\.frozen"):
        learn(frozen, epochs=2, checkpoint=tmp_path / "a.npz", resume=True)
    again = learn(network(), epochs=2, checkpoint=tmp_path / "a.npz", resume=True)
    assert again.record["options"]["loss.ignore_index"] == -100
    assert again.record["options"]["model.0.in_features"] == 4


def test_what_a_layer_is_made_with_is_an_option_too():
    rng = np.random.default_rng(0)
    for one, other in (
        (nn.RNN(2, 3, rng=rng), nn.RNN(2, 3, nonlinearity="relu", rng=rng)),
        (
            nn.spectral_norm(nn.Linear(2, 2, rng=rng), rng=rng),
            nn.spectral_norm(nn.Linear(2, 2, rng=rng), eps=1e-3, rng=rng),
        ),
    ):
        assert options_of("model", one) != options_of("model", other)
        assert options_of("model", one) == options_of("model", one)
        assert "0x" not in str(options_of("model", one))


def test_a_checkpoint_is_neither_overwritten_nor_taken_back(tmp_path):
    path = tmp_path / "a.npz"
    learn(network(), epochs=3, checkpoint=path)
    content = path.read_bytes()
    with pytest.raises(FileExistsError, match="go on from it with resume=True"):
        learn(network(), checkpoint=path)
    with pytest.raises(ValueError, match="at least 3 epochs were expected, 2 came"):
        learn(network(), epochs=2, checkpoint=path, resume=True)
    assert len(learn(network(), epochs=3, checkpoint=path, resume=True).history) == 3
    assert path.read_bytes() == content


def test_a_cycle_is_as_long_as_the_training():
    with pytest.raises(ValueError, match=r"6 steps was expected, one of 5 came: 2 epochs of 3 batches"):
        learn(network(), epochs=2, schedule=schedules.OneCycle(5))
    with pytest.raises(ValueError, match="6 steps was expected, one of 5 came"):
        learn(network(), epochs=2, schedule=schedules.WarmUp(1, schedules.OneCycle(4)))
    with pytest.raises(ValueError, match="at most total_steps=5"):
        schedules.OneCycle(5)(6)
    assert learn(network(), epochs=2, schedule=schedules.OneCycle(6)).history[-1]["step"] == 6
    assert learn(network(), epochs=2, schedule=schedules.OneCycle(4), drop_last=True).history[-1]["step"] == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": optim.ReduceOnPlateau()}, r"say plateau=ReduceOnPlateau"),
        ({"schedule": schedules.Cosine}, r"the class Cosine came: say Cosine\(…\)"),
        ({"loss": nn.CrossEntropyLoss}, r"the class CrossEntropyLoss came"),
        ({"plateau": optim.ReduceOnPlateau}, r"plateau=ReduceOnPlateau\(…\) was expected"),
    ],
)
def test_what_is_taken_for_something_else(options, words):
    with pytest.raises(TypeError, match=words):
        learn(network(), **options)
