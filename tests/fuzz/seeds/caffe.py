"""Seeds of the parser of Caffe's models."""
import struct

from protobuf_wire import data, fixed32, number, numbers, packed


def floats(n):
    return struct.pack(f"<{n}f", *range(n))


def blob(dims, *stored):
    return data(7, packed(1, dims)) + b"".join(stored)


def layer(name, kind, *blobs):
    return data(1, name) + data(2, kind) + data(3, "x") + data(4, "y") + b"".join(data(7, each) for each in blobs)


def layer_v1(name, kind, *blobs):
    return data(2, "x") + data(3, "y") + data(4, name) + number(5, kind) + b"".join(data(6, each) for each in blobs)


def net(*layers, field=100):
    return data(1, "CaffeNet") + data(3, "data") + data(8, packed(1, [1, 3, 8, 8])) + b"".join(
        data(field, each) for each in layers)


def seeds():
    conv = layer("conv1", "Convolution", blob([2, 3], data(5, floats(6))), blob([2], data(5, floats(2))))
    return {
        "no_blobs": net(layer("relu", "ReLU")),
        "conv": net(layer("input", "Input"), conv),
        "version_1": net(layer_v1("data", 5), layer_v1(
            "ip", 14, number(1, 1) + number(2, 1) + number(3, 1) + number(4, 4) + data(5, floats(4))), field=2),
        "double": net(layer("d", "Scale", blob([2], data(8, bytes(16))))),
        "diff": net(layer("g", "Scale", blob([2], data(5, floats(2)), data(6, floats(2))))),
        "one_by_one": net(layer("o", "Scale", blob([2], fixed32(5, 1.0), fixed32(5, 2.0)))),
        "plain_dims": net(layer("p", "Scale", data(7, numbers(1, [1, 2])) + data(5, floats(2)))),
        "empty": net(layer("e", "Scale", blob([0]))),
        "negative": net(layer("n", "Scale", blob([-2], data(5, floats(2))))),
        "cut": net(layer("input", "Input"), conv)[:-10],
    }
