"""Seeds of the HDF5 parser: golden files written by h5py, and structures that h5py writes only in large files."""
import pathlib
import struct

GOLDEN = pathlib.Path(__file__).resolve().parent.parent.parent / "golden" / "formats" / "hdf5"
NAMES = ("chunks_earliest", "chunks_latest", "compact_earliest", "compact_latest", "dtypes_latest", "filters_latest",
         "links_earliest", "links_latest", "many_links_latest", "narrow_lengths", "user_block_latest")
NOWHERE = 2**64 - 1
F32 = bytes([0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0])


def u64(*values):
    return struct.pack(f"<{len(values)}Q", *values)


def message(kind, body):
    return struct.pack("<BHB", kind, len(body), 0) + body


def chunked_dataset(index, parameters, shape, most, pieces):
    """A file whose root is a dataset of f32 in chunks of 2 x 2. Each piece is a function of the addresses before it."""
    data = bytearray(48)
    at = []
    for piece in pieces:
        at.append(len(data))
        data += piece(at)
    messages = message(1, bytes([2, len(shape), 1, 1]) + u64(*shape, *most))
    messages += message(3, F32)
    messages += message(8, bytes([4, 2, 0, 3, 1, 2, 2, 4, index]) + parameters + u64(at[-1]))
    root = len(data)
    data += b"OHDR" + bytes([2, 1]) + struct.pack("<H", len(messages)) + messages + bytes(4)
    data[:48] = b"\x89HDF\r\n\x1a\n" + bytes([2, 8, 8, 0]) + u64(0, NOWHERE, len(data), root) + bytes(4)
    return bytes(data)


def chunk(_):
    return bytes(16)


def paged_fixed_array():
    def block(at):
        pages = u64(at[0], NOWHERE, at[1], at[2]) + bytes(4) + bytes(8 * 4 + 4) + u64(at[3]) + bytes(4)
        return b"FADB" + bytes(2 + 8) + bytes([0b10100000]) + bytes(4) + pages

    def header(at):
        return b"FAHD" + bytes([0, 0, 8, 2]) + u64(9, at[-2]) + bytes(4)

    return chunked_dataset(3, bytes([2]), (6, 6), (6, 6), [chunk] * 4 + [block, header])


def extensible_array():
    def small_block(at):
        return b"EADB" + bytes(2 + 8 + 2) + u64(at[1], NOWHERE) + bytes(4)

    def paged_block(at):
        return b"EADB" + bytes(2 + 8 + 2 + 4) + bytes(16 + 4) + u64(at[2], at[3]) + bytes(4)

    def super_block(at):
        return b"EASB" + bytes(2 + 8 + 2) + bytes([0b01000000, 0]) + u64(at[5], NOWHERE) + bytes(4)

    def index_block(at):
        return b"EAIB" + bytes(2 + 8) + u64(at[0], at[4], NOWHERE, at[6], *[NOWHERE] * 7) + bytes(4)

    def header(at):
        return b"EAHD" + bytes([0, 0, 8, 10, 1, 2, 2, 1]) + u64(0, 0, 0, 0, 14, 0, at[7]) + bytes(4)

    pieces = [chunk] * 4 + [small_block, paged_block, super_block, index_block, header]
    return chunked_dataset(4, bytes([10, 1, 2, 2, 1]), (100, 4), (NOWHERE, 4), pieces)


def deep_b_tree():
    def record(address, row):
        return u64(address, row, 0)

    def leaf(i):
        return lambda at: b"BTLF" + bytes([0, 10]) + record(at[i], i) + bytes(4 + 64 - 34)

    def internal(at):
        return b"BTIN" + bytes([0, 10]) + record(at[1], 1) + u64(at[3]) + b"\1" + u64(at[4]) + b"\1" + bytes(4 + 64 - 52)

    def header(at):
        return b"BTHD" + bytes([0, 10]) + struct.pack("<IHHBBQHQI", 64, 24, 1, 100, 40, at[5], 1, 3, 0)

    return chunked_dataset(5, bytes(6), (6, 2), (NOWHERE, NOWHERE),
                           [chunk] * 3 + [leaf(0), leaf(2), internal, header])


def seeds():
    made = {"paged_fixed_array": paged_fixed_array(), "extensible_array": extensible_array(),
            "deep_b_tree": deep_b_tree()}
    return made | {name: (GOLDEN / f"{name}.h5").read_bytes() for name in NAMES}
