"""Programs, chips, products and layers, against NumPy and finite differences."""

import copy
import doctest
import pickle
import time

import numpy as np
import pytest

import phaseloom as pl
from phaseloom import _phaseloom


def test_weights_on_a_chip(weights, process):
    program = pl.Core(8).program(weights)
    assert (program.shape, program.cores) == ((10, 20), 6)
    assert np.allclose(program.matrix(), weights)
    chip = process.fabricate(program, seed=1)
    matrix = chip.matrix(program)
    assert 0.01 < chip.matrix_error(program) < 1
    x = np.random.default_rng(1).uniform(-1, 1, size=(20, 7))
    assert np.allclose(chip.propagate(program, x), matrix @ x)
    assert np.allclose(program.propagate(x), weights @ x)
    assert np.allclose(pl.Process().fabricate(program).product(program) @ x, weights @ x)
    product = chip.product(program, pl.Link(laser_power_w=1e-3, shot_noise=True))
    one, two = product @ x, product @ x
    assert one.shape == (10, 7) and not np.array_equal(one, two)
    again = chip.product(program, {"laser_power_w": 1e-3, "shot_noise": True})
    assert np.array_equal(again @ x, one)


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_order_and_type(weights, order):
    exact = pl.Core(8).program(weights).matrix()
    for array in [np.asarray(weights, order=order), np.stack([weights, weights])[1], weights.tolist(), weights.astype(">f8")]:
        assert np.array_equal(pl.Core(8).program(array).matrix(), exact)
    strided = np.repeat(weights, 2, axis=1)[:, ::2]
    assert np.array_equal(pl.Core(8).program(strided).matrix(), exact)
    assert pl.program(np.eye(3, dtype=np.float32)).matrix().flags.f_contiguous
    assert np.allclose(pl.program(np.eye(3, dtype=bool)).matrix(), np.eye(3))


def test_gradients_are_those_of_finite_differences(weights, process):
    program = pl.Core(8).program(weights)
    chip = process.fabricate(program, seed=1)
    random = np.random.default_rng(2)
    x = random.normal(size=(20, 3)) + 1j * random.normal(size=(20, 3))
    slope = random.normal(size=(10, 3)) + 1j * random.normal(size=(10, 3))

    def loss(phases, x):
        return (slope.conj() * chip.propagate(program.with_phases(phases), x)).real.sum()

    found = chip.gradient(program, x, slope)
    step = 1e-5
    for k in range(0, program.phases.size, 37):
        unit = np.zeros_like(program.phases)
        unit[k] = step
        numeric = (loss(program.phases + unit, x) - loss(program.phases - unit, x)) / (2 * step)
        assert abs(found.phases[k] - numeric) < 1e-7
    for direction in (1, 1j):
        unit = np.zeros_like(x)
        unit[3, 1] = step * direction
        numeric = (loss(program.phases, x + unit) - loss(program.phases, x - unit)) / (2 * step)
        assert abs((found.inputs[3, 1] * np.conj(direction)).real - numeric) < 1e-7


def test_gradients_count_crosstalk():
    program = pl.program(pl.haar_unitary(6, seed=1))
    settings = pl.Process.preset("thermo-optic-silicon").settings
    settings.pop("phase_quantization", None)  # rounding counts as the identity
    chip = pl.Process(**settings).fabricate(program)
    x, slope = np.ones(6), np.arange(6.0)
    found = chip.gradient(program, x, slope).phases

    def loss(phases):
        return (slope * chip.propagate(program.with_phases(phases), x)).real.sum()

    for k in range(0, program.phases.size, 5):
        unit = np.zeros_like(program.phases)
        unit[k] = 1e-5
        numeric = (loss(program.phases + unit) - loss(program.phases - unit)) / 2e-5
        assert abs(found[k] - numeric) < 1e-7


def test_gradients_of_a_layer_are_those_of_finite_differences(weights, process):
    layer = pl.Layer(pl.Core(8).program(weights), process)
    x = np.random.default_rng(3).uniform(-1, 1, size=(20, 4))
    y, trace = layer.record(layer.parameters, x)
    by_parameters, by_inputs = trace.gradient(y)
    assert {kind for kind, _ in layer.groups} == {"mesh", "attenuators", "gain"}

    def loss(parameters, x):
        return (layer.record(parameters, x)[0] ** 2).sum() / 2

    for k in range(0, by_parameters.size, 41):
        unit = np.zeros_like(layer.parameters)
        unit[k] = 1e-5
        numeric = (loss(layer.parameters + unit, x) - loss(layer.parameters - unit, x)) / 2e-5
        assert abs(by_parameters[k] - numeric) < 1e-6
    unit = np.zeros_like(x)
    unit[5, 2] = 1e-5
    assert abs(by_inputs[5, 2] - (loss(layer.parameters, x + unit) - loss(layer.parameters, x - unit)) / 2e-5) < 1e-6
    assert trace.gradient(y, parameters=False)[0] is None


