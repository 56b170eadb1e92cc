"""The training loop."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.errors import FormatError, ShapeError
from tinygrad_edu.optim import ReduceOnPlateau, schedules
from tinygrad_edu.training import EarlyStopping, evaluate, fit, metrics, predict
from tinygrad_edu.training.checkpoint import saved_progress


def moons(rng, n=120):
    """Two half circles that reach into each other."""
    angle, y = rng.uniform(0, np.pi, n), rng.integers(0, 2, n)
    x = (
        np.where(y == 0, np.cos(angle), 1 - np.cos(angle)),
        np.where(y == 0, np.sin(angle), 0.5 - np.sin(angle)),
    )
    return np.stack(x, axis=1) + 0.1 * rng.normal(size=(n, 2)), y


def network(seed=0, dropout=0.1):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 16, rng=rng, init=nn.init.kaiming_normal), nn.BatchNorm1d(16), nn.ReLU(),
        nn.Dropout(dropout, rng=rng), nn.Linear(16, 2, rng=rng),
    )  # fmt: skip


METRICS = {"accuracy": lambda y, logits: metrics.accuracy(y, logits.argmax(1))}


def train(path=None, epochs=8, *, seed=0, data=None, **options):
    net = network()
    rng = np.random.default_rng(seed)
    train_set, held_out = data or (moons(np.random.default_rng(5)), moons(np.random.default_rng(6)))
    optimizer = options.pop("optimizer", lambda p: optim.AdamW(p, lr=0.02))(net.named_parameters())
    run = fit(
        net, options.pop("loss", nn.CrossEntropyLoss()), train_set, optimizer=optimizer, epochs=epochs, batch_size=32,
        rng=rng, validation=held_out, checkpoint=path, progress=False, **{"metrics": METRICS, **options},
    )  # fmt: skip
    return net, run


def test_it_learns_and_writes_down_how():
    net, run = train(epochs=30)
    assert run.history[-1]["val_accuracy"] > 0.95
    assert run.column("epoch") == list(range(1, 31))
    assert run.column("step") == [4 * epoch for epoch in range(1, 31)]
    held_out = moons(np.random.default_rng(6))
    assert run.history[-1]["val_accuracy"] == np.mean(predict(net, held_out[0]).argmax(1) == held_out[1])
    assert evaluate(net, nn.CrossEntropyLoss(), held_out)["loss"] == run.history[-1]["val_loss"]
    assert all(module.training for _, module in net.named_modules())
    assert run.best_epoch is None


def test_one_step_by_hand():
    """Linear regression with batches of 2 and 1: the loss is the mean over samples, and the steps are SGD's."""
    net = nn.Linear(1, 1, bias=False, rng=np.random.default_rng(0))
    net.weight.assign([[1.0]])
    x, y = np.array([[1.0], [2.0], [3.0]]), np.zeros((3, 1))
    run = fit(
        net,
        nn.MSELoss(),
        (x, y),
        optimizer=optim.SGD(net.parameters(), lr=0.1),
        epochs=1,
        batch_size=2,
        progress=False,
    )
    # (1 + 4) / 2 = 2.5, with slope 5: w = 0.5; then 9 · 0.25 = 2.25, with slope 2 · 9 · 0.5 = 9: w = −0.4
    assert net.weight.item() == pytest.approx(-0.4)
    assert run.history == [{"epoch": 1, "step": 2, "loss": pytest.approx((2 * 2.5 + 2.25) / 3), "lr": 0.1}]


def same(one, other):
    assert one[1].history == other[1].history
    assert one[1].best_epoch == other[1].best_epoch
    for name, value in one[0].state_dict().items():
        np.testing.assert_array_equal(other[0].state_dict()[name], value)


