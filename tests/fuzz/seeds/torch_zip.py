"""Seeds of the torch-zip parser: what torch.save and torch.jit.save write, with pickles written by hand."""
import struct

from zip_writer import entry, write


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    return b"J" + struct.pack("<i", value)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key, shape, storage="FloatStorage", offset=0, n=None):
    strides, size = [], 1
    for length in reversed(shape):
        strides.insert(0, size)
        size *= length
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + f"ctorch\n{storage}\n".encode() + text(key) +
            text("cpu") + number(size if n is None else n) + b"tQ" + number(offset) + numbers(shape) +
            numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR")


def mapping(items):
    return b"}(" + b"".join(text(name) + value for name, value in items.items()) + b"u"


def instance(name, items):
    """An object of TorchScript, whose attributes are its state."""
    return f"c{name.rpartition('.')[0]}\n{name.rpartition('.')[2]}\n".encode() + b")\x81" + mapping(items) + b"b"


def pickled(value):
    return b"\x80\x02" + value + b"."


def record(name, data):
    return entry(name, data, descriptor="signed", align=64)


def seeds():
    state = pickled(mapping({"fc.weight": tensor("0", [2, 3]), "fc.bias": tensor("1", [3], "HalfStorage")}))
    records = [record("archive/data/0", bytes(24)), record("archive/data/1", bytes(6)), record("archive/version", b"3\n")]
    views = pickled(mapping({"a": tensor("0", [2], n=6), "b": tensor("0", [4], offset=2, n=6), "tied": tensor("0", [6])}))
    script = pickled(instance("__torch__.Net", {
        "training": b"\x89", "encoder": instance("__torch__.nn.Encoder", {"weight": tensor("0", [2, 3])})}))
    constants = pickled(b"(" + tensor("0", [3]) + tensor("1", [0]) + b"t")
    return {
        "saved": write([record("archive/data.pkl", state)] + records, zip64=True),
        "saved_by_hand": write([entry("model/data.pkl", state), entry("model/data/0", bytes(24)),
                                entry("model/data/1", bytes(6)), entry("model/byteorder", b"little")]),
        "big_endian": write([record("archive/data.pkl", state)] + records + [record("archive/byteorder", b"big")]),
        "views": write([record("archive/data.pkl", views), record("archive/data/0", bytes(24))], zip64=True),
        "deflated_record": write([record("archive/data.pkl", state), entry("archive/data/0", bytes(24), method=8),
                                  entry("archive/data/1", bytes(6)), entry("archive/data/7", bytes(6))]),
        "missing_record": write([record("archive/data.pkl", state)]),
        "scripted": write([record("net/data/0", bytes(24)), record("net/data.pkl", script),
                           entry("net/code/__torch__.py", b"class Net(Module):\n" * 9, method=8),
                           record("net/constants/0", bytes(12)), record("net/constants/1", b""),
                           record("net/constants.pkl", constants), record("net/version", b"3\n")], zip64=True),
        "scripted_cut": write([record("net/data/0", bytes(24)), record("net/data.pkl", script)])[:-40],
    }
