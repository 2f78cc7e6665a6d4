"""Reads archives of elves. Written from docs/format/archive.md and docs/format/transforms/ alone, with h5py, zstandard and numpy, to
test that the pages are complete. It does not check digests.

    format_reader.py ARCHIVE          lists the paths
    format_reader.py ARCHIVE PATH     writes the bytes of a file to standard output
"""

import bisect
import json
import os
import re
import struct
import sys

import h5py
import numpy as np
import zstandard

FORMAT_VERSION = 1
REGULAR, SYMLINK, HARDLINK, DIRECTORY = range(4)
NO_BASE = 0xFFFFFFFF
DIFFERENCES = (8, 9)  # transforms that need the base's bytes
MOST_SKETCH_BYTES = 2048

DTYPES = ("bytes", "bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "bf16", "f32", "f64",
          "f8_e4m3", "f8_e5m2", "c64", "c128", "f8_e4m3fnuz", "f8_e5m2fnuz", "f8_e8m0", "c32",
          "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q8_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "q8_k",
          "iq2_xxs", "iq2_xs", "iq3_xxs", "iq1_s", "iq4_nl", "iq3_s", "iq2_s", "iq4_xs", "iq1_m", "tq1_0", "tq2_0",
          "mxfp4")
TRANSFORMS = {0: "raw", 1: "planes", 2: "elf", 3: "de", 4: "blocks", 5: "int-delta", 6: "palette", 7: "window",
              8: "delta", 9: "elf-delta"}


class FormatError(Exception):
    """The archive is damaged, of a newer version, or does not hold what was asked for."""


def need(condition, message):
    if not condition:
        raise FormatError(message)


# Streams

CONSTANT, STORED, HUFFMAN, ZSTD, RANS, CONTEXT = range(6)


class Cursor:
    """Takes numbers and streams from the encoded bytes of a chunk, from the front."""

    def __init__(self, data, base=b""):
        self.data, self.at = data, 0
        self.base = base  # the bytes of the base of a delta
        self.last, self.last_but_one = b"", b""  # the streams that were taken before

    def take(self, n):
        need(n <= len(self.data) - self.at, "a chunk ends too early")
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def stream(self, n=None):
        """The bytes of the next stream, of which there must be n."""
        data = self.take_stream(n)
        self.last, self.last_but_one = data, self.last
        return data

    def take_stream(self, n):
        head = self.varint()
        size, kind = head >> 3, head & 7
        need(n is None or size == n, f"a stream of {size} bytes where {n} are due")
        if kind == CONSTANT:
            return self.take(1) * size
        if kind == STORED:
            return self.take(size)
        need(kind in (HUFFMAN, ZSTD, RANS, CONTEXT), f"unknown stream kind {kind}")
        frame = self.take(self.varint())
        if kind == RANS:
            return from_rans(Cursor(frame), size)
        if kind == CONTEXT:
            last = self.last if len(self.last) == size else b""
            return from_context(Cursor(frame), size, last, self.last_but_one if last and len(self.last_but_one) == size else b"")
        data = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size)
        need(len(data) == size, "a zstd frame of another size than its stream")
        return data


STATES = 64
IN_MEMORY = np.r_[0:STATES:2, 1:STATES:2]  # the order in which states take bytes


def from_rans(cursor, size):
    """The bytes that all of a rans stream gives."""
    out = []
    left = size
    while left > 0:
        n = cursor.varint()
        need(0 < n <= left, "a rans segment of another size than its stream")
        out += rans_segment(cursor, n)
        left -= n
    need(cursor.at == len(cursor.data), "bytes after the last rans segment")
    return b"".join(out)


