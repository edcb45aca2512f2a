"""The gradient of a layer is that of `phaseloom train`: one step of each from the same phases ends at the same phases."""

import json
import subprocess
import sys

import numpy as np

import phaseloom as pl

MODEL = """
format = "phaseloom-model"
version = 1
name = "one-layer"
weights = "trained.safetensors"
programs = "programs.safetensors"

[input]
size = 7
scale = 1.0

[[layer]]
kind = "photonic"
outputs = 5
weight = "w"
bias = "b"
"""
TRAINING = """
format = "phaseloom-training"
version = 1
model = "model.toml"
initial = "first.safetensors"
optimizer = "sgd"
learning_rate = 0.5
phase_learning_rate = 0.5
epochs = 1
batch = 12
seed = 1
on = "chip"
test_chips = 1

[core]
ports = 4

[process.splitter_error] # the same on all chips, because the seed of the chips is one of the training
sigma_rad = 0.0
mean_rad = 0.05

[train]
inputs = "x.npy"
labels = "y.npy"
"""


def write(path, tensors):
    header, start = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in tensors.values()))


def read(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    body = data[8 + size :]
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def test_one_step_is_that_of_the_trainer(tmp_path):
    random = np.random.default_rng(7)
    w, x = random.normal(size=(5, 7)), random.uniform(-1, 1, size=(12, 7))
    labels = np.arange(12) % 5
    (tmp_path / "model.toml").write_text(MODEL)
    (tmp_path / "train.toml").write_text(TRAINING)
    write(tmp_path / "first.safetensors", {"w": w, "b": np.zeros(5)})
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", labels)
    subprocess.run([sys.executable, "-m", "phaseloom", "train", "train.toml", "--quiet"], cwd=tmp_path, check=True)
    trained = read(tmp_path / "programs.safetensors")

    program = pl.Core(4).program(w)
    layer = pl.Layer(program, {"splitter_error": {"sigma_rad": 0.0, "mean_rad": 0.05}})
    y, trace = layer.record(layer.parameters, x.T)
    chances = np.exp(y - y.max(0))
    chances /= chances.sum(0)
    chances[labels, np.arange(12)] -= 1
    slopes, _ = trace.gradient(chances / 12)
    after = layer.parameters - 0.5 * slopes
    moved = 0.0
    start = 0
    cores = sorted({name.rsplit(".", 1)[0] for name in trained}, key=lambda name: [int(part) for part in name.split(".")])
    of_cores = [layer.groups[k : k + 4] for k in range(0, len(layer.groups), 4)]
    assert len(cores) == len(of_cores) == program.cores == 4
    for core, groups in zip(cores, of_cores):
        file, at = trained[f"{core}.phases"], 0
        for kind, count in groups:
            own = after[start : start + count]
            moved = max(moved, np.abs(own - layer.parameters[start : start + count]).max())
            start += count
            if kind == "gain":
                assert np.allclose(trained[f"{core}.gain"], np.exp(own), rtol=1e-10)
                continue
            # In the file an attenuator has a second phase, which follows from the first.
            assert np.allclose(np.exp(1j * file[at : at + count]), np.exp(1j * own), atol=1e-10)
            at += count if kind == "mesh" else 2 * count
    assert moved > 1e-3
