"""Seeds of the npz parser."""
import numpy

from seeds.npy import saved
from zip_writer import entry, write


def seeds():
    weight = saved(numpy.arange(6, dtype="<f4").reshape(2, 3))
    bias = saved(numpy.arange(3, dtype="<f2"))
    return {
        "stored": write([entry("conv/W.npy", weight), entry("conv/b.npy", bias)]),
        "zip64": write([entry("W.npy", weight, zip64=True), entry("b.npy", bias)], zip64=True),
        "commented": write([entry("W.npy", weight)], comment=b"PK\5\6" + bytes(30)),
        "deflated": write([entry("W.npy", weight, method=8), entry("b.npy", bias)]),
        "encrypted": write([entry("W.npy", weight, flags=1), entry("b.npy", bias), entry("c.npy", bias, method=14)]),
        "signed_descriptors": write([entry("W.npy", weight, descriptor="signed"),
                                     entry("b.npy", bias, descriptor="signed", wide=True)]),
        "bare_descriptors": write([entry("W.npy", weight, descriptor="bare"),
                                   entry("b.npy", bias, descriptor="bare", wide=True)]),
        "big_endian": write([entry("W.npy", saved(numpy.arange(4, dtype=">f4"))), entry("note.txt", b"hello")]),
        "empty_array": write([entry("W.npy", saved(numpy.zeros(0, "<f4")))]),
        "damaged_array": write([entry("W.npy", weight[:-1]), entry("b.npy", bias)]),
    }
