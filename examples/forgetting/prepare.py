"""Writes MNIST as 49 mean values of 4×4 pixels: python3 examples/forgetting/prepare.py $PHASELOOM_DATA phaseloom-runs/forgetting

train.npy, test.npy        the images (0…1): 10 000 to train, 10 000 to test
train-permuted.npy, …      the same with their values in another order, the same for all images
train-labels.npy, …        the digits
"""

import gzip
import sys
from pathlib import Path

import numpy as np


def read(source: Path, name: str, samples: int) -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(source / "mnist" / f"{name}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:samples]
    with gzip.open(source / "mnist" / f"{name}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)[:samples]
    means = pixels.reshape(samples, 7, 4, 7, 4).mean(axis=(2, 4)) / 255
    return means.reshape(samples, 49).astype(np.float32), labels


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(1).permutation(49)
    for name, part in [("train", "train"), ("test", "t10k")]:
        inputs, labels = read(source, part, 10_000)
        np.save(target / f"{name}.npy", inputs)
        np.save(target / f"{name}-permuted.npy", inputs[:, order])
        np.save(target / f"{name}-labels.npy", labels)
