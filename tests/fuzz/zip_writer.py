"""Writes zips byte by byte, for the seeds of formats that are zips."""
import struct
import zlib


def entry(name, data=b"", method=0, flags=0, descriptor=None, wide=False, align=1, zip64=False):
    """descriptor: None, "signed" or "bare"; wide: with sizes of 8 bytes; align: of the data, as PyTorch pads them."""
    return locals()


def write(entries, comment=b"", zip64=False):
    out = bytearray()
    directory = bytearray()
    for e in entries:
        name, data = e["name"].encode(), e["data"]
        packed = zlib.compress(data, 6)[2:-4] if e["method"] == 8 else data
        crc, flags = zlib.crc32(data), e["flags"] | (8 if e["descriptor"] else 0)
        at = len(out)
        padding = -(at + 30 + len(name) + 4) % e["align"]
        extra = struct.pack("<2sH", b"FB", padding) + bytes(padding) if e["align"] > 1 else b""
        if e["zip64"]:
            extra += struct.pack("<HHQQ", 1, 16, len(data), len(packed))
        sizes = (0xFFFFFFFF,) * 2 if e["zip64"] else (len(packed), len(data))
        numbers = (0, 0, 0) if e["descriptor"] else (crc,) + sizes
        out += struct.pack("<4sHHHIIIIHH", b"PK\3\4", 20, flags, e["method"], 0, *numbers, len(name), len(extra))
        out += name + extra + packed
        if e["descriptor"]:
            out += b"PK\7\10" if e["descriptor"] == "signed" else b""
            out += struct.pack("<IQQ" if e["wide"] else "<III", crc, len(packed), len(data))
        extra = struct.pack("<HHQQQ", 1, 24, len(data), len(packed), at) if e["zip64"] else b""
        directory += struct.pack("<4sHHHHIIIIHHHHHII", b"PK\1\2", 20, 20, flags, e["method"], 0, crc, *sizes, len(name),
                                 len(extra), 0, 0, 0, 0, 0xFFFFFFFF if e["zip64"] else at)
        directory += name + extra
    at, n = len(out), len(entries)
    out += directory
    if zip64:
        end = len(out)
        out += struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, n, n, len(directory), at)
        out += struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    return bytes(out + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, n, n, len(directory), at, len(comment)) + comment)
