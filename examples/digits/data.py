"""Scikit-learn's 1,797 images of handwritten digits, 8 x 8 pixels from 0 to 16, cut in two."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

TEST = 629


class Split(NamedTuple):
    """Images (float32, count x 64) to learn from and to be judged by, with the true digits."""

    train: NDArray[Any]
    train_labels: NDArray[Any]
    test: NDArray[Any]
    test_labels: NDArray[Any]


def load() -> Split:
    """Return the same split every time."""
    digits = load_digits()
    order = np.random.default_rng(1).permutation(len(digits.target))
    images, labels = digits.data[order].astype(np.float32), digits.target[order]
    return Split(images[TEST:], labels[TEST:], images[:TEST], labels[:TEST])
