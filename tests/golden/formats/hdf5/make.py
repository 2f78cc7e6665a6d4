#!/usr/bin/env python3
"""Writes NAME.h5 and NAME.layers for every file below that is not there yet; needs h5py.

NAME.layers is what h5py shows: a line "dtype shape crc32 name" for each layer, in order of names, then a line
"opaque BYTES REASON". Of a chunked dataset each chunk is a layer, padded with zeros at the edge of the dataset.
"""
import itertools
import pathlib
import zlib

import h5py
import numpy as np
from h5py import h5d, h5f, h5g, h5p, h5s, h5t

HERE = pathlib.Path(__file__).resolve().parent
LEAST_OPAQUE_BYTES = 256
NAMES = {"|b1": "bool", "|u1": "u8", "|i1": "i8", "<u2": "u16", "<i2": "i16", "<u4": "u32", "<i4": "i32",
         "<u8": "u64", "<i8": "i64", "<f2": "f16", "<f4": "f32", "<f8": "f64", "<c8": "c64", "<c16": "c128"}


def new_file(path, libver="earliest", userblock=0, sizes=(8, 8)):
    """A file without time stamps."""
    create = h5p.create(h5p.FILE_CREATE)
    create.set_obj_track_times(False)
    create.set_userblock(userblock)
    create.set_sizes(*sizes)
    access = h5p.create(h5p.FILE_ACCESS)
    low = {"earliest": h5f.LIBVER_EARLIEST, "latest": h5f.LIBVER_LATEST}[libver]
    access.set_libver_bounds(low, h5f.LIBVER_LATEST)
    return h5py.File(h5f.create(str(path).encode(), h5f.ACC_TRUNC, create, access))


def new_group(parent, name):
    create = h5p.create(h5p.GROUP_CREATE)
    create.set_obj_track_times(False)
    return h5py.Group(h5g.create(parent.id, name.encode(), gcpl=create))


def numbers(shape, dtype, start=1):
    return (np.arange(np.prod(shape, dtype=int)) + start).reshape(shape).astype(dtype)


def put(group, name, shape, dtype="<f4", start=1, **options):
    return group.create_dataset(name, data=numbers(shape, dtype, start), fillvalue=0, **options)


def put_with(group, name, shape, how, maximum=None):
    """A dataset of f32 with creation options that h5py has no keyword for."""
    create = h5p.create(h5p.DATASET_CREATE)
    create.set_obj_track_times(False)
    create.set_fill_value(np.zeros((), "<f4"))
    how(create)
    space = h5s.create_simple(shape, maximum or shape) if shape else h5s.create(h5s.SCALAR)
    dataset = h5py.Dataset(h5d.create(group.id, name.encode(), h5t.IEEE_F32LE, space, create))
    dataset[...] = numbers(shape, "<f4")


def put_raw(group, name, datatype, data):
    dataset = h5d.create(group.id, name.encode(), datatype, h5s.create_simple(data.shape))
    dataset.write(h5s.ALL, h5s.ALL, data, mtype=datatype)


def keras(f):
    weights = new_group(f, "model_weights")
    weights.attrs["layer_names"] = np.array([b"conv"])
    weights.attrs["backend"] = "tensorflow"
    conv = new_group(new_group(weights, "conv"), "conv")
    put(conv, "kernel:0", (3, 4))
    put(conv, "bias:0", (4,), start=50)
    f["optimizer_iterations"] = np.int64(17)


def dtypes(f):
    for dtype in NAMES:
        data = numbers((5,), dtype) if dtype != "|b1" else np.array([True, False, True, True, False])
        f[np.dtype(dtype).name] = data


def other_types(f):
    f.create_dataset("enum", data=numbers((4,), "<i2"), dtype=h5py.enum_dtype({"A": 1, "B": 2}, "<i2"))
    put_raw(f, "bits", h5t.STD_B16LE, numbers((4,), "<u2"))
    f["text"] = "some text"
    f["texts"] = np.array([b"ab", b"cde"] * 60)
    f.create_dataset("any_text", (3,), dtype=h5py.string_dtype())[0] = "x"
    f["big_endian"] = numbers((64,), ">f4")
    f["table"] = np.zeros(32, [("a", "<f4"), ("b", "<i4")])
    f["small_table"] = np.zeros(3, [("a", "<f4"), ("b", "<i4")])
    f["null"] = h5py.Empty("<f4")
    f.create_dataset("unwritten", (5, 3), "<f4")
    f["named"] = np.dtype("<f4")
    f.create_dataset("of_named", data=numbers((4,), "<f4"), dtype=f["named"])


def chunks(f):
    put(f, "fixed", (5, 7), chunks=(3, 4))
    put(f, "grew", (3,), chunks=(2,), maxshape=(None,)).resize((40,))
    f["grew"][31:] = 5


def more_chunks(f):
    chunks(f)
    put(f, "whole", (4, 4), chunks=(4, 4))
    put(f, "grows", (7, 3), chunks=(2, 2), maxshape=(None, 3))
    put(f, "grows_inside", (3, 40), chunks=(2, 2), maxshape=(5, None))
    put(f, "grows_everywhere", (9, 9), chunks=(2, 2), maxshape=(None, None))
    put_with(f, "early", (4, 5), lambda p: (p.set_chunk((2, 2)), p.set_alloc_time(h5d.ALLOC_TIME_EARLY)), (6, 7))
    put(f, "big_endian", (80,), ">f4", chunks=(40,))
    f.create_dataset("nothing", (100,), "<f4", chunks=(10,))


