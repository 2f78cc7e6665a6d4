"""docs/format/archive.md is true: a reader written from that page decodes what elves-mpi archived."""

import ctypes
import ctypes.util
import json
import os
import pathlib
import re
import shutil
import struct
import unittest
from unittest import mock

import h5py
import numpy as np

import format_reader
from elves_e2e import EndToEnd, main, real_corpus, run, safetensors
from tool_files import gguf

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "format" / "archive.md"
GOLDEN_CHUNKS = REPOSITORY / "tests" / "golden" / "chunks"
RANKS = 2


def bfloat16(values):
    return (values.astype("<f4").view("<u4") >> 16).astype("<u2")


def float8_e5m2(values):
    return (values.astype("<f2").view("<u2") >> 8).astype("u1")


def layers(random):
    """{name: (dtype of safetensors, shape, bytes)}: every kind of layer for which the encoder has its own treatment."""
    def normal(*shape):
        return random.normal(0, 0.05, shape)

    odd = normal(5000).astype("<f4")
    odd[[0, 7, 4999]] = [np.nan, np.inf, -np.inf]
    odd[[11, 12, 13, 14, 15]] = [1.0, -1.5, -0.0, 1e-42, np.nextafter(np.float32(1), np.float32(0))]
    odd.view("<u4")[[20, 21]] = [0x7F800001, 0xFFC12345]  # NaNs with a payload
    few32 = random.normal(0, 1, 300).astype("<f4")
    few64 = random.normal(0, 1, 300).astype("<f8")
    arrays = {
        "large": ("F32", normal(1500, 1200).astype("<f4")),  # 6.9 MiB: two chunks
        "normal": ("F32", normal(300, 200).astype("<f4")),
        "odd": ("F32", odd),
        "tiny": ("F32", random.normal(0, 1e-9, 5000).astype("<f4")),  # below what ELF can hold
        "few": ("F32", few32[random.integers(0, 300, (100, 200))]),
        "few64": ("F64", few64[random.integers(0, 300, 20000)]),
        "clusters": ("F32", few32[random.integers(0, 9, (100, 200))]),
        "constant": ("F32", np.full((64, 64), 0.25, "<f4")),
        "half": ("F16", normal(200, 100).astype("<f2")),
        "brain": ("BF16", bfloat16(normal(200, 100))),
        "double": ("F64", normal(100, 100)),
        "complex": ("C64", (normal(100, 100) + 1j * normal(100, 100)).astype("<c8")),
        "eight-e5m2": ("F8_E5M2", float8_e5m2(normal(200, 100))),
        "eight-e4m3": ("F8_E4M3", random.binomial(40, 0.5, 20000).astype("u1")),
        "long": ("I64", random.integers(-1000, 1000, 5000)),
        "offsets": ("I64", np.cumsum(random.integers(0, 200, 5000))),
        "unsigned-long": ("U64", random.integers(0, 1 << 40, 5000).astype("<u8")),
        "int": ("I32", random.integers(-1000, 1000, 5000).astype("<i4")),
        "unsigned": ("U32", random.integers(0, 100000, 5000).astype("<u4")),
        "short": ("I16", random.integers(0, 300, 5000).astype("<i2")),
        "unsigned-short": ("U16", random.integers(0, 300, 5000).astype("<u2")),
        "byte": ("I8", random.integers(-128, 128, 5000).astype("i1")),
        "unsigned-byte": ("U8", random.binomial(200, 0.5, 5000).astype("u1")),
        "mask": ("BOOL", random.integers(0, 2, 5000).astype("u1")),
        "nothing": ("F32", np.zeros((0, 4), "<f4")),
        "Größe": ("F32", np.float32(0.125)),  # a scalar
    }
    return {name: (dtype, list(np.shape(array)), array.tobytes()) for name, (dtype, array) in arrays.items()}


