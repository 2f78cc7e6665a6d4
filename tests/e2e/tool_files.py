"""Writes weight files in many variants of the formats, with the formats' own tools where there are any."""

import io
import json
import os
import pickle
import struct
import types
import zipfile

import h5py
import numpy as np

import native_layers


def weights(rng, *shape):
    return rng.normal(0, 0.02, shape).astype(np.float32)


def write(folder, name, content):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


# ---------------------------------------------------------------- numpy and pickle

def numpy_arrays(rng):
    return {"c order": weights(rng, 40, 30), "fortran": np.asfortranarray(weights(rng, 50, 20)), "f64": rng.normal(0, 0.1, (30, 7)),
            "f16": weights(rng, 700).astype(np.float16), "big endian": weights(rng, 300).astype(">f4"),
            "scalar": np.float32(0.125).reshape(()),
            "none": np.zeros((0, 4), np.float32), "u8": rng.integers(0, 256, 500, np.uint8), "bool": rng.integers(0, 2, 333).astype(bool),
            "i64": rng.integers(-9, 9, 64), "complex": rng.normal(0, 1, 50).astype(np.complex64), "text": np.array(["ab", "cde"]),
            "record": np.zeros(9, [("a", "<f4"), ("b", "<i4")])}


def write_npy(folder, name, array):
    out = io.BytesIO()
    np.save(out, array)
    write(folder, name, out.getvalue())


def make_numpy(folder, rng):
    arrays = numpy_arrays(rng)
    for name, array in arrays.items():
        write_npy(folder, name.replace(" ", "-") + ".npy", array)
    np.savez(os.path.join(folder, "stored.npz"), **arrays)
    np.savez_compressed(os.path.join(folder, "deflated.npz"), **arrays)
    with zipfile.ZipFile(os.path.join(folder, "mixed.npz"), "w") as archive:
        for i, (name, method) in enumerate((("a/b", zipfile.ZIP_STORED), ("packed", zipfile.ZIP_DEFLATED), ("c", zipfile.ZIP_STORED))):
            out = io.BytesIO()
            np.save(out, weights(rng, 60 + i, 50))
            archive.writestr(zipfile.ZipInfo(name + ".npy"), out.getvalue(), method)


def make_pickles(folder, rng):
    shared = weights(rng, 30, 10)
    estimator = types.SimpleNamespace(coef_=weights(rng, 12, 40), intercept_=rng.normal(0, 1, 12), n_iter=np.int64(7), name="svm")
    tree = {"layers": [weights(rng, 64, 32), {"bias": rng.normal(0, 1, 32), 5: shared}], "again": shared, "estimator": estimator,
            "fortran": np.asfortranarray(weights(rng, 9, 100)), "big endian": weights(rng, 40).astype(">f4"), "words": ["a", "b"],
            "objects": np.array([{"inner": weights(rng, 77)}, None], dtype=object), "large": weights(rng, 300, 100)}
    for protocol in (2, 3, 4, 5):
        write(folder, f"protocol{protocol}.pkl", pickle.dumps(tree, protocol))
    write(folder, "one-array.pkl", pickle.dumps(weights(rng, 100, 20), 4))
    write(folder, "three-objects.pkl", b"".join(pickle.dumps(value, 3) for value in (weights(rng, 500), "text", [weights(rng, 90)])))


# ---------------------------------------------------------------- PyTorch

def torch_tensors(torch, rng):
    def made(*shape):
        return torch.from_numpy(weights(rng, *shape))

    normal, base = made(48, 36), made(1000)
    return {"f32": normal, "f16": normal.half(), "bf16": normal.bfloat16(), "f64": normal.double() * 1.1, "i64": torch.arange(70),
            "i32": torch.arange(50, dtype=torch.int32), "i16": torch.arange(30, dtype=torch.int16),
            "i8": torch.arange(20, dtype=torch.int8),
            "u8": torch.arange(99, dtype=torch.uint8), "bool": torch.arange(77) % 3 == 0, "c64": torch.complex(normal, normal),
            "scalar": torch.tensor(0.25), "none": torch.zeros(0, 5), "tied to f32": normal, "transposed": made(25, 60).t(),
            "first half": base[:500], "second half": base[500:],
            "channels last": made(4, 6, 5, 5).contiguous(memory_format=torch.channels_last),
            "not dense": made(40, 40)[:, :7], "parameter": torch.nn.Parameter(made(33, 3)), "expanded": made(1, 44).expand(5, 44),
            "a part of u8": torch.arange(99, dtype=torch.uint8)[9:20]}


def module(torch):
    torch.manual_seed(4)
    inner = torch.nn.Sequential(torch.nn.Linear(30, 20), torch.nn.PReLU())
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), inner)


