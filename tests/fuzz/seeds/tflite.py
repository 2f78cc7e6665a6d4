"""Seeds of the tflite parser."""
import struct

# A table is a list of fields; a field is None, (struct format, value), or the target of an offset: a table, a Vector, bytes.


class Vector(list):
    """A vector of tables."""


class Numbers(list):
    """A vector of 32-bit integers."""


class Writer:
    """Writes targets from front to back, level by level: an offset comes before its target. A target of two offsets is
    written once."""

    def __init__(self, root):
        self.out = bytearray(b"\0\0\0\0TFL3")
        self.waiting = [(0, root)]
        written = {}
        for at, thing in self.waiting:
            place = written.get(id(thing), 0)
            if place <= at:
                place = written[id(thing)] = self.write(thing)
            struct.pack_into("<I", self.out, at, place - at)

    def write(self, thing):
        if isinstance(thing, Numbers):
            return self.append(struct.pack(f"<I{len(thing)}i", len(thing), *thing))
        if isinstance(thing, Vector):
            at = self.append(struct.pack("<I", len(thing)) + bytes(4 * len(thing)))
            self.waiting += [(at + 4 + 4 * i, each) for i, each in enumerate(thing)]
            return at
        if isinstance(thing, (bytes, bytearray)):
            return self.append(struct.pack("<I", len(thing)) + thing + b"\0")
        return self.write_table(thing)

    def write_table(self, fields):
        body, places, leads = b"", [], []
        for field in fields:
            places.append(4 + len(body) if field is not None else 0)
            if isinstance(field, tuple):
                body += struct.pack("<" + field[0], field[1])
            elif field is not None:
                leads.append((4 + len(body), field))
                body += bytes(4)
        vtable = self.append(struct.pack(f"<HH{len(fields)}H", 4 + 2 * len(fields), 4 + len(body), *places))
        at = self.append(struct.pack("<i", len(self.out) - vtable) + body)
        self.waiting += [(at + place, field) for place, field in leads]
        return at

    def append(self, data):
        self.out += data
        return len(self.out) - len(data)


def file(subgraphs, buffers):
    model = [("I", 3), None, Vector([Vector(each)] for each in subgraphs), b"seed", Vector(buffers)]
    return bytes(Writer(model).out)


def tensor(name, shape, kind, buffer, sparse=False):
    return [Numbers(shape), ("b", kind), ("I", buffer), name, None, None, [] if sparse else None]


def buffer(n):
    return [bytearray(i * 7 % 251 for i in range(n))] if n else []


def outside(offset, size):
    return [None, ("Q", offset), ("Q", size)]


def seeds():
    shared = buffer(24)
    types = [(0, 4), (1, 2), (2, 4), (3, 1), (4, 8), (6, 1), (7, 2), (8, 8), (9, 1), (10, 8), (11, 16), (12, 8),
             (15, 4), (16, 2), (18, 2), (21, 1), (22, 1)]
    behind = file([[tensor(b"a", (2,), 0, 0), tensor(b"b", (3,), 9, 1)]], [outside(512, 8), outside(520, 3)])
    return {
        "empty": file([], []),
        "one": file([[tensor(b"input", (1, 4), 0, 0), tensor(b"w", (2, 3), 0, 1)]], [buffer(0), buffer(24)]),
        "types": file([[tensor(b"t", (2, 1), kind, i) for i, (kind, _) in enumerate(types)]],
                      [buffer(2 * n) for _, n in types]),
        "shared_buffer": file([[tensor(b"a", (6,), 0, 0), tensor(b"b", (2, 3), 0, 0)], [tensor(b"c", (6,), 0, 0)]],
                              [buffer(24)]),
        "shared_data": file([[tensor(b"a", (6,), 0, 0), tensor(b"b", (6,), 0, 1)]], [shared, shared]),
        "packed_and_sparse": file([[tensor(b"int4", (3, 5), 17, 0), tensor(b"sparse", (9, 9), 0, 1, True)]],
                                  [buffer(8), buffer(12)]),
        "string_and_unknown": file([[tensor(b"text", (2,), 5, 0), tensor(b"new", (2,), 40, 1),
                                     tensor(b"short", (9,), 0, 2), tensor(b"w", (2,), 0, 3)]],
                                   [buffer(20), buffer(2), buffer(4), buffer(8)]),
        "outside": behind + bytes(512 - len(behind)) + bytes(11),
        "zip_behind": file([[tensor(b"w", (2,), 0, 0)]], [buffer(8)]) + b"PK\3\4labels.txtPK\5\6" + bytes(18),
        "no_buffer": file([[tensor(b"w", (2,), 0, 7)]], [buffer(8)]),
    }