def quantized(random, n_blocks, n_bits):
    """Blocks of q5_0 (n_bits = 5) or q8_0 (8) of normal weights."""
    values = random.normal(0, 0.05, (n_blocks, 32)).astype("<f4")
    scales = (np.abs(values).max(1) / (2 ** (n_bits - 1) - 1)).astype("<f2")
    quants = np.rint(values / scales[:, None].astype("<f4")).astype("i1")
    if n_bits == 8:
        return np.hstack([scales.view("u1").reshape(-1, 2), quants.view("u1")]).tobytes()
    quants = (quants + 16).view("u1")
    high = np.packbits(quants >> 4, axis=1, bitorder="little")
    low = (quants[:, :16] & 15) | (quants[:, 16:] & 15) << 4
    return np.hstack([scales.view("u1").reshape(-1, 2), high, low]).tobytes()


def few_weights(random):
    """Small layers, because the independent reader needs a millisecond for every few bytes encoded with --level max."""
    columns = random.normal(0, 0.05, (60, 50)) * random.gamma(1, 1, 50)
    layers = {"columns": ("F32", columns.astype("<f4")), "brain": ("BF16", bfloat16(columns)), "half": ("F16", columns.astype("<f2")),
              "upcast": ("F64", columns.astype("<f4").astype("<f8")), "indices": ("I32", random.integers(0, 90000, 1000).astype("<i4"))}
    return {name: (dtype, list(array.shape), array.tobytes()) for name, (dtype, array) in layers.items()}


def make_hub(hub):
    """A hub of one base, one model that shares layers with it, and files that are no weights."""
    random = np.random.default_rng(20240521)
    base = layers(random)
    tuned = {**base, "normal": ("F32", [300, 200], random.normal(0, 0.05, 60000).astype("<f4").tobytes())}
    files = {
        "acme/base/model.safetensors": safetensors(base),
        "acme/base/README.md": b"A base.\n" * 40,
        "acme/base/empty": b"",
        "acme/tuned/model.safetensors": safetensors(tuned),
        "acme/tuned/config.json": json.dumps({"layers": list(range(500))}).encode(),
        "acme/tuned/noise.bin": random.bytes(100000),
        "acme/quantized/model.gguf": gguf(3, {"small": (6, [32, 700], quantized(random, 700, 5)),
                                              "large": (8, [32, 150000], quantized(random, 150000, 8))}),  # 4.9 MiB: two chunks
        "acme/tuned/\u0141adny plik.txt": "\u0142".encode() * 10,
        "top.txt": b"outside of all models",
    }
    for path, data in files.items():
        (hub / path).parent.mkdir(parents=True, exist_ok=True)
        (hub / path).write_bytes(data)
    os.symlink("../base/README.md", hub / "acme/tuned/README.md")
    os.link(hub / "acme/tuned/config.json", hub / "acme/tuned/zz-config.json")
    return files


def files_of(folder):
    """Bytes of a path -> bytes of the file, for all regular files."""
    return {os.fsencode(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def used(archive):
    """The (transform, dtype) of all chunks, from the rows of /chunks."""
    pairs = set()
    for number, shard in archive.shards.items():
        for row in range(len(shard["layers"])):
            for chunk, encoded, dtype in archive.chunks(number, row):
                assert chunk["transform"] == encoded[0]
                pairs.add((format_reader.TRANSFORMS[chunk["transform"]], dtype))
    return pairs


def dropped_bits(archive):
    """How many mantissa bits the elf chunks drop."""
    return {format_reader.Cursor(encoded[1:]).varint()
            for number, shard in archive.shards.items() for row in range(len(shard["layers"]))
            for chunk, encoded, _ in archive.chunks(number, row) if format_reader.TRANSFORMS[chunk["transform"]] == "elf"}


def first_difference(expected, found):
    """Names the first difference of two byte strings: unittest would print them whole."""
    if expected == found:
        return ""
    at = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), min(len(expected), len(found)))
    return f"{len(expected)} bytes expected, {len(found)} found; the first difference is at byte {at}"