OPTIONS = {
    "plain": {},
    "schedules": {
        "schedule": schedules.WarmUp(5, schedules.Cosine(27)), "plateau": ReduceOnPlateau(patience=0), "clip": 0.5,
    },
    "early stopping": {"early_stopping": EarlyStopping(patience=3, min_delta=0.01)},
    "L-BFGS": {"optimizer": lambda p: optim.LBFGS(p, max_iter=2)},
    "NAdam": {"optimizer": lambda p: optim.NAdam(p, lr=0.03)},
}  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_resumed_training_has_the_same_bits(tmp_path, options):
    whole = train(epochs=8, **options)
    train(tmp_path / "a.npz", epochs=3, **options)
    resumed = train(tmp_path / "a.npz", epochs=8, resume=True, seed=77, **options)
    same(whole, resumed)
    assert resumed[1].record["generators"] == whole[1].record["generators"]  # those at the very start
    again = train(tmp_path / "a.npz", epochs=8, resume=True, **options)  # nothing is left to do
    same(whole, again)


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from test_fit import train
train(sys.argv[1], epochs=10_000, resume=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_training_has_the_same_bits(tmp_path):
    """Killed twice wherever it is, then resumed to the end: the parameters of a training that was left alone."""
    path, reached = tmp_path / "a.npz", 0
    for _ in range(2):
        before = path.stat().st_mtime_ns if path.exists() else None
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path), os.path.dirname(__file__)])
        while process.poll() is None and (not path.exists() or path.stat().st_mtime_ns == before):
            pass
        process.kill()
        process.wait()
        assert process.returncode == -9
    reached = len(saved_progress(path)["history"])
    assert reached >= 2
    same(train(epochs=reached + 2), train(path, epochs=reached + 2, resume=True))


def test_schedules_drive_the_rate():
    cosine = schedules.Cosine(32)
    _, run = train(epochs=8, schedule=cosine)
    np.testing.assert_allclose(run.column("lr"), [0.02 * cosine(4 * epoch - 1) for epoch in range(1, 9)])
    plateau = ReduceOnPlateau(patience=0, factor=0.5, threshold=0.5)
    _, run = train(epochs=8, plateau=plateau)
    losses = run.column("val_loss")
    np.testing.assert_allclose(run.column("lr"), [0.02 * plateau(losses[:i]) for i in range(8)])
    assert run.history[-1]["lr"] < 0.02


def test_early_stopping_goes_back_to_the_best():
    stopping = EarlyStopping(patience=4)
    net, run = train(
        epochs=200, early_stopping=stopping, optimizer=lambda p: optim.SGD(p, lr=1.0, momentum=0.9)
    )
    losses = run.column("val_loss")
    assert len(losses) < 200
    assert losses[run.best_epoch - 1] == min(losses)
    assert len(losses) == run.best_epoch + 4
    held_out = moons(np.random.default_rng(6))
    assert evaluate(net, nn.CrossEntropyLoss(), held_out)["loss"] == min(losses)
    assert losses[-1] > min(losses)


def test_when_it_stops():
    stopping = EarlyStopping(patience=2, min_delta=0.1)
    assert stopping.best([1.0, 0.95, 0.85, 0.8]) == 2
    assert not stopping.stops([1.0, 0.95])
    assert stopping.stops([1.0, 0.95, 0.92])
    assert not stopping.stops([1.0, 0.95, 0.85, 0.8])
    assert not stopping.stops([])
    assert EarlyStopping(patience=2).best([math.nan, math.nan]) is None
    assert EarlyStopping(patience=2).stops([math.nan, math.nan])
    assert EarlyStopping(mode="max").best([0.1, 0.3, 0.2]) == 1


def test_clipping_bounds_the_step():
    net = network(dropout=0.0)
    before = net.state_dict()
    x, y = moons(np.random.default_rng(5))
    optimizer = optim.SGD(net.parameters(), lr=1.0)
    fit(
        net,
        nn.CrossEntropyLoss(),
        (100 * x, y),
        optimizer=optimizer,
        epochs=1,
        batch_size=120,
        clip=0.01,
        progress=False,
    )
    moved = [np.linalg.norm(net.state_dict()[name] - before[name]) for name, _ in net.named_parameters()]
    assert np.linalg.norm(moved) == pytest.approx(0.01, rel=1e-9)
    seen = []
    fit(net, nn.CrossEntropyLoss(), (x, y), optimizer=optimizer, epochs=1, clip=seen.append, progress=False)
    assert [len(parameters) for parameters in seen] == [6, 6, 6, 6]


