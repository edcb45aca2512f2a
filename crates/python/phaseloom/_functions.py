"""Short ways through the classes."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import numpy as np

from . import _phaseloom as _p
from .errors import ArrayError, FileError

_Path = str | os.PathLike[str]


def program(matrix: Any, ports: int | None = None, **core: Any) -> _p.Program:
    """Programs a matrix on cores: ``Core(ports, **core).program(matrix)``.

    Parameters
    ----------
    matrix : array_like
        Outputs × inputs, real or complex.
    ports : int, optional
        Ports of a core. By default 64, or as many as a smaller (or complex) matrix has rows or columns.
    **core
        Keywords of :class:`Core`, such as ``topology="triangular"``.

    Returns
    -------
    Program

    Raises
    ------
    phaseloom.ArrayError
        Not two dimensions, no entries, or an entry that is not finite.

    Examples
    --------
    >>> import numpy as np, phaseloom as pl
    >>> pl.program(np.ones((3, 5)))
    <Program of a 3×5 matrix: 1 cores, 25 interferometers>
    """
    array = np.asarray(matrix)
    if ports is None:
        if array.ndim != 2 or 0 in array.shape:
            raise ArrayError(f"matrix: found shape {array.shape}, expected two dimensions with at least one entry each")
        side = max(array.shape) + (1 if core.get("detection") == "offset" else 0)
        ports = side if np.iscomplexobj(array) else min(64, side)
    return _p.Core(ports, **core).program(array)


def product(chip: _p.Chip, program: _p.Program, link: _p.Link | dict[str, Any] | None = None) -> _p.Product:
    """A chip with its optical link as a matrix product: ``chip.product(program, link)``."""
    return chip.product(program, link)


def correct(program: _p.Program, chip: _p.Chip, method: str = "local", **instruments: Any) -> _p.Program:
    """Corrects a program for a chip: ``chip.correct(program, method, **instruments)``.

    Parameters
    ----------
    program : Program
    chip : Chip
    method : str
        Key of the correction; ``phaseloom explain correction`` lists them.
    **instruments
        ``noise``, ``effort`` and ``seed`` of :meth:`Chip.correct`.

    Returns
    -------
    Program
    """
    if not isinstance(chip, _p.Chip):
        raise TypeError(f"chip: found {type(chip).__name__}, expected a Chip")
    return chip.correct(program, method, **instruments)


def convert(program: _p.Program, to: str, path: _Path | None = None) -> str:
    """A program of one core in another phase convention, as JSON text; written to a file if a path is given.

    Parameters
    ----------
    program : Program
    to : str
        Key of the convention, such as ``"clements"``, or ``"sax"`` for a netlist.
    path : str or os.PathLike, optional

    Examples
    --------
    >>> import phaseloom as pl
    >>> text = pl.convert(pl.program(pl.haar_unitary(4)), "clements")
    """
    text = program.convert(to)
    if path is not None:
        _write(path, text)
    return text


def save(path: _Path, value: _p.Program | _p.Chip) -> None:
    """Writes a program or a chip of one core to a file (JSON), which the command line reads, too.

    Raises
    ------
    phaseloom.HardwareError
        The program or chip has several cores; pickle keeps these.
    phaseloom.FileError
        The file cannot be written.
    """
    if not isinstance(value, (_p.Program, _p.Chip)):
        raise TypeError(f"value: found {type(value).__name__}, expected a Program or a Chip")
    value.save(path)


def load(path: _Path) -> _p.Program | _p.Process | _p.Network:
    """Reads a file by its contents.

    Parameters
    ----------
    path : str or os.PathLike
        A program (JSON), a chip (JSON), a process (TOML), a model (TOML) or an ONNX graph.

    Returns
    -------
    Program, Process or Network
        A chip gives the process that fabricates this chip: ``load("chip.json").fabricate(program)``.

    Raises
    ------
    phaseloom.FileError
        The file cannot be read, or holds none of these.
    """
    file = pathlib.Path(path)
    if file.suffix == ".onnx":
        return _p.Network.load(file)
    if file.suffix == ".json":
        try:
            text = file.read_text(encoding="utf-8")
            keys = json.loads(text)
        except (OSError, ValueError):
            return _p.Program.load(file)  # its message names file and place
        if isinstance(keys, dict) and keys.get("format") == "phaseloom-chip":
            return _p.Process.from_chip(text)
        return _p.Program.load(file)
    if file.suffix == ".toml":
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return _p.Process.load(file)
        is_model = any(line.strip().replace(" ", "") == "[[layer]]" or line.startswith("weights") for line in text.splitlines())
        return _p.Network.load(file) if is_model else _p.Process.load(file)
    raise FileError(f"{file}: found the ending {file.suffix!r}, expected .json, .toml or .onnx")


def _write(path: _Path, text: str) -> None:
    try:
        pathlib.Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}", 102) from error