class ReadsBack(EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hub = pathlib.Path(cls.shared, "hub")
        make_hub(cls.hub)
        cls.originals = files_of(cls.hub)

    def archive(self, name, *options, hub=None):
        archive = pathlib.Path(self.folder, name)
        run(RANKS, "elves-mpi", "--corpus", hub or self.hub, "--archive", archive, "--progress", "none", *options)
        return archive

    def assert_reads(self, archive, expected):
        self.assertTrue(expected)
        for path, data in expected.items():
            self.assertEqual(first_difference(data, archive.read(path)), "", path)

    def assert_used(self, archive, *pairs):
        missing = {tuple(pair.split()) for pair in pairs} - used(archive)
        self.assertFalse(missing, f"no chunk was encoded this way, so the test does not read it: {missing}")

    def assert_reads_what_restore_gives(self, archive):
        restored = archive.with_name(archive.name + ".restored")
        run(RANKS, "elves-restore", "--archive", archive, "--to", restored)
        expected = files_of(restored)
        self.assertEqual(set(expected), set(self.originals))
        with format_reader.Archive(archive) as reader:
            self.assert_reads(reader, expected)
            changed = {path for path in expected if expected[path] != self.originals[path]}
            self.assertEqual(changed, {path for path in expected if reader.file_row(path)[1]["loss_id"] != 0})
        return changed

    def test_the_reader_decodes_the_bytes_of_a_lossless_archive(self):
        kinds = set()
        stream = format_reader.Cursor.stream

        def counted(cursor, n=None):
            kinds.add(format_reader.Cursor(cursor.data[cursor.at:]).varint() & 7)
            return stream(cursor, n)

        with format_reader.Archive(self.archive("lossless", "--lossless")) as archive:
            with mock.patch.object(format_reader.Cursor, "stream", counted):
                self.assert_reads(archive, self.originals)
            self.assert_used(archive, "raw bytes", "planes f32", "planes f64", "planes f16", "planes bf16", "planes i64", "planes c64",
                             "planes i32", "planes u16", "de f32", "de f64",
                             "int-delta i64", "palette f32", "blocks q5_0")
            n_chunks = max(int(row["n_chunks"]) for shard in archive.shards.values() for row in shard["layers"])
        self.assertGreater(n_chunks, 1)
        self.assertEqual(kinds, {0, 1, 2, 3, 4}, "not every kind of stream was read")

    def test_the_reader_decodes_a_lossy_archive_as_restore_does(self):
        path = self.archive("lossy")
        changed = self.assert_reads_what_restore_gives(path)
        self.assertEqual(changed, {b"acme/base/model.safetensors", b"acme/tuned/model.safetensors"})
        with format_reader.Archive(path) as archive:
            self.assert_used(archive, "elf f32", "elf f64", "planes bf16", "de f32")

    def test_distance_encoding_alone(self):
        with format_reader.Archive(self.archive("de", "--stages", "hd,de,zstd")) as archive:
            self.assert_reads(archive, self.originals)
            self.assert_used(archive, "de f32", "de f64", "raw f32")

    def test_elf_alone(self):
        path = self.archive("elf", "--stages", "hd,elf,zstd")
        self.assertTrue(self.assert_reads_what_restore_gives(path))
        with format_reader.Archive(path) as archive:
            self.assert_used(archive, "elf f32", "elf f64", "raw bf16")
            self.assertEqual(dropped_bits(archive), {0})

    def test_elf_without_its_guard_and_with_a_wider_bound(self):
        path = self.archive("bound", "--error-bound", "1e-3", "--min-snr", "0")
        self.assertTrue(self.assert_reads_what_restore_gives(path))
        with format_reader.Archive(path) as archive:
            self.assert_used(archive, "elf f16", "elf f32", "elf f64")
            self.assertEqual(dropped_bits(archive), {1, 14, 43})  # 2^-10 is ELF's bound for f16, f32, f64 less 1, 14, 43 bits

    def test_level_fast_and_streams_without_zstd(self):
        for name, options in {"fast": ["--level", "fast"], "stored": ["--stages", "hd,planes"]}.items():
            with self.subTest(name), format_reader.Archive(self.archive(name, "--lossless", *options)) as archive:
                self.assert_reads(archive, self.originals)

    def test_a_shard_records_the_allowed_stages(self):
        for name, stages in (("all", "hd,elf,de,palette,planes,delta,zstd"), ("delta", "hd,delta,zstd"), ("planes", "hd,planes")):
            with self.subTest(name), format_reader.Archive(self.archive("stages-" + name, "--stages", stages)) as archive:
                self.assertIn(f" stages={stages} ".encode(), archive.shards[0].attrs["options"])

    def test_level_max_on_a_small_hub(self):
        hub = pathlib.Path(self.folder, "small")
        (hub / "acme/small").mkdir(parents=True)
        (hub / "acme/small/model.safetensors").write_bytes(safetensors(few_weights(np.random.default_rng(3))))
        with format_reader.Archive(self.archive("max", "--lossless", "--level", "max", hub=hub)) as archive:
            with mock.patch.object(format_reader, "from_context", wraps=format_reader.from_context) as from_context:
                self.assert_reads(archive, files_of(hub))
        known = {(bool(last), bool(last_but_one)) for _, _, last, last_but_one in (call.args for call in from_context.mock_calls)}
        self.assertEqual(known, {(False, False), (True, False), (True, True)}, "not every form of context streams was read")

    def test_large_layers_in_parts_over_several_shards(self):
        with format_reader.Archive(self.archive("parts", "--lossless", "--wave-bytes", "8MiB")) as archive:
            self.assertGreater(len(archive.shards), 1)
            self.assert_reads(archive, self.originals)
            parts = [(int(row["part"]), int(row["n_parts"]), shape) for name, shape, row in archive.extents("acme/base/model.safetensors")
                     if name == b"large"]
            self.assertEqual(parts, [(0, 2, (1500, 1200)), (1, 2, (1500, 1200))])

    def test_chunks_of_quantized_layers_are_whole_blocks(self):
        with format_reader.Archive(self.archive("blocks", "--lossless", "--wave-bytes", "8MiB")) as archive:
            self.assert_reads(archive, {b"acme/quantized/model.gguf": self.originals[b"acme/quantized/model.gguf"]})
            sizes = {}
            for name, _, row in archive.extents("acme/quantized/model.gguf"):
                sizes.setdefault(name, []).extend(int(chunk["raw_bytes"])
                                                  for chunk, _, _ in archive.chunks(row["layer_shard"], row["layer_row"]))
            self.assertEqual(sizes[b"small"], [22 * 700])
            self.assertEqual(sizes[b"large"], [4194304 // 34 * 34, 34 * 150000 - 4194304 // 34 * 34])

    def family(self):
        """A base, and a model near it with a layer that has more rows; one layer of two chunks."""
        random = np.random.default_rng(11)
        arrays = {"large": random.normal(0, 0.02, (1500, 1000)), "embed": random.normal(0, 0.02, (300, 200)),
                  "double": random.normal(0, 0.02, (200, 200)), "half": random.normal(0, 0.02, (200, 200))}
        near = {name: array + random.normal(0, 2e-4, array.shape) for name, array in arrays.items()}
        near["embed"] = np.vstack([near["embed"], random.normal(0, 0.02, (7, 200))])
        hub = pathlib.Path(self.folder, "family")
        for model, values in (("base", arrays), ("tuned", near)):
            (hub / "acme" / model).mkdir(parents=True)
            typed = {name: ("F32", array.astype("<f4")) for name, array in values.items()}
            typed["double"] = ("F64", values["double"])
            typed["half"] = ("BF16", bfloat16(values["half"]))
            (hub / "acme" / model / "model.safetensors").write_bytes(
                safetensors({name: (dtype, list(array.shape), array.tobytes()) for name, (dtype, array) in typed.items()}))
        return hub

    def test_deltas(self):
        hub = self.family()
        with format_reader.Archive(self.archive("differences", "--lossless", hub=hub)) as archive:
            self.assert_reads(archive, files_of(hub))
            self.assert_used(archive, "delta f32", "delta f64", "delta bf16")
            self.assertTrue(all(len(shard["sketches"]) > 0 for shard in archive.shards.values()))
            bases = {archive.base(number, row) for number, shard in archive.shards.items() for row in range(len(shard["layers"]))}
            self.assertEqual(len(bases - {None}), 4)

    def test_the_reader_decodes_lossy_deltas_as_restore_does(self):
        hub = self.family()
        path = self.archive("lossy-differences", hub=hub)
        run(RANKS, "elves-restore", "--archive", path, "--to", self.at("restored"))
        with format_reader.Archive(path) as archive:
            self.assert_reads(archive, files_of(pathlib.Path(self.at("restored"))))
            self.assert_used(archive, "elf-delta f32")

    def test_bases_of_an_earlier_sweep(self):
        hub = self.family()
        self.archive("sweeps", "--lossless", "--include", "acme/base", hub=hub)
        with format_reader.Archive(self.archive("sweeps", "--lossless", hub=hub)) as archive:
            self.assert_reads(archive, files_of(hub))
            self.assertEqual({archive.base(1, row)[0] for row in range(len(archive.shards[1]["layers"])) if archive.base(1, row)}, {0})

    def test_a_shard_without_sketches_is_read(self):
        archive = self.archive("older", "--lossless")
        with h5py.File(archive / "shard-00000000.h5", "r+") as shard:
            del shard["sketches"]
        with format_reader.Archive(archive) as reader:
            self.assert_reads(reader, self.originals)
        run(RANKS, "elves-verify", "--archive", archive, "--against", self.hub)
        (self.hub / "acme/new").mkdir()
        self.addCleanup(shutil.rmtree, self.hub / "acme/new")
        shutil.copy(self.hub / "acme/base/model.safetensors", self.hub / "acme/new")
        self.archive("older", "--lossless")
        run(RANKS, "elves-verify", "--archive", archive, "--against", self.hub)

    def test_the_reader_takes_the_latest_version_of_a_path_and_older_ones_stay(self):
        hub = pathlib.Path(self.folder, "changing")
        (hub / "acme/base").mkdir(parents=True)
        text = hub / "acme/base/text"
        text.write_bytes(b"first")
        archive = self.archive("versions", "--lossless", hub=hub)
        text.write_bytes(b"second, longer")
        self.archive("versions", "--lossless", hub=hub)
        self.assertEqual(format_reader.read_file(archive, "acme/base/text"), b"second, longer")
        with format_reader.Archive(archive) as reader:
            self.assertEqual([int(shard.attrs["sweep"]) for shard in reader.shards.values()], [1, 2])
            old = [row for row in reader.shards[0]["files"][:] if row["kind"] == format_reader.REGULAR]
            extent = reader.shards[0]["extents"][int(old[0]["first_extent"])]
            self.assertEqual(reader.read_layer(extent["layer_shard"], extent["layer_row"]), b"first")

    def test_names_shapes_and_dtypes_of_layers(self):
        expected = [(name.encode(), tuple(shape), dtype, len(data))
                    for name, (dtype, shape, data) in layers(np.random.default_rng(20240521)).items()]
        with format_reader.Archive(self.archive("names", "--lossless")) as archive:
            found = [(name, shape, format_reader.DTYPES[row["dtype"]].upper(), int(row["size_bytes"]))
                     for name, shape, row in archive.extents("acme/base/model.safetensors") if row["is_layer"]]
            self.assertEqual(sorted(found), sorted(expected))
            self.assertEqual(archive.file_row("acme/base/model.safetensors")[1]["container"], 1)

    def test_links_and_folders(self):
        with format_reader.Archive(self.archive("links", "--lossless")) as archive:
            kinds = {path: int(archive.file_row(path)[1]["kind"]) for path in archive.paths()}
            self.assertEqual(kinds[b"acme"], format_reader.DIRECTORY)
            self.assertEqual(kinds[b"acme/tuned/README.md"], format_reader.SYMLINK)
            self.assertEqual(archive.target("acme/tuned/README.md"), b"../base/README.md")
            self.assertEqual(kinds[b"acme/tuned/zz-config.json"], format_reader.HARDLINK)
            self.assertEqual(archive.target("acme/tuned/zz-config.json"), b"acme/tuned/config.json")
            status = os.stat(self.hub / "acme/base/README.md")
            row = archive.file_row("acme/base/README.md")[1]
            self.assertEqual((row["mode"], row["uid"], row["gid"]), (status.st_mode & 0o7777, status.st_uid, status.st_gid))
            self.assertEqual(int(row["mtime_seconds"]) * 10**9 + int(row["mtime_nanoseconds"]), status.st_mtime_ns)

    def test_a_newer_version_is_refused(self):
        archive = self.archive("newer", "--lossless")
        with h5py.File(archive / "shard-00000000.h5", "r+") as shard:
            shard.attrs.modify("version", np.uint64(2))
        with self.assertRaisesRegex(format_reader.FormatError, "version 2"):
            format_reader.Archive(archive)
        identity = json.loads((archive / "archive.json").read_text())
        (archive / "archive.json").write_text(json.dumps({**identity, "version": 2}))
        with self.assertRaisesRegex(format_reader.FormatError, "version 2"):
            format_reader.Archive(archive)

    def test_real_files(self):
        if real_corpus() is None:
            self.skipTest("no corpus of real weights: set ELVES_CORPUS to its folder")
        hub = pathlib.Path(real_corpus())
        largest_bytes = 12 << 20
        weights = [path for path in sorted(hub.rglob("*.safetensors")) if path.stat().st_size < largest_bytes]
        others = [path for path in sorted(hub.rglob("*.onnx")) + sorted(hub.rglob("*.md")) if path.stat().st_size < largest_bytes]
        chosen = [str(path.relative_to(hub)) for path in weights[::max(1, len(weights) // 3)][:3] + others[:1] + others[-1:]]
        self.assertEqual(len(chosen), 5)
        listed = pathlib.Path(self.at("chosen"))
        listed.write_text("\n".join(chosen) + "\n")
        archive = self.archive("real", "--lossless", "--files-from", listed, hub=hub)
        with format_reader.Archive(archive) as reader:
            self.assert_reads(reader, {os.fsencode(path): (hub / path).read_bytes() for path in chosen})


class Hashes:
    """The two hash functions of docs/format/archive.md, from the xxHash library of the system."""

    class Hash128(ctypes.Structure):
        _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]

    def __init__(self, library, secret):
        self.xxhash, self.secret = ctypes.CDLL(library), secret
        self.xxhash.XXH3_64bits.restype = ctypes.c_uint64
        self.xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        self.xxhash.XXH3_128bits_withSecret.restype = self.Hash128
        self.xxhash.XXH3_128bits_withSecret.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * 2

    def h64(self, data):
        return self.xxhash.XXH3_64bits(data, len(data))

    def keyed(self, data):
        hashed = self.xxhash.XXH3_128bits_withSecret(data, len(data), self.secret, len(self.secret))
        return struct.pack("<QQ", hashed.low, hashed.high)

    def check(self, row, names):
        """`check` of a row that points to these bytes of /names."""
        bare = row.copy()
        bare["check"] = 0
        return self.h64(struct.pack("<QQ", self.h64(bare.tobytes()), self.h64(names))) & 0xFFFFFFFF


class Digests(EndToEnd):
    def setUp(self):
        super().setUp()
        library = ctypes.util.find_library("xxhash")
        if library is None:
            self.skipTest("no libxxhash here (Debian: libxxhash0): digests are not checked")
        folder = pathlib.Path(self.folder)
        make_hub(folder / "hub")
        run(RANKS, "elves-mpi", "--corpus", folder / "hub", "--archive", folder / "archive", "--progress", "none")
        self.archive = format_reader.Archive(folder / "archive")
        self.addCleanup(self.archive.__exit__)
        self.hub = folder / "hub"
        self.hashes = Hashes(library, bytes.fromhex(self.archive.identity["hash_secret"]))

    def test_checks_of_all_rows(self):
        pointed_to = {
            "chunks": lambda row: (0, 0),
            "layers": lambda row: (row["shape_offset"], 8 * int(row["ndim"])),
            "extents": lambda row: (row["name_offset"], int(row["name_bytes"]) + 8 * int(row["ndim"])),
            "files": lambda row: (row["path_offset"], int(row["path_bytes"]) + int(row["target_bytes"])),
            "models": lambda row: (row["id_offset"], row["id_bytes"]),
        }
        for shard in self.archive.shards.values():
            for table, names_of in pointed_to.items():
                rows = shard[table][:]
                self.assertGreater(len(rows), 0)
                for i in range(len(rows)):
                    names = self.archive.text(shard["names"], *names_of(rows[i]))
                    self.assertEqual(self.hashes.check(rows[i], names), rows[i]["check"], (table, i))

    def test_checksums_of_chunks_and_digests_of_layers_and_files(self):
        def digest(parts):
            return self.hashes.keyed(b"".join(parts))

        for path in files_of(self.hub):
            row = self.archive.file_row(path)[1]
            if row["kind"] != format_reader.REGULAR:
                continue
            original = (self.hub / os.fsdecode(path)).read_bytes()
            fingerprints, decodeds, at = [], [], 0
            for _, _, extent in self.archive.extents(path):
                layer = self.archive.shards[int(extent["layer_shard"])]["layers"][int(extent["layer_row"])]
                archived, decoded = [], []
                for chunk, encoded, dtype in self.archive.chunks(extent["layer_shard"], extent["layer_row"]):
                    n = int(chunk["raw_bytes"])
                    self.assertEqual(self.hashes.h64(encoded), chunk["checksum"])
                    archived.append(self.hashes.keyed(original[at:at + n]))
                    decoded.append(self.hashes.keyed(format_reader.decode_chunk(encoded, dtype, n)))
                    self.assertEqual(chunk["exact"] == 1, archived[-1] == decoded[-1])
                    at += n
                self.assertEqual(digest(archived), layer["fingerprint"].tobytes())
                self.assertEqual(digest(decoded), layer["decoded"].tobytes())
                self.assertEqual(layer["loss_id"] == 0, archived == decoded)
                fingerprints.append(digest(archived))
                decodeds.append(digest(decoded))
            self.assertEqual(digest(fingerprints), row["digest"].tobytes(), path)
            self.assertEqual(digest(decodeds), row["restored"].tobytes(), path)


def numpy_type(text):
    """The type of a column as docs/format/archive.md writes it, as numpy's."""
    count, _, scalar = text.rpartition(" ")
    return np.dtype((f"<{scalar}", (int(count),))) if count else np.dtype(f"<{scalar}")


class Page(EndToEnd):
    """The page itself: its tables and its example."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.text = PAGE.read_text(encoding="utf-8")
        cls.addClassCleanup(os.chdir, os.getcwd())
        os.chdir(cls.shared)
        program = re.search(r"```python\n(import json, os, struct.*?)```", cls.text, re.DOTALL)[1]
        exec(compile(program, str(PAGE), "exec"), {})  # makes hub/
        run(0, "elves-mpi", "--corpus", "hub", "--archive", "tiny.elves", "--lossless", "--progress", "none")
        cls.shard = h5py.File("tiny.elves/shard-00000000.h5", "r")
        cls.addClassCleanup(cls.shard.close)

    def section(self, title):
        return re.search(rf"^{re.escape(title)}$(.*?)^#", self.text, re.DOTALL | re.MULTILINE)[1]

    def test_names_and_types_of_columns(self):
        for table in "chunks", "layers", "extents", "files", "models":
            columns = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", self.section(f"### /{table}"), re.MULTILINE)
            expected = [(name, numpy_type(text)) for name, text in columns]
            self.assertEqual(expected, [(name, self.shard[table].dtype[name]) for name in self.shard[table].dtype.names], table)
            self.assertIn(f"| `/{table}` | {self.shard[table].dtype.itemsize} bytes |", self.text)

    def test_attributes_and_datasets(self):
        section = self.section("## A shard")
        types = {name: "text" if isinstance(value, bytes) else "u8" for name, value in self.shard.attrs.items()}
        self.assertEqual(dict(re.findall(r"^\| `(\w+)` \| (text|u8) \|", section, re.MULTILINE)), types)
        self.assertEqual(set(re.findall(r"^\| `/(\w+)` \|", section, re.MULTILINE)), set(self.shard))
        identity = json.loads(pathlib.Path("tiny.elves/archive.json").read_text(encoding="utf-8"))
        self.assertEqual(set(re.findall(r"^\| `(\w+)` \|", self.section("## The directory"), re.MULTILINE)) - {"lock"}, set(identity))

    def test_the_example_is_a_file(self):
        """The printed rows and bytes decode to the file. Today's encoder may encode it in another way."""
        printed = self.text[self.text.index("\narchive = b'"):]
        printed = printed[:printed.index("\n```")]
        payload = bytes.fromhex(re.search(r"/payload\n([0-9a-f \n]*)", printed)[1])

        def rows(table):
            lines = re.search(rf"^/{table} .*\n((?:\w+ .*\n)*)", printed, re.MULTILINE)[1].splitlines()
            columns = {line.split()[0]: line.split()[1:] for line in lines}
            self.assertEqual(list(columns), list(self.shard[table].dtype.names), table)
            return [dict(zip(columns, cells)) for cells in zip(*columns.values())]

        chunks, found = rows("chunks"), b""
        for layer in rows("layers"):
            chunk = chunks[int(layer["first_chunk"])]
            at = int(chunk["payload_offset"])
            encoded = payload[at:at + int(chunk["encoded_bytes"])]
            found += format_reader.decode_chunk(encoded, format_reader.DTYPES[int(layer["dtype"])], int(chunk["raw_bytes"]))
        self.assertEqual(found, pathlib.Path("hub/acme/tiny/model.safetensors").read_bytes())

    def test_the_reader_decodes_the_archive_of_the_example(self):
        data = pathlib.Path("hub/acme/tiny/model.safetensors").read_bytes()
        self.assertEqual(format_reader.read_file("tiny.elves", "acme/tiny/model.safetensors"), data)


class Chunks(unittest.TestCase):
    """Chunks of every transform and kind of stream, also those that an archive of the examples does not have."""

    def test_the_examples_of_the_pages_of_transforms(self):
        n = 0
        for page in sorted((PAGE.parent / "transforms").glob("*.md")):
            blocks = re.findall(r"```chunk (\w+)\n(.*)\n(?:base (.*)\n)?gives *(.*)\n```", page.read_text(encoding="utf-8"))
            for dtype, encoded, base, raw in blocks:
                expected = bytes.fromhex(raw)
                found = format_reader.decode_chunk(bytes.fromhex(encoded), dtype, len(expected), bytes.fromhex(base))
                self.assertEqual(found, expected, page)
                n += 1
        self.assertGreaterEqual(n, 5)

    def test_the_golden_chunks(self):
        transforms = set()
        for path in sorted(GOLDEN_CHUNKS.glob("*.golden")):
            head, data = path.read_bytes().split(b"\n", 1)
            dtype, n_chunk, n_decoded, n_base = head.split()
            base = data[len(data) - int(n_base):]
            encoded, expected = data[:int(n_chunk)], data[int(n_chunk):len(data) - int(n_base)]
            found = format_reader.decode_chunk(encoded, dtype.decode(), int(n_decoded), base)
            self.assertEqual(first_difference(expected, found), "", path.name)
            transforms.add(format_reader.TRANSFORMS[encoded[0]])
        self.assertEqual(transforms, set(format_reader.TRANSFORMS.values()))


if __name__ == "__main__":
    main()
