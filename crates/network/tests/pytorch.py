"""Makes the convolutional networks of these tests with random weights, and the outputs of PyTorch for random inputs.

    pip install torch numpy
    python3 crates/network/tests/pytorch.py

For each network it writes NAME.npz (the state of the PyTorch module), NAME.input.npy (samples × shape) and
NAME.output.npy (samples × outputs), all in double precision, to `pytorch/` next to this file. `pytorch.rs` holds the model
files.
"""

import pathlib

import numpy as np
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "pytorch"
SAMPLES = 8


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.SiLU(),
            nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=2),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(6, 8, 1, stride=2, bias=False), nn.BatchNorm2d(8))

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def image():
    return nn.Sequential(
        nn.Conv2d(2, 6, (3, 2), padding=(1, 0)),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        Residual(),
        nn.MaxPool2d(2, stride=1, padding=1),
        nn.Conv2d(8, 8, (2, 3), padding="same", groups=8),
        nn.LayerNorm([8, 6, 5]),
        nn.ReLU(),
        nn.BatchNorm2d(8, eps=1e-3),
        nn.AvgPool2d(3, stride=2, padding=1),
        nn.Flatten(),
        nn.Linear(8 * 3 * 3, 12),
        nn.BatchNorm1d(12),
        nn.GELU(),
        nn.Linear(12, 5),
        nn.Softmax(dim=1),
    )


def series():
    return nn.Sequential(
        nn.Conv1d(3, 8, 5, stride=2, dilation=2, padding=3),
        nn.BatchNorm1d(8, affine=False),
        nn.Tanh(),
        nn.AvgPool1d(2, padding=1, count_include_pad=False),
        nn.MaxPool1d(3, stride=1),
        nn.Conv1d(8, 4, 2),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


def save(name, network, shape):
    network = network.double().eval()
    for module in network.modules():
        if getattr(module, "running_mean", None) is not None:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
        if "Norm" in type(module).__name__ and module.weight is not None:
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
        elif isinstance(getattr(module, "weight", None), nn.Parameter):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.normal_(module.bias)
    x = torch.randn(SAMPLES, *shape, dtype=torch.float64)
    with torch.no_grad():
        y = network(x)
    np.savez(FOLDER / f"{name}.npz", **{key: value.numpy() for key, value in network.state_dict().items()})
    np.save(FOLDER / f"{name}.input.npy", x.numpy())
    np.save(FOLDER / f"{name}.output.npy", y.numpy())


if __name__ == "__main__":
    torch.manual_seed(7)
    FOLDER.mkdir(exist_ok=True)
    save("image", image(), [2, 9, 8])
    save("series", series(), [3, 24])
