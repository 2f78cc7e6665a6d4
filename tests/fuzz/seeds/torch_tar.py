"""Seeds of the parser of torch's tars."""
import io
import struct
import tarfile

from seeds.torch_legacy import Call, Global, Persistent, dumps, torch


def storage(key, kind, count, data):
    return dumps((key, "cpu", torch(kind))) + struct.pack("<q", count) + data


def tensor(key, storage_key, shape, strides, offset=0):
    n = len(shape)
    return dumps((key, storage_key, torch("FloatTensor"))) + struct.pack(f"<ii{2 * n}qq", n, 0, *shape, *strides, offset)


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.PAX_FORMAT) as file:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    # Without the blocks of zeros that fill the last record.
    end = sum(512 + -(-len(data) // 512) * 512 for _, data in members)
    return out.getvalue()[:end + 1024]


def file(obj, tensors, storages, views=(), little_endian=True):
    return tar([("sys_info", dumps({"protocol_version": 1000, "little_endian": little_endian})),
                ("pickle", dumps(obj)),
                ("tensors", dumps(len(tensors)) + b"".join(tensors)),
                ("storages", dumps(len(storages)) + b"".join(storages) + dumps(list(views)))])


def seeds():
    floats = storage(7, "FloatStorage", 6, bytes(24))
    longs = storage(140201, "LongStorage", 2, bytes(16))
    parameter = Call(Global("torch.nn.parameter", "Parameter"), (Persistent("70"), True))
    return {
        "state_dict": file({"w": Persistent("70"), "n": [Persistent("71")]},
                           [tensor(70, 7, (2, 3), (3, 1)), tensor(71, 140201, (2,), (1,))], [floats, longs]),
        "view": file({"w": parameter, "v": Persistent("71")}, [tensor(70, 7, (3,), (1,)), tensor(71, 8, (2,), (1,), 1)],
                     [floats], [(8, 7, 3, 3)]),
        "no_storage": file([Persistent("70")], [tensor(70, None, (), ())], []),
        "big_endian": file({}, [], [floats], little_endian=False),
        "other": tar([("readme", b"text"), ("pickle", dumps({}))]),
    }
