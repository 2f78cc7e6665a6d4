"""The layers of a weight file as the format's own tool gives them, independent of elves.

    native_layers.read(PATH)                             the expected layers
    python3 native_layers.py PATH... [--json]            a listing; folders are walked

safetensors, GGUF, GGML, rwkv.cpp, Caffe and TFLite files are parsed here (TFLite's tables with the package flatbuffers); numpy arrays,
HDF5, PyTorch and ONNX files by numpy, h5py, torch and onnx. Nothing in a pickle is executed: unknown classes become dummies.
"""

import argparse
import dataclasses
import functools
import io
import json
import math
import mmap
import os
import pickle
import struct
import types
import zipfile
from unittest import mock

import numpy as np


class MissingTool(Exception):
    """The format is known, but the tool that reads it is not installed."""


class NoTool(Exception):
    """The file is of no format that this module reads."""


class NotUnderstood(Exception):
    """The format is known, but its reader here fails on this file: a newer version or an unknown type, or a damaged file."""


@dataclasses.dataclass
class Layer:
    """A layer that elves is expected to find. Every value matches a field that is None.

    `names`: the first is the name that the tool shows; the others are further names of the same bytes.
    `optional`: empty for a layer that elves must find, else the reason why elves may leave it out.
    `content`: its bytes as in memory, little endian (column-major arrays stay column-major).
    """

    names: tuple
    dtype: str | None
    shape: list | None
    n_bytes: int | None
    content: bytes = b""
    optional: str = ""


@dataclasses.dataclass
class Native:
    format: str
    layers: list


def need(module):
    """The module, or MissingTool."""
    try:
        return __import__(module, fromlist=["_"])
    except ImportError:
        raise MissingTool(module) from None


# ---------------------------------------------------------------- numpy arrays

NUMPY_DTYPES = {"f2": "f16", "f4": "f32", "f8": "f64", "c8": "c64", "c16": "c128", "b1": "bool", "u1": "u8", "u2": "u16", "u4": "u32",
                "u8": "u64", "i1": "i8", "i2": "i16", "i4": "i32", "i8": "i64"}


def numpy_layer(name, array, optional=""):
    """A layer; optional where the type is not one of plain little-endian numbers."""
    dtype = NUMPY_DTYPES.get(array.dtype.str[1:])
    if dtype is None:
        return Layer((name,), None, None, None, b"", optional or f"elements of type {array.dtype}")
    if array.dtype.str[0] == ">":
        optional = optional or "big endian"
    return Layer((name,), dtype, list(array.shape), array.nbytes, array.tobytes("A"), optional)


def read_npy(path):
    return [numpy_layer(None, np.load(path, allow_pickle=False))]


def read_npz(path):
    layers = []
    with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as arrays:
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            compressed = "" if info.compress_type == zipfile.ZIP_STORED else "deflated"
            layers.append(numpy_layer(name, arrays[name], compressed))
    return layers


# ---------------------------------------------------------------- safetensors

SAFETENSORS_DTYPES = {"F64": "f64", "F32": "f32", "F16": "f16", "BF16": "bf16", "I64": "i64", "I32": "i32", "I16": "i16", "I8": "i8",
                      "U64": "u64", "U32": "u32", "U16": "u16", "U8": "u8", "BOOL": "bool", "F8_E4M3": "f8_e4m3", "F8_E5M2": "f8_e5m2",
                      "F8_E4M3FNUZ": "f8_e4m3fnuz", "F8_E5M2FNUZ": "f8_e5m2fnuz", "F8_E8M0": "f8_e8m0", "C64": "c64"}


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    header.pop("__metadata__", None)
    layers = []
    for name, row in header.items():
        start, end = row["data_offsets"]
        dtype = SAFETENSORS_DTYPES.get(row["dtype"])
        optional = "" if dtype else f"elements of type {row['dtype']}"
        layers.append(Layer((name,), dtype, row["shape"] if dtype else None, end - start, data[start:end], optional))
    return layers


# ---------------------------------------------------------------- pickles

