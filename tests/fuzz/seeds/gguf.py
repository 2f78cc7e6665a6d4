"""Seeds of the gguf parser."""
import struct

ALIGNMENT = 32


def u32(value):
    return struct.pack("<I", value)


def file(tensors=(), values=(), version=3, alignment=ALIGNMENT, data_bytes=None):
    """Tensors are (name, dims innermost first, type, bytes of data); values are (key, type, bytes)."""
    count = "<I" if version == 1 else "<Q"

    def text(value):
        return struct.pack(count, len(value)) + value

    out = b"GGUF" + u32(version) + struct.pack(count, len(tensors)) + struct.pack(count, len(values))
    for key, kind, value in values:
        out += text(key) + u32(kind) + value
    data = b""
    for name, dims, kind, n in tensors:
        out += text(name) + u32(len(dims)) + b"".join(struct.pack(count, d) for d in dims) + u32(kind)
        out += struct.pack("<Q", len(data))
        data += bytes(i * 7 % 251 for i in range(n))
        data += bytes(-len(data) % alignment)
    if not tensors:
        return out
    return out + bytes(-len(out) % alignment) + data[:data_bytes]


def text(value):
    return struct.pack("<Q", len(value)) + value


def array(kind, n, data):
    return u32(kind) + struct.pack("<Q", n) + data


def values():
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    scalars = [(f"key.{kind}".encode(), kind, bytes([1] * n)) for kind, n in sizes.items()]
    return scalars + [
        (b"general.architecture", 8, text(b"llama")),
        (b"tokens", 9, array(8, 3, text(b"<s>") + text(b"") + text(b"word"))),
        (b"scores", 9, array(6, 3, bytes(12))),
        (b"nested", 9, array(9, 2, array(0, 2, b"ab") + array(8, 1, text(b"deep")))),
    ]


# Number, elements and bytes of a block.
BLOCKS = [(0, 1, 4), (1, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (9, 32, 36),
          (24, 1, 1), (25, 1, 2), (26, 1, 4), (27, 1, 8), (28, 1, 8), (30, 1, 2), (20, 32, 18), (39, 32, 17),
          (40, 64, 36), (10, 256, 84), (34, 256, 54), (19, 256, 50)]


def seeds():
    two = [(b"token_embd.weight", (4, 6), 0, 96), (b"output_norm.weight", (4,), 1, 8)]
    return {
        "empty": file(),
        "vocabulary": file(values=values()),
        "two": file(two),
        "version_1": file(two, [(b"general.name", 4, u32(1))], version=1),
        "version_2": file(two, values()[:3], version=2),
        "values_and_two": file(two, values()),
        "aligned_64": file(two, [(b"general.alignment", 4, u32(64))], alignment=64),
        "blocks": file([(f"blk.{kind}".encode(), (elements, 1), kind, n) for kind, elements, n in BLOCKS]),
        "unknown_types": file([(b"a", (32,), 4, 20), (b"b", (8,), 0, 32), (b"c", (32,), 31, 18)]),
        "scalar_and_none": file([(b"scalar", (), 0, 4), (b"none", (4, 0), 1, 0), (b"five", (1, 2, 1, 2, 1), 24, 4)]),
        "big_endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
        "version_4": file(two, version=4),
        "cut": file(two, data_bytes=90),
    }