def scripted(torch):
    class Scripted(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner
            self.plain = torch.arange(300, dtype=torch.float32)

        def forward(self, x):
            return self.inner(x).mean() + self.plain.sum() + torch.jit.annotate(float, 1.0)

    return torch.jit.script(Scripted(module(torch)[:2]))


def make_torch(folder, rng):
    import torch
    os.makedirs(folder, exist_ok=True)
    tensors = torch_tensors(torch, rng)
    nested = {"epoch": 3, "state_dict": dict(tensors), "optimizer": {"state": {0: {"exp_avg": torch.from_numpy(weights(rng, 48, 36))}},
                                                                     "param_groups": [{"lr": 0.1, "params": [0]}]},
              "list": [torch.from_numpy(weights(rng, 11)), (torch.from_numpy(weights(rng, 12)),)], "numpy": weights(rng, 50)}
    for name, value in (("tensors", tensors), ("nested", nested), ("module", module(torch)), ("one-tensor", tensors["f32"])):
        torch.save(value, os.path.join(folder, f"{name}.pt"))
        torch.save(value, os.path.join(folder, f"{name}-legacy.pt"), _use_new_zipfile_serialization=False)
    scripted(torch).save(os.path.join(folder, "scripted.pt"))
    torch.jit.trace(module(torch)[0], torch.zeros(1, 3, 8, 8)).save(os.path.join(folder, "traced.pt"))


# ---------------------------------------------------------------- HDF5

def fill_hdf5(file, rng):
    file["contiguous"] = weights(rng, 60, 40)
    file["deep/er/f16"] = weights(rng, 300).astype(np.float16)
    file["deep/f64"] = rng.normal(0, 1, (20, 5))
    file["deep/bool"] = rng.integers(0, 2, 40).astype(bool)
    file["scalar"] = np.float32(0.5)
    file["i64"] = np.arange(33)
    file["big endian"] = weights(rng, 60).astype(">f4")
    file["text"] = "a string"
    file["texts"] = np.array([b"fixed", b"width"])
    file["none"] = np.zeros((0, 3), np.float32)
    file["null"] = h5py.Empty("f4")
    file["complex"] = rng.normal(0, 1, 20).astype(np.complex64)
    file["record"] = np.zeros(9, [("a", "<f4"), ("b", "<i4")])
    file["same"] = file["contiguous"]
    file["soft"] = h5py.SoftLink("/deep/f64")
    file.create_dataset("chunked", data=weights(rng, 64, 64), chunks=(16, 64))
    file.create_dataset("gzip", data=weights(rng, 64, 64), compression="gzip")
    file.create_dataset("checked", data=weights(rng, 64, 64), chunks=(64, 64), fletcher32=True)
    file.create_dataset("never written", (500,), np.float32)
    file.create_dataset("grows", data=weights(rng, 40), maxshape=(None,))
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple((50,))
    h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, compact).write(h5py.h5s.ALL, h5py.h5s.ALL, weights(rng, 50))
    many = file.create_group("many")
    for i in range(60):
        many[f"w{i}"] = weights(rng, 10 + i)
    for i in range(20):
        many.attrs[f"attribute {i}"] = f"value {i}"


def make_hdf5(folder, rng):
    os.makedirs(folder, exist_ok=True)
    for name, options in (("oldest", {"libver": "earliest"}), ("newest", {"libver": "latest"}), ("user-block", {"userblock_size": 512}),
                          ("tracked", {"track_order": True})):
        with h5py.File(os.path.join(folder, name + ".h5"), "w", **options) as file:
            fill_hdf5(file, rng)
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        out = io.BytesIO()
        with h5py.File(out, "w") as file:
            file["layers/dense/vars/0"] = weights(rng, 100, 30)
            file["layers/dense/vars/1"] = weights(rng, 30)
        with zipfile.ZipFile(os.path.join(folder, name + ".keras"), "w") as archive:
            for entry, content in (("metadata.json", b"{}"), ("config.json", b"{}"), ("model.weights.h5", out.getvalue())):
                archive.writestr(zipfile.ZipInfo(entry), content, method)


# ---------------------------------------------------------------- ONNX

