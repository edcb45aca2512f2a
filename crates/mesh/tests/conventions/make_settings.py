"""Settings of small unitaries as other programs make them; `conventions.rs` reads them.

Run in this folder, with the packages whose versions stand in the files:

    pip install strawberryfields==0.23.0 perceval-quandela==1.3.1 interferometer==1.1.2 neuroptica==0.1.0
    python make_settings.py

Each file holds what one function returned for matrices of some sizes, its numbers as they were, and the matrix that the
program makes of its own settings. These are settings of Haar unitaries of a fixed seed; where a program does not decompose
into a kind of cell, they are random numbers, and its matrix is what counts.
"""

import json
from importlib.metadata import version

import numpy as np
import scipy.integrate

# Strawberry Fields 0.23 asks for a name that SciPy has dropped.
scipy.integrate.simps = scipy.integrate.simpson

import interferometer
import perceval
import perceval.components as pc
import strawberryfields.decompositions as sf
from neuroptica.component_layers import MZILayer, OpticalMesh
from neuroptica.components import MZI


def haar(n):
    rng = np.random.default_rng(2016 + n)
    q, r = np.linalg.qr(rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))
    return q * (np.diag(r) / abs(np.diag(r)))


def pairs(z):
    """Complex numbers as [re, im]."""
    return np.stack([np.real(z), np.imag(z)], axis=-1).tolist()


files = {}


def save(package, function, unitary, settings):
    head = {"package": package, "version": version(package), "function": function}
    case = {"modes": len(unitary), "unitary": pairs(unitary)} | settings
    files.setdefault(f"{package}_{function}".lower().replace(" ", "_"), (head, []))[1].append(case)


def write(name, head, cases):
    lines = [f"{json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = [",\n ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in case.items()) for case in cases]
    with open(f"{name}.json", "w") as file:
        file.write("{\n" + "\n".join(lines) + '\n"cases": [\n{' + "},\n{".join(rows) + "}\n]\n}\n")


def strawberry_fields(u):
    n = len(u)
    cells = lambda found: [[int(m), float(theta), float(phi)] for m, _, theta, phi, _ in found]
    for function in ["rectangular", "rectangular_phase_end", "rectangular_symmetric", "triangular"]:
        first, diagonal, last = getattr(sf, function)(u)
        made = np.diag(diagonal)
        if function == "triangular":
            for cell in first:
                made = sf.Ti(*cell) @ made
        else:
            cell_of = sf.mach_zehnder if function == "rectangular_symmetric" else sf.T
            before = np.eye(n)
            for cell in first:
                before = cell_of(*cell) @ before
            made = made @ before
            for cell in reversed(last or []):
                made = sf.Ti(*cell) @ made
        settings = {"cells": cells(first), "diagonal": pairs(diagonal), "last": cells(last or [])}
        save("strawberryfields", function, made, settings)
    for function in ["rectangular_compact", "triangular_compact"]:
        found = getattr(sf, function)(u)
        at = lambda key: [[int(mode), int(layer), float(x)] for (mode, layer), x in found.get(key, {}).items()]
        port = lambda key: [[int(mode), float(x)] for mode, x in found.get(key, {}).items()]
        settings = {key: at(key) for key in ["sigmas", "deltas", "phi_edges"]}
        settings |= {key: port(key) for key in ["phi_ins", "phi_outs", "zetas"]}
        save("strawberryfields", function, u, settings)


def clementsw(u):
    for function in ["square_decomposition", "triangle_decomposition"]:
        found = getattr(interferometer, function)(u)
        cells = [[b.mode1, float(b.theta), float(b.phi)] for b in found.BS_list]
        settings = {"cells": cells, "output_phases": [float(p) for p in found.output_phases]}
        save("interferometer", function, found.calculate_transformation(), settings)


def rectangle(n, rng):
    """[mode, a, b] of the cells of a rectangular mesh, two random numbers each."""
    modes = [m for column in range(n) for m in range(column % 2, n - 1, 2)]
    return [[m, *rng.uniform([0.1, 0], [3, 6])] for m in modes]


def quandela(n):
    """`decomposition` nulls from the outputs, which needs φ there; for other cells Perceval only multiplies."""
    cell = lambda name, a, b: perceval.catalog[name].build_circuit(phi_a=a, phi_b=b)
    last = cell("mzi phase last", perceval.P("theta"), perceval.P("phi"))
    perceval.random_seed(n)
    found = pc.Circuit.decomposition(perceval.Matrix(haar(n)), last, phase_shifter_fn=pc.PS, shape="triangle")
    shifters = [[int(m[0]), float(e.get_variables()["phi"])] for m, e in found if isinstance(e, pc.PS)]
    screen, inner = shifters[: -n * (n - 1)], shifters[-n * (n - 1) :]
    cells = [[m - 1, theta, phi] for (m, theta), (_, phi) in zip(inner[::2], inner[1::2])]
    made = np.array(found.compute_unitary())
    save("perceval-quandela", "mzi phase last", made, {"cells": cells, "screen": screen})
    hadamard = lambda theta, phi: (
        pc.Circuit(2) // (0, pc.PS(phi)) // pc.BS.H() // (0, pc.PS(theta)) // pc.BS.H()
    )
    kinds = {
        "mzi phase first": lambda theta, phi: cell("mzi phase first", phi, theta),
        "symmetric mzi": lambda upper, lower: cell("symmetric mzi", upper, lower),
        "BS.H": hadamard,
    }
    for name, kind in kinds.items():
        cells, circuit = rectangle(n, np.random.default_rng(n)), pc.Circuit(n)
        for mode, a, b in cells:
            circuit.add(mode, kind(a, b))
        save("perceval-quandela", name, np.array(circuit.compute_unitary()), {"cells": cells})


def neuroptica(n):
    cells = rectangle(n, np.random.default_rng(n))
    layers = [MZILayer(n, [MZI(m, m + 1, theta, phi)]) for m, theta, phi in cells]
    save("neuroptica", "OpticalMesh", OpticalMesh(n, layers).get_transfer_matrix(), {"cells": cells})


for n in [3, 4, 5, 6]:
    strawberry_fields(haar(n))
    clementsw(haar(n))
for n in [3, 4]:
    quandela(n)
    neuroptica(n)
for name, (head, cases) in files.items():
    write(name, head, cases)