def test_a_loss_that_explodes_is_refused_and_the_last_parameters_stay():
    net = nn.Linear(1, 1, rng=np.random.default_rng(0))
    x, y = np.array([[1.0], [np.inf]]), np.zeros((2, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match="inf came at step 1: lower the learning rate"):
        fit(net, nn.MSELoss(), (x, y), optimizer=optimizer, epochs=1, batch_size=1, progress=False)
    assert np.isfinite(net.weight.item())


# ---- the record, and what is shown ----


def test_the_record_says_what_must_be_known(tmp_path):
    _, run = train(epochs=2, schedule=schedules.Step(10), clip=1.0, early_stopping=EarlyStopping(3))
    _, again = train(epochs=2, schedule=schedules.Step(10), clip=1.0, early_stopping=EarlyStopping(3))
    assert run.record == again.record
    assert run.record["versions"]["numpy"] == np.__version__
    assert run.record["versions"]["version"] == tg.__version__
    assert run.record["optimizer"]["name"] == "AdamW"
    assert run.record["optimizer"]["groups"][0]["weight_decay"] == 0.01
    assert run.record["hyperparameters"]["schedule"] == "Step(step_size=10, gamma=0.1)"
    assert run.record["generators"].keys() == {"rng", "model.3.rng"}
    assert all(count >= 1 for count in run.record["threads"].values())
    _, other = train(epochs=1, seed=1)
    assert other.record["generators"]["rng"] != run.record["generators"]["rng"]
    assert other.record["data"] == run.record["data"]
    saved = json.loads(run.save(tmp_path / "run.json").read_text(encoding="utf-8"))
    assert saved["history"] == run.history
    assert saved["data"].keys() == {"x", "y", "val_x", "val_y"}


def test_fingerprints_tell_values_shapes_and_types_apart():
    from tinygrad_edu.training import fingerprint

    x = np.arange(6.0)
    others = [x.reshape(2, 3), x.astype(np.float32), x + 1e-15, x[::-1]]
    assert len({fingerprint(array) for array in [x, *others]}) == 5
    assert fingerprint(x.reshape(2, 3)) == fingerprint(np.asfortranarray(x.reshape(2, 3)))


def test_a_line_for_each_epoch_where_the_output_is_piped(capsys):
    net = network()
    data = moons(np.random.default_rng(5))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    fit(net, nn.CrossEntropyLoss(), data, optimizer=optimizer, epochs=2)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 1: loss 0.")
    assert second.endswith(", lr 0.1")
    assert "\x1b" not in first + second
    fit(net, nn.CrossEntropyLoss(), data, optimizer=optimizer, epochs=1, progress=False)
    assert capsys.readouterr().out == ""


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    net = network()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    fit(net, nn.CrossEntropyLoss(), moons(np.random.default_rng(5)), optimizer=optimizer, epochs=2)
    said = capsys.readouterr().out
    assert "\x1b" in said
    assert "epoch 2: loss 0." in said


# ---- what is refused ----


def test_a_checkpoint_of_another_training(tmp_path):
    path = tmp_path / "a.npz"
    train(path, epochs=1)
    other = (moons(np.random.default_rng(7)), moons(np.random.default_rng(6)))
    with pytest.raises(ValueError, match=r"it differs in data: put back what it was"):
        train(path, resume=True, data=other)
    with pytest.raises(ValueError, match=r"it differs in clip"):
        train(path, resume=True, clip=2.0)
    for other_optimizer in (lambda p: optim.SGD(p, lr=0.1), lambda p: optim.AdamW(p, lr=0.5)):
        with pytest.raises(ValueError, match=r"it differs in optimizer"):
            train(path, resume=True, optimizer=other_optimizer)
    net = network(seed=9)
    before = net.state_dict()
    with pytest.raises(ValueError, match="it differs in"):
        fit(
            net, nn.CrossEntropyLoss(), moons(np.random.default_rng(5)), optimizer=optim.AdamW(net.named_parameters()),
            epochs=2, checkpoint=path, resume=True, progress=False,
        )  # fmt: skip
    for name, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


X, Y = moons(np.random.default_rng(5))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": 0}, ValueError, "epochs of at least 1"), ({"epochs": 2.5}, TypeError, "a whole number, 2.5 came"),
        ({"resume": True}, ValueError, "a checkpoint was expected"),
        ({"early_stopping": EarlyStopping(monitor="val_f1", mode="max")}, ValueError, "among loss, val_loss"),
        ({"early_stopping": 5}, TypeError, r"early_stopping=EarlyStopping\(…\) was expected, int"),
        ({"plateau": 0.1}, TypeError, r"plateau=ReduceOnPlateau\(…\) was expected"),
        ({"schedule": 0.5}, TypeError, "schedule was expected to be a function, float"),
        ({"callback": [print]}, TypeError, "callback was expected to be a function, list"),
        ({"optimizer": lambda p: optim.SGD(network().parameters())}, ValueError, "nothing would be learned"),
        ({"optimizer": lambda p: "SGD"}, TypeError, "an optimizer of tinygrad_edu.optim was expected, str"),
        ({"data": (X, (X, Y))}, TypeError, r"a pair \(x, y\) of arrays was expected, ndarray"),
        ({"data": ((X, Y[:9]), (X, Y))}, ShapeError, r"x \(n, …\) and y \(n, …\) were expected, \(120, 2\) and \(9,\)"),
        ({"data": ((X[:0], Y[:0]), (X, Y))}, ValueError, "at least one sample"),
        ({"data": ((X, Y), (X[:0], Y[:0]))}, ValueError, "validation: at least one sample"),
        ({"loss": nn.CrossEntropyLoss("none")}, ShapeError, r"one number was expected, one of shape \(32,\)"),
        ({"loss": lambda logits, y: 1.0}, TypeError, "depends on the parameters"),
        ({"path": "nowhere/a.npz"}, FileNotFoundError, "a folder that exists was expected"),
        ({"path": "a.checkpoint"}, FormatError, "a suffix out of"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(options, error, words):
    with pytest.raises(error, match=words):
        train(**options)


def test_what_cannot_be_predicted_or_evaluated():
    net, loss = network(), nn.CrossEntropyLoss()
    with pytest.raises(ShapeError, match="120 and 9 came"):
        evaluate(net, loss, (X, Y[:9]))
    with pytest.raises(ValueError, match="predict: at least one sample"):
        evaluate(net, loss, (X[:0], Y[:0]))
    with pytest.raises(ValueError, match="predict: batch_size of at least 1 was expected, 0"):
        predict(net, X, batch_size=0)
    with pytest.raises(
        ShapeError, match=r"evaluate: a loss of one number was expected, one of shape \(120,\)"
    ):
        evaluate(net, nn.CrossEntropyLoss("none"), (X, Y))


def test_a_seed_is_no_generator():
    net = network()
    with pytest.raises(TypeError, match=r"int came: np\.random\.default_rng\(seed\)"):
        fit(net, nn.CrossEntropyLoss(), (X, Y), optimizer=optim.SGD(net.parameters()), epochs=1, rng=0)


def test_lists_will_do():
    net = network()
    optimizer = optim.SGD(net.parameters())
    run = fit(
        net, nn.CrossEntropyLoss(), (X.tolist(), Y.tolist()), optimizer=optimizer, epochs=1, progress=False
    )
    assert math.isfinite(run.history[0]["loss"])


def test_parameters_that_explode_in_the_last_step_are_seen(tmp_path):
    """The loss of a step is that before it, so that only the parameters show what the last step did."""
    net = nn.Linear(1, 1, rng=np.random.default_rng(0))
    data = np.full((1, 1), 1e155), np.zeros((1, 1))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    with (
        np.errstate(over="ignore"),
        pytest.raises(FloatingPointError, match="parameters were expected after epoch 1, weight"),
    ):
        fit(
            net, nn.L1Loss(), data, optimizer=optimizer, epochs=1, progress=False, checkpoint=tmp_path / "a.npz",
            clip=lambda leaves: [setattr(leaf, "grad", leaf.grad * 1e300) for leaf in leaves],
        )  # fmt: skip
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.parametrize("stopping", [None, EarlyStopping(patience=2)])
def test_what_is_measured_is_the_average_which_survives_a_resumption(tmp_path, stopping):
    def averaged(epochs, path=None, **options):
        net, held_out = network(dropout=0.0), moons(np.random.default_rng(6))
        average = optim.Average(net, 0.9)
        run = fit(
            net, nn.CrossEntropyLoss(), (X, Y), optimizer=optim.SGD(net.parameters(), lr=0.5), epochs=epochs,
            validation=held_out, average=average, early_stopping=stopping, checkpoint=path, progress=False, **options,
        )  # fmt: skip
        return net, run, average, held_out

    net, run, average, held_out = whole = averaged(4)
    resumed = averaged(2, tmp_path / "a.npz") and averaged(4, tmp_path / "a.npz", resume=True)
    same(whole[:2], resumed[:2])
    assert average.n == resumed[2].n == run.history[-1]["step"]
    for name, value in average.state_dict().items():
        np.testing.assert_array_equal(resumed[2].state_dict()[name], value)
    if stopping is None:
        own = evaluate(net, nn.CrossEntropyLoss(), held_out)["loss"]
        average.assign()
        assert evaluate(net, nn.CrossEntropyLoss(), held_out)["loss"] == run.history[-1]["val_loss"] != own
    else:  # the averages of the best epoch are what the model has at the end
        best = run.history[run.best_epoch - 1]["val_loss"]
        assert evaluate(net, nn.CrossEntropyLoss(), held_out)["loss"] == best


def test_a_callback_sees_every_epoch_and_may_end_the_training():
    rows = []
    _, run = train(epochs=5, callback=rows.append)
    assert rows == run.history
    _, run = train(epochs=5, callback=lambda row: row["epoch"] == 2)
    assert len(run.history) == 2


def test_collate_changes_what_is_learned_from_and_survives_a_resumption(tmp_path):
    def noisy(rng):
        return lambda x, y: (x + 0.3 * rng.normal(size=x.shape), y)

    def noisy_training(epochs, **options):
        rng = np.random.default_rng(3)
        net = network()
        run = fit(
            net, nn.CrossEntropyLoss(), (X, Y), optimizer=optim.SGD(net.parameters()), epochs=epochs, rng=rng,
            collate=noisy(rng), progress=False, **options,
        )  # fmt: skip
        return net, run

    whole = noisy_training(4)
    noisy_training(2, checkpoint=tmp_path / "a.npz")
    same(whole, noisy_training(4, checkpoint=tmp_path / "a.npz", resume=True))
    net = nn.Linear(2, 1, rng=np.random.default_rng(0))
    seen = []
    fit(
        net, nn.MSELoss(), (X, Y), optimizer=optim.SGD(net.parameters()), epochs=1, batch_size=50, progress=False,
        collate=lambda x, y: (seen.append(x) or x, 0.0 * y[:, None]),
    )  # fmt: skip
    np.testing.assert_array_equal(np.concatenate(seen), X)


def test_metrics_want_a_validation_set(rng):
    net = network()
    with pytest.raises(ValueError, match="metrics are measured on a validation set"):
        fit(
            net,
            nn.CrossEntropyLoss(),
            moons(rng),
            optimizer=optim.SGD(net.parameters()),
            epochs=1,
            metrics=METRICS,
        )
    with pytest.raises(ValueError, match="is less of it better, or more"):
        EarlyStopping(monitor="val_accuracy")
    assert EarlyStopping(monitor="loss").mode == "min"
    for arguments in ({"patience": 0}, {"min_delta": -1}, {"mode": "least"}):
        with pytest.raises(ValueError, match="EarlyStopping: patience ≥ 1"):
            EarlyStopping(**arguments)
