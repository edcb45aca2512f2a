"""Commands of the command line as functions, the command itself, threads and Ctrl-C."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import phaseloom as pl

EXAMPLES = pathlib.Path(__file__).parents[3] / "examples"


def test_a_run_returns_its_tables(tmp_path):
    result = pl.run(EXAMPLES / "matrix" / "dft8.toml", tmp_path / "run", trials=3)
    chips = result["summary"]["row"] == "chips"
    assert result["summary"]["chips"][chips].tolist() == [3] * chips.sum()
    assert result["summary"]["error_mean"][chips].dtype == np.float64
    assert (tmp_path / "run" / "summary.csv").exists() and result.folder == tmp_path / "run"
    again = pl.run(tmp_path / "run", trials=4)
    assert again["summary"]["chips"][chips][0] == 4


def test_a_sweep_of_a_matrix_in_memory(tmp_path):
    u = pl.haar_unitary(4, seed=1)
    vary = {"splitter_error.sigma_rad": [0.01, 0.02]}
    result = pl.sweep(u, tmp_path / "sweep", vary=vary, trials=5, process=pl.Process(phase_error={"sigma_rad": 0.01}))
    summary = result["summary"]
    error = summary["error_mean"][summary["row"] == "chips"]
    assert error.shape == (2,) and 0 < error[0] < error[1]


def test_cost_and_budget(tmp_path):
    digits = EXAMPLES / "digits" / "digits.toml"
    cost = pl.cost(digits, tmp_path / "cost", trials=1)
    assert len(cost) > 0
    u, process = pl.haar_unitary(4, seed=1), pl.Process(splitter_error={"sigma_rad": 0.01}, phase_error={"sigma_rad": 0.01})
    budget = pl.budget(u, tmp_path / "budget", process=process, trials=4)
    assert len(budget) > 0


def test_a_network_on_chips():
    network = pl.load(EXAMPLES / "digits" / "model.toml")
    x = np.full((64, 3), 8.0)
    exact = network.forward(x)
    chip = network.on_chip(pl.Core(64), pl.Process.preset("thermo-optic-silicon"), pl.Link(laser_power_w=1e-2), seed=1)
    assert chip.forward(x).shape == exact.shape == (10, 3)
    assert chip.matrix_errors.shape == chip.predicted_errors.shape == (2,)


def test_the_command_comes_with_the_package():
    command = pathlib.Path(sys.executable).with_name("phaseloom")
    found = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("phaseloom ")
    refused = subprocess.run([sys.executable, "-m", "phaseloom", "run", "nothing.toml"], capture_output=True, text=True)
    assert refused.returncode == 2 and "error[E0102]" in refused.stderr


def test_errors_of_commands_are_exceptions():
    with pytest.raises(pl.FileError, match="nothing.toml") as caught:
        pl.run("nothing.toml")
    assert caught.value.code == 102
    with pytest.raises(pl.UsageError, match="--no-such"):
        pl.run("nothing.toml", no_such=1)


def test_other_threads_run_on():
    ticks = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    u = pl.haar_unitary(256, seed=1)
    start = time.perf_counter()
    pl.program(u)
    end = time.perf_counter()
    done.set()
    thread.join()
    during = sum(start < t < end for t in ticks)
    assert during > 3 or end - start < 0.02


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_stops_long_work():
    program = pl.program(pl.haar_unitary(32, seed=1))
    chip = pl.Process(splitter_error={"sigma_rad": 0.05}).fabricate(program)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        chip.correct(program, "spsa", effort=1e6)
    assert time.perf_counter() - start < 5


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_ctrl_c_stops_a_run_that_resumes(tmp_path):
    threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        pl.run(EXAMPLES / "digits" / "digits.toml", tmp_path / "run", trials=10_000)
    assert (tmp_path / "run" / "units.jsonl").exists()
