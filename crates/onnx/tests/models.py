"""Makes the ONNX files of these tests with random weights, and the outputs of ONNX Runtime for random inputs.

    pip install numpy onnx onnxruntime
    python3 crates/onnx/tests/models.py

For each model it writes NAME.onnx, NAME.input.npy (samples × features) and NAME.output.npy (samples × outputs) to
`models/` next to this file.
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "models"
SAMPLES = 200
rng = np.random.default_rng(7)


class Graph:
    """Nodes and constants of a graph under construction. Every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, values, kind=np.float32):
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def weights(self, *shape):
        return self.constant(rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]) or 1))

    def node(self, operator, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{operator.lower()}{self.count}"] + [f"{operator.lower()}{self.count}_{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, name=f"/{operator}_{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, out, into, *kernel, **attributes):
        group = attributes.get("group", 1)
        return self.node("Conv", x, self.weights(out, into // group, *kernel), self.weights(out), **attributes)

    def gemm(self, x, out, into):
        return self.node("Gemm", x, self.weights(out, into), self.weights(out), transB=1)

    def norm(self, x, channels):
        scale, bias, mean = (self.constant(rng.normal(size=channels)) for _ in range(3))
        return self.node("BatchNormalization", x, scale, bias, mean, self.constant(rng.uniform(0.5, 2, channels)))

    def save(self, name, shape, output, kind=TensorProto.FLOAT, opset=17, ir=8, external=False, inputs=None):
        dims = ["batch", *shape]
        values = [helper.make_tensor_value_info("x", kind, dims)]
        if ir == 3:
            values += [helper.make_tensor_value_info(c.name, c.data_type, c.dims) for c in self.constants]
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, name, values, [result], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
        path = FOLDER / f"{name}.onnx"
        if external:
            onnx.save(model, path, save_as_external_data=True, location=f"{name}.onnx.data", size_threshold=64)
        else:
            onnx.save(model, path)
        x = inputs if inputs is not None else rng.normal(size=(SAMPLES, *shape)).astype(np.float32)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        # One sample at a time: some graphs are made for a batch of one.
        y = np.concatenate([session.run(None, {"x": x[i : i + 1]})[0].reshape(1, -1) for i in range(len(x))])
        np.save(FOLDER / f"{name}.input.npy", x.reshape(len(x), -1).astype(np.float32))
        np.save(FOLDER / f"{name}.output.npy", y.astype(np.float32))


def residual():
    """A residual block: BatchNorm after each convolution, a strided 1×1 shortcut, depthwise dilated and grouped kernels."""
    g = Graph()
    x = g.node("Relu", g.norm(g.conv("x", 8, 3, 3, 3, pads=[1, 1, 1, 1]), 8))
    y = g.node("Relu", g.norm(g.conv(x, 8, 8, 3, 3, pads=[1, 1, 1, 1], strides=[2, 2]), 8))
    y = g.conv(y, 8, 8, 3, 3, group=8, dilations=[2, 2], pads=[2, 2, 2, 2])
    y = g.norm(g.conv(y, 8, 8, 3, 3, group=2, pads=[1, 1, 1, 1]), 8)
    y = g.node("Relu", g.node("Add", y, g.conv(x, 8, 8, 1, 1, strides=[2, 2])))
    y = g.node("Flatten", g.node("GlobalAveragePool", y))
    g.save("residual", [3, 10, 10], g.gemm(y, 5, 8))


def keras():
    """As tf2onnx writes a Keras network: samples × height × width × channels, asymmetric pads, a Transpose before Reshape."""
    g = Graph()
    x = g.node("Transpose", "x", perm=[0, 3, 1, 2])
    x = g.node("Relu", g.conv(x, 6, 2, 3, 3, strides=[2, 2], auto_pad="SAME_UPPER"))
    x = g.node("Relu", g.conv(x, 8, 6, 2, 3, pads=[0, 1, 1, 1]))
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Transpose", x, perm=[0, 2, 3, 1])
    x = g.node("Reshape", x, g.constant([-1, 2 * 2 * 8], np.int64))
    x = g.node("Add", g.node("MatMul", x, g.weights(32, 4)), g.weights(4))
    g.save("keras", [9, 9, 2], g.node("Softmax", x), opset=13)


def convolution_1d():
    g = Graph()
    x = g.conv("x", 6, 3, 5, strides=[2], dilations=[2], pads=[4, 4])
    x = g.node("PRelu", x, g.constant(rng.normal(size=(6, 1))))
    x = g.conv(x, 4, 6, 3)
    g.save("convolution_1d", [3, 24], g.gemm(g.node("Flatten", x), 3, 4 * 10), external=True)


def mlp():
    """Dense layers with every activation, LayerNorm and LogSoftmax; a weight stored transposed."""
    g = Graph()
    x = g.node("Gelu", g.gemm("x", 16, 12))
    x = g.node("LayerNormalization", x, g.constant(rng.normal(size=16)), g.constant(rng.normal(size=16)))
    x = g.node("Tanh", g.node("MatMul", x, g.node("Transpose", g.weights(10, 16), perm=[1, 0])))
    g.save("mlp", [12], g.node("LogSoftmax", g.gemm(x, 6, 10)), opset=20, ir=9)


def old():
    """Opset 8 and IR 3: initialisers are inputs too. A shape is computed by nodes."""
    g = Graph()
    x = g.node("Relu", g.conv("x", 4, 1, 3, 3, pads=[1, 1, 1, 1]))
    rows = g.node("Gather", g.node("Shape", x), g.constant([0], np.int64))
    x = g.node("Reshape", x, g.node("Concat", rows, g.constant([-1], np.int64), axis=0))
    g.save("old", [1, 6, 6], g.node("MatMul", x, g.weights(144, 3)), opset=8, ir=3)


def transformer():
    """Two encoder layers of four heads over tokens, whose input is an index for each position."""
    g = Graph()
    width, heads, length = 16, 4, 6
    x = g.node("Gather", g.weights(20, width), "x")
    for _ in range(2):
        def project():
            y = g.node("Add", g.node("MatMul", x, g.weights(width, width)), g.weights(width))
            y = g.node("Reshape", y, g.constant([0, length, heads, width // heads], np.int64))
            return g.node("Transpose", y, perm=[0, 2, 1, 3])

        q, k, v = project(), project(), project()
        scores = g.node("Mul", g.node("MatMul", q, g.node("Transpose", k, perm=[0, 1, 3, 2])), g.constant(0.5))
        y = g.node("MatMul", g.node("Softmax", scores, axis=-1), v)
        y = g.node("Reshape", g.node("Transpose", y, perm=[0, 2, 1, 3]), g.constant([0, length, width], np.int64))
        norm = lambda y: g.node("LayerNormalization", y, g.constant(np.ones(width)), g.constant(np.zeros(width)))
        x = norm(g.node("Add", x, g.node("MatMul", y, g.weights(width, width))))
        y = g.node("Relu", g.node("MatMul", x, g.weights(width, 32)))
        x = norm(g.node("Add", x, g.node("MatMul", y, g.weights(32, width))))
    tokens = rng.integers(0, 20, size=(SAMPLES, length))
    g.save("transformer", [length], g.node("MatMul", x, g.weights(width, 3)), kind=TensorProto.INT64, inputs=tokens)


def recurrent(name, gates, hidden, **attributes):
    """A recurrent layer over seven steps and a dense layer on its last state."""
    g = Graph()
    x = g.node("Transpose", "x", perm=[1, 0, 2])
    w, r, b = g.weights(1, gates * hidden, 5), g.weights(1, gates * hidden, hidden), g.weights(1, 2 * gates * hidden)
    outputs = g.node(name, x, w, r, b, outputs=3 if name == "LSTM" else 2, hidden_size=hidden, **attributes)
    last = g.node("Squeeze", outputs[1], g.constant([0], np.int64))
    g.save(f"{name.lower()}{hidden}", [7, 5], g.gemm(last, 3, hidden))


def open_size():
    """A convolution of images of any height and width."""
    g = Graph()
    y = g.node("GlobalAveragePool", g.node("Relu", g.conv("x", 2, 1, 3, 3, pads=[1, 1, 1, 1])))
    x = rng.normal(size=(SAMPLES, 1, 4, 5)).astype(np.float32)
    g.save("open_size", [1, "height", "width"], g.node("Flatten", y), inputs=x)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    residual()
    keras()
    convolution_1d()
    mlp()
    old()
    transformer()
    recurrent("LSTM", 4, 6)
    recurrent("GRU", 3, 6, linear_before_reset=1)
    recurrent("GRU", 3, 65, linear_before_reset=1)
    open_size()
