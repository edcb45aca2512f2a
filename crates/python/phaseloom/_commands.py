"""Commands of the command line as functions: they compute in a process of their own and return its tables.

Everything is as on the command line: files, resuming, threads, messages. Ctrl-C stops after the current unit of work and keeps what
was computed.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import _phaseloom as _p
from .errors import InternalError, exception_of_code

_Path = str | os.PathLike[str]
_CODE = re.compile(r"error\[E(\d+)\]: ")


class Result(Mapping[str, Any]):
    """What a command computed: values and tables by name.

    A table is a dict of columns, each a NumPy array: ``result["summary"]["accuracy_mean"]``. With pandas:
    ``pandas.DataFrame(result["summary"])``.

    Attributes
    ----------
    folder : pathlib.Path or None
        The folder with the files of the command, if one was given.
    """

    def __init__(self, values: dict[str, Any], folder: pathlib.Path | None) -> None:
        self._values = {key: _columns(value) for key, value in values.items()}
        self.folder = folder

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Result: {', '.join(self._values)}>"


def _columns(value: Any) -> Any:
    """A list of rows as columns; other values as they are."""
    if not (isinstance(value, list) and value and all(isinstance(row, dict) for row in value)):
        return value
    names = dict.fromkeys(name for row in value for name in row)
    return {name: _column([row.get(name) for row in value]) for name in names}


def _column(values: list[Any]) -> Any:
    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        if all(isinstance(value, int) for value in values):
            return np.array(values)
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return np.array(values, dtype=object)


def _option(name: str, value: Any) -> list[str]:
    """An option of the command line for a keyword."""
    option = "--" + name.replace("_", "-")
    if value is None or value is False:
        return []
    if value is True:
        return [option]
    if isinstance(value, Mapping):
        pairs = [f"{key}={_text(values)}" for key, values in value.items()]
        return [part for pair in pairs for part in (option, pair)]
    return [option, _text(value)]


def _text(value: Any) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, Iterable):
        return ",".join(_text(one) for one in value)
    return repr(value.item() if isinstance(value, np.generic) else value)


def _call(command: str, target: Any, output: _Path | None, options: dict[str, Any]) -> Result:
    with tempfile.TemporaryDirectory(prefix="phaseloom-") as folder:
        place = pathlib.Path(folder)
        arguments = [command, _file(target, place / "target")]
        if output is not None:
            arguments += ["--output", os.fspath(output)]
        for name, value in options.items():
            kept = _file(value, place / name) if isinstance(value, (_p.Process, _p.Chip)) else value
            arguments += _option(name, kept)
        printed = _execute([*arguments, "--format", "json"])
    try:
        values = json.loads(printed) if printed.strip() else {}
    except ValueError as error:
        raise InternalError(f"the command {command} printed no JSON: {error}") from error
    return Result(values, None if output is None else pathlib.Path(output))


def _file(value: Any, path: pathlib.Path) -> str:
    """The name of a file with an object, which is written if it is no path."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    if isinstance(value, _p.Program):
        path = path.with_suffix(".json")
        value.save(path)
    elif isinstance(value, _p.Chip):
        path = path.with_suffix(".json")
        value.save(path)
    elif isinstance(value, _p.Process):
        path = path.with_suffix(".toml")
        path.write_text(value.to_toml(), encoding="utf-8")
    else:
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"found {type(value).__name__}, expected a path, a matrix or a Program")
        path = path.with_suffix(".npy")
        np.save(path, array)
    return str(path)


def _execute(arguments: list[str]) -> str:
    """Runs the command line in another process, and raises its error."""
    command = [sys.executable, "-m", "phaseloom", *arguments, "--quiet", "--color", "never"]
    # A session of its own: the terminal sends Ctrl-C to this process alone, which passes it on once.
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", start_new_session=True
    )
    try:
        printed, messages = child.communicate()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        child.communicate()
        raise
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode == 0:
        return printed
    if child.returncode == 130:
        raise KeyboardInterrupt(messages.strip())
    found = _CODE.search(messages)
    if found is None:
        raise InternalError(f"the command ended with {child.returncode}: {messages.strip()}")
    raise exception_of_code(int(found.group(1)), messages[found.end() :].strip())


