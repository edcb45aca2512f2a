"""Trains a convolutional network on the digits with PyTorch, and exports it to pytorch.onnx."""

import numpy as np
import torch
from torch import nn

rows = np.loadtxt("digits.csv.gz", delimiter=",", dtype=np.float32)
images, labels = torch.tensor(rows[:, :-1] / 16).reshape(-1, 1, 8, 8), torch.tensor(rows[:, -1]).long()
test = torch.arange(len(rows)) % 5 == 0

torch.manual_seed(1)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(64, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(30):
    for batch in torch.randperm(int((~test).sum())).split(64):
        loss = nn.functional.cross_entropy(model(images[~test][batch]), labels[~test][batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

model.eval()
torch.onnx.export(model, torch.zeros(1, 1, 8, 8), "pytorch.onnx", dynamo=False)
logits = model(images[test]).detach().numpy()
np.save("pytorch-logits.npy", logits)
print(f"accuracy {(logits.argmax(1) == labels[test].numpy()).mean():.4f}")
