"""Writes what a build of phaseloom computes for fixed seeds: programs, chips, matrices, corrections (gradients among
them), drawings, conversions, two networks and the quick validation.

    python3 tests/outputs.py target/release/phaseloom FOLDER

Two builds on one machine compute the same bits exactly if `diff -r` finds no difference between their folders. Bits
differ between kinds of processors, so no folder is kept in the repository. It needs Python 3 alone.
"""

import cmath
import math
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY, OUT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()


def write_npy(path, rows):
    header = f"{{'descr': '<c16', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header = header.ljust(117) + "\n"
    numbers = [part for row in rows for z in row for part in (z.real, z.imag)]
    data = struct.pack(f"<{len(numbers)}d", *numbers)
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def gaussian(rows, columns, seed):
    draw = random.Random(seed).gauss
    return [[complex(draw(0, 1), draw(0, 1)) for _ in range(columns)] for _ in range(rows)]


def dft(n):
    return [[cmath.exp(2j * math.pi * i * k / n) / math.sqrt(n) for k in range(n)] for i in range(n)]


def phaseloom(name, *arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], cwd=OUT, capture_output=True, text=True)
    text = f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    # Times and rates are no results.
    (OUT / f"{name}.txt").write_text(re.sub(r"\d+(\.\d+)? ?(ms|s|min|h)\b|\d+/s", "TIME", text))


shutil.rmtree(OUT, ignore_errors=True)
OUT.mkdir(parents=True)
matrices = {
    "gaussian64": gaussian(64, 64, 1),
    "gaussian20x12": gaussian(20, 12, 2),
    "dft16": dft(16),
    "dft48": dft(48),
    "row16": gaussian(1, 16, 3),
    "permutation8": [[complex(k == (3 * i + 1) % 8) for k in range(8)] for i in range(8)],
}
for name, rows in matrices.items():
    write_npy(OUT / f"{name}.npy", rows)
(OUT / "process.toml").write_text(
    "[phase_quantization]\nbits = 8\n[thermal_crosstalk]\ncoefficient = 0.002\n[phase_error]\nsigma_rad = 0.02\n"
    "[splitter_error]\nsigma_rad = 0.02\nmean_rad = 0.01\n[insertion_loss]\nloss_db = 0.1\nimbalance_sigma_db = 0.05\n[phase_jitter]\nsigma_rad = 0.001\n"
)
TOPOLOGIES = "rectangular triangular redundant diamond contraction fractal butterfly masks tree".split()
CELLS = "mzi three_splitters crossing symmetric".split()
meshes = [(matrix, "rectangular", "mzi") for matrix in matrices]
meshes += [
    ("row16" if topology == "tree" else "dft16", topology, cell)
    for topology in TOPOLOGIES
    for cell in (CELLS if topology != "masks" else ["coupler"])
]
meshes += [("gaussian64", topology, "mzi") for topology in ("triangular", "contraction", "fractal", "diamond")]
meshes += [("dft48", topology, "mzi") for topology in ("triangular", "redundant", "fractal")]
knows_contraction = "contraction" in subprocess.run([BINARY, "list"], capture_output=True, text=True).stdout
for matrix, topology, cell in meshes:
    mesh = f"{matrix}-{topology}-{cell}"
    key = "direct" if topology == "contraction" and not knows_contraction else topology
    program, chip = f"{mesh}-program.json", f"{mesh}-chip.json"
    phaseloom(f"{mesh}-program", "program", f"{matrix}.npy", "--topology", key, "--cell", cell, "-o", program)
    phaseloom(f"{mesh}-chip", "chip", "process.toml", "--program", program, "--seed", 3, "-o", chip)
    phaseloom(f"{mesh}-matrix", "matrix", program, "--chip", chip, "-o", f"{mesh}-matrix.npy")
    if "16" in matrix:
        phaseloom(f"{mesh}-draw", "draw", program, "--input", 0, "--chip", chip, "-o", f"{mesh}.svg")
        for method in ("local", "adjoint", "spsa", "crosstalk", "loss"):
            corrected = f"{mesh}-{method}.json"
            phaseloom(
                f"{mesh}-{method}", "correct", program, "--chip", chip,
                "--method", method, "--effort", 0.05, "--seed", 1, "-o", corrected,
            )  # fmt: skip
for method in ("self_configuration", "characterisation"):
    program, chip = "permutation8-rectangular-mzi-program.json", "permutation8-rectangular-mzi-chip.json"
    phaseloom(
        f"permutation8-{method}", "correct", program, "--chip", chip,
        "--method", method, "--effort", 0.1, "--seed", 1, "-o", f"permutation8-{method}.json",
    )  # fmt: skip
for key in "mach_zehnder clements clements_middle hadamard bloch bell_walmsley perceval fang upper_output".split():
    phaseloom(f"convert-{key}", "convert", "dft16-rectangular-mzi-program.json", "--to", key, "-o", f"convert-{key}.json")
    phaseloom(f"convert-{key}-back", "convert", f"convert-{key}.json", "--to", "phaseloom", "-o", f"convert-{key}-back.json")
phaseloom("compare", "compare", "--modes", 6, "--process", "process.toml", "--trials", 2, "--seed", 1, "-o", "compare")
for example in ("digits", "breast_cancer", "vowels"):
    experiment = ROOT / "examples" / example / f"{example}.toml"
    phaseloom(f"run-{example}", "run", experiment, "--trials", 2, "-o", example)
phaseloom("run-mnist", "run", ROOT / "examples/mnist/experiment.toml", "--trials", 1, "-o", "mnist")
phaseloom("validate", "validate", "--quick", "-o", "validate")
phaseloom("list", "list")
for path in [*OUT.rglob("provenance.json"), *OUT.rglob("report.html")]:
    path.unlink()
for path in OUT.rglob("units.jsonl"):
    path.write_text("".join(sorted(path.read_text().splitlines(keepends=True))))
