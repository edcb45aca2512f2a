"""Trains a convolutional network on the digits with Keras, and exports it to keras.onnx."""

import keras
import numpy as np

rows = np.loadtxt("digits.csv.gz", delimiter=",", dtype=np.float32)
images, labels = rows[:, :-1].reshape(-1, 8, 8, 1) / 16, rows[:, -1].astype(int)
test = np.arange(len(rows)) % 5 == 0

keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((8, 8, 1)),
    keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Flatten(),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
model.fit(images[~test], labels[~test], batch_size=64, epochs=30, verbose=0)

model.export("keras.onnx", format="onnx")
outputs = model.predict(images[test], verbose=0)
np.save("keras-outputs.npy", outputs)
print(f"accuracy {(outputs.argmax(1) == labels[test]).mean():.4f}")
