"""Writes MNIST as 64 mean values of 3×3 pixels: python3 examples/relu/prepare.py $PHASELOOM_DATA phaseloom-runs/relu

train.npy, test.npy        the inner 24×24 pixels of the images (0…1): 10 000 to train, 10 000 to test
train-labels.npy, …        the digits
"""

import gzip
import sys
from pathlib import Path

import numpy as np


def read(source: Path, name: str, samples: int) -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(source / "mnist" / f"{name}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)[:samples, 2:26, 2:26]
    with gzip.open(source / "mnist" / f"{name}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)[:samples]
    means = pixels.reshape(samples, 8, 3, 8, 3).mean(axis=(2, 4)) / 255
    return means.reshape(samples, 64).astype(np.float32), labels


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for name, part in [("train", "train"), ("test", "t10k")]:
        inputs, labels = read(source, part, 10_000)
        np.save(target / f"{name}.npy", inputs)
        np.save(target / f"{name}-labels.npy", labels)
