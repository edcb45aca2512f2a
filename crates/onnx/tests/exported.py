"""Makes ONNX files with the exporters of PyTorch and Keras, and the outputs of ONNX Runtime for random inputs.

    pip install torch onnx onnxscript onnxruntime
    python3 crates/onnx/tests/exported.py torch
    pip install tensorflow-cpu tf2onnx onnxruntime
    python3 crates/onnx/tests/exported.py keras

PyTorch writes each network twice: `NAME_old.onnx` by the exporter that records TorchScript (`dynamo=False`), `NAME_new.onnx` by
the one since version 2.5 (`dynamo=True`). The files are in `models/exported/` next to this one. `NAME.input.npy` (samples ×
features) serves both, `….output.npy` (samples × outputs) belongs to one file.
"""

import pathlib
import sys

import numpy as np
import onnxruntime

FOLDER = pathlib.Path(__file__).parent / "models" / "exported"
SAMPLES = 200
rng = np.random.default_rng(11)


def store(name, file, x):
    """Stores inputs and the outputs of ONNX Runtime, one sample at a time."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    key = session.get_inputs()[0].name
    y = np.concatenate([session.run(None, {key: x[i : i + 1]})[0].reshape(1, -1) for i in range(len(x))])
    np.save(FOLDER / f"{name}.input.npy", x.reshape(len(x), -1).astype(np.float32))
    np.save(FOLDER / f"{file.stem}.output.npy", y.astype(np.float32))


def pytorch():
    import onnx
    import torch
    from torch import nn

    torch.manual_seed(5)

    class Block(nn.Module):
        """The basic block of a residual network with a strided shortcut, BatchNorm after each convolution."""

        def __init__(self, into, out):
            super().__init__()
            self.conv1 = nn.Conv2d(into, out, 3, stride=2, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(out)
            self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(out)
            self.shortcut = nn.Sequential(nn.Conv2d(into, out, 1, stride=2, bias=False), nn.BatchNorm2d(out))

        def forward(self, x):
            y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
            return torch.relu(y + self.shortcut(x))

    class Encoder(nn.Module):
        """Two encoder layers over embedded tokens, with an output per token."""

        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, 16)
            layer = nn.TransformerEncoderLayer(16, 4, dim_feedforward=32, batch_first=True)
            self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.head = nn.Linear(16, 3)

        def forward(self, tokens):
            return self.head(self.layers(self.embedding(tokens)))

    class Recurrent(nn.Module):
        """A recurrent layer, and a dense one on its last output."""

        def __init__(self, kind, layers):
            super().__init__()
            self.recurrent = kind(5, 6, num_layers=layers, batch_first=True)
            self.head = nn.Linear(6, 3)

        def forward(self, x):
            return self.head(self.recurrent(x)[0][:, -1])

    residual = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), Block(8, 12),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5),
    )
    mlp = nn.Sequential(
        nn.Linear(12, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 10), nn.Tanh(), nn.Linear(10, 6), nn.LogSoftmax(dim=-1)
    )
    convolution_1d = nn.Sequential(
        nn.Conv1d(3, 6, 5, stride=2, dilation=2, padding=4), nn.PReLU(6), nn.Conv1d(6, 4, 3), nn.Flatten(), nn.Linear(40, 3)
    )
    normal = lambda *shape: rng.normal(size=(SAMPLES, *shape)).astype(np.float32)
    models = {
        "residual": (residual, normal(3, 8, 8)),
        "transformer": (Encoder(), rng.integers(0, 20, size=(SAMPLES, 6))),
        "lstm": (Recurrent(nn.LSTM, 2), normal(7, 5)),
        "gru": (Recurrent(nn.GRU, 1), normal(7, 5)),
        "mlp": (mlp, normal(12)),
        "convolution_1d": (convolution_1d, normal(3, 24)),
    }
    for name, (model, x) in models.items():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
        model.eval()
        inputs = torch.from_numpy(x[:2])
        old, new = (FOLDER / f"{name}_{which}.onnx" for which in ("old", "new"))
        axes = {"x": {0: "batch"}, "y": {0: "batch"}}
        torch.onnx.export(model, (inputs,), old, input_names=["x"], output_names=["y"], dynamic_axes=axes, dynamo=False)
        shapes = ({0: torch.export.Dim("batch")},)
        external = name == "convolution_1d"
        program = torch.onnx.export(
            model, (inputs,), dynamo=True, input_names=["x"], output_names=["y"], dynamic_shapes=shapes
        )
        program.save(new, external_data=external)
        if not external:
            # Traces of Python take most of the file.
            file = onnx.load(new)
            for node in file.graph.node:
                del node.metadata_props[:]
                node.doc_string = ""
            onnx.save(file, new)
        for file in (old, new):
            store(name, file, x)


def keras():
    import keras
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(5)
    model = keras.Sequential([
        keras.Input((9, 9, 2)),
        keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        keras.layers.Conv2D(8, (2, 3), padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(4, activation="softmax"),
    ])
    norm = model.layers[1]
    norm.set_weights([rng.normal(size=6), rng.normal(size=6), rng.normal(size=6), rng.uniform(0.5, 2, 6)])
    file = FOLDER / "keras.onnx"
    model.output_names = ["y"]
    signature = [tf.TensorSpec((None, 9, 9, 2), tf.float32, name="x")]
    tf2onnx.convert.from_function(
        tf.function(lambda x: model(x, training=False), input_signature=signature),
        input_signature=signature, opset=15, output_path=str(file),
    )
    store("keras", file, rng.normal(size=(SAMPLES, 9, 9, 2)).astype(np.float32))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    {"torch": pytorch, "keras": keras}[sys.argv[1]]()
