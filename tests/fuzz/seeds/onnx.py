"""Seeds of the ONNX parser."""
import struct

from protobuf_wire import data, fixed32, fixed64, number, numbers, packed

FLOAT, UINT8, INT32, INT64, STRING, FLOAT16, DOUBLE, COMPLEX64, BFLOAT16, INT4 = 1, 2, 6, 7, 8, 10, 11, 14, 16, 22


def tensor(name, dtype, dims, *stored):
    return numbers(1, dims) + number(2, dtype) + data(8, name) + b"".join(stored)


def raw(n_bytes):
    return data(9, bytes(range(n_bytes)))


def node(op, attributes=(), inputs=("x",), outputs=("y",), name=""):
    message = b"".join(data(1, each) for each in inputs) + b"".join(data(2, each) for each in outputs)
    if name:
        message += data(3, name)
    return message + data(4, op) + b"".join(data(5, each) for each in attributes)


def attribute(name, *value):
    return data(1, name) + b"".join(value)


def graph(nodes=(), initializers=(), sparse=()):
    return (b"".join(data(1, each) for each in nodes) + data(2, "g") + b"".join(data(5, each) for each in initializers)
            + data(11, data(1, "x")) + data(12, data(1, "y")) + b"".join(data(15, each) for each in sparse))


def model(a_graph, *more):
    return (number(1, 8) + data(2, "pytorch") + data(3, "2.1") + data(7, a_graph) + data(8, number(2, 17))
            + b"".join(more))


def external(*entries):
    return b"".join(data(13, data(1, key) + data(2, value)) for key, value in entries) + number(14, 1)


def seeds():
    relu = node("Relu")
    weight = tensor("w", FLOAT, [2, 3], raw(24))
    constant = node("Constant", [attribute("value", data(5, tensor("", FLOAT, [2], raw(8))))], (), ("c",))
    branch = graph([constant], [weight])
    nested = graph([node("If", [attribute("then_branch", data(6, branch)), attribute("else_branch", data(6, graph([
        node("Loop", [attribute("body", data(6, branch))], name="Loop_7")])))], name="If_0")])
    deep = branch
    for _ in range(40):
        deep = graph([node("If", [attribute("b", data(6, deep))])])
    sparse = data(1, tensor("s", FLOAT, [2], raw(8))) + data(2, tensor("", INT64, [2], raw(16))) + numbers(3, [4, 4])
    lists = node("Any", [attribute("ts", data(10, weight), data(10, weight)), attribute("gs", data(11, branch)),
                         attribute("sp", data(22, sparse)), attribute("sps", data(23, sparse)),
                         attribute("floats", data(7, bytes(12))), attribute("loose", fixed32(7, 1.0), fixed32(7, 2.0))])
    return {
        "no_tensors": model(graph([relu])),
        "raw": model(graph([relu], [weight, tensor("b", BFLOAT16, [3], raw(6)), tensor("scalar", INT64, [], raw(8))])),
        "float_data": model(graph([relu], [tensor("f", FLOAT, [2], data(4, struct.pack("<2f", 1, 2))),
                                           tensor("c", COMPLEX64, [1], data(4, bytes(8))),
                                           tensor("d", DOUBLE, [2], data(10, bytes(16)))])),
        "varints": model(graph([relu], [tensor("i", INT64, [3], packed(7, [1, -1, 300])),
                                        tensor("h", FLOAT16, [600], packed(5, range(600))),
                                        tensor("u", 13, [1], packed(11, [7]))])),
        "one_by_one": model(graph([relu], [tensor("f", FLOAT, [2], fixed32(4, 1.0), fixed32(4, 2.0)),
                                           tensor("d", DOUBLE, [2], fixed64(10, 1.0), fixed64(10, 2.0))])),
        "packed_dims": model(graph([relu], [packed(1, [2, 2]) + number(2, UINT8) + data(8, "p") + raw(4)])),
        "empty": model(graph([relu], [tensor("e", FLOAT, [0, 3]), tensor("z", FLOAT, [3, 0], raw(0))])),
        "strings": model(graph([relu], [tensor("t", STRING, [1], data(6, "word"))])),
        "four_bits": model(graph([relu], [tensor("q", INT4, [4], raw(2))])),
        "segment": model(graph([relu], [tensor("s", FLOAT, [2], data(3, number(1, 0) + number(2, 2)), raw(8))])),
        "external": model(graph([relu], [tensor("x", FLOAT, [4], external(("location", "m.bin"), ("offset", "0")))])),
        "constant": model(graph([constant])),
        "nested": model(nested),
        "deep": model(deep),
        "sparse": model(graph([relu], [], [sparse])),
        "lists": model(graph([lists])),
        "functions": model(graph([relu]), data(25, data(1, "Half") + data(7, constant) + data(10, "mine"))),
        "training": model(graph([relu]), data(20, data(1, graph([constant])) + data(2, branch))),
        "unknown_fields": model(graph([relu], [weight + number(99, 5) + fixed64(98, 1.0)]), data(90, b"later")),
        "negative": model(graph([relu], [tensor("n", FLOAT, [-2], raw(8))])),
        "overflow": model(graph([relu], [tensor("o", FLOAT, [1 << 40, 1 << 40], raw(8))])),
        "cut": model(graph([relu], [weight]))[:-30],
    }
