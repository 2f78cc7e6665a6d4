"""Files restored from an archive in default mode load in their frameworks, with floats within their bounds and all other bytes
unchanged: the weight files of the real corpus, and files that the frameworks write here.

The real corpus may grow: a file that its framework cannot load in the original is printed and left out.
tests/run.sh --frameworks installs the frameworks and runs this; without ELVES_NEED_TOOLS=1 it is skipped.
"""

import collections
import os
import sys
import unittest
import zipfile

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import compare_layers  # noqa: E402
import elves_e2e as e2e  # noqa: E402
import native_layers  # noqa: E402
import tool_files  # noqa: E402

# Types that may change, and by how much at most.
BOUNDS = {"f16": (np.float16, 2.0**-11), "f32": (np.float32, 2.0**-24), "f64": (np.float64, 2.0**-53)}
ZIPS = {"torch-zip", "torchscript", "npz", "keras"}
# Formats of which the real corpus has layers that change.
CHANGED_FORMATS = {"safetensors", "torch-zip", "torch-legacy", "torchscript", "onnx", "tflite", "hdf5", "pickle"}


def load_hdf5(path):
    import h5py
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)


def load_onnx(path):
    import onnx
    onnx.load(path)
    onnx.checker.check_model(path)


def load_torchscript(path):
    import torch
    torch.jit.load(path, map_location="cpu").state_dict()


def load_npz(path):
    with np.load(path) as arrays:
        for name in arrays.files:
            arrays[name]


# How a framework loads a file. Other formats are read by native_layers alone.
LOADERS = {"torch-zip": native_layers.load_torch, "torch-legacy": native_layers.load_torch, "torchscript": load_torchscript,
           "hdf5": load_hdf5, "onnx": load_onnx, "npz": load_npz, "npy": np.load}


def largest_difference(dtype, a, b):
    """Of the values that differ in bits; infinite if one of them is a NaN or an infinity."""
    x, y = np.frombuffer(a, dtype), np.frombuffer(b, dtype)
    bits = np.dtype(f"u{np.dtype(dtype).itemsize}")
    differ = x.view(bits) != y.view(bits)
    distance = np.abs(x[differ].astype(np.longdouble) - y[differ].astype(np.longdouble))
    return float(distance.max()) if np.isfinite(distance).all() else np.inf


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def put_into(original, restored, changes):
    """The original with its changed layers replaced by those of the restored file. Large layers are replaced first, because the bytes of
    a small layer may also occur within another one."""
    out, used = bytearray(original), bytearray(len(original))
    for before, after in sorted(changes, key=lambda change: -len(change[0].content)):
        n = len(after.content)
        at = original.find(before.content)
        while at >= 0 and (any(used[at:at + n]) or restored[at:at + n] != after.content):
            at = original.find(before.content, at + 1)
        if at < 0:
            raise AssertionError(f"{before.names[0]}: changed, but the changed bytes are not where the original has the layer")
        used[at:at + n] = b"\1" * n
        out[at:at + n] = after.content
    return bytes(out)


