#!/usr/bin/env python3
"""Writes the centre of the Fourier transform of every MNIST image as complex fields.

Usage: python3 crops.py MNIST_FOLDER OUTPUT_FOLDER [SIDE]

The two-dimensional Fourier transform of an image, with zero frequency in the centre, is cropped to SIDE x SIDE entries (8: 64
fields) and divided by the mean modulus of the crop (Williamson et al. 2020, and the notebooks of neurophox). A sample of the
output has the shape [2, SIDE*SIDE]: real parts, then imaginary parts. Needs NumPy.
"""

import gzip
import pathlib
import sys

import numpy as np


def images(path):
    with gzip.open(path) as file:
        data = np.frombuffer(file.read(), np.uint8, offset=16)
    return data.reshape(-1, 28, 28).astype(float)


def crops(pictures, side):
    start = 14 - side // 2
    spectrum = np.fft.fftshift(np.fft.fft2(pictures), axes=(1, 2))
    fields = spectrum[:, start : start + side, start : start + side].reshape(len(pictures), -1)
    fields = fields / np.abs(fields).mean(axis=1, keepdims=True)
    return np.stack([fields.real, fields.imag], axis=1).astype(np.float32)


def main():
    source, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    side = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    target.mkdir(parents=True, exist_ok=True)
    for name, file in [("train", "train-images-idx3-ubyte.gz"), ("test", "t10k-images-idx3-ubyte.gz")]:
        np.save(target / f"{name}-{side * side}.npy", crops(images(source / file), side))


if __name__ == "__main__":
    main()