def run(experiment: _Path, output: _Path | None = None, **options: Any) -> Result:
    """Runs an experiment: a trained network, or a matrix, on sampled chips, over a grid of settings.

    Parameters
    ----------
    experiment : str or os.PathLike
        The experiment (TOML), or the folder of a run, which is resumed.
    output : str or os.PathLike, optional
        Folder of the results.
    **options
        Those of ``phaseloom run``: ``trials``, ``seed``, ``threads``, ``shard="1/4"``, ``dry_run=True``.

    Returns
    -------
    Result
        With the table ``summary`` and, of networks, ``design``.

    Raises
    ------
    phaseloom.ExperimentError, phaseloom.FileError, phaseloom.NetworkError
        As the messages of the command line say.
    KeyboardInterrupt
        Ctrl-C; the units computed so far are kept.
    """
    return _call("run", experiment, output, options)


def sweep(target: Any, output: _Path | None = None, **options: Any) -> Result:
    """Measures one matrix on many sampled chips, over a range of settings.

    Parameters
    ----------
    target : array_like, Program, str or os.PathLike
        A matrix, a program of one core, or a file of one. A matrix in memory goes through a temporary file, so that the folder of
        the results cannot be resumed later.
    output : str or os.PathLike, optional
        Folder of the results.
    **options
        Those of ``phaseloom sweep``: ``process`` (a :class:`Process` or a file), ``vary={"splitter_error.sigma_rad": [0.01, 0.02]}``,
        ``trials``, ``seed``, ``correction``, ``topology``.

    Returns
    -------
    Result
        With the table ``summary``.
    """
    return _call("sweep", target, output, options)


def cost(experiment: _Path, output: _Path | None = None, **options: Any) -> Result:
    """Computes energy, time and area of an experiment, and compares them with electronics of the same precision.

    Parameters
    ----------
    experiment : str or os.PathLike
    output : str or os.PathLike, optional
    **options
        Those of ``phaseloom cost``: ``trials``, ``vary``, ``library``, ``point``.

    Returns
    -------
    Result
    """
    return _call("cost", experiment, output, options)


def budget(experiment: Any, output: _Path | None = None, **options: Any) -> Result:
    """Computes what each source of error costs: alone, among all others, and on the average over orders.

    Parameters
    ----------
    experiment : str, os.PathLike, array_like or Program
        An experiment, or a matrix together with ``process``.
    output : str or os.PathLike, optional
    **options
        Those of ``phaseloom budget``: ``trials``, ``orders``, ``process``, ``correction``.

    Returns
    -------
    Result
    """
    return _call("budget", experiment, output, options)


def yields(experiment: Any, output: _Path | None = None, **options: Any) -> Result:
    """Computes the share of chips that work, as ``phaseloom yield``; see :func:`budget` for the arguments."""
    return _call("yield", experiment, output, options)


def tolerance(experiment: Any, output: _Path | None = None, **options: Any) -> Result:
    """Finds how large an error is allowed, as ``phaseloom tolerance``; see :func:`budget` for the arguments."""
    return _call("tolerance", experiment, output, options)


def compare(ports: int, **options: Any) -> Result:
    """Compares meshes of one size on sampled chips, as ``phaseloom compare``.

    Parameters
    ----------
    ports : int
    **options
        Those of ``phaseloom compare``: ``process``, ``trials``, ``seed``, ``topology``.
    """
    with tempfile.TemporaryDirectory(prefix="phaseloom-") as folder:
        arguments = ["compare", "--modes", str(ports)]
        for name, value in options.items():
            kept = _file(value, pathlib.Path(folder) / name) if isinstance(value, _p.Process) else value
            arguments += _option(name, kept)
        return Result(json.loads(_execute([*arguments, "--format", "json"])), None)
