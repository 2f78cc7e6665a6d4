"""Seeds of the parser of TensorFlow's graphs."""
import struct

from protobuf_wire import data, fixed32, number, packed

FLOAT, DOUBLE, INT32, STRING, COMPLEX64, INT64, COMPLEX128, HALF, FLOAT8 = 1, 2, 3, 7, 8, 9, 18, 19, 25


def shape(*sizes):
    return b"".join(data(2, number(1, size)) for size in sizes)


def tensor(dtype, a_shape, *stored):
    return number(1, dtype) + data(2, a_shape) + b"".join(stored)


def attribute(key, value):
    return data(1, key) + data(2, value)


def node(name, op, *attributes, inputs=()):
    return (data(1, name) + data(2, op) + b"".join(data(3, each) for each in inputs) + data(4, "/device:CPU:0")
            + b"".join(data(5, each) for each in attributes))


def const(name, a_tensor):
    return node(name, "Const", attribute("dtype", number(6, FLOAT)), attribute("value", data(8, a_tensor)))


def graph(*nodes, library=b""):
    return b"".join(data(1, each) for each in nodes) + library + data(4, number(1, 1087))


def function(name, *nodes):
    return data(1, data(1, name)) + b"".join(data(3, each) for each in nodes)


def saved_model(a_graph):
    return number(1, 1) + data(2, data(1, data(4, "serve") + data(5, "2.9.1")) + data(2, a_graph) + data(5, b""))


def seeds():
    inputs = node("x", "Placeholder", attribute("shape", data(7, number(3, 1))))
    weight = const("dense/kernel", tensor(FLOAT, shape(2, 3), data(4, bytes(range(24)))))
    relu = node("relu", "Relu", inputs=["x", "^dense/kernel"])
    library = data(2, data(1, function("__inference_1", weight, relu)) + data(2, data(1, "f") + data(2, "g")))
    return {
        "no_constants": graph(inputs, relu),
        "content": graph(inputs, weight, relu),
        "lists": graph(inputs, const("f", tensor(FLOAT, shape(2), data(5, struct.pack("<2f", 1, 2)))),
                       const("d", tensor(DOUBLE, shape(2), data(6, bytes(16)))),
                       const("c", tensor(COMPLEX64, shape(1), data(9, bytes(8)))),
                       const("z", tensor(COMPLEX128, shape(), data(12, bytes(16)))),
                       const("e", tensor(FLOAT8, shape(3), data(18, bytes(3))))),
        "filled": graph(inputs, const("ones", tensor(FLOAT, shape(64, 64), data(5, struct.pack("<f", 1))))),
        "varints": graph(inputs, const("axis", tensor(INT32, shape(), packed(7, [-1]))),
                         const("h", tensor(HALF, shape(600), packed(13, range(600)))),
                         const("many", tensor(INT64, shape(2), packed(10, [3, 1 << 40])))),
        "one_by_one": graph(inputs, const("f", tensor(FLOAT, shape(2), fixed32(5, 1.0), fixed32(5, 2.0)))),
        "strings": graph(inputs, const("s", tensor(STRING, shape(1), data(8, "word")))),
        "empty": graph(inputs, const("e", tensor(INT64, shape(0)))),
        "other_attribute": graph(inputs, node("v", "Fill", attribute("initial", data(8, tensor(
            FLOAT, shape(2), data(4, bytes(8))))))),
        "functions": graph(inputs, relu, library=library),
        "saved_model": saved_model(graph(inputs, weight, relu, library=library)),
        "unknown_shape": graph(inputs, const("u", tensor(FLOAT, number(3, 1), data(4, bytes(8))))),
        "negative": graph(inputs, const("n", tensor(FLOAT, shape(-1), data(4, bytes(8))))),
        "overflow": graph(inputs, const("o", tensor(FLOAT, shape(1 << 40, 1 << 40), data(4, bytes(8))))),
        "cut": graph(inputs, relu, weight)[:-20],
    }
