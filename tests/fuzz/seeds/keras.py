"""Seeds of the Keras parser."""
import struct

from zip_writer import entry, write

F32 = bytes.fromhex("11201f000400000000002000170800177f000000")


def header(messages):
    body = b"".join(struct.pack("<BHB", kind, len(data), 0) + data for kind, data in messages)
    return b"OHDR\2\0" + bytes([len(body)]) + body + bytes(4)


def hdf5(name, n, data_at=400):
    """An HDF5 file with one dataset of n f32 in its root group."""
    out = b"\x89HDF\r\n\x1a\n\2\x08\x08\0" + struct.pack("<QQQQI", 0, 2**64 - 1, 400 + n * 4, 48, 0)
    out += header([(6, bytes([1, 0, len(name)]) + name.encode() + struct.pack("<Q", 200))])
    out = out.ljust(200, b"\0") + header([(1, bytes([2, 1, 0, 1]) + struct.pack("<Q", n)), (3, F32),
                                          (8, b"\3\1" + struct.pack("<QQ", data_at, n * 4))])
    return out.ljust(400, b"\0") + bytes(n * 4)


def seeds():
    first = [entry("metadata.json", b'{"keras_version": "3.0.5"}'), entry("config.json", b"{}")]
    return {
        "stored": write(first + [entry("model.weights.h5", hdf5("kernel", 6))]),
        "aligned": write(first + [entry("model.weights.h5", hdf5("kernel", 6), align=512)]),
        "shards": write(first + [entry("model_0.weights.h5", hdf5("a", 2), zip64=True),
                                 entry("model_1.weights.h5", hdf5("b", 3), method=8)]),
        "reaches_out": write(first + [entry("model.weights.h5", hdf5("kernel", 6, 500)), entry("assets", bytes(200))]),
    }
