"""Make optim.json: fifty steps of PyTorch's optimizers, its schedules, and the metrics of scikit-learn, in float64.

    python tests/reference/make_optim_reference.py         wants torch and scikit-learn, which the tests do not

The objective is that of a small network with a valley beside it,

    Σ (tanh(x W₁ + b₁) w₂ − y)² / n + ½ Σ c w₂² + Σ b₁⁴ / 4

The file is frozen: the tests compare with what is in it, and no test runs this script.
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn import metrics
from torch import Tensor, optim
from torch.optim import lr_scheduler as schedules

rng = np.random.default_rng(19860109)  # a year of the backpropagation of errors
SIZES = {"W1": (3, 4), "b1": (4,), "w2": (4, 1)}
KEPT = (1, 2, 3, 10, 25, 50)  # steps
START = {name: rng.normal(size=size) for name, size in SIZES.items()}
CONSTANTS = {
    "x": rng.normal(size=(10, 3)),
    "y": rng.normal(size=(10, 1)),
    "c": rng.uniform(0.1, 5, size=(4, 1)),
}

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.01, "initial_accumulator_value": 0.1, "eps": 1e-3}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.01, "momentum": 0.8}),
    ("RMSprop", {"lr": 0.005, "alpha": 0.95, "centered": True, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.005, "centered": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.2, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.2, "betas": [0.5, 0.9], "eps": 1e-3, "weight_decay": 0.05}),
    ("Adam", {"lr": 0.2, "betas": [0.5, 0.6], "amsgrad": True}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.1, "betas": [0.8, 0.95], "eps": 1e-4, "weight_decay": 0.1, "amsgrad": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "betas": [0.8, 0.95], "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.05, "betas": [0.8, 0.9], "eps": 1e-3, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "betas": [0.9, 0.99], "weight_decay": 0.1, "decoupled_weight_decay": True}),
]  # fmt: skip

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 20, 20, 41], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.93}),
    ("CosineAnnealingLR", {"T_max": 49}),
    ("CosineAnnealingLR", {"T_max": 60, "eta_min": 0.1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 8}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.05}),
    ("OneCycleLR", {"total_steps": 50}),
    ("OneCycleLR", {"total_steps": 50, "pct_start": 0.4, "anneal_strategy": "linear", "div_factor": 10.0,
                    "final_div_factor": 100.0}),
]  # fmt: skip


def leaves() -> dict[str, Tensor]:
    """The parameters at the start."""
    return {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}


def objective(w: dict[str, Tensor]) -> Tensor:
    """What is minimised."""
    x, y, c = (torch.tensor(CONSTANTS[name]) for name in ("x", "y", "c"))
    error = torch.tanh(x @ w["W1"] + w["b1"]) @ w["w2"] - y
    return (error**2).mean() + (c * w["w2"] ** 2).sum() / 2 + (w["b1"] ** 4).sum() / 4


def path(name: str, options: dict[str, Any], *, grouped: bool = False) -> dict[str, Any]:
    """All the parameters after some of the steps."""
    w = leaves()
    given: Any = list(w.values())
    if grouped:
        given = [{"params": [w["W1"], w["w2"]], "weight_decay": 0.1, "lr": 0.02}, {"params": [w["b1"]]}]
    optimizer = getattr(optim, name)(given, **options)
    steps = {}
    for step in range(1, 51):
        optimizer.zero_grad()
        objective(w).backward()
        optimizer.step()
        if step in KEPT:
            steps[step] = [x for leaf in w.values() for x in leaf.detach().flatten().tolist()]
    return {"name": name, "options": options, "grouped": grouped, "path": steps}


def lbfgs_on_rosenbrock(**options: Any) -> dict[str, Any]:
    """The point after every step of L-BFGS on (1 − a)² + 100 (b − a²)², and how often it was computed."""
    w = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = optim.LBFGS([w], max_iter=1, max_eval=25, line_search_fn="strong_wolfe", **options)
    calls, steps = [0], []

    def closure() -> Tensor:
        calls[0] += 1
        optimizer.zero_grad()
        loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        loss.backward()
        return loss

    for _ in range(60):
        optimizer.step(closure)
        steps.append(w.tolist())
    with torch.no_grad():
        w.copy_(torch.tensor([-1.2, 1.0], dtype=torch.float64))
    calls[0], whole = 0, optim.LBFGS([w], max_iter=100, line_search_fn="strong_wolfe", **options)
    whole.step(closure)
    return {"options": options, "path": steps, "minimum": w.tolist(), "evaluations": calls[0]}


def lbfgs_on_the_network() -> dict[str, Any]:
    """The parameters after each of five calls of `step`."""
    w = leaves()
    optimizer = optim.LBFGS(
        list(w.values()), max_iter=4, max_eval=100, history_size=3, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = objective(w)
        loss.backward()
        return loss

    steps = []
    for _ in range(5):
        optimizer.step(closure)
        steps.append([x for leaf in w.values() for x in leaf.detach().flatten().tolist()])
    return {"options": {"max_iter": 4, "max_eval": 100, "history_size": 3}, "path": steps}


def schedule(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """The learning rate of fifty steps, beginning with 1."""
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    extra = {"max_lr": 1.0} if name == "OneCycleLR" else {}
    return {
        "name": name,
        "options": options,
        "factors": rates(getattr(schedules, name)(optimizer, **extra, **options)),
    }


def rates(schedule: Any) -> list[float]:
    """The learning rate before each of fifty steps."""
    found = []
    for _ in range(50):
        found.append(float(schedule.optimizer.param_groups[0]["lr"]))
        schedule.optimizer.step()
        schedule.step()
    return found


def warm_up() -> dict[str, Any]:
    """Ten steps up, and then a cosine."""
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    parts = [
        schedules.LinearLR(optimizer, start_factor=0.25, total_iters=10),
        schedules.CosineAnnealingLR(optimizer, T_max=40),
    ]
    return {"factors": rates(schedules.SequentialLR(optimizer, parts, milestones=[10]))}


def plateau(**options: Any) -> dict[str, Any]:
    """The learning rate after each of some values that fall, stand still and rise."""
    values = [math.exp(-i / 8) + 0.3 * math.sin(i) ** 2 + (i // 20) * 0.1 for i in range(50)]
    optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    arguments = {("min_lr" if key == "min_factor" else key): value for key, value in options.items()}
    schedule = schedules.ReduceLROnPlateau(optimizer, eps=0, **arguments)
    factors = []
    for value in values:
        schedule.step(value)
        factors.append(float(optimizer.param_groups[0]["lr"]))
    return {"options": options, "values": values, "factors": factors}


def scores() -> dict[str, Any]:
    """Metrics of random predictions, with a class that is never predicted, and scores with ties."""
    y_true = rng.integers(0, 4, size=60)
    y_pred = np.where(rng.random(60) < 0.6, y_true, rng.integers(0, 3, size=60))
    y_pred[y_pred == 3] = 0
    binary, ranks = rng.integers(0, 2, size=80), rng.integers(0, 12, size=80)
    ranks = ranks + 3 * binary
    target = rng.normal(size=(20, 2))
    predicted = target + 0.5 * rng.normal(size=(20, 2))
    three = partial(metrics.precision_recall_fscore_support, zero_division=0)
    averages: list[str | None] = ["micro", "macro", "weighted", None]
    return {
        "y_true": y_true.tolist(), "y_pred": y_pred.tolist(),
        "accuracy": metrics.accuracy_score(y_true, y_pred),
        "confusion": metrics.confusion_matrix(y_true, y_pred).tolist(),
        "precision_recall_f1": {
            str(average): [np.asarray(part).tolist() for part in three(y_true, y_pred, average=average)[:3]]
            for average in averages
        },
        "labels": binary.tolist(), "scores": ranks.tolist(), "roc_auc": metrics.roc_auc_score(binary, ranks),
        "target": target.tolist(), "predicted": predicted.tolist(),
        "r2": [metrics.r2_score(target[:, i], predicted[:, i]) for i in range(2)],
    }  # fmt: skip


def main() -> None:
    """Write the file."""
    torch.set_default_dtype(torch.float64)  # in which NAdam keeps a product, whatever the parameters are
    found = {
        "made with": {"torch": torch.__version__.partition("+")[0], "scikit-learn": sklearn.__version__},
        "start": {name: value.tolist() for name, value in START.items()},
        "constants": {name: value.tolist() for name, value in CONSTANTS.items()},
        "optimizers": [path(name, options) for name, options in OPTIMIZERS]
        + [path("AdamW", {"lr": 0.05, "weight_decay": 0.0}, grouped=True)],
        "rosenbrock": [lbfgs_on_rosenbrock(), lbfgs_on_rosenbrock(history_size=2, lr=0.5)],
        "network": lbfgs_on_the_network(),
        "schedules": [schedule(name, options) for name, options in SCHEDULES],
        "warm up": warm_up(),
        "plateaus": [
            plateau(factor=0.5, patience=3), plateau(factor=0.1, patience=2, cooldown=4, min_factor=0.005),
            plateau(mode="max", factor=0.7, patience=4, threshold=0.01),
        ],
        "metrics": scores(),
    }  # fmt: skip
    file = Path(__file__).with_name("optim.json")
    file.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
