"""Seeds of the parser of plain pickles."""
import io
import pickle
import struct

import numpy

from seeds.torch_legacy import Call, Global, Pickler, dumps, file, ordered, storage, tensor


def model(**attributes):
    return Call(Global("sklearn.svm", "SVC"), state=attributes)


def instance_of_protocol_0():
    return b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR(dS'w'\n" + old_array() + b"sb."


def old_array():
    """An array as Python 2 writes it with protocol 0."""
    return (b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\ntcnumpy\ndtype\n(S'f4'\nI0\n"
            b"I1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x00\\x00\\x80?abcd'\ntb")


class Joblib(Pickler):
    """Writes arrays after their wrappers, as joblib does."""

    def __init__(self, out, protocol, alignment):
        super().__init__(out, protocol)
        self.out, self.alignment = out, alignment

    def save(self, obj, save_persistent_id=True):
        if not isinstance(obj, numpy.ndarray):
            return super().save(obj, save_persistent_id)
        state = {"subclass": Global("numpy", "ndarray"), "shape": obj.shape, "order": "C", "dtype": obj.dtype,
                 "allow_mmap": True}
        if self.alignment:
            state["numpy_array_alignment_bytes"] = self.alignment
        super().save(Call(Global("joblib.numpy_pickle", "NumpyArrayWrapper"), state=state))
        if self.proto >= 4:
            self.framer.commit_frame(force=True)
        if obj.dtype.hasobject:
            return self.out.write(pickle.dumps(obj, 2))
        if self.alignment:
            n = self.alignment - (self.out.tell() + 1) % self.alignment
            self.out.write(bytes([n]) + b"\xff" * n)
        self.out.write(obj.tobytes())


def joblib(obj, protocol, alignment):
    out = io.BytesIO()
    Joblib(out, protocol, alignment).dump(obj)
    return out.getvalue()


def seeds():
    floats = numpy.arange(6, dtype="f4").reshape(2, 3)
    objects = numpy.array([floats, None, "x"], dtype=object)
    mixed = {"coef_": floats, 0: [floats.T.copy(), (floats,)], "big": floats.astype(">f4"), "names": numpy.array(["ab"]),
             "half": floats.astype("f2"), "scalar": numpy.float64(2), "zero": numpy.zeros((0, 3)), "objects": objects}
    embedded = file(storage("k", 2), [("k", 2, bytes(8))])
    loaded = Call(Global("torch.storage", "_load_from_bytes"), (embedded,))
    found = {f"mixed_{p}": pickle.dumps(mixed, p) for p in range(6)}
    return found | {
        "model": dumps(model(C=1.0, coef_=floats, classes_=numpy.arange(2)), 3),
        "old": instance_of_protocol_0(),
        "two": pickle.dumps([floats], 3) + pickle.dumps({"b": floats}, 4),
        "joblib_2": joblib(model(a=floats, b=objects), 2, 0),
        "joblib_4": joblib(model(a=floats, b=objects, c=numpy.arange(3)), 4, 16),
        "torch": dumps({"w": tensor(loaded, 0, (2,), (1,)), "d": ordered()}, 3),
        "opcodes": b"\x80\x05(I1\nL2L\nF1.5\nG12345678J\0\0\0\0M\1\0\x8a\1\1\x8b\1\0\0\0\1S'a'\nVb\nU\1cT\1\0\0\0d\x8c\1e"
                   b"\x8d" + struct.pack("<Q", 1) + b"f\x8f(K\1\x90(K\1\x91(lcnumpy\nx\n)}\x92)\x81(im\nn\n(cm\nn\no\x82\1"
                   b"\x83\1\0\x84\1\0\0\0\x97\x98Pid\n0NQp1\ng1\nh\1q\2r\3\0\0\0j\3\0\0\0\x942((1t.",
    }
