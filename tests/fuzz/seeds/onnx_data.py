"""Seeds of the files that an ONNX model describes: the length of the model in two bytes, the model, the file."""
import struct

from seeds.onnx import FLOAT, FLOAT16, INT4, attribute, external, graph, model, node, tensor
from protobuf_wire import data


def pair(initializers, n_bytes, nodes=()):
    describing = model(graph([node("Relu"), *nodes], initializers))
    return struct.pack("<H", len(describing)) + describing + bytes(n_bytes)


def at(*place, location="m.onnx.data"):
    return external(("location", location), *zip(("offset", "length"), map(str, place)))


def seeds():
    constant = node("Constant", [attribute("value", data(5, tensor("", FLOAT, [2], at(16, 8))))], (), ("c",))
    return {
        "two": pair([tensor("a", FLOAT, [2, 2], at(0, 16)), tensor("h", FLOAT16, [4], at(64, 8))], 80),
        "no_length": pair([tensor("a", FLOAT, [2, 2], at(0)), tensor("b", FLOAT, [1], at())], 16),
        "constant": pair([], 24, [constant]),
        "with_dot": pair([tensor("a", FLOAT, [4], at(0, 16, location="./m.onnx.data"))], 16),
        "shared": pair([tensor("a", FLOAT, [4], at(0, 16)), tensor("b", FLOAT, [2, 2], at(0, 16))], 16),
        "overlapping": pair([tensor("a", FLOAT, [4], at(0, 16)), tensor("b", FLOAT, [4], at(8, 16)),
                             tensor("e", FLOAT, [0], at(12, 0))], 32),
        "four_bits": pair([tensor("q", INT4, [4], at(0, 2))], 4),
        "of_another": pair([tensor("a", FLOAT, [4], at(0, 16, location="../m.onnx.data"))], 16),
        "beyond": pair([tensor("a", FLOAT, [4], at(8, 16))], 16),
        "no_number": pair([tensor("a", FLOAT, [4], at("0x0", "-1"))], 16),
    }
