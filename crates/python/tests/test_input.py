"""Bad input: an exception that says what was found and what was expected, and never a failure of the library."""

import numpy as np
import pytest

import phaseloom as pl

program = pl.program(np.ones((4, 4)))
chip = pl.Process().fabricate(program)
product = chip.product(program)
layer = pl.Layer(program)
nan, inf = float("nan"), float("inf")

ARRAYS = {
    "not finite": lambda: pl.program([[nan]]),
    "infinite": lambda: pl.Core(2).program([[inf, 1]]),
    "three dimensions": lambda: pl.Core(2).program(np.ones((2, 2, 2))),
    "one dimension": lambda: pl.Core(2).program([1, 2]),
    "empty": lambda: pl.Core(2).program(np.ones((0, 3))),
    "ragged": lambda: pl.Core(2).program([[1], [1, 2]]),
    "rows": lambda: product @ np.ones(3),
    "input not finite": lambda: product @ np.array([1, 2, nan, 1]),
    "input of three dimensions": lambda: product @ np.ones((4, 1, 1)),
    "scalar": lambda: product @ np.array(1.0),
    "adjoint": lambda: chip.gradient(program, np.ones((4, 2)), np.ones((4, 3))),
    "phases not finite": lambda: program.with_phases(program.phases * nan),
    "phases of two dimensions": lambda: program.with_phases(program.phases[None]),
    "parameters": lambda: layer.record(layer.parameters[:3], np.ones(4)),
    "gain": lambda: layer.record(np.append(layer.parameters[:-1], 1e9), np.ones(4)),
    "size": lambda: pl.haar_unitary(0),
    "large size": lambda: pl.haar_unitary(10**7),
    "scale": lambda: pl.Core(4, input_scale=nan),
    "detection": lambda: pl.Core(4, detection="light"),
    "key not finite": lambda: pl.Link(laser_power_w=inf),
    "state": lambda: pl.Program._restore(None, np.ones((1, 1)), [None], None, []),
}
OTHERS = {
    "no ports": (pl.HardwareError, lambda: pl.Core(0)),
    "many ports": (pl.HardwareError, lambda: pl.Core(10**6)),
    "topology": (pl.MeshError, lambda: pl.Core(4, topology="rectangula")),
    "cell": (pl.MeshError, lambda: pl.Core(4, cell="none")),
    "large entry": (pl.MeshError, lambda: pl.program([[1e300, 1], [1, 1]])),
    "memory": (pl.FileError, lambda: pl.Core(16384).program(np.ones((16384 * 20, 2)))),
    "complex": (pl.HardwareError, lambda: pl.Core(2).program(np.eye(4) * 1j)),
    "preset": (pl.HardwareError, lambda: pl.Process.preset("thermo")),
    "TOML": (pl.FileError, lambda: pl.Process.from_toml("x=")),
    "key": (pl.FileError, lambda: pl.Process(splitter_error={"sigma": 1})),
    "value": (pl.HardwareError, lambda: pl.Process(splitter_error={"sigma_rad": -1})),
    "no file": (pl.FileError, lambda: pl.Process.load("/no/file.toml")),
    "no program": (pl.FileError, lambda: pl.load("/no/file.json")),
    "ending": (pl.FileError, lambda: pl.load("file.xyz")),
    "binary": (pl.Error, lambda: pl.Program.load("/bin/sh")),
    "folder": (pl.FileError, lambda: program.save("/no/folder/x.json")),
    "several cores": (pl.HardwareError, lambda: pl.program(np.ones((100, 100))).save("x.json")),
    "shape": (pl.HardwareError, lambda: chip.matrix(pl.program(np.ones((5, 5))))),
    "link key": (pl.FileError, lambda: pl.Link(laser=1)),
    "link value": (pl.HardwareError, lambda: pl.Link(laser_power_w=-1)),
    "link detection": (pl.HardwareError, lambda: chip.product(program, {"detection": "direct"})),
    "phases": (pl.HardwareError, lambda: program.with_phases([1, 2, 3])),
    "method": (pl.HardwareError, lambda: chip.correct(program, "lokal")),
    "noise": (pl.HardwareError, lambda: chip.correct(program, "adjoint", noise=-1)),
    "convention": (pl.MeshError, lambda: pl.convert(program, "none")),
    "layer": (pl.HardwareError, lambda: pl.Layer(pl.program(np.eye(3) * 1j))),
    "chip": (pl.FileError, lambda: pl.Process.from_chip("{}")),
    "strings": (TypeError, lambda: pl.Core(2).program([["a"]])),
    "dates": (TypeError, lambda: pl.Core(2).program(np.zeros((1, 1), "datetime64[D]"))),
    "objects": (TypeError, lambda: pl.Core(2).program(np.array([[None]]))),
    "complex vector": (TypeError, lambda: product @ (np.ones(4) * 1j)),
    "kind of link": (TypeError, lambda: chip.product(program, 3)),
    "order of arguments": (TypeError, lambda: pl.correct(chip, program)),
    "seed": (OverflowError, lambda: pl.Process().fabricate(program, -1)),
    "trace of other chips": (pl.ArrayError, lambda: other_chips()),
}


def other_chips():
    own = pl.Layer(program)
    y, trace = own.record(own.parameters, np.ones(4))
    own.fabricate(1)
    trace.gradient(y)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit(name):
    with pytest.raises(pl.ArrayError) as caught:
        ARRAYS[name]()
    assert isinstance(caught.value, ValueError) and caught.value.code is None


@pytest.mark.parametrize("name", OTHERS)
def test_each_concern_has_its_exception(name):
    kind, work = OTHERS[name]
    with pytest.raises(kind) as caught:
        work()
    message = str(caught.value)
    assert message and not isinstance(caught.value, pl.InternalError)
    assert "::" not in message and "with_" not in message, "a name of the Rust library"


def test_edges_that_are_allowed():
    assert (product @ np.ones((4, 0))).shape == (4, 0)
    assert chip.gradient(program, np.ones((4, 0)), np.ones((4, 0))).phases.tolist() == [0.0] * program.phases.size
    zeros = pl.program(np.zeros((3, 3)))
    assert (pl.Process().fabricate(zeros).product(zeros) @ np.ones(3)).tolist() == [0.0] * 3
    assert pl.Link(laser_power_w=None) == pl.Link()