def filters(f):
    put(f, "deflated", (40, 3), chunks=(8, 3), compression="gzip")
    put(f, "plain", (30,))


def more_filters(f):
    filters(f)
    put(f, "deflated_whole", (20,), chunks=(20,), compression="gzip")
    put(f, "deflated_grows", (40,), chunks=(4,), maxshape=(None,), compression="gzip", shuffle=True)
    put(f, "deflated_everywhere", (8, 8), chunks=(4, 4), maxshape=(None, None), compression="lzf")
    put(f, "checked", (30,), chunks=(16,), fletcher32=True)


def compact(f):
    for name, shape in (("scalar", ()), ("vector", (5,)), ("nothing", (0, 3))):
        put_with(f, name, shape, lambda p: p.set_layout(h5d.COMPACT))


def links(f):
    a = new_group(f, "b")
    put(a, "w", (3,))
    f["z"] = a["w"]
    f["a"] = a
    a["up"] = f["/"]
    a["self"] = a
    f["soft"] = h5py.SoftLink("/b/w")
    f["outside"] = h5py.ExternalLink("other.h5", "/w")
    f["nowhere"] = h5py.SoftLink("/none")


def many(f):
    group = new_group(f, "many")
    put(group, "000", (2,))
    for i in range(1, 50):
        group[f"a_link_with_a_longer_name_{i * 37 % 50:03}"] = group["000"]
    put(group, "zzz", (3,))


def behind_user_block(f):
    put(new_group(f, "g"), "w", (6,))
    put(f, "c", (6,), chunks=(4,), maxshape=(None,))


FILES = {
    "keras_earliest": (keras, {}),
    "keras_latest": (keras, {"libver": "latest"}),
    "dtypes_earliest": (dtypes, {}),
    "dtypes_latest": (dtypes, {"libver": "latest"}),
    "other_types_earliest": (other_types, {}),
    "other_types_latest": (other_types, {"libver": "latest"}),
    "chunks_earliest": (chunks, {}),
    "chunks_latest": (more_chunks, {"libver": "latest"}),
    "filters_earliest": (filters, {}),
    "filters_latest": (more_filters, {"libver": "latest"}),
    "compact_earliest": (compact, {}),
    "compact_latest": (compact, {"libver": "latest"}),
    "links_earliest": (links, {}),
    "links_latest": (links, {"libver": "latest"}),
    "many_links_earliest": (many, {}),
    "many_links_latest": (many, {"libver": "latest"}),
    "user_block": (behind_user_block, {"userblock": 512}),
    "user_block_latest": (behind_user_block, {"libver": "latest", "userblock": 1024}),
    "narrow_addresses": (keras, {"sizes": (4, 4)}),
    "narrow_lengths": (links, {"sizes": (8, 2)}),
}


def chunk_layers(name, dataset):
    """Stored chunks, from the values that were written: a chunk of zeros alone is taken for one that is not stored."""
    whole = dataset[...]
    for origin in itertools.product(*(range(0, n, step) for n, step in zip(dataset.shape, dataset.chunks))):
        part = whole[tuple(slice(at, at + step) for at, step in zip(origin, dataset.chunks))]
        if not part.any() and dataset.id.get_create_plist().get_alloc_time() != h5d.ALLOC_TIME_EARLY:
            continue
        chunk = np.zeros(dataset.chunks, dataset.dtype)
        chunk[tuple(slice(0, n) for n in part.shape)] = part
        place = "" if dataset.chunks == dataset.shape else "[" + ",".join(map(str, origin)) + "]"
        yield name + place, chunk


def describe(path):
    layers = []
    counts = {"are compressed": 0, "are of another type": 0}
    opaque_bytes = 0
    datasets = []
    with h5py.File(path, "r") as f:
        f.visititems(lambda name, each: datasets.append((name, each)) if isinstance(each, h5py.Dataset) else None)
        for name, dataset in datasets:
            stored_bytes = dataset.id.get_storage_size()
            if dataset.shape is None or dataset.dtype.kind in "OS":
                continue
            if dataset.id.get_create_plist().get_nfilters() > 0 and stored_bytes > 0:
                counts["are compressed"] += 1
                opaque_bytes += stored_bytes
            elif dataset.dtype.str not in NAMES:
                counts["are of another type"] += stored_bytes >= LEAST_OPAQUE_BYTES
                opaque_bytes += stored_bytes if stored_bytes >= LEAST_OPAQUE_BYTES else 0
            elif dataset.chunks:
                layers += chunk_layers(name, dataset)
            elif stored_bytes > 0 or dataset.id.get_create_plist().get_layout() == h5d.COMPACT:
                layers.append((name, dataset[()]))
    lines = [f"{NAMES[data.dtype.str]} {'x'.join(map(str, data.shape)) or 'scalar'} {zlib.crc32(data.tobytes()):08x} {name}"
             for name, data in sorted(layers, key=lambda layer: layer[0].encode())]
    reason = "; ".join(f"{n} of {len(datasets)} datasets {what}" for what, n in counts.items() if n > 0)
    return "\n".join(lines + [f"opaque {opaque_bytes} {reason}".strip(), ""])


def main():
    for name, (fill, options) in FILES.items():
        path = HERE / f"{name}.h5"
        if path.exists():
            continue
        with new_file(path, **options) as f:
            fill(f)
        path.with_suffix(".layers").write_text(describe(path))


if __name__ == "__main__":
    main()