ALLOWED = {
    "collections": {"OrderedDict", "defaultdict"},
    "builtins": {"set", "frozenset", "list", "dict", "tuple", "int", "float", "complex", "bytearray", "slice"},
    "__builtin__": {"set", "frozenset", "list", "dict", "tuple", "int", "float", "complex", "bytearray", "slice", "long"},
    "numpy": {"ndarray", "dtype"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "_codecs": {"encode"},
    "torch": {"Size", "device", "dtype"},
    "torch._utils": {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter"},
    "torch._tensor": {"_rebuild_from_type_v2"},
    "torch.serialization": {"_get_layout"},
}


class Dummy:
    """In place of an object of a class that is not loaded. Keeps its state, keys and items."""

    def __new__(cls, *args, **_):
        made = object.__new__(cls)
        made.__dict__["args"] = args
        return made

    def __init__(self, *args, **_):
        pass

    def __setstate__(self, state):
        parts = state if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict) else (state,)
        for part in parts:
            if isinstance(part, dict):
                self.__dict__.update({str(key): value for key, value in part.items()})
            elif part is not None:
                self.__dict__["state"] = part

    def __setitem__(self, key, value):
        self.__dict__[str(key)] = value

    def append(self, value):
        self.__dict__.setdefault("items", []).append(value)

    def extend(self, values):
        self.__dict__.setdefault("items", []).extend(values)

    def __call__(self, *args, **_):
        return Dummy(*args)


def is_allowed(module, name):
    return name in ALLOWED.get(module, ()) or (module == "torch" and name.endswith("Storage"))


class TolerantUnpickler(pickle.Unpickler):
    """Loads arrays, tensors and plain containers; everything else becomes a Dummy."""

    def find_class(self, module, name):
        if is_allowed(module, name):
            try:
                return super().find_class(module, name)
            except (ImportError, AttributeError):
                pass
        return type(name.rpartition(".")[2], (Dummy,), {"__module__": module})


def tolerant_load(file, **options):
    return TolerantUnpickler(file, **options).load()


TOLERANT_PICKLE = types.SimpleNamespace(Unpickler=TolerantUnpickler, load=tolerant_load, __name__="tolerant_pickle")

# Levels of a pickled torch.nn.Module that state_dict leaves out of its names.
MODULE_LEVELS = {"_parameters", "_buffers", "_modules"}


def members(value):
    """(key, value) of the members of an object of a pickle."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    if isinstance(value, Dummy):
        found = []
        for key, member in vars(value).items():
            found += list(member.items()) if key in MODULE_LEVELS and isinstance(member, dict) else [(key, member)]
        return found
    return []


def walk(value, is_leaf, path=(), above=()):
    """(name, leaf) of all leaves below `value`, depth first. Names are like a.b.0, None for the root. Each cycle is walked once."""
    if is_leaf(value):
        yield ".".join(map(str, path)) if path else None, value
        return
    if id(value) in above:
        return
    for key, member in members(value):
        yield from walk(member, is_leaf, path + (key,), above + (id(value),))


def is_array(value):
    return isinstance(value, (np.ndarray, np.generic))


def pickled_layers(name, array, content):
    """The layer of an array or number, or those of the arrays in an array of objects."""
    if isinstance(array, np.generic):
        return [numpy_layer(name, np.asarray(array), "a number, not an array")]
    if array.dtype.hasobject:
        inner = [found for value in array.ravel().tolist() for _, found in walk(value, is_array)]
        return [layer for found in inner for layer in pickled_layers(None, found, content)]
    return [numpy_layer(name, array, "" if array.tobytes("A") in content else "its bytes are coded in the pickle")]


def read_pickle(path):
    """All arrays of all objects in the file. If there are several objects, names may begin with the number of the object."""
    with open(path, "rb") as file:
        content = file.read()
    stream = io.BytesIO(content)
    objects = []
    while stream.tell() < len(content):
        objects.append(TolerantUnpickler(stream, encoding="latin1").load())
    layers, seen = [], {}
    for number, root in enumerate(objects):
        for name, array in walk(root, is_array):
            names = (name,) if len(objects) == 1 else (".".join([str(number)] + ([name] if name else [])), name)
            if id(array) in seen:
                seen[id(array)].names += names
                continue
            found = pickled_layers(name, array, content)
            if not array.dtype.hasobject:
                found[0].names, seen[id(array)] = names, found[0]
            layers += found
    return layers


# ---------------------------------------------------------------- PyTorch

TORCH_DTYPES = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int64": "i64", "int32": "i32", "int16": "i16",
                "int8": "i8", "uint8": "u8", "bool": "bool", "complex64": "c64", "complex128": "c128"}


def span_elements(tensor):
    """Elements from the first to the last one of a tensor in its storage."""
    return 1 + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride())) if tensor.numel() else 0


def storage_bytes(torch, tensor, first, n):
    """The bytes of n elements of its storage."""
    flat = torch.as_strided(tensor.detach(), (n,), (1,), first)
    return flat.contiguous().view(torch.uint8).numpy().tobytes()


def torch_layer(torch, name, tensor):
    dtype = TORCH_DTYPES.get(str(tensor.dtype).removeprefix("torch."))
    if tensor.layout != torch.strided or tensor.is_quantized or dtype is None:
        return Layer((name,), None, None, None, b"", f"a {tensor.layout} tensor of type {tensor.dtype}")
    content = storage_bytes(torch, tensor, tensor.storage_offset(), span_elements(tensor))
    n_bytes = tensor.numel() * tensor.element_size()
    optional = "" if n_bytes else "no elements"
    if len(content) != n_bytes:
        return Layer((name,), dtype, None, None, content, "not dense in its storage")
    return Layer((name,), dtype, list(tensor.shape), n_bytes, content, optional)


def torch_layers(torch, named_tensors):
    """Tensors of equal places in a storage are one layer with several names. Optional are tensors that lie within others or overlap them,
    and those of a storage of which tensors cover less than half."""
    layers, storages = [], {}
    for name, tensor in named_tensors:
        if not isinstance(tensor, torch.Tensor):
            continue
        if tensor.layout != torch.strided or tensor.numel() == 0:
            layers.append(torch_layer(torch, name, tensor))
            continue
        start = tensor.storage_offset() * tensor.element_size()
        place = (start, start + span_elements(tensor) * tensor.element_size())
        whole = storage_bytes(torch, tensor, 0, tensor.storage().nbytes() // tensor.element_size())
        _, places = storages.setdefault(tensor.storage().data_ptr(), (whole, {}))
        if place in places:
            places[place].names += (name,)
        else:
            layers.append(torch_layer(torch, name, tensor))
            places[place] = layers[-1]
    for whole, places in storages.values():
        make_parts_optional(whole, places)
    return layers


def make_parts_optional(whole, places):
    """`places`: {(start, end): layer} of a storage. Its layers must be found if they do not overlap and cover at least half of it. Else
    elves may find the storage as one layer with the first name."""
    apart, end, covered = True, 0, 0
    for place in sorted(places, key=lambda place: (place[0], -place[1])):
        if place[1] <= end:
            places[place].optional, places[place].content = "lies within another", b""
            continue
        apart = apart and place[0] >= end and not places[place].optional
        end, covered = place[1], covered + place[1] - place[0]
    if apart and covered * 2 >= len(whole):
        return
    for layer in places.values():
        layer.optional, layer.shape, layer.n_bytes, layer.content = "a part of a storage", None, None, b""
    next(iter(places.values())).content = whole


def load_torch(path):
    """torch.load, without calling functions that the pickle names."""
    torch = need("torch")
    # torch 1.13 does not use its argument pickle_module everywhere.
    with mock.patch.object(torch.serialization, "pickle", TOLERANT_PICKLE):
        return torch.load(path, map_location="cpu", pickle_module=TOLERANT_PICKLE, weights_only=False)


def read_torch(path):
    torch = need("torch")
    loaded = load_torch(path)
    layers = torch_layers(torch, walk(loaded, lambda value: isinstance(value, torch.Tensor)))
    return layers + [numpy_layer(name, np.asarray(array), "an array in the pickle") for name, array in walk(loaded, is_array)]


def read_torchscript(path):
    """The tensors of the state dict, and those in the zip that are attributes or constants of the code, which may have any name."""
    torch = need("torch")
    layers = torch_layers(torch, torch.jit.load(path, map_location="cpu").state_dict().items())
    contents = [layer.content for layer in layers]
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            folder = info.filename.split("/")[1]
            if folder not in ("data", "constants"):
                continue
            content = archive.read(info)
            if content in contents:
                contents.remove(content)
            else:
                layers.append(Layer((None,), None, None, len(content), content, "an attribute or a constant of the code"))
    return layers


# ---------------------------------------------------------------- HDF5

def hdf5_chunks(name, dataset):
    """The stored chunks of a dataset without filters, of full size also at its edges. A chunk is named "name[0,64]" after its first
    element, or "name" if it is the whole dataset."""
    layers = []
    for i in range(dataset.id.get_num_chunks()):
        first = dataset.id.get_chunk_info(i).chunk_offset
        _, content = dataset.id.read_direct_chunk(first)
        chunk = np.frombuffer(content, dataset.dtype).reshape(dataset.chunks)
        shown = name if dataset.chunks == dataset.shape else f"{name}[{','.join(map(str, first))}]"
        layers.append(numpy_layer(shown, chunk, "a chunk"))
    return layers


def read_hdf5(path):
    h5py = need("h5py")
    layers = []

    def visit(name, dataset):
        if not isinstance(dataset, h5py.Dataset):
            return
        if dataset.dtype.kind not in "fiu" or dataset.dtype.hasobject or dataset.shape is None:
            layers.append(Layer((name,), None, None, None, b"", f"elements of type {dataset.dtype}"))
            return
        if dataset.chunks and not dataset.is_virtual and not dataset.id.get_create_plist().get_nfilters():
            layers.extend(hdf5_chunks(name, dataset))
            return
        optional = "" if dataset.size else "no elements"
        if dataset.chunks or dataset.is_virtual or dataset.id.get_offset() is None or not dataset.id.get_storage_size():
            optional = optional or "not contiguous in the file"
        layers.append(numpy_layer(name, dataset[()] if dataset.shape else np.asarray(dataset[()]), optional))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return layers


def read_keras(path):
    """The HDF5 file in the zip."""
    with zipfile.ZipFile(path) as archive:
        (info,) = [info for info in archive.infolist() if info.filename.endswith(".h5")]
        layers = read_hdf5(io.BytesIO(archive.read(info)))
    for layer in layers:
        if info.compress_type != zipfile.ZIP_STORED:
            layer.optional = "deflated"
    return layers


# ---------------------------------------------------------------- ONNX

ONNX_DTYPES = {1: "f32", 2: "u8", 3: "i8", 4: "u16", 5: "i16", 6: "i32", 7: "i64", 9: "bool", 10: "f16", 11: "f64", 12: "u32", 13: "u64",
               14: "c64", 15: "c128", 16: "bf16", 17: "f8_e4m3", 18: "f8_e4m3fnuz", 19: "f8_e5m2", 20: "f8_e5m2fnuz"}


def onnx_layer(onnx, names, tensor):
    if isinstance(tensor, np.ndarray):
        return numpy_layer(names[0], tensor, "a list of floats in an attribute")
    dtype, shape = ONNX_DTYPES.get(tensor.data_type), list(tensor.dims)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return Layer(names, None, None, None, b"", "in another file")
    if tensor.HasField("raw_data"):
        optional = "" if dtype and tensor.raw_data else "no elements, or of an unknown type"
        return Layer(names, dtype, shape, len(tensor.raw_data), tensor.raw_data, optional)
    if dtype is None or tensor.data_type in (14, 15, 16):
        return Layer(names, dtype, shape, None, b"", "of a type that onnx_layer does not read")
    array = onnx.numpy_helper.to_array(tensor)
    return Layer(names, dtype, shape, array.nbytes, array.tobytes(), "not in raw_data")


def onnx_sparse(name, sparse):
    yield (name,), sparse.values
    yield (name + "/indices",), sparse.indices


def onnx_tensors(graph, path=""):
    """(names, tensor) of a graph and its subgraphs. An initializer has its name, a Constant the name of its output, another attribute
    NODE/ATTRIBUTE. Names recur in subgraphs, so they begin with the path of the subgraph, which is its NODE/ATTRIBUTE.
    """
    for tensor in graph.initializer:
        yield (path + tensor.name,), tensor
    for sparse in graph.sparse_initializer:
        yield from onnx_sparse(path + sparse.values.name, sparse)
    for node in graph.node:
        yield from onnx_node_tensors(node, path)


def onnx_node_tensors(node, path):
    for attribute in node.attribute:
        is_constant = node.op_type == "Constant" and attribute.name in ("value", "sparse_value")
        name = path + (node.output[0] if is_constant else f"{node.name or node.output[0]}/{attribute.name}")
        if attribute.HasField("t"):
            yield (name,), attribute.t
        if attribute.HasField("sparse_tensor"):
            yield from onnx_sparse(name, attribute.sparse_tensor)
        if attribute.HasField("g"):
            yield from onnx_tensors(attribute.g, name + "/")
        for i, tensor in enumerate(attribute.tensors):
            yield (f"{name}/{i}",), tensor
        for i, graph in enumerate(attribute.graphs):
            yield from onnx_tensors(graph, f"{name}/{i}/")
        if attribute.floats:
            yield (name,), np.array(attribute.floats, np.float32)


@functools.lru_cache(maxsize=16)
def all_onnx_tensors(path):
    onnx = need("onnx")
    model = onnx.load(path, load_external_data=False)
    found = list(onnx_tensors(model.graph))
    for function in model.functions:
        for node in function.node:
            found += onnx_node_tensors(node, function.name + "/")
    return found


def read_onnx(path):
    onnx = need("onnx")
    need("onnx.numpy_helper")
    return [onnx_layer(onnx, names, tensor) for names, tensor in all_onnx_tensors(path)]


def onnx_models_beside(path):
    folder = os.path.dirname(path)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder or ".")) if name.endswith(".onnx")]


def external_entries(path):
    """(names, tensor, its keys of external_data) of the tensors of ONNX files in the same folder whose data lies in this file."""
    for model in onnx_models_beside(path):
        for names, tensor in all_onnx_tensors(model):
            if isinstance(tensor, np.ndarray):
                continue
            entries = {entry.key: entry.value for entry in tensor.external_data}
            if os.path.basename(path) == entries.get("location"):
                yield names, tensor, entries


def read_onnx_data(path):
    with open(path, "rb") as file:
        data = file.read()
    layers = {}
    for names, tensor, entries in external_entries(path):
        start = int(entries.get("offset", 0))
        content = data[start:start + int(entries.get("length", len(data) - start))]
        place = (start, len(content))
        if place in layers:
            layers[place].names += names
        else:
            layers[place] = Layer(names, ONNX_DTYPES[tensor.data_type], list(tensor.dims), len(content), content)
    return list(layers.values())


# ---------------------------------------------------------------- TFLite

TFLITE_DTYPES = {0: "f32", 1: "f16", 2: "i32", 3: "u8", 4: "i64", 6: "bool", 7: "i16", 8: "c64", 9: "i8", 10: "f64", 11: "c128",
                 12: "u64", 15: "u32", 16: "u16", 18: "bf16"}


class Flat:
    """A table of a flatbuffer. Fields are accessed by number."""

    def __init__(self, flatbuffers, data, at):
        self.flatbuffers = flatbuffers
        self.table = flatbuffers.table.Table(data, at)

    def offset(self, field):
        return self.table.Offset(4 + 2 * field)

    def scalar(self, field, kind, default=0):
        at = self.offset(field)
        return self.table.Get(getattr(self.flatbuffers.number_types, kind + "Flags"), at + self.table.Pos) if at else default

    def text(self, field):
        at = self.offset(field)
        return self.table.String(at + self.table.Pos).decode("utf-8", "surrogateescape") if at else ""

    def tables(self, field):
        at = self.offset(field)
        start, n = (self.table.Vector(at), self.table.VectorLen(at)) if at else (0, 0)
        return [Flat(self.flatbuffers, self.table.Bytes, self.table.Indirect(start + 4 * i)) for i in range(n)]

    def int32s(self, field):
        at = self.offset(field)
        return list(struct.unpack_from(f"<{self.table.VectorLen(at)}i", self.table.Bytes, self.table.Vector(at))) if at else []

    def place(self, field):
        """(offset, length) of a vector of bytes; (0, 0) if the field is absent."""
        at = self.offset(field)
        return (self.table.Vector(at), self.table.VectorLen(at)) if at else (0, 0)


def item_bytes(dtype):
    """Size of an element of a dtype of TFLITE_DTYPES."""
    return 2 if dtype == "bf16" else next(np.dtype(code).itemsize for code, name in NUMPY_DTYPES.items() if name == dtype)


def tflite_layer(data, tensor, place):
    dtype, shape = TFLITE_DTYPES.get(tensor.scalar(1, "Int8")), tensor.int32s(0)
    content = data[place[0]:place[0] + place[1]]
    optional = ""
    if dtype is None or tensor.offset(6):
        optional = "strings, half bytes, or sparse"
    elif math.prod(shape) * item_bytes(dtype) != place[1]:
        optional = "its buffer is of another size than its shape"
    return Layer((tensor.text(3),), None if optional else dtype, None if optional else shape, place[1], content, optional)


def read_tflite(path):
    flatbuffers = need("flatbuffers")
    need("flatbuffers.table")
    with open(path, "rb") as file:
        data = file.read()
    model = Flat(flatbuffers, data, struct.unpack_from("<I", data)[0])
    buffers = [(b.scalar(1, "Uint64"), b.scalar(2, "Uint64")) if b.scalar(1, "Uint64") > 1 else b.place(0) for b in model.tables(4)]
    layers = {}
    for graph in model.tables(2):
        for tensor in graph.tables(0):
            place = buffers[tensor.scalar(2, "Uint32")]
            if place[1] == 0:
                continue  # a tensor that is computed, without stored data
            if place in layers:
                layers[place].names += (tensor.text(3),)
            else:
                layers[place] = tflite_layer(data, tensor, place)
    return list(layers.values())


# ---------------------------------------------------------------- GGUF and GGML

# Number of a type: (dtype, bytes of a block, elements of a block). Without a dtype the rows of an array are shown as bytes.
GGML_TYPES = {0: ("f32", 4, 1), 1: ("f16", 2, 1), 2: ("q4_0", 18, 32), 3: ("q4_1", 20, 32), 6: ("q5_0", 22, 32), 7: ("q5_1", 24, 32),
              8: ("q8_0", 34, 32), 9: ("q8_1", 36, 32), 10: ("q2_k", 84, 256), 11: ("q3_k", 110, 256), 12: ("q4_k", 144, 256),
              13: ("q5_k", 176, 256), 14: ("q6_k", 210, 256), 15: ("q8_k", 292, 256), 16: ("iq2_xxs", 66, 256), 17: ("iq2_xs", 74, 256),
              18: ("iq3_xxs", 98, 256), 19: ("iq1_s", 50, 256), 20: ("iq4_nl", 18, 32), 21: ("iq3_s", 110, 256), 22: ("iq2_s", 82, 256),
              23: ("iq4_xs", 136, 256), 24: ("i8", 1, 1), 25: ("i16", 2, 1), 26: ("i32", 4, 1), 27: ("i64", 8, 1), 28: ("f64", 8, 1),
              29: ("iq1_m", 56, 256), 30: ("bf16", 2, 1), 34: ("tq1_0", 54, 256), 35: ("tq2_0", 66, 256), 39: ("mxfp4", 17, 32),
              40: (None, 36, 64)}
# rwkv.cpp has numbers of its own. 4, 5 and 6 were removed types.
RWKV_TYPES = {number: GGML_TYPES[of_ggml] for number, of_ggml in
              {0: 0, 1: 1, 2: 2, 3: 3, 7: 6, 8: 7, 9: 8, 10: 9, 11: 10, 12: 11, 13: 12, 14: 13, 15: 14, 16: 15}.items()}


class Cursor:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def numbers(self, form):
        found = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return found

    def number(self, form="i"):
        return self.numbers(form)[0]

    def bytes(self, n):
        if n > len(self.data) - self.at:
            raise ValueError(f"past the end at byte {self.at}")
        self.at += n
        return self.data[self.at - n:self.at]

    def text(self, form="i"):
        return self.bytes(self.number(form)).decode("utf-8", "surrogateescape")


def ggml_array(types, number, dimensions):
    """(dtype, shape, bytes) of an array. The file lists dimensions innermost first, the shape is outermost first as in numpy."""
    if number not in types:
        raise ValueError(f"type {number} is not known")
    dtype, block_bytes, block = types[number]
    row = dimensions[0] if dimensions else 1
    if row % block:
        raise ValueError(f"rows of {row} elements of type {number}, which has blocks of {block}")
    shape, row_bytes = list(dimensions[::-1]), row // block * block_bytes
    n_bytes = math.prod(shape[:-1]) * row_bytes
    return (dtype, shape, n_bytes) if dtype else ("u8", shape[:-1] + [row_bytes], n_bytes)


GGUF_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def gguf_value(cursor, kind):
    if kind == 8:
        return cursor.text("Q")
    if kind == 9:
        of, n = cursor.numbers("IQ")
        return [gguf_value(cursor, of) for _ in range(n)]
    return cursor.number(GGUF_SCALARS[kind])


def read_gguf(path):
    with open(path, "rb") as file:
        data = file.read()
    cursor = Cursor(data, 4)
    version, n_tensors, n_values = cursor.numbers("IQQ")
    if version not in (2, 3):
        raise ValueError(f"GGUF version {version}")
    values = {}
    for _ in range(n_values):
        key = cursor.text("Q")
        values[key] = gguf_value(cursor, cursor.number("I"))
    rows = []
    for _ in range(n_tensors):
        name, n_dimensions = cursor.text("Q"), cursor.number("I")
        rows.append((name, list(cursor.numbers(f"{n_dimensions}Q")), *cursor.numbers("IQ")))
    alignment = values.get("general.alignment", 32)
    start = -(-cursor.at // alignment) * alignment
    layers = []
    for name, dimensions, number, offset in rows:
        dtype, shape, n_bytes = ggml_array(GGML_TYPES, number, dimensions)
        layers.append(Layer((name,), dtype, shape, n_bytes, data[start + offset:start + offset + n_bytes]))
    return layers


def skip_silero_head(cursor):
    cursor.text()
    cursor.numbers("5i")  # version, window, context
    for _ in range(cursor.number()):
        cursor.numbers("3i")
    cursor.numbers("4i")  # sizes of the LSTM and of the last convolution


def skip_whisper_head(cursor):
    """The size of the vocabulary, nine more numbers, the type of the file; then the mel filters, which may be found as a layer, and the
    vocabulary."""
    cursor.numbers("11i")
    n_mel, n_fft = cursor.numbers("2i")
    filters = cursor.bytes(4 * n_mel * n_fft)
    for _ in range(cursor.number()):
        cursor.text()
    return [Layer((None,), "f32", None, len(filters), filters, "the mel filters")]


def ggml_tensors(cursor, types):
    """(number of the type, layer) of each tensor from here to the end of the file."""
    while cursor.at < len(cursor.data):
        n_dimensions, name_bytes, number = cursor.numbers("3i")
        dimensions = list(cursor.numbers(f"{n_dimensions}i"))
        name = cursor.bytes(name_bytes).decode("utf-8", "surrogateescape")
        dtype, shape, n_bytes = ggml_array(types, number, dimensions)
        yield number, Layer((name,), dtype, shape, n_bytes, cursor.bytes(n_bytes))


def read_ggml(path):
    """The two kinds of files of whisper.cpp: its own models, and Silero VAD."""
    with open(path, "rb") as file:
        data = file.read()
    cursor = Cursor(data, 4)
    layers = []
    if data[4:16] == struct.pack("<i", 10) + b"silero-1":
        skip_silero_head(cursor)
    else:
        layers += skip_whisper_head(cursor)
    return layers + [layer for _, layer in ggml_tensors(cursor, GGML_TYPES)]


# Why elves may leave out all layers of a file, and may not recognise it either.
RWKV_NUMBERS = "rwkv.cpp has its own numbers of quantized types"


def read_rwkv(path):
    """A file of rwkv.cpp (FILE_FORMAT.md in its repository). elves reads the numbers of types as those of ggml. It may miss any layer of
    a file that has a number of another meaning in ggml."""
    with open(path, "rb") as file:
        cursor = Cursor(file.read(), 4)
    version = cursor.numbers("5i")[0]  # then the sizes of the vocabulary and of a layer, the number of layers, the main type
    tensors = list(ggml_tensors(cursor, RWKV_TYPES))
    if version == 100 and any(number > 1 for number, _ in tensors):
        raise ValueError("quantized types of version 100")
    if any(RWKV_TYPES[number] != GGML_TYPES.get(number) for number, _ in tensors):
        for _, layer in tensors:
            layer.optional = RWKV_NUMBERS
    return [layer for _, layer in tensors]


# ---------------------------------------------------------------- Caffe

def wire_fields(data):
    """(number, value) of the fields of a protobuf message: int, or bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        n = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        if n > len(data) - at:
            raise ValueError(f"past the end at byte {at}")
        yield key >> 3, data[at:at + n]
        at += n


def caffe_blob(name, data):
    """BlobProto: shape 7 or num, channels, height, width 1 to 4; data 5, diff 6, in doubles 8 and 9, all packed."""
    old, shape, layers = {}, None, []
    fields = list(wire_fields(data))
    for number, value in fields:
        if number in (1, 2, 3, 4):
            old[number] = value
        if number == 7:
            shape = [dim for _, dims in wire_fields(value) for dim in unpack_varints(dims)]
    shape = shape if shape is not None else [old.get(i, 0) for i in (1, 2, 3, 4)]
    for number, value in fields:
        if number in (5, 6, 8, 9) and isinstance(value, bytes):
            suffix = ".diff" if number in (6, 9) else ""
            layers.append(Layer((name + suffix,), "f64" if number > 7 else "f32", shape, len(value), value))
    return layers


def unpack_varints(value):
    """The numbers of a packed list, or of a field with a single number."""
    if isinstance(value, int):
        return [value]
    numbers, number, shift = [], 0, 0
    for byte in value:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    return numbers


def read_caffe(path):
    """NetParameter has layers in field 100 (name 1, blobs 7), or in version 1 in field 2 (name 4, blobs 6). The first blob of the layer
    conv1 is named "conv1.0"."""
    layers = []
    with open(path, "rb") as file:
        for number, layer in wire_fields(file.read()):
            if number not in (100, 2):
                continue
            name_field, blobs_field = (1, 7) if number == 100 else (4, 6)
            fields = list(wire_fields(layer))
            name = next((value.decode() for field, value in fields if field == name_field), "")
            for i, blob in enumerate(value for field, value in fields if field == blobs_field):
                layers += caffe_blob(f"{name}.{i}", blob)
    return layers


# ---------------------------------------------------------------- any file

READERS = {"safetensors": read_safetensors, "npy": read_npy, "npz": read_npz, "pickle": read_pickle, "torch-zip": read_torch,
           "torch-legacy": read_torch, "torchscript": read_torchscript, "hdf5": read_hdf5, "onnx": read_onnx, "tflite": read_tflite,
           "gguf": read_gguf, "ggml": read_ggml, "rwkv": read_rwkv,
           "keras": read_keras, "caffe": read_caffe, "onnx-data": read_onnx_data}

LEGACY_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def zip_format(path):
    names = zipfile.ZipFile(path).namelist()
    if any(name.endswith("/data.pkl") for name in names):
        return "torchscript" if any(name.endswith("/constants.pkl") for name in names) else "torch-zip"
    if "metadata.json" in names and sum(name.endswith(".h5") for name in names) == 1:
        return "keras"
    return "npz" if names and all(name.endswith(".npy") for name in names) else None


def is_hdf5_behind_a_user_block(path, size):
    with open(path, "rb") as file:
        at = 512
        while at < size:
            file.seek(at)
            if file.read(8) == b"\x89HDF\r\n\x1a\n":
                return True
            at *= 2
    return False


def is_onnx_data(path):
    try:
        return any(True for _ in external_entries(path))
    except MissingTool:
        return path.endswith(".onnx.data")
    except Exception:
        return False  # a file named .onnx that onnx cannot parse


def format_of(path):
    """The name of a row of READERS, or None. By content; for ONNX and Caffe, which have no magic number, by name and first byte
    (the key of a field that comes first); for external data of an ONNX file in the same folder by that file."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(16)
    if head[:4] == b"PK\x03\x04" and zipfile.is_zipfile(path):
        return zip_format(path)
    if is_hdf5_behind_a_user_block(path, size):
        return "hdf5"
    for magic, at, name in ((b"\x89HDF\r\n\x1a\n", 0, "hdf5"), (b"GGUF", 0, "gguf"), (b"lmgg", 0, "ggml"), (b"TFL3", 4, "tflite"),
                            (b"\x93NUMPY", 0, "npy"), (LEGACY_MAGIC, 0, "torch-legacy")):
        if head[at:at + len(magic)] == magic:
            return name
    if len(head) == 16 and head[:4] == b"fmgg" and struct.unpack_from("<i", head, 4)[0] in (100, 101):
        return "rwkv"
    if len(head) > 9 and struct.unpack_from("<Q", head)[0] <= size - 8 and head[8:9] == b"{":
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "pickle"
    for suffix, first_bytes, name in ((".onnx", b"\x08", "onnx"), (".caffemodel", b"\x0a\x12\xa2", "caffe")):
        if path.endswith(suffix) and head and head[0] in first_bytes:
            return name
    return "onnx-data" if is_onnx_data(path) else None


def check_contents(path, layers):
    """Raises AssertionError unless the bytes of each layer that must be found lie in the file in one piece: else a reader is wrong."""
    if os.path.getsize(path) == 0:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for layer in layers:
            if not layer.optional and (len(layer.content) != layer.n_bytes or data.find(layer.content) < 0):
                raise AssertionError(f"{path}: {layer.names[0]}: its bytes do not lie in the file")


def read(path):
    """The layers of a file. Raises MissingTool, NoTool or NotUnderstood."""
    name = format_of(path)
    if name is None:
        raise NoTool(path)
    try:
        layers = READERS[name](path)
    except MissingTool:
        raise
    except Exception as error:
        raise NotUnderstood(f"{name}: {type(error).__name__}: {error}") from error
    for layer in layers:
        if layer.n_bytes == 0 and not layer.optional:
            layer.optional = "no bytes"
    check_contents(path, layers)
    return Native(name, layers)


def describe(path):
    """A row of the listing that main prints."""
    row = {"path": path, "format": None, "layers": []}
    try:
        native = read(path)
    except NoTool:
        return row
    except MissingTool as error:
        return row | {"format": format_of(path), "problem": f"needs {error}"}
    except NotUnderstood as error:
        return row | {"format": format_of(path), "problem": str(error)}
    for layer in native.layers:
        row["layers"].append({"name": layer.names[0], "other_names": list(layer.names[1:]), "dtype": layer.dtype, "shape": layer.shape,
                              "bytes": layer.n_bytes, "optional": layer.optional})
    return row | {"format": native.format}


def main():
    parser = argparse.ArgumentParser(description="Lists the layers of weight files as the formats' own tools give them.")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--json", action="store_true", help="all layers, machine-readable")
    options = parser.parse_args()
    paths = []
    for path in options.paths:
        paths += [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names] if os.path.isdir(path) else [path]
    rows = [describe(path) for path in sorted(paths)]
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        must = [layer for layer in row["layers"] if not layer["optional"]]
        tool = row.get("problem") or row["format"] or "no tool"
        n_bytes = sum(layer["bytes"] for layer in must)
        print(f"{tool:<14} {len(must):5} must {len(row['layers']) - len(must):5} may  {n_bytes:10} bytes  {row['path']}")


if __name__ == "__main__":
    main()
