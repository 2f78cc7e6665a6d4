"""Seeds of the torch-zip parser: files of torch.save and torch.jit.save."""
from seeds.torch_legacy import Call, Global, Persistent, dumps, ordered, tensor, torch
from zip_writer import entry, write


def storage(key, n, kind="FloatStorage"):
    return Persistent(("storage", torch(kind), key, "cpu", n))


def script(name, **attributes):
    return Call(Global("__torch__", name), state=attributes)


def record(name, data):
    return entry(name, data, descriptor="signed", align=64)


def seeds():
    weight = tensor(storage("0", 6), 0, (2, 3), (3, 1))
    state = dumps(ordered(weight=weight, bias=tensor(storage("1", 3, "HalfStorage"), 0, (3,), (1,))))
    records = [record("archive/data/0", bytes(24)), record("archive/data/1", bytes(6)), record("archive/version", b"3\n")]
    shared = storage("0", 6)
    views = dumps({"a": tensor(shared, 0, (2,), (1,)), "b": [tensor(shared, 2, (4,), (1,))], "tied": weight})
    net = dumps(script("Net", training=False, encoder=script("nn.Encoder", weight=weight)))
    constants = dumps((tensor(storage("0", 3), 0, (3,), (1,)), tensor(storage("1", 0), 0, (0,), (1,))))
    return {
        "saved": write([record("archive/data.pkl", state)] + records, zip64=True),
        "saved_by_hand": write([entry("model/data.pkl", state), entry("model/data/0", bytes(24)),
                                entry("model/data/1", bytes(6)), entry("model/byteorder", b"little")]),
        "big_endian": write([record("archive/data.pkl", state)] + records + [record("archive/byteorder", b"big")]),
        "views": write([record("archive/data.pkl", views), record("archive/data/0", bytes(24))], zip64=True),
        "deflated_record": write([record("archive/data.pkl", state), entry("archive/data/0", bytes(24), method=8),
                                  entry("archive/data/1", bytes(6)), entry("archive/data/7", bytes(6))]),
        "missing_record": write([record("archive/data.pkl", state)]),
        "scripted": write([record("net/data/0", bytes(24)), record("net/data.pkl", net),
                           entry("net/code/__torch__.py", b"class Net(Module):\n" * 9, method=8),
                           record("net/constants/0", bytes(12)), record("net/constants/1", b""),
                           record("net/constants.pkl", constants), record("net/version", b"3\n")], zip64=True),
        "scripted_cut": write([record("net/data/0", bytes(24)), record("net/data.pkl", net)])[:-40],
    }
