"""Comparing what elves-ls lists with the layers that a format's own tool gives."""

import collections
import os

import elves_e2e as e2e
import native_layers

SNIFFED, OPAQUE = "sniffed", "opaque"


def printable(name):
    """A name as elves-ls shows it."""
    return "".join(f"\\x{ord(c) & 255:02X}" if ord(c) < 32 or ord(c) == 127 or 0xDC80 <= ord(c) < 0xDD00 else c for c in name)


def fits(row, layer, name):
    """Whether a row of elves-ls is this layer of the tool under this name."""
    return ((name is None or row["name"] == printable(name)) and (layer.dtype is None or row["dtype"] == layer.dtype) and
            (layer.shape is None or row["shape"] == layer.shape) and (layer.n_bytes is None or row["bytes"] == layer.n_bytes))


def take(rows, layer):
    """Takes the row that is this layer out of `rows`, by the tool's first name if it can be; None where there is none."""
    for name in layer.names:
        for row in rows:
            if fits(row, layer, name):
                rows.remove(row)
                return row
    return None


def differences(rows, layers):
    """How the rows of elves-ls differ from the layers of the tool, a line for each."""
    rows = list(rows)
    # Layers that may have any name take what the others leave.
    in_order = sorted(layers, key=lambda layer: (layer.names[0] is None, bool(layer.optional)))
    missing = [layer for layer in in_order if take(rows, layer) is None and not layer.optional]
    lines = [f"not found: {layer.names[0]} {layer.dtype} {layer.shape}" for layer in missing]
    return lines + [f"not in the tool: {row['name']} {row['dtype']} {row['shape']}" for row in rows]


class Counts:
    """How many files of each format were compared, and left for lack of a tool."""

    def __init__(self):
        self.files, self.layers, self.left = collections.Counter(), collections.Counter(), collections.Counter()

    def print(self):
        print()
        for name in sorted(self.files.keys() | self.left.keys()):
            left = f", {self.left[name]} files left for lack of a tool" if self.left[name] else ""
            print(f"    {name:<13} {self.files[name]:3} files compared, {self.layers[name]:5} layers{left}")


class LayersTest(e2e.EndToEnd):
    def native(self, path, counts):
        """What the tool gives, None where it is not installed; NoTool passes. ELVES_NEED_TOOLS=1: a missing tool is a failure."""
        try:
            return native_layers.read(path)
        except native_layers.MissingTool as missing:
            self.assertNotIn("ELVES_NEED_TOOLS", os.environ, f"{path} needs {missing}")
            counts.left[native_layers.format_of(path)] += 1
            return None

    def compare(self, root, files, counts):
        """Compares the files (rows of elves-ls) below root that a tool reads; returns the paths of the others."""
        others = []
        for path, file in sorted(files.items()):
            with self.subTest(path=path):
                try:
                    native = self.native(os.path.join(root, path), counts)
                except native_layers.NoTool:
                    others.append(path)
                    continue
                if native is None:
                    continue
                counts.files[native.format] += 1
                counts.layers[native.format] += len(file["layers"])
                found = differences(file["layers"], native.layers)
                if found:
                    what = f"{path}, a {native.format} file found as {file['container']}: {len(found)} differences"
                    self.fail("\n".join([what, *found[:20]]))
                self.assertNotIn(file["container"], (OPAQUE, SNIFFED), f"{path} is a {native.format} file")
        return others