class Frameworks:
    """The tests, for the corpus that a subclass makes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.corpus = cls.make_corpus()
        cls.archive, cls.restored = (os.path.join(cls.shared, name) for name in ("archive", "restored"))
        cls.report = e2e.archive(2, cls.corpus, cls.archive)
        e2e.restore(3, cls.archive, cls.restored)
        cls.files = e2e.regular_files(cls.archive)
        cls.readable = sorted(filter(cls.is_readable, cls.files))

    @classmethod
    def is_readable(cls, path):
        """Whether the tool of its format reads the original, and its framework loads it."""
        full = os.path.join(cls.corpus, path)
        try:
            name = native_layers.read(full).format
        except native_layers.NoTool:
            return False
        except native_layers.NotUnderstood as error:
            return cls.leave_out(path, error)
        try:
            LOADERS.get(name, lambda _: None)(full)
        except Exception as error:
            return cls.leave_out(path, error)
        return True

    @classmethod
    def leave_out(cls, path, error):
        """Prints the reason. The corpus made here must be readable as a whole."""
        if not cls.may_have_unreadable_files:
            raise AssertionError(f"{path} cannot be read") from error
        print(f"left out: {path} cannot be read in the original: {error}")
        return False

    def for_each_file(self, check):
        """check(path, layers of the original, layers of the restored file) for each readable file."""
        for path in self.readable:
            with self.subTest(path=path):
                check(path, *(native_layers.read(os.path.join(root, path)) for root in (self.corpus, self.restored)))

    @staticmethod
    def changes(before, after):
        return [(x, y) for x, y in zip(before.layers, after.layers) if x.content != y.content]

    def test_every_restored_file_loads_in_its_framework(self):
        loaded = collections.Counter()

        def check(path, native, _):
            full = os.path.join(self.restored, path)
            if native.format in ZIPS:
                with zipfile.ZipFile(full) as archive:
                    self.assertIsNone(archive.testzip(), path)
            if native.format in LOADERS:
                LOADERS[native.format](full)
                loaded[native.format] += 1

        self.for_each_file(check)
        self.assertLessEqual(self.formats_loaded, set(loaded))
        print("\n    loaded: " + ", ".join(f"{n} {name}" for name, n in sorted(loaded.items())) + " ... ", end="", flush=True)

    def test_floats_are_within_their_bounds_and_other_layers_are_unchanged(self):
        layers, changed, largest = collections.Counter(), collections.Counter(), {}

        def check(path, before, after):
            self.assertEqual([(x.names, x.dtype, x.shape, x.n_bytes, x.optional) for x in before.layers],
                             [(y.names, y.dtype, y.shape, y.n_bytes, y.optional) for y in after.layers])
            layers[before.format] += len(before.layers)
            rows = list(self.files[path]["layers"])
            recorded = [compare_layers.take(rows, layer) for layer in before.layers]
            for x, y, row in zip(before.layers, after.layers, recorded):
                if x.content != y.content:
                    changed[before.format] += 1
                    self.check_change(path, x, y, row, largest)

        self.for_each_file(check)
        print()
        for name in sorted(layers):
            print(f"    {name:<13} {layers[name]:5} layers, {changed[name]:5} of them changed")
        print(f"    largest changes: {largest}, recorded {self.report['max_abs_error']} ... ", end="", flush=True)
        self.assertLessEqual(max(largest.values(), default=0.0), self.report["max_abs_error"])
        self.assertLessEqual(self.formats_changed, set(changed))

    def check_change(self, path, before, after, row, largest):
        what = f"{path}: {before.names[0]}"
        self.assertIn(before.dtype, BOUNDS, f"{what} is of a type that must not change")
        dtype, bound = BOUNDS[before.dtype]
        difference = largest_difference(dtype, before.content, after.content)
        self.assertLessEqual(difference, bound, what)
        self.assertIsNotNone(row, f"{what} is changed, but it is no layer of the archive")
        self.assertLessEqual(difference, row["max_abs_error"], what)
        largest[before.dtype] = max(largest.get(before.dtype, 0.0), difference)

    def test_bytes_between_the_layers_are_unchanged(self):
        def check(path, before, after):
            original, restored = (content_of(os.path.join(root, path)) for root in (self.corpus, self.restored))
            self.assertEqual(len(original), len(restored), path)
            if before.format in ZIPS:
                self.check_entries(path, self.changes(before, after))
            else:
                self.assertTrue(put_into(original, restored, self.changes(before, after)) == restored, path)

        self.for_each_file(check)

    def check_entries(self, path, changes):
        """Only entries of a zip that hold changed layers may differ."""
        with zipfile.ZipFile(os.path.join(self.corpus, path)) as a, zipfile.ZipFile(os.path.join(self.restored, path)) as b:
            self.assertEqual([(x.filename, x.header_offset, x.file_size, x.compress_type) for x in a.infolist()],
                             [(y.filename, y.header_offset, y.file_size, y.compress_type) for y in b.infolist()])
            for name in a.namelist():
                x, y = a.read(name), b.read(name)
                if x != y:
                    here = [(before, after) for before, after in changes if before.content in x and after.content in y]
                    self.assertTrue(here, f"{path}: {name} is changed, but holds no changed layer")

    def test_files_listed_as_exact_are_unchanged_and_the_archive_verifies(self):
        exact = [path for path, file in self.files.items() if file["exact"]]
        self.assertTrue(exact)
        for path in exact:
            self.assertEqual(content_of(os.path.join(self.corpus, path)), content_of(os.path.join(self.restored, path)), path)
        done = e2e.verify(2, self.archive, "--against", self.corpus)
        self.assertIn("no difference", done.stdout)


class RealCorpus(Frameworks, e2e.EndToEnd):
    may_have_unreadable_files = True
    formats_changed = CHANGED_FORMATS
    formats_loaded = {"torch-zip", "torch-legacy", "torchscript", "hdf5", "onnx", "npz"}

    @classmethod
    def make_corpus(cls):
        corpus = e2e.real_corpus()
        if corpus is None:
            raise unittest.SkipTest("no real corpus: set ELVES_CORPUS to a folder with hub/ in it")
        return corpus


class ToolFiles(Frameworks, e2e.EndToEnd):
    may_have_unreadable_files = False
    formats_changed = {"npy", "npz", "hdf5", "keras", "onnx", "onnx-data", "pickle", "torch-zip", "torch-legacy", "gguf"}
    formats_loaded = set(LOADERS)

    @classmethod
    def make_corpus(cls):
        corpus = os.path.join(cls.shared, "hub")
        missing = tool_files.make(os.path.join(corpus, "made"))
        if missing:
            raise AssertionError(f"not installed: {', '.join(missing)}")
        return corpus


if __name__ == "__main__":
    if "ELVES_NEED_TOOLS" not in os.environ:
        print("skipped: tests/run.sh --frameworks installs torch and onnx and runs this")
        raise SystemExit(77)
    e2e.main()
