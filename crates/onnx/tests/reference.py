"""Random inputs of ONNX graphs and the outputs of ONNX Runtime for them.

    python3 reference.py FOLDER NAME.onnx …

Writes NAME.input.npy (samples × features) and NAME.output.npy (samples × outputs) to FOLDER, for 200 samples.
"""

import pathlib
import sys

import numpy as np
import onnxruntime

rng = np.random.default_rng()
folder = pathlib.Path(sys.argv[1])
for file in map(pathlib.Path, sys.argv[2:]):
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    constants = {tensor.name for tensor in session.get_overridable_initializers()}
    (x,) = [value for value in session.get_inputs() if value.name not in constants]
    shape = (200, *x.shape[1:])
    samples = rng.integers(0, 20, shape) if "int" in x.type else rng.normal(size=shape).astype(np.float32)
    # One at a time: some graphs are made for a batch of one.
    outputs = [session.run(None, {x.name: samples[i : i + 1]})[0].reshape(-1) for i in range(len(samples))]
    np.save(folder / f"{file.stem}.input.npy", samples.reshape(len(samples), -1).astype(np.float32))
    np.save(folder / f"{file.stem}.output.npy", np.array(outputs, np.float32))