def make_onnx(folder, rng):
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    os.makedirs(folder, exist_ok=True)
    w = weights(rng, 40, 30)
    half = (weights(rng, 64).view(np.uint32) >> 16).astype(np.uint16)
    initializers = [
        numpy_helper.from_array(w, "raw"), helper.make_tensor("floats", TensorProto.FLOAT, [40, 30], w.ravel()),
        helper.make_tensor("int64s", TensorProto.INT64, [5], [1, -2, 300, 4, 5]), numpy_helper.from_array(w.astype(np.float16), "f16"),
        helper.make_tensor("bf16", TensorProto.BFLOAT16, [64], half.tobytes(), raw=True),
        numpy_helper.from_array(w.astype(np.float64), "f64"),
        helper.make_tensor("texts", TensorProto.STRING, [2], [b"a", b"b"]), numpy_helper.from_array(np.zeros((0, 3), np.float32), "none"),
        numpy_helper.from_array(np.array(7, np.int64), "scalar"), numpy_helper.from_array(rng.integers(0, 2, 9).astype(bool), "bool")]

    def branch(name):
        tensor = numpy_helper.from_array(weights(rng, 30), "inner")
        return helper.make_graph([helper.make_node("Identity", ["inner"], [name])], name, [],
                                 [helper.make_tensor_value_info(name, TensorProto.FLOAT, [30])], [tensor])

    nodes = [helper.make_node("Constant", [], ["constant"], value=numpy_helper.from_array(weights(rng, 30), "")),
             helper.make_node("Constant", [], ["flag"], value=numpy_helper.from_array(np.array(True), "flag value")),
             helper.make_node("If", ["flag"], ["chosen"], then_branch=branch("a"), else_branch=branch("b")),
             helper.make_node("Add", ["constant", "chosen"], ["out"])]
    graph = helper.make_graph(nodes, "made", [], [helper.make_tensor_value_info("out", TensorProto.FLOAT, [30])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="test")
    onnx.save(model, os.path.join(folder, "model.onnx"))
    big = helper.make_graph([helper.make_node("Add", ["a", "b"], ["out"])], "big", [],
                            [helper.make_tensor_value_info("out", TensorProto.FLOAT, [60, 70])],
                            [numpy_helper.from_array(weights(rng, 60, 70), name) for name in "ab"])
    onnx.save(helper.make_model(big, opset_imports=[helper.make_opsetid("", 13)]), os.path.join(folder, "outside.onnx"),
              save_as_external_data=True, location="outside.onnx.data", size_threshold=0)


# ---------------------------------------------------------------- GGUF

def gguf_text(text):
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(version, tensors, alignment=None):
    """`tensors`: {name: (number of the type, dimensions, bytes)}."""
    values = {"general.architecture": struct.pack("<I", 8) + gguf_text("test"),
              "tokens": struct.pack("<IIQ", 9, 8, 2) + gguf_text("a") + gguf_text("b"), "rate": struct.pack("<If", 6, 0.5)}
    if alignment:
        values["general.alignment"] = struct.pack("<II", 4, alignment)
    align = alignment or 32
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    head += b"".join(gguf_text(key) + value for key, value in values.items())
    data = b""
    for name, (kind, dimensions, content) in tensors.items():
        data += b"\0" * (-len(data) % align)
        head += gguf_text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, len(data))
        data += content
    return head + b"\0" * (-len(head) % align) + data


def make_gguf(folder, rng):
    plain = {"token_embd.weight": (0, [30, 40], weights(rng, 40, 30).tobytes()),
             "f16": (1, [64], weights(rng, 64).astype(np.float16).tobytes()),
             "norm.bias": (0, [7], weights(rng, 7).tobytes())}
    blocks = {}
    for number in native_layers.GGML_TYPES:
        dtype, _, n_bytes = native_layers.ggml_array(native_layers.GGML_TYPES, number, [256, 3])
        blocks[f"blk.{number}.{dtype}"] = (number, [256, 3], rng.bytes(n_bytes))
    write(folder, "version2.gguf", gguf(2, plain))
    write(folder, "version3.gguf", gguf(3, plain | blocks))
    write(folder, "aligned.gguf", gguf(3, plain | blocks, alignment=256))


# ---------------------------------------------------------------- rwkv.cpp

def rwkv(rng, number):
    """A file of rwkv.cpp whose matrices have the type of this number; vectors are f32."""
    out = b"fmgg" + struct.pack("<5i", 101, 64, 32, 3, number)
    for name, dimensions in (("emb.weight", [64, 32]), *((f"blocks.{i}.att.{x}.weight", [32, 32]) for i in range(3) for x in "rkv"),
                             *((f"blocks.{i}.ln1.weight", [32]) for i in range(3)), ("head.weight", [32, 64])):
        kind = number if len(dimensions) == 2 else 0
        _, _, n_bytes = native_layers.ggml_array(native_layers.RWKV_TYPES, kind, dimensions)
        content = weights(rng, *dimensions).astype("f4" if kind == 0 else "f2").tobytes() if kind < 2 else rng.bytes(n_bytes)
        out += struct.pack(f"<{3 + len(dimensions)}i", len(dimensions), len(name), kind, *dimensions) + name.encode() + content
    return out


def make_rwkv(folder, rng):
    for name, number in (("f32", 0), ("f16", 1), ("q4_0", 2), ("q5_0", 7), ("q5_1", 8), ("q8_0", 9)):
        write(folder, f"{name}.bin", rwkv(rng, number))


# ----------------------------------------------------------------

MAKERS = {"numpy": make_numpy, "pickle": make_pickles, "torch": make_torch, "hdf5": make_hdf5, "onnx": make_onnx, "gguf": make_gguf,
          "rwkv": make_rwkv}


def make(root, seed=11):
    """Writes a folder of files for each tool that is installed; returns the names of the modules that are missing."""
    missing = []
    for name, maker in MAKERS.items():
        try:
            maker(os.path.join(root, name), np.random.default_rng(seed))
        except ImportError as error:
            missing.append(error.name)
    return missing
