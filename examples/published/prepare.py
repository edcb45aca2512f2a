"""Writes the data of the studies in this folder: python3 examples/published/prepare.py $PHASELOOM_DATA phaseloom-runs/published

vowels.csv   both files of Deterding's vowels, four vowels, 90 samples of each
mnist-*.npy  the images of MNIST as rows of 784 pixels
moons.csv    two half moons in the plane as amplitudes of four waveguides, always with the same power
"""

import csv
import gzip
import sys
from pathlib import Path

import numpy as np

VOWELS = {"1": "heed", "4": "had", "8": "hoard", "10": "who'd"}


def vowels(source: Path, target: Path) -> None:
    rows = []
    for name in ["vowel-train.csv", "vowel-test.csv"]:
        with open(source / "vowel-deterding" / name, newline="") as file:
            rows += [row for row in csv.DictReader(file) if row["y"] in VOWELS]
    # The samples of a vowel alternate between training and test.
    rows.sort(key=lambda row: int(row["y"]))
    with open(target / "vowels.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["y", "x1", "x2", "x3", "x4"])
        for row in rows:
            writer.writerow([row["y"], *(row[f"x{i}"] for i in range(1, 5))])


def moons(target: Path, samples: int = 1000, noise: float = 0.1, seed: int = 1) -> None:
    random = np.random.default_rng(seed)
    label = np.arange(samples) % 2
    angle = np.pi * random.random(samples)
    x = np.where(label == 0, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(label == 0, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    points = np.stack([x, y], axis=1) + noise * random.normal(size=(samples, 2))
    # Two more waveguides take the rest of a fixed power, as on the chip of Pai et al. 2023.
    power = 1.05 * np.max(np.sum(points**2, axis=1))
    rest = np.sqrt((power - np.sum(points**2, axis=1)) / 2)
    with open(target / "moons.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label", "x", "y", "rest1", "rest2"])
        for (a, b), r, c in zip(points, rest, label):
            writer.writerow([c, *(f"{value:.6f}" for value in (a, b, r, r))])


def mnist(source: Path, target: Path) -> None:
    for name in ["train", "t10k"]:
        with gzip.open(source / "mnist" / f"{name}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16)
        np.save(target / f"mnist-{name}.npy", pixels.reshape(-1, 784))


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    vowels(source, target)
    moons(target)
    mnist(source, target)
