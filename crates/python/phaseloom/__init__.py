"""Linear algebra on photonic chips: meshes of interferometers with fabrication errors, optical links, trained networks.

>>> import numpy as np, phaseloom as pl
>>> w = np.sin(np.arange(640.0).reshape(10, 64))        # outputs × inputs
>>> program = pl.program(w)                             # tiles, singular values, phases
>>> process = pl.Process.preset("thermo-optic-silicon")
>>> chip = process.fabricate(program, seed=1)           # one frozen sample
>>> product = chip.product(program, pl.Link(laser_power_w=1e-3, shot_noise=True))
>>> y = product @ np.full((64, 5), 0.5)                 # inputs × vectors
>>> y.shape
(10, 5)

Vectors are columns. A batch with one sample in each row, as PyTorch and JAX have it, is passed as ``x.T``.

``phaseloom.torch`` and ``phaseloom.jax`` hold layers for these packages, which are imported only there.
"""

from ._commands import Result, budget, compare, cost, run, sweep, tolerance, yields
from ._functions import convert, correct, load, product, program, save
from ._phaseloom import (
    Chip,
    ChipGradient,
    Core,
    Layer,
    LayerTrace,
    Link,
    Network,
    Pass,
    PhotonicNetwork,
    Process,
    Product,
    Program,
    haar_unitary,
    read_matrix,
)
from .errors import (
    ArrayError,
    Error,
    ExperimentError,
    FileError,
    HardwareError,
    InternalError,
    MeshError,
    NetworkError,
    NumericsError,
    ReportError,
    StudyError,
    UsageError,
    ValidationError,
)

__all__ = [
    "ArrayError",
    "Chip",
    "ChipGradient",
    "Core",
    "Error",
    "ExperimentError",
    "FileError",
    "HardwareError",
    "InternalError",
    "Layer",
    "LayerTrace",
    "Link",
    "MeshError",
    "Network",
    "NetworkError",
    "NumericsError",
    "Pass",
    "PhotonicNetwork",
    "Process",
    "Product",
    "Program",
    "ReportError",
    "Result",
    "StudyError",
    "UsageError",
    "ValidationError",
    "budget",
    "compare",
    "convert",
    "correct",
    "cost",
    "haar_unitary",
    "load",
    "product",
    "program",
    "read_matrix",
    "run",
    "save",
    "sweep",
    "tolerance",
    "yields",
]
