"""A network on real digits: the whole of nn, optim and data at work together."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import data, nn, optim


@pytest.mark.parametrize("seed", [0, 1])
def test_a_small_network_learns_to_read_digits(seed):
    rng = np.random.default_rng(seed)
    digits = data.load_digits()
    x, x_test, y, y_test = data.split(digits.x, digits.y, rng=rng)
    scale = data.Standardizer().fit(x)
    x, x_test = scale.transform(x), scale.transform(x_test)
    net = nn.Sequential(
        nn.Linear(64, 32, init=nn.init.kaiming_normal, rng=rng),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 10, rng=rng),
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.3, momentum=0.9, weight_decay=1e-3)
    epochs = 40
    for epoch in range(epochs):
        optimizer.lr = 0.15 * (1 + np.cos(np.pi * epoch / epochs))
        for images, labels in data.batches(x, y, size=64, rng=rng, drop_last=True):
            optimizer.zero_grad()
            # Half a standard deviation of noise, a penalty on steep functions (Bishop 1995).
            criterion(net(images + 0.5 * rng.standard_normal(images.shape)), labels).backward()
            optimizer.step()
    net.eval()
    with tg.no_grad():
        found = net(x_test).numpy().argmax(1)
    assert (found == y_test).mean() >= 0.96
