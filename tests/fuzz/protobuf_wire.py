"""Writes protobuf messages for the seeds of formats that consist of them: a message is bytes, the sum of its fields."""
import struct


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else bytes(value)
    return varint(field << 3 | 2) + varint(len(value)) + value


def fixed32(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def fixed64(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def numbers(field, values):
    return b"".join(number(field, value) for value in values)


def packed(field, values):
    return data(field, b"".join(varint(value) for value in values))