def rans_segment(cursor, n):
    first, count = cursor.take(1)[0], cursor.take(1)[0] + 1
    slots = np.frombuffer(cursor.take(count), np.uint8).astype(np.uint32)
    need(first + count <= 256 and 0 < slots.sum() <= 256, "a rans table that does not add up")
    slots = np.append(slots, 256 - slots.sum()).astype(np.uint32)
    owner = np.repeat(np.arange(count + 1), slots)
    offset = (np.arange(256) - np.repeat(np.cumsum(slots) - slots, slots)).astype(np.uint32)
    slots_at = slots[owner]
    rows = -(-n // STATES)
    sizes = [n] if n < 32768 else [(rows + 1) // 2 * STATES, n - (rows + 1) // 2 * STATES]
    escapes = b""
    if slots[-1] and (total := cursor.varint()):
        of_first = cursor.varint() if len(sizes) == 2 else total
        need(of_first <= total <= n, "more rans escapes than bytes")
        coded = cursor.varint()
        escapes = from_rans(Cursor(cursor.take(coded)), total) if coded else cursor.take(total)
    values = np.append(np.arange(first, first + count), 0).astype(np.uint8)[owner]
    used = 0
    for part in sizes:
        payload_bytes = cursor.varint()
        x = np.frombuffer(cursor.take(2 * STATES), "<u2").astype(np.uint32)[IN_MEMORY]
        payload = np.frombuffer(cursor.take(payload_bytes) + bytes(STATES), np.uint8)
        at = 0
        slot_rows = np.empty((-(-part // STATES), STATES), np.uint8)
        for row in slot_rows:
            slot = x & 255
            row[:] = slot
            x = slots_at[slot] * (x >> 8) + offset[slot]
            low = (x < 256).nonzero()[0]
            x[low] = x[low] << 8 | payload[at:at + low.size]
            at += low.size
            need(at <= payload_bytes, "a rans payload that ends too early")
        need(at == payload_bytes and (x == 256).all(), "a rans part that does not end where it should")
        in_order = np.empty_like(slot_rows)
        in_order[:, IN_MEMORY] = slot_rows
        slot_rows = in_order
        slot_rows = slot_rows.ravel()[:part]
        data = values[slot_rows]
        escaped = owner[slot_rows] == count
        data[escaped] = np.frombuffer(escapes, np.uint8)[used:used + escaped.sum()]
        used += int(escaped.sum())
        yield data.tobytes()
    need(used == len(escapes), "rans escapes that nothing uses")


ANCHORS = (22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724,
           60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514)
PROBABILITY = [(ANCHORS[i // 128] * (128 - i % 128) + ANCHORS[i // 128 + 1] * (i % 128) + 64) // 128 for i in range(4096)]
LOGARITHM = [max(-2047, min(2047, bisect.bisect_left(PROBABILITY, 16 * i + 8) - 2048)) for i in range(4096)]
RATE = [131072 // (2 * n + 3) for n in range(256)]
MOST_LINES = (5, 13, 13, 14, 14)  # as powers of two
CONTEXTS = range(len(MOST_LINES))


class ContextModel:
    """Predicts bits from what they were in the same contexts."""

    def __init__(self, size):
        self.lines = [{} for _ in CONTEXTS]
        self.shift = [32 - max(5, min(size.bit_length(), most)) for most in MOST_LINES]
        self.weights = [[[2640 * n for n in range(9)] for _ in CONTEXTS] for _ in range(8)]

    def slots(self, context, number):
        """[probability of a one, times used] of each bit that a nibble may have."""
        key = number * 0x9E3779B1 & 0xFFFFFFFF
        line = self.lines[context].get(key >> self.shift[context])
        if line is None or line[0] != key:
            line = self.lines[context][key >> self.shift[context]] = key, [[1 << 23, 0] for _ in range(16)]
        return line[1]

    def nibble(self, numbers, first_bit, weight_shift, decode_bit):
        lines = [self.slots(context, number) for context, number in enumerate(numbers)]
        node = 1
        for at in range(first_bit, first_bit + 4):
            slots = [line[node] for line in lines]
            logarithms = [LOGARITHM[p >> 12] for p, _ in slots]
            weights = [(of_context, used.bit_length()) for of_context, (_, used) in zip(self.weights[at], slots)]
            mixed = sum(of_context[i] * logarithm for (of_context, i), logarithm in zip(weights, logarithms)) >> 16
            predicted = PROBABILITY[max(-2047, min(2047, mixed)) + 2048]
            bit = decode_bit(predicted)
            error = (bit << 16) - predicted
            for slot, logarithm, (of_context, i) in zip(slots, logarithms, weights):
                of_context[i] += logarithm * error + (1 << weight_shift - 1) >> weight_shift
                slot[0] += ((0xFFFFFF if bit else 0) - slot[0]) * RATE[slot[1]] >> 16
                slot[1] = min(slot[1] + 1, 255)
            node = 2 * node + bit
        return node - 16


class BitDecoder:
    """Arithmetic decoding; zeros follow the end."""

    def __init__(self, data):
        self.data, self.at, self.low, self.high = data + bytes(3), 4, 0, 0xFFFFFFFF
        need(len(data) > 0, "a context stream without bytes")
        self.number = int.from_bytes(self.data[:4], "big")

    def bit(self, probability):
        last_of_one = self.low + ((self.high - self.low) * probability >> 16)
        bit = int(self.number <= last_of_one)
        self.low, self.high = (self.low, last_of_one) if bit else (last_of_one + 1, self.high)
        while (self.low ^ self.high) >> 24 == 0:
            need(self.at < len(self.data), "a context stream that ends too early")
            self.number = (self.number << 8 | self.data[self.at]) & 0xFFFFFFFF
            self.low, self.high, self.at = self.low << 8 & 0xFFFFFFFF, (self.high << 8 | 0xFF) & 0xFFFFFFFF, self.at + 1
        return bit

    def finish(self):
        need(self.at == len(self.data) and self.number == (self.low >> 24) + 1 << 24, "a context stream that does not end where it should")


def from_context(cursor, size, last, last_but_one):
    """The bytes that all of a context stream gives; `last` and `last_but_one` are empty where they have another size."""
    period = cursor.varint()
    need(1 <= period <= 4096, f"a period of {period}")
    decoder = BitDecoder(cursor.take(len(cursor.data) - cursor.at))
    model = ContextModel(size)
    out = bytearray()
    for at in range(size):
        def back(n):
            return out[at - n] if n <= at else 0

        if last:
            pair = last[at] | (last_but_one[at] << 8 if last_but_one else 0)
            contexts = [0, back(period), last[at], pair, last[at] | back(period) << 8]
        else:
            step = period if at >= 4 * period else 1
            level = sum(back(k * step) for k in (1, 2, 3, 4))
            contexts = [0, back(period), level, back(1) | back(2) << 8, at % period]
        weight_shift = 14 + (at >= 1 << 10) + (at >= 1 << 13) + (at >= 1 << 16)
        upper = model.nibble(contexts, 0, weight_shift, decoder.bit)
        lower = model.nibble([number + (16 + upper << 27) for number in contexts], 4, weight_shift, decoder.bit)
        out.append(upper << 4 | lower)
    decoder.finish()
    return bytes(out)


def as_bits(data):
    """The bits of a stream, the most significant first."""
    return np.unpackbits(np.frombuffer(data, np.uint8))


def ceil8(bits):
    return (bits + 7) // 8


# Transforms

# dtype: bytes of a word, and whether words are turned
PLANES = {"f64": (8, True), "c128": (8, True), "f32": (4, True), "c64": (4, True), "f16": (2, True), "bf16": (2, True),
          "f8_e4m3": (1, True), "f8_e5m2": (1, True), "f8_e4m3fnuz": (1, True), "f8_e5m2fnuz": (1, True),
          "c32": (2, True), "u64": (8, False), "i64": (8, False), "u32": (4, False),
          "i32": (4, False), "u16": (2, False), "i16": (2, False)}

# dtype: bytes of an element, bits of its mantissa
ELF = {"f16": (2, 10), "f32": (4, 23), "f64": (8, 52)}


def from_planes(planes, word_bytes):
    """Words whose bytes, the most significant first, lie in planes."""
    words = np.zeros(len(planes[0]), f"<u{word_bytes}")
    for i, plane in enumerate(planes):
        words |= np.frombuffer(plane, np.uint8).astype(words.dtype) << words.dtype.type(8 * (len(planes) - 1 - i))
    return words


def join_raw(cursor, dtype, n_bytes):
    return cursor.stream(n_bytes)


def join_planes(cursor, dtype, n_bytes):
    need(dtype in PLANES, f"planes of {dtype}")
    word_bytes, turned = PLANES[dtype]
    n = n_bytes // word_bytes
    words = from_planes([cursor.stream(n) for _ in range(word_bytes)], word_bytes)
    if turned:
        one, rest = words.dtype.type(1), words.dtype.type(8 * word_bytes - 1)
        words = words >> one | words << rest
    return words.tobytes()


def from_symbols(symbols, dtype, dropped):
    """The floats that symbols m << 1 | sign stand for."""
    word_bytes, mantissa = ELF[dtype]
    m = (symbols >> np.uint64(1)).astype(np.float64)  # below 2^52: exact
    values = (m / 2.0 ** (mantissa - dropped)).astype(f"<f{word_bytes}")
    words = values.view(f"<u{word_bytes}")
    words |= (symbols & np.uint64(1)).astype(words.dtype) << words.dtype.type(8 * word_bytes - 1)
    return words


def join_outliers(cursor, words, n_outliers):
    if n_outliers == 0:
        return words.tobytes()
    positions = Cursor(cursor.stream())
    values = np.frombuffer(cursor.stream(n_outliers * words.itemsize), words.dtype)
    at = -1
    for value in values:
        at += 1 + positions.varint()
        need(at < len(words), "an outlier outside of its chunk")
        words[at] = value
    need(positions.at == len(positions.data), "more positions than outliers")
    return words.tobytes()


def elf_header(cursor, dtype):
    need(dtype in ELF, f"elf of {dtype}")
    dropped, n_outliers = cursor.varint(), cursor.varint()
    need(dropped < ELF[dtype][1], f"elf drops {dropped} bits of {dtype}")
    return dropped, n_outliers


def join_elf(cursor, dtype, n_bytes):
    dropped, n_outliers = elf_header(cursor, dtype)
    word_bytes, mantissa = ELF[dtype]
    symbol_bits = 1 + mantissa - dropped
    planes = [cursor.stream(n_bytes // word_bytes) for _ in range(ceil8(symbol_bits))]
    symbols = from_planes(planes, 8) >> np.uint64(8 * len(planes) - symbol_bits)
    return join_outliers(cursor, from_symbols(symbols, dtype, dropped), n_outliers)


def numbers_of_bits(bits, widths):
    """Numbers of `widths` bits each, which follow each other without gaps."""
    ends = np.cumsum(widths)
    need(len(ends) == 0 or ends[-1] <= len(bits), "more bits of distances than there are")
    numbers = np.zeros(len(widths), np.int64)
    for i in range(31):
        more = np.flatnonzero(widths > i)
        numbers[more] = numbers[more] << 1 | bits[ends[more] - widths[more] + i]
    return numbers


def join_de(cursor, dtype, n_bytes):
    need(dtype in ("f32", "f64"), f"de of {dtype}")
    word_bytes = ELF[dtype][0]
    n, n_distinct = n_bytes // word_bytes, cursor.varint()
    need(n_distinct <= n, "more distinct values than elements")
    n_repeats = n - n_distinct
    flags = as_bits(cursor.stream(ceil8(n)))[:n]
    lengths = as_bits(cursor.stream(ceil8(5 * n_repeats)))[:5 * n_repeats].reshape(n_repeats, 5)
    widths = lengths.astype(np.int64) @ np.array([16, 8, 4, 2, 1])
    distances = numbers_of_bits(as_bits(cursor.stream()), widths)
    distinct = np.frombuffer(join_planes(cursor, dtype, n_distinct * word_bytes), f"<u{word_bytes}")
    need(int(flags.sum()) == n_repeats, "flags that disagree with the number of distinct values")

    # Positions in `distinct`: of a first occurrence its own, of a repeat that of the element it repeats.
    sources = np.cumsum(flags == 0) - 1
    sources_list = sources.tolist()
    for position, distance in zip(np.flatnonzero(flags).tolist(), distances.tolist()):
        need(0 < distance <= position, "a distance that leads out of the chunk")
        sources_list[position] = sources_list[position - distance]
    return distinct[sources_list].tobytes() if n else b""


# dtype: bits of the mantissa
WINDOW = {"bf16": 7, "f32": 23}
SIGNS_APART = ("f8_e4m3", "f8_e5m2", "f8_e4m3fnuz", "f8_e5m2fnuz")


def join_window(cursor, dtype, n_bytes):
    if dtype in SIGNS_APART:
        symbols = np.frombuffer(cursor.stream(n_bytes), np.uint8)
        signs = np.unpackbits(np.frombuffer(cursor.stream(ceil8(n_bytes)), np.uint8), bitorder="little")[:n_bytes]
        return (symbols | signs << 7).tobytes()
    need(dtype in WINDOW, f"a window of {dtype}")
    mantissa = WINDOW[dtype]
    n = n_bytes * 8 // (mantissa + 9)
    top, n_others = cursor.take(1)[0], cursor.varint()
    symbols = np.frombuffer(cursor.stream(n), np.uint8).astype(np.uint32)
    packed = np.frombuffer(cursor.stream((n + 1) // 2), np.uint8).astype(np.uint32)
    rest = np.stack([packed & 15, packed >> 4], 1).ravel()[:n]
    for _ in range((mantissa - 7) // 8):
        rest = rest << 8 | np.frombuffer(cursor.stream(n), np.uint8)
    others = np.frombuffer(cursor.stream(n_others), np.uint8) if n_others else np.zeros(0, np.uint8)
    exponent = np.uint32(top) - (symbols >> 4) & np.uint32(255)
    is_other = symbols >> 4 == 15
    need(is_other.sum() == n_others, "the header has another number of exponents out of the window")
    exponent[is_other] = others
    words = rest >> 1 | (symbols & 15) << (mantissa - 4) | exponent << mantissa | rest << (mantissa + 8)
    return words.astype(f"<u{n_bytes // n if n else 2}").tobytes()


def half(byte):
    """The two fields of a float16."""
    return [((1,), (8, 8 * byte + 7, 0)), ((1,), (1, 8 * byte + 15, 0), (7, 8 * byte, 0))]


def whole(byte, n):
    """n bytes."""
    return [((n,), (8, 8 * byte, 8))]


def nibbles(byte, n):
    """The lower halves of n bytes, then the upper ones."""
    return [((2, n), (4, 8 * byte, 4, 8))]


K_SCALES = half(0) + half(2) + [((4,), (6, 32, 8)), ((4,), (4, 96, 8), (2, 38, 8)), ((4,), (6, 64, 8)), ((4,), (4, 100, 8), (2, 70, 8))]

# dtype: bytes of a block, and its fields: how many symbols (by digits, the last counts fastest), and for their low and
# high bits how many, the first, and the step of each digit
BLOCKS = {
    "q4_0": (18, half(0) + nibbles(2, 16)),
    "iq4_nl": (18, half(0) + nibbles(2, 16)),
    "q4_1": (20, half(0) + half(2) + nibbles(4, 16)),
    "q5_0": (22, half(0) + [((2, 16), (4, 48, 4, 8), (1, 16, 16, 1))]),
    "q5_1": (24, half(0) + half(2) + [((2, 16), (4, 64, 4, 8), (1, 32, 16, 1))]),
    "q8_0": (34, half(0) + whole(2, 32)),
    "q8_1": (36, half(0) + half(2) + whole(4, 32)),
    "q2_k": (84, whole(0, 16) + nibbles(16, 64) + half(80) + half(82)),
    "q3_k": (110, [((2, 2, 32), (4, 256, 256, 4, 8), (2, 0, 4, 2, 8)), ((2, 2, 4), (4, 768, 4, 32, 8), (2, 832, 4, 2, 8))] + half(108)),
    "q4_k": (144, K_SCALES + nibbles(16, 128)),
    "q5_k": (176, K_SCALES + [((4, 2, 32), (4, 384, 256, 4, 8), (1, 128, 2, 1, 8))]),
    "q6_k": (210, [((2, 2, 2, 32), (4, 0, 512, 256, 4, 8), (2, 1024, 256, 2, 4, 8))] + whole(192, 16) + half(208)),
    "q8_k": (292, [((1,), (8, 23, 0)), ((1,), (8, 15, 0)), ((1,), (8, 7, 0)), ((1,), (1, 31, 0), (7, 0, 0))] + whole(4, 256)
             + [((16,), (8, 2088, 16)), ((16,), (8, 2080, 16))]),
    "iq2_xxs": (66, half(0) + [((8, 4), (8, 16, 64, 8)), ((8, 3), (8, 48, 64, 8)), ((8,), (8, 72, 64))]),
    "iq2_xs": (74, half(0) + [((32,), (8, 16, 16)), ((32,), (8, 24, 16))] + whole(66, 8)),
    "iq3_xxs": (98, half(0) + whole(2, 64) + [((8, 3), (8, 528, 32, 8)), ((8,), (8, 552, 32))]),
    "iq1_s": (50, half(0) + whole(2, 32) + [((8,), (8, 272, 16)), ((8,), (8, 280, 16))]),
    "iq3_s": (110, half(0) + whole(2, 64) + whole(66, 8) + whole(74, 32) + whole(106, 4)),
    "iq2_s": (82, half(0) + whole(2, 32) + whole(34, 32) + whole(66, 8) + whole(74, 8)),
    "iq4_xs": (136, half(0) + [((8,), (4, 32, 4), (2, 16, 2))] + nibbles(8, 128)),
    "iq1_m": (56, whole(0, 32) + whole(32, 16) + [((4, 2), (6, 384, 16, 6)), ((1,), (4, 428, 0), (4, 444, 0)), ((1,), (4, 396, 0), (4, 412, 0))]),
    "tq1_0": (54, whole(0, 48) + whole(48, 4) + half(52)),
    "tq2_0": (66, nibbles(0, 64) + half(64)),
    "mxfp4": (17, whole(0, 1) + nibbles(1, 16)),
}


def join_blocks(cursor, dtype, n_bytes):
    need(dtype in BLOCKS, f"blocks of {dtype}")
    block_bytes, fields = BLOCKS[dtype]
    n, rest = divmod(n_bytes, block_bytes)
    bits = np.zeros((n, 8 * block_bytes), np.uint8)
    for counts, *parts in fields:
        symbols = np.frombuffer(cursor.stream(n * int(np.prod(counts))), np.uint8).reshape(n, -1)
        for width, first, *steps in parts:
            positions = first + np.tensordot(steps, np.indices(counts), 1).ravel()
            for bit in range(width):
                bits[:, positions + bit] = symbols & 1
                symbols = symbols >> 1
        need(not symbols.any(), f"a symbol of too many bits in blocks of {dtype}")
    return np.packbits(bits, axis=1, bitorder="little").tobytes() + (cursor.stream(rest) if rest else b"")


def join_int_delta(cursor, dtype, n_bytes):
    need(dtype in PLANES and not PLANES[dtype][1], f"differences of {dtype}")
    word_bytes, _ = PLANES[dtype]
    folded = from_planes([cursor.stream(n_bytes // word_bytes) for _ in range(word_bytes)], word_bytes)
    one = folded.dtype.type(1)
    differences = np.where(folded & one, ~(folded >> one), folded >> one)
    return np.cumsum(differences, dtype=folded.dtype).tobytes()


def join_palette(cursor, dtype, n_bytes):
    need(dtype in PLANES and PLANES[dtype][0] > 1, f"a palette of {dtype}")
    word_bytes = PLANES[dtype][0]
    n_values, n = cursor.varint(), cursor.varint()
    need(n_values <= 256 and n * word_bytes == n_bytes, "a palette of another size than its chunk")
    if n_values == 0:
        return cursor.stream(n_bytes)
    values = np.frombuffer(cursor.stream(n_values * word_bytes), f"<u{word_bytes}")
    index_bits = 1 if n_values <= 2 else 2 if n_values <= 4 else 4 if n_values <= 16 else 8
    bits = as_bits(cursor.stream(ceil8(index_bits * n)))[:index_bits * n].reshape(n, index_bits)
    indices = bits.astype(np.int64) @ (1 << np.arange(index_bits)[::-1])
    need(n == 0 or indices.max() < n_values, "an index beyond the values of a palette")
    return values[indices].tobytes()


def unfold(numbers):
    """0, 1, 2, 3 stand for 0, -1, 1, -2, modulo the words' range."""
    one = numbers.dtype.type(1)
    return np.where(numbers & one, ~(numbers >> one), numbers >> one)


def base_words(cursor, dtype, n_bytes, word_bytes):
    """The words of the base that a delta needs, then zeros. The checksum is not compared."""
    n_base = cursor.varint()
    cursor.take(8)
    need(n_base * word_bytes <= min(n_bytes, len(cursor.base)), "a base that is shorter than a difference needs")
    return np.frombuffer(cursor.base[:n_base * word_bytes].ljust(n_bytes, b"\0"), f"<u{word_bytes}")


def join_delta(cursor, dtype, n_bytes):
    word_bytes, is_float = PLANES.get(dtype, (1, False))
    base = base_words(cursor, dtype, n_bytes, word_bytes)
    n, word, bits = len(base), base.dtype.type, 8 * word_bytes
    operation, low, n_thresholds = cursor.take(3)
    need(operation < 2 and low < word_bytes and n_thresholds < (8 if is_float else 1), "a damaged header of differences")
    thresholds = np.frombuffer(cursor.take(n_thresholds), np.uint8)
    n_escapes = cursor.varint()
    if bits == 64:
        contexts = ((base >> word(52)) + word(128) & word(255)).astype(np.uint8)
    else:
        contexts = (base << word(1) >> word(bits - 8)).astype(np.uint8)
    groups = (contexts[:, None] < thresholds[None, :]).sum(1)
    upper = np.zeros(n, base.dtype)
    for group in range(n_thresholds + 1):
        upper[groups == group] = np.frombuffer(cursor.stream(int((groups == group).sum())), np.uint8)
    low_planes = [cursor.stream(n) for _ in range(low)]
    need((upper == 255).sum() == n_escapes, "the header has another number of escapes")
    if n_escapes:
        upper[upper == 255] = from_planes([cursor.stream(n_escapes) for _ in range(word_bytes - low)], word_bytes)
    differences = (upper << word(8 * low) | from_planes(low_planes, word_bytes)) if low else upper
    if operation == 0:
        return ((differences >> word(1) | differences << word(bits - 1)) ^ base).tobytes()
    if not is_float:
        return (base + unfold(differences)).tobytes()
    all_but_sign = word((1 << bits - 1) - 1)
    order = lambda words: np.where(words > all_but_sign, words ^ all_but_sign, words)  # its own inverse
    return order(order(base) + unfold(differences)).tobytes()


def elf_symbols(words, dtype, dropped):
    """What elf makes of words: m << 1 | sign, and 0 for outliers."""
    word_bytes, mantissa = ELF[dtype]
    values = words.view(f"<f{word_bytes}").astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        m = np.rint(np.abs(values) * 2.0 ** (mantissa - dropped))
        inside = m < 2.0 ** (mantissa - dropped)
    symbols = np.where(inside, m, 0).astype(np.uint64) << np.uint64(1) | np.signbit(values).astype(np.uint64)
    return np.where(inside, symbols, np.uint64(0))


def join_elf_delta(cursor, dtype, n_bytes):
    dropped, n_outliers = elf_header(cursor, dtype)
    word_bytes, mantissa = ELF[dtype]
    base = unfold(elf_symbols(base_words(cursor, dtype, n_bytes, word_bytes), dtype, dropped))
    differences = from_planes([cursor.stream(n_bytes // word_bytes) for _ in range(word_bytes)], word_bytes)
    mask = np.uint64((1 << 8 * word_bytes) - 1)
    integers = base + unfold(differences.astype(np.uint64)) & mask
    is_negative = integers >> np.uint64(8 * word_bytes - 1) == 1
    symbols = np.where(is_negative, (~integers & mask) << np.uint64(1) | np.uint64(1), integers << np.uint64(1))
    return join_outliers(cursor, from_symbols(symbols, dtype, dropped), n_outliers)


JOIN = {"raw": join_raw, "planes": join_planes, "elf": join_elf, "de": join_de,
        "blocks": join_blocks, "int-delta": join_int_delta, "palette": join_palette, "window": join_window,
        "delta": join_delta, "elf-delta": join_elf_delta}


def decode_chunk(encoded, dtype, n_bytes, base=b""):
    """The bytes of a chunk; dtype by name. `base`: of a difference, what the base's chunk decodes to."""
    cursor = Cursor(encoded, base)
    transform = cursor.take(1)[0]
    need(transform in TRANSFORMS, f"unknown transform {transform}")
    raw = JOIN[TRANSFORMS[transform]](cursor, dtype, n_bytes)
    need(cursor.at == len(encoded), "bytes after the last stream of a chunk")
    need(len(raw) == n_bytes, "a chunk of another size than its row says")
    return raw


# The archive

def attribute(shard, name):
    need(name in shard.attrs, f"{shard.filename} has no attribute {name}")
    value = shard.attrs[name]
    return value.decode() if isinstance(value, bytes) else int(value)


class Archive:
    def __init__(self, directory):
        with open(os.path.join(directory, "archive.json"), encoding="utf-8") as file:
            self.identity = json.load(file)
        need(self.identity["format"] == "elves-archive", f"{directory} is not an elves archive")
        need(self.identity["version"] <= FORMAT_VERSION, f"format version {self.identity['version']} is newer than this reader")
        self.shards = {}
        for name in sorted(os.listdir(directory)):
            number = re.fullmatch(r"shard-(\d{8})\.h5", name)
            if number:
                self.shards[int(number[1])] = self.open_shard(os.path.join(directory, name), int(number[1]))
        self.latest, self.rows, self.last_below = {}, {}, {}
        for number, shard in self.shards.items():
            names = shard["names"]
            for i, row in enumerate(shard["files"][:]):
                path = self.text(names, row["path_offset"], row["path_bytes"])
                self.latest[path] = (number, row)
                self.rows.setdefault(path, []).append((int(row["kind"]), (number, i)))
                for at in range(len(path)):
                    if path[at:at + 1] == b"/":
                        self.last_below[path[:at]] = (number, i)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for shard in self.shards.values():
            shard.close()

    def open_shard(self, path, number):
        shard = h5py.File(path, "r")
        need(attribute(shard, "format") == "elves-shard", f"{path} is not a shard")
        need(attribute(shard, "version") <= FORMAT_VERSION, f"{path}: version {attribute(shard, 'version')} is newer than this reader")
        need(attribute(shard, "archive") == self.identity["id"], f"{path} belongs to another archive")
        need(attribute(shard, "shard") == number, f"{path} was renamed")
        need(attribute(shard, "complete") == 1, f"{path} is not complete")
        for sketch in shard["sketches"][:] if "sketches" in shard else ():
            need(sketch["layer"] < len(shard["layers"]), "a sketch of no layer")
            need(sketch["n_bytes"] <= MOST_SKETCH_BYTES, "a sketch that is too large")
            self.text(shard["names"], sketch["name_offset"], sketch["n_bytes"])
        return shard

    @staticmethod
    def text(names, offset, n):
        need(int(offset) + int(n) <= len(names) or n == 0, "a name beyond the end of /names")
        return names[int(offset):int(offset) + int(n)].tobytes() if n else b""

    def is_current(self, path):
        """Whether no later row that is no directory has the path of a parent folder, and none lies below a path that is no directory."""
        kind, order = self.rows[path][-1]
        parents = [path[:at] for at in range(len(path)) if path[at:at + 1] == b"/"]
        if any(later > order and other != DIRECTORY for parent in parents for other, later in self.rows.get(parent, ())):
            return False
        return kind == DIRECTORY or self.last_below.get(path, order) <= order

    def paths(self):
        """Of all current rows."""
        return sorted(path for path in self.latest if self.is_current(path))

    def file_row(self, path):
        """(shard, row) of the latest version of a path: str or bytes."""
        path = path.encode("utf-8", "surrogateescape") if isinstance(path, str) else path
        need(path in self.latest, f"no file {path!r}")
        return self.latest[path]

    def target(self, path):
        """What a link points to; for a hard link a path of this archive."""
        number, row = self.file_row(path)
        return self.text(self.shards[number]["names"], row["path_offset"] + row["path_bytes"], row["target_bytes"])

    def extents(self, path):
        """(name, shape, row) of each extent of a file; the name is empty for glue."""
        number, row = self.file_row(path)
        shard = self.shards[number]
        first, n = int(row["first_extent"]), int(row["n_extents"])
        need(first + n <= len(shard["extents"]), "extents beyond the end of their table")
        found = []
        for extent in shard["extents"][first:first + n]:
            name_bytes, ndim = int(extent["name_bytes"]), int(extent["ndim"])
            text = self.text(shard["names"], extent["name_offset"], name_bytes + 8 * ndim)
            found.append((text[:name_bytes], struct.unpack(f"<{ndim}Q", text[name_bytes:]), extent))
        return found

    def layer(self, layer_shard, layer_row):
        """(shard, row) of a layer."""
        shard = self.shards.get(int(layer_shard))
        need(shard is not None, f"shard {layer_shard} is missing")
        need(layer_row < len(shard["layers"]), "a layer beyond the end of its table")
        return shard, shard["layers"][int(layer_row)]

    def base(self, layer_shard, layer_row):
        """(shard, row) numbers of the base of a layer, or None."""
        layer = self.layer(layer_shard, layer_row)[1]
        if layer["base_shard"] == NO_BASE:
            return None
        place = int(layer["base_shard"]), int(layer["base_row"])
        need(place[0] <= layer_shard and place != (layer_shard, layer_row), "a base in a later shard, or the layer itself")
        base = self.layer(*place)[1]
        need(base["base_shard"] == NO_BASE, "a base that has a base")
        need(base["dtype"] == layer["dtype"], "a base of another dtype")
        return place

    def chunks(self, layer_shard, layer_row):
        """(row, encoded bytes, name of the dtype) of each chunk of a layer."""
        shard, layer = self.layer(layer_shard, layer_row)
        need(layer["dtype"] < len(DTYPES), f"unknown dtype {layer['dtype']}")
        first, n = int(layer["first_chunk"]), int(layer["n_chunks"])
        need(first + n <= len(shard["chunks"]), "chunks beyond the end of their table")
        for chunk in shard["chunks"][first:first + n] if n else ():
            at, size = int(chunk["payload_offset"]), int(chunk["encoded_bytes"])
            need(at + size <= len(shard["payload"]), "a chunk beyond the end of /payload")
            yield chunk, shard["payload"][at:at + size].tobytes(), DTYPES[layer["dtype"]]

    def base_chunks(self, layer_shard, layer_row):
        """(where it begins in its layer, bytes) of each chunk of the base of a layer; none for a standalone layer."""
        base, at = self.base(layer_shard, layer_row), 0
        for chunk, encoded, dtype in self.chunks(*base) if base else ():
            need(chunk["transform"] not in DIFFERENCES, "a delta in a standalone layer")
            yield at, decode_chunk(encoded, dtype, int(chunk["raw_bytes"]))
            at += int(chunk["raw_bytes"])

    def read_layer(self, layer_shard, layer_row):
        parts, at = [], 0
        bases = self.base_chunks(layer_shard, layer_row)
        for chunk, encoded, dtype in self.chunks(layer_shard, layer_row):
            n_bytes = int(chunk["raw_bytes"])
            begins, base = next(bases, (None, b""))
            need(chunk["transform"] not in DIFFERENCES or begins == at, "a difference from a chunk that is not there")
            parts.append(decode_chunk(encoded, dtype, n_bytes, base[:n_bytes]))
            at += n_bytes
        return b"".join(parts)

    def read(self, path):
        """The bytes of a regular file or of what a hard link leads to."""
        row = self.file_row(path)[1]
        need(row["kind"] in (REGULAR, HARDLINK), f"{path!r} is no regular file (kind {row['kind']})")
        parts, at = [], 0
        for _, _, extent in self.extents(path):
            need(extent["offset_bytes"] == at, f"a gap in {path!r} at byte {at}")
            parts.append(self.read_layer(extent["layer_shard"], extent["layer_row"]))
            need(len(parts[-1]) == extent["size_bytes"], "a layer of another size than its extent")
            at += len(parts[-1])
        need(at == row["size_bytes"], f"{path!r} ends at byte {at}")
        return b"".join(parts)


def read_file(archive_dir, path):
    """The bytes of the latest version of a file."""
    with Archive(archive_dir) as archive:
        return archive.read(path)


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if len(arguments) == 2:
            sys.stdout.buffer.write(read_file(*arguments))
        else:
            with Archive(arguments[0]) as archive:
                for path in archive.paths():
                    sys.stdout.buffer.write(path + b"\n")
    except (FormatError, OSError) as error:
        print(f"format_reader: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
