"""Seeds of the npy parser."""
import io

import numpy


def saved(array, version=None):
    out = io.BytesIO()
    numpy.lib.format.write_array(out, array, version=version, allow_pickle=False)
    return out.getvalue()


def of_dict(text, data=b""):
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text.encode() + data


def seeds():
    numbers = numpy.arange(6, dtype="<f4").reshape(2, 3)
    files = {f"type_{t.strip('<>|=')}": saved(numpy.arange(4).astype(t))
             for t in ("|b1", "|u1", "<i2", "<u4", "<i8", "<f2", "<f8", "<c8", "<c16")}
    return files | {
        "version_1": saved(numbers),
        "version_2": saved(numbers, (2, 0)),
        "version_3": saved(numbers, (3, 0)),
        "fortran": saved(numpy.asfortranarray(numbers)),
        "scalar": saved(numpy.float64(1.5)),
        "empty": saved(numpy.zeros((3, 0), "<f4")),
        "big_endian": saved(numbers.astype(">f4")),
        "structs": saved(numpy.zeros(2, [("x", "<f4"), ("y", [("z", "<i4", (2,))])])),
        "texts": saved(numpy.array(["ab", "c"])),
        "bfloat16": saved(numpy.zeros(3, "<V2")),
        "objects": of_dict("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", b"\x80\4."),
        "python_2": of_dict("{'shape': (2L, 1L), 'fortran_order': True, 'descr': u'=f4'}", bytes(8)),
        "two_arrays": saved(numbers) + saved(numbers),
    }
