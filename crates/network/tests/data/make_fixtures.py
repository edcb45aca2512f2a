"""Fixtures of the reader tests, made by NumPy and by the safetensors package, not by Phaseloom.

Made with NumPy 2.4.6 and safetensors 0.8.0 (Python 3); run in this folder: python3 make_fixtures.py
The arrays follow formulas that tests/fixtures.rs repeats:
  matrix (3 rows, 4 columns):  M[r, c] = (4 r + c) / 2 - 2,  imaginary part  r - c / 4
  integers (3, 4):             4 r + c  (signed types: minus 5)
"""
import gzip

import numpy as np
from safetensors.numpy import save_file

r, c = np.mgrid[0:3, 0:4]
real = (4 * r + c) / 2 - 2
complex_ = real + 1j * (r - c / 4)
count = 4 * r + c

for order in "CF":
    for end, name in (("<", "le"), (">", "be")):
        for dtype in ("f2", "f4", "f8", "c8", "c16", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"):
            values = complex_ if dtype[0] == "c" else real if dtype[0] == "f" else count - 5 * (dtype[0] == "i")
            np.save(f"matrix_{dtype}_{name}_{order}.npy", np.array(values, dtype=end + dtype, order=order))
np.save("bool.npy", count % 2 == 0)
np.save("labels.npy", np.array([2, 0, 1], dtype=np.int64))
np.save("float_labels.npy", np.array([2.0, 0.0, 1.0]))
np.save("rank3.npy", np.zeros((2, 2, 2)))
np.save("nan.npy", np.where((r == 1) & (c == 2), np.nan, real))
np.save("object.npy", np.array([None, {}], dtype=object), allow_pickle=True)
np.save("structured.npy", np.zeros(2, dtype=[("a", "<f8"), ("b", "<i4")]))
np.save("longdouble.npy", np.zeros((2, 2), dtype=np.longdouble))
np.save("text.npy", np.array([["a", "b"]]))
with open("version2.npy", "wb") as file:
    np.lib.format.write_array(file, real, version=(2, 0))

np.savez("stored.npz", weight=real, bias=np.array([1.0, 2.0, 3.0], dtype=np.float32), fortran=np.asfortranarray(real))
np.savez_compressed("data.npz", x=np.asfortranarray(count.reshape(3, 1, 2, 2)), y=np.array([2, 0, 1], dtype=np.uint8),
                    names=np.array(["emu", "ox", "ape"]), targets=real[:, :2])
np.savez_compressed("deflated.npz", weight=real, bias=np.array([1.0, 2.0, 3.0], dtype=np.float16))

save_file({"weight": real.astype(np.float16), "bias": np.array([1, 2, 3], dtype=np.float16)}, "f16.safetensors")
save_file({"weight": real.astype(np.float32), "bias": np.array([1, 2, 3], dtype=np.float32)}, "f32.safetensors",
          metadata={"format": "np", "other": "note"})
save_file({"weight": real, "bias": np.array([1.0, 2.0, 3.0])}, "f64.safetensors")
save_file({"weight": real, "steps": np.array([7], dtype=np.int64)}, "with_integers.safetensors")

# bf16 has no NumPy type: the upper halves of f32, in a header written by hand.
raw = (real.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
header = b'{"weight":{"dtype":"BF16","shape":[3,4],"data_offsets":[0,24]}}'
header += b" " * (-len(header) % 8)
with open("bf16.safetensors", "wb") as file:
    file.write(len(header).to_bytes(8, "little") + header + raw)

images = count.astype(">u1").reshape(3, 2, 2)
idx = bytes([0, 0, 8, 3]) + np.array([3, 2, 2], dtype=">u4").tobytes() + images.tobytes()
with open("images-idx3-ubyte", "wb") as file:
    file.write(idx)
with open("images-idx3-ubyte.gz", "wb") as file:
    file.write(gzip.compress(idx, mtime=0))
with open("labels-idx1-ubyte", "wb") as file:
    file.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 1]))
