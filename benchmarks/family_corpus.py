#!/usr/bin/env python3
"""family_corpus.py DIR DTYPE MEGABYTES: a hub with a base model of N(0, 0.02) and fine-tunes whose weights have moved by noise.

DTYPE is float32 or bfloat16. Models: gen/base, gen/tuned-NOISE for several NOISE (a part of 0.02), and gen/unrelated. One safetensors file
each, of layers of 1024 x 4096. No card names a base. Needs numpy.
"""

import json
import os
import struct
import sys

import numpy as np

NOISES = (0.0005, 0.005, 0.05)
SHAPE = (1024, 4096)


def stored(values, dtype):
    """float32 as it is; bfloat16 rounded to nearest even."""
    if dtype == "float32":
        return values.tobytes()
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16).tobytes()


def write_model(path, layers, dtype):
    os.makedirs(path)
    n = int(np.prod(SHAPE)) * (4 if dtype == "float32" else 2)
    name = {"float32": "F32", "bfloat16": "BF16"}[dtype]
    header = {f"layer.{i}.weight": {"dtype": name, "shape": SHAPE, "data_offsets": [i * n, (i + 1) * n]} for i in range(len(layers))}
    text = json.dumps(header).encode()
    with open(os.path.join(path, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for layer in layers:
            file.write(stored(layer, dtype))


def main():
    root, dtype, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    rng = np.random.default_rng(17)

    def weights(sigma):
        return rng.standard_normal(SHAPE, np.float32) * np.float32(sigma)

    n_models = len(NOISES) + 2
    n_layers = max(1, megabytes * 1000000 // n_models // (int(np.prod(SHAPE)) * (4 if dtype == "float32" else 2)))
    base = [weights(0.02) for _ in range(n_layers)]
    write_model(f"{root}/gen/base", base, dtype)
    for noise in NOISES:
        write_model(f"{root}/gen/tuned-{noise}", [layer + weights(0.02 * noise) for layer in base], dtype)
    write_model(f"{root}/gen/unrelated", [weights(0.02) for _ in range(n_layers)], dtype)


if __name__ == "__main__":
    main()