def test_a_call_takes_little_longer_than_its_work():
    program = pl.program(np.eye(2))
    product = pl.Process().fabricate(program).product(program)
    x, times = np.ones(2), []
    for _ in range(2000):
        start = time.perf_counter()
        product @ x
        times.append(time.perf_counter() - start)
    assert min(times) < 50e-6  # a product of two inputs takes about 1 µs; the rest is the call


def test_a_chip_is_corrected():
    program = pl.program(pl.haar_unitary(8, seed=2))
    chip = pl.Process(splitter_error={"sigma_rad": 0.01}).fabricate(program)
    corrected = pl.correct(program, chip, "local", seed=3)
    assert chip.matrix_error(corrected) < 0.1 * chip.matrix_error(program)
    quality = corrected.corrections[0]
    assert quality["after"]["error"] < quality["before"]["error"]


def clones(value):
    return [pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)]


def test_pickles_and_copies_compute_the_same_bits(weights, process):
    core = pl.Core(8, topology="triangular", input_scale=2.0)
    program = core.program(weights)
    chip = process.fabricate(program, seed=5)
    corrected = chip.correct(program)
    x = np.random.default_rng(4).uniform(-1, 1, size=(20, 3))
    link = pl.Link(laser_power_w=1e-3, shot_noise=True, dac={"bits": 6})
    for one in (program, corrected, program.with_phases(program.phases + 0.1)):
        expected = chip.product(one, link) @ x
        for clone in clones(one):
            assert np.array_equal(clone.phases, one.phases) and np.array_equal(clone.target, one.target)
            assert np.array_equal(chip.product(clone, link) @ x, expected)
            assert clone.corrections == one.corrections
    for clone in clones(chip):
        assert np.array_equal(clone.matrix(program), chip.matrix(program))
    complex_program = pl.program(pl.haar_unitary(5))
    assert all(np.array_equal(clone.matrix(), complex_program.matrix()) for clone in clones(complex_program))
    layer = pl.Layer(program, process, link, trial=3)
    y, _ = layer.record(layer.parameters, x, 0)
    assert all(np.array_equal(clone.record(layer.parameters, x, 0)[0], y) for clone in clones(layer))
    assert all(clone == process for clone in clones(process))
    assert all(clone == link for clone in clones(link))
    assert all(clone.topology == "triangular" and clone.input_scale == 2.0 for clone in clones(core))
    error = pl.FileError("text", 102)
    assert all((str(clone), clone.code) == ("text", 102) for clone in clones(error))


def test_programs_and_chips_as_files(tmp_path, process):
    program = pl.program(pl.haar_unitary(4, seed=1))
    chip = process.fabricate(program, seed=2)
    pl.save(tmp_path / "program.json", program)
    pl.save(tmp_path / "chip.json", chip)
    loaded = pl.load(tmp_path / "program.json")
    assert np.array_equal(loaded.phases, program.phases)
    again = pl.load(tmp_path / "chip.json")
    assert np.array_equal(again.fabricate(loaded, seed=77).matrix(loaded), chip.matrix(program))
    assert all(np.array_equal(c.fabricate(loaded).matrix(loaded), chip.matrix(program)) for c in clones(again))
    (tmp_path / "process.toml").write_text(process.to_toml(), encoding="utf-8")
    assert pl.load(tmp_path / "process.toml") == process
    pl.convert(program, "clements", tmp_path / "clements.json")
    assert np.allclose(pl.load(tmp_path / "clements.json").matrix(), program.matrix())
    np.save(tmp_path / "u.npy", program.target)
    assert np.array_equal(pl.read_matrix(tmp_path / "u.npy"), program.target)


def test_examples_of_the_docstrings():
    runner, found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), 0
    owners = [pl, *(getattr(_phaseloom, name) for name in dir(_phaseloom) if not name.startswith("_"))]
    owners += [pl.program, pl.convert, pl.correct]
    for owner in owners:
        for name in [None, *(n for n in (vars(owner) if isinstance(owner, type) else ()) if not n.startswith("_"))]:
            text = getattr(owner if name is None else getattr(owner, name), "__doc__", None)
            if text and ">>>" in text:
                label = getattr(owner, "__name__", "") + (f".{name}" if name else "")
                runner.run(doctest.DocTestParser().get_doctest(text, {}, label, None, 0))
                found += 1
    assert runner.summarize().failed == 0
    assert found > 10


def test_everything_public_has_a_docstring():
    for name in pl.__all__:
        value = getattr(pl, name)
        assert value.__doc__, name
        if isinstance(value, type) and value.__module__ == "phaseloom":
            for member in vars(value):
                assert member.startswith("_") or getattr(value, member).__doc__, f"{name}.{member}"
