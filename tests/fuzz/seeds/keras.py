"""Seeds of the Keras parser."""
from seeds.hdf5 import F32, GOLDEN, NOWHERE, message, u64
from zip_writer import entry, write


def header(messages):
    return b"OHDR" + bytes([2, 0, len(messages)]) + messages + bytes(4)


def hdf5(name, n, data_at=48):
    """An HDF5 file with one dataset of n f32 in its root group."""
    data = bytes(48 + n * 4)
    dataset, layout = len(data), bytes([3, 1]) + u64(data_at, n * 4)
    data += header(message(1, bytes([2, 1, 0, 1]) + u64(n)) + message(3, F32) + message(8, layout))
    root = len(data)
    data += header(message(6, bytes([1, 0, len(name)]) + name.encode() + u64(dataset)))
    return b"\x89HDF\r\n\x1a\n" + bytes([2, 8, 8, 0]) + u64(0, NOWHERE, len(data), root) + bytes(4) + data[48:]


def seeds():
    first = [entry("metadata.json", b'{"keras_version": "3.0.5"}'), entry("config.json", b"{}")]
    return {
        "stored": write(first + [entry("model.weights.h5", hdf5("kernel", 6))]),
        "aligned": write(first + [entry("model.weights.h5", hdf5("kernel", 6), align=512)]),
        "shards": write(first + [entry("model_0.weights.h5", hdf5("a", 2), zip64=True),
                                 entry("model_1.weights.h5", hdf5("b", 3), method=8)]),
        "written_by_h5py": write(first + [entry("model.weights.h5", (GOLDEN / "keras_latest.h5").read_bytes())]),
        "reaches_out": write(first + [entry("model.weights.h5", hdf5("kernel", 6, 500)), entry("assets", bytes(200))]),
    }
