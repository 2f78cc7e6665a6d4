"""Seeds of TensorFlow's checkpoints: the length of the index in two bytes, the index, the file that it describes."""
import struct

from protobuf_wire import data, fixed32, number, varint
from seeds.tensorflow_graph import DOUBLE, FLOAT, STRING, shape

MAGIC = 0xDB4775248B80FB57


def block(entries, restart_every=16):
    """A table with prefix-compressed keys, as LevelDB writes it; checksums are zeros."""
    out, restarts, last = b"", [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % restart_every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(entries, per_block=4, kind=0):
    entries = sorted(entries.items())
    out, index = b"", []

    def add(contents):
        nonlocal out
        handle = varint(len(out)) + varint(len(contents))
        out += contents + bytes([kind]) + bytes(4)
        return handle

    for i in range(0, len(entries), per_block):
        part = entries[i:i + per_block]
        index.append((part[-1][0], add(block(part))))
    footer = add(block([])) + add(block(index, 1))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def header(n_shards=1, endianness=0):
    return number(1, n_shards) + (number(2, endianness) if endianness else b"") + data(3, number(1, 1))


def entry(dtype, a_shape, offset, size, shard=0):
    return (number(1, dtype) + data(2, a_shape) + (number(3, shard) if shard else b"")
            + (number(4, offset) if offset else b"") + number(5, size) + fixed32(6, 1.0))


def pair(index, n_bytes):
    return struct.pack("<H", len(index)) + index + bytes(n_bytes)


def seeds():
    suffix = b"/.ATTRIBUTES/VARIABLE_VALUE"
    layers = {b"layer-%d/kernel%s" % (i, suffix): entry(FLOAT, shape(2, 2), 16 * i, 16) for i in range(9)}
    objects = {b"_CHECKPOINTABLE_OBJECT_GRAPH": entry(STRING, b"", 144, 10)}
    scalar = {b"step": entry(DOUBLE, b"", 0, 8)}
    partitioned = {b"": header(), b"w": number(1, FLOAT) + data(2, shape(4, 2)) + data(7, data(1, number(2, 2))),
                   b"\0w\0\1\2": entry(FLOAT, shape(2, 2), 0, 16), b"\0w\0\1\3": entry(FLOAT, shape(2, 2), 16, 16)}
    good = table({b"": header(), **layers, **objects})
    return {
        "scalar": pair(table({b"": header(), **scalar}), 8),
        "layers": pair(good, 160),
        "one_block": pair(table({b"": header(), **layers}, per_block=100), 144),
        "partitioned": pair(table(partitioned), 32),
        "other_part": pair(table({b"": header(), b"a": entry(FLOAT, shape(2), 0, 8, shard=1)}), 8),
        "two_parts": pair(table({b"": header(2), **scalar}), 8),
        "big_endian": pair(table({b"": header(1, 1), **scalar}), 8),
        "unknown_type": pair(table({b"": header(), b"r": entry(20, shape(2), 0, 8)}), 8),
        "empty": pair(table({b"": header(), b"e": entry(FLOAT, shape(0, 2), 0, 0)}), 1),
        "no_header": pair(table(scalar), 8),
        "compressed": pair(table({b"": header(), **scalar}, kind=1), 8),
        "beyond": pair(table({b"": header(), **scalar}), 7),
        "cut_index": pair(good[:-1], 160),
        "no_index_entries": pair(table({}), 8),
    }
