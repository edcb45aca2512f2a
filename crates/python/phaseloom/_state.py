"""What pickles and copies are made of: each function restores an object from the state that ``__reduce__`` gave."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _phaseloom as _p


def core(ports: int, topology: str, cell: str | None, detection: str, input_scale: float) -> _p.Core:
    return _p.Core(ports, topology=topology, cell=cell, detection=detection, input_scale=input_scale)


def link(settings: dict[str, Any]) -> _p.Link:
    return _p.Link(**settings)


def process(text: str) -> _p.Process:
    return _p.Process.from_toml(text)


def process_of_chip(text: str) -> _p.Process:
    return _p.Process.from_chip(text)


def program(
    core: _p.Core | None,
    target: np.ndarray[Any, np.dtype[np.complex128]],
    tiles: list[str | None],
    scales: tuple[float, list[float]] | None,
    corrections: list[Any],
) -> _p.Program:
    return _p.Program._restore(core, target, tiles, scales, corrections)


def chip(process: _p.Process, program: _p.Program, seed: int) -> _p.Chip:
    return process.fabricate(program, seed)


def network(path: str) -> _p.Network:
    return _p.Network.load(path)


def layer(
    program: _p.Program,
    process: _p.Process,
    link: _p.Link,
    seed: int,
    trial: int,
    layer: int,
    first_core: int,
    differentiate_noise: bool,
) -> _p.Layer:
    return _p.Layer(
        program,
        process,
        link,
        seed=seed,
        trial=trial,
        layer=layer,
        first_core=first_core,
        differentiate_noise=differentiate_noise,
    )
