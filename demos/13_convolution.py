"""Convolution on real digits: few weights, used everywhere, and what the net looks for.

    python demos/13_convolution.py

Trains a small convolutional net, prints how many digits that it has never seen it recognizes, and draws with characters
what one of its nine-pixel patterns finds in an image. Then the same image, moved by one pixel.
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim
from tinygrad_edu.data import load_digits, split
from tinygrad_edu.training import fit, predict


def drawn(image: np.ndarray) -> list[str]:
    """An image with a character for each pixel, the largest being black."""
    levels = (np.clip(image / max(image.max(), 1e-9), 0, 1) * 4.999).astype(int)
    return ["".join(" ░▒▓█"[n] * 2 for n in row) for row in levels]


def main() -> None:
    """Train, test, look."""
    rng = np.random.default_rng(0)
    digits = load_digits()
    images = digits.images[:, None] / 16  # (1797, 1, 8, 8): one channel
    x_train, x_test, y_train, y_test = split(images, digits.y, rng=rng)
    mean, deviation = x_train.mean(), x_train.std()

    he = nn.init.kaiming_normal
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same", init=he, rng=rng), nn.ReLU(),
        nn.Conv2d(8, 24, 3, padding="same", init=he, rng=rng), nn.ReLU(),
        nn.MaxPool2d(2), nn.Dropout(0.4, rng=rng), nn.Flatten(), nn.Linear(24 * 4 * 4, 10, rng=rng),
    )  # fmt: skip
    weights = sum(p.size for p in net.parameters())
    print(net)
    print(
        f"{weights:,} parameters; the second convolution as a matrix would have {8 * 64 * 24 * 64:,} by itself\n"
    )

    fit(
        net, nn.CrossEntropyLoss(), ((x_train - mean) / deviation, y_train), epochs=6, batch_size=64, rng=rng,
        optimizer=optim.Adam(net.parameters(), lr=0.01), schedule=optim.schedules.Cosine(6 * 23),
    )  # fmt: skip
    right = predict(net, (x_test - mean) / deviation).argmax(axis=1) == y_test
    print(f"recognized of {len(right)} digits that it has never seen: {right.mean():.1%}\n")

    image = (x_test[:1] - mean) / deviation
    with tg.no_grad():
        found, moved = (net[0](tg.tensor(x)).relu().numpy()[0] for x in (image, np.roll(image, 1, axis=3)))
    strongest = found.sum(axis=(1, 2)).argmax()
    print(f"a {y_test[0]:<15}  what pattern {strongest} finds  the same, the image moved by one pixel")
    columns = zip(drawn(x_test[0, 0]), drawn(found[strongest]), drawn(moved[strongest]), strict=True)
    for left, middle, right_ in columns:
        print(f"{left}  {middle:21} {right_}")
    apart = np.abs(np.roll(found, 1, axis=2) - moved)[:, :, 2:-1].max()
    print(f"Away from the edges the two differ by {apart:.0e}: it does the same everywhere.")


if __name__ == "__main__":
    main()
