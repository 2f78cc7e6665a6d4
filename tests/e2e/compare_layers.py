"""Compares the layers that elves-ls lists with those of each format's own tool."""

import collections
import dataclasses
import os

import native_layers

SNIFFED, PLAIN = "sniffed", "plain"
MAX_LINES = 20  # of the differences of one file


def printable(name):
    """A name as elves-ls shows it."""
    return "".join(f"\\x{ord(c) & 255:02X}" if ord(c) < 32 or ord(c) == 127 or 0xDC80 <= ord(c) < 0xDD00 else c for c in name)


def fits(row, layer, name):
    """Whether a row of elves-ls is this layer of the tool under this name."""
    return ((name is None or row["name"] == printable(name)) and (layer.dtype is None or row["dtype"] == layer.dtype) and
            (layer.shape is None or row["shape"] == layer.shape) and (layer.n_bytes is None or row["bytes"] == layer.n_bytes))


def take(rows, layer):
    """Takes the row that is this layer out of `rows`, by the tool's first name if possible; None where there is none."""
    for name in layer.names:
        for row in rows:
            if fits(row, layer, name):
                rows.remove(row)
                return row
    return None


def match(rows, layers):
    """(rows of elves-ls without a layer of the tool, layers of the tool without a row)."""
    rows = list(rows)
    # Layers of any name are matched last, to the rows that are left.
    in_order = sorted(layers, key=lambda layer: (layer.names[0] is None, bool(layer.optional)))
    missing = [layer for layer in in_order if take(rows, layer) is None]
    return rows, missing


def may_be_unknown(native):
    """Whether elves may take the file for one of an unknown format."""
    return bool(native.layers) and all(layer.optional == native_layers.RWKV_NUMBERS for layer in native.layers)


def differences(file, native):
    """How a file of elves-ls differs from what its tool gives: lines, none where they agree. Optional layers may be missing."""
    if file["container"] in (PLAIN, SNIFFED):
        return [] if may_be_unknown(native) else [f"elves does not recognise the format: the file is {file['container']}"]
    rows, missing = match(file["layers"], native.layers)
    lines = [f"not found by elves: {layer.names[0]} {layer.dtype} {layer.shape}" for layer in missing if not layer.optional]
    return lines + [f"not a layer of the tool: {row['name']} {row['dtype']} {row['shape']}" for row in rows]


@dataclasses.dataclass
class Comparison:
    """The files of a corpus, by what their tools say. Each path is in exactly one of the first four."""

    compared: dict = dataclasses.field(default_factory=dict)  # path: format
    missing_tool: dict = dataclasses.field(default_factory=dict)  # path: format. The tool is not installed
    not_understood: dict = dataclasses.field(default_factory=dict)  # path: why the reader of this test fails
    no_reader: list = dataclasses.field(default_factory=list)  # no reader knows the format
    differences: dict = dataclasses.field(default_factory=dict)  # path: lines, of compared files that differ
    left_out: dict = dataclasses.field(default_factory=dict)  # path: {why elves leaves out layers: how many}

    def check(self, path, file, native):
        """Adds a file that the tool reads."""
        self.compared[path] = native.format
        if lines := differences(file, native):
            self.differences[path] = lines
        for layer in match(file["layers"], native.layers)[1]:
            if layer.optional and layer.n_bytes != 0:
                self.left_out.setdefault(path, collections.Counter())[layer.optional] += 1

    def assert_no_differences(self, test):
        for path, lines in self.differences.items():
            with test.subTest(path=path):
                test.fail("\n".join([f"{path}, a {self.compared[path]} file: {len(lines)} differences", *lines[:MAX_LINES]]))
        if "ELVES_NEED_TOOLS" in os.environ:
            test.assertEqual(self.missing_tool, {}, "ELVES_NEED_TOOLS is set: all tools must be installed")

    def print(self, files):
        """A line for each format, and one for each reason why layers are left out."""
        print()
        n_compared, n_missing = (collections.Counter(paths.values()) for paths in (self.compared, self.missing_tool))
        n_layers, left_out = collections.Counter(), collections.Counter()
        for path, name in self.compared.items():
            n_layers[name] += len(files[path]["layers"])
            left_out.update({(name, why): n for why, n in self.left_out.get(path, {}).items()})
        for name in sorted(n_compared.keys() | n_missing.keys()):
            missing = f", {n_missing[name]} files not compared: the tool is not installed" if n_missing[name] else ""
            print(f"    {name:<13} {n_compared[name]:3} files compared, {n_layers[name]:5} layers{missing}")
        for (name, why), n in sorted(left_out.items()):
            print(f"    {name:<13} {n:5} layers left out by elves: {why}")


def compare(root, files):
    """Compares the files below root, {path: file of elves-ls}, with what their tools give. Reads every file once."""
    comparison = Comparison()
    for path, file in sorted(files.items()):
        full = os.path.join(root, path)
        try:
            comparison.check(path, file, native_layers.read(full))
        except native_layers.NoTool:
            comparison.no_reader.append(path)
        except native_layers.MissingTool:
            comparison.missing_tool[path] = native_layers.format_of(full)
        except native_layers.NotUnderstood as error:
            comparison.not_understood[path] = str(error)
        except AssertionError as error:
            comparison.compared[path] = native_layers.format_of(full)
            comparison.differences[path] = [f"the reader of this test is wrong: {error}"]
    return comparison
