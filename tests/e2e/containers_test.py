"""elves finds in each file of the real corpus the layers that the format's own tool gives. ELVES_CORPUS (default ../shared/corpus) has
hub/ and INDEX.tsv, whose column `format` says what each file is.

The tests name no file, so the corpus may grow. A new file of a format that native_layers.py reads is compared like the others. A file
of an unknown format is printed and does not fail, as long as most of the corpus is of known formats: add a reader to native_layers.py
or a row to NO_READER. numpy and h5py are always installed; other tools (torch, onnx, flatbuffers) may be missing.
"""

import collections
import csv
import os
import re

import compare_layers
import elves_e2e as e2e
from compare_layers import PLAIN, SNIFFED

# Formats of INDEX.tsv that no tool reads from the file alone, and why. elves finds the floats in them by sniffing.
NO_READER = {
    "darknet": "floats after a head of 20 bytes; a .cfg file describes the layers",
    "ncnn-bin": "a .param file describes the layers",
    "mnn": "a flatbuffer of a schema that is not read here",
    "coreml-weight.bin": "another file of the model describes the blobs",
    "tfjs-bin": "TensorFlow.js: a model.json describes the layers",
    "tfjs-raw": "TensorFlow.js: a model.json describes the layers",
    "tf-ckpt-data": "TensorFlow: the .index of the checkpoint describes the layers",
}
REPORTED_FROM_BYTES = 65536  # smaller files of no format are not in the report's list
TEXT_PROBE_BYTES = 65536
# Shares of bytes. Formats and their headers differ, so each bound leaves room below what the corpus has now.
LEAST_IN_LAYERS_OF_A_FORMAT = 0.5
LEAST_IN_LAYERS = 0.9
LEAST_KNOWN = 0.75


def index_path():
    corpus = e2e.real_corpus()
    path = os.path.join(os.path.dirname(corpus), "INDEX.tsv") if corpus else ""
    return path if os.path.exists(path) else None


def read_index():
    """{path: row}; the format without a remark in brackets."""
    with open(index_path(), newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {row["path"]: row | {"format": re.sub(r"\(.*", "", row["format"]).strip()} for row in rows}


def is_text(path):
    with open(path, "rb") as file:
        start = file.read(TEXT_PROBE_BYTES)
    try:
        return "\0" not in start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and b"\0" not in start  # a character is cut off at the end


def has_floats(row):
    """Whether a row of the index lists a float type."""
    return re.search(r"\bb?f(16|32|64)\b", row["dtypes"]) is not None


def layer_bytes(file):
    return sum(layer["bytes"] for layer in file["layers"])


class Containers(e2e.EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.corpus = e2e.real_corpus()
        archive = os.path.join(cls.shared, "archive")
        cls.report = e2e.archive(2, cls.corpus, archive, "--lossless")
        cls.files = e2e.regular_files(archive)
        cls.opaque = {row["path"]: row for row in cls.report["opaque"]}
        cls.index = read_index()
        cls.comparison = compare_layers.compare(cls.corpus, cls.files)
        cls.sort_files_without_reader(cls.comparison.no_reader)

    @classmethod
    def sort_files_without_reader(cls, paths):
        """Of these paths: texts, {format of NO_READER: files with floats}, and those of unknown formats."""
        cls.texts, cls.with_floats, cls.unknown = [], collections.defaultdict(list), []
        for path in paths:
            row = cls.index.get(path)
            if row and row["format"] in NO_READER:
                if has_floats(row):
                    cls.with_floats[row["format"]].append(path)
            elif is_text(os.path.join(cls.corpus, path)):
                cls.texts.append(path)
            else:
                cls.unknown.append(path)

    def share_in_layers(self, paths):
        files = [self.files[path] for path in paths]
        return sum(map(layer_bytes, files)) / max(1, sum(file["bytes"] for file in files))

    def test_the_archive_has_every_file_of_the_index(self):
        self.assertLessEqual(set(self.index), set(self.files))

    def test_layers_are_those_of_the_formats_tool(self):
        self.assertTrue(self.comparison.compared)
        self.comparison.print(self.files)
        self.comparison.assert_no_differences(self)

    def test_files_whose_tool_is_not_installed_are_recognised_and_have_layers(self):
        paths_of = collections.defaultdict(list)
        for path, name in self.comparison.missing_tool.items():
            self.assertNotIn(self.files[path]["container"], (PLAIN, SNIFFED), f"{path} is a {name} file")
            paths_of[name].append(path)
        for name, paths in paths_of.items():
            self.assertGreater(self.share_in_layers(paths), LEAST_IN_LAYERS_OF_A_FORMAT, f"{name}: {paths}")

    def test_floats_of_formats_without_a_reader_are_sniffed(self):
        for name, paths in self.with_floats.items():
            what = f"{name} ({NO_READER[name]}): {paths}"
            self.assertGreater(self.share_in_layers(paths), LEAST_IN_LAYERS_OF_A_FORMAT, what)

    def test_text_has_no_layers(self):
        for path in self.texts:
            self.assertEqual((self.files[path]["container"], self.files[path]["layers"]), (PLAIN, []), path)

    def test_large_files_without_layers_and_deflated_arrays_are_reported_with_a_reason(self):
        without = {path for path, file in self.files.items() if file["container"] == PLAIN and file["bytes"] >= REPORTED_FROM_BYTES}
        deflated = {path for path, reasons in self.comparison.left_out.items() if "deflated" in reasons}
        self.assertLessEqual(without | deflated, set(self.opaque))
        self.assertEqual([path for path, row in self.opaque.items() if not row["reason"]], [])

    def test_files_of_which_all_layers_are_found_are_not_reported_as_opaque(self):
        complete = set(self.comparison.compared) - set(self.comparison.left_out)
        self.assertEqual({path: row["reason"] for path, row in self.opaque.items() if path in complete}, {})

    def test_the_report_counts_the_containers_of_the_listing(self):
        reported = {row["name"]: (row["files"], row["bytes"], row["layers"], row["layer_bytes"]) for row in self.report["containers"]}
        listed = collections.defaultdict(lambda: (0, 0, 0, 0))
        for file in self.files.values():
            row = (1, file["bytes"], len(file["layers"]), layer_bytes(file))
            listed[file["container"]] = tuple(map(sum, zip(listed[file["container"]], row)))
        self.assertEqual(reported, dict(listed))

    def test_the_report_sums_opaque_and_sniffed_bytes(self):
        opaque = sum(row["bytes"] for row in self.report["opaque"])
        sniffed = sum(layer_bytes(file) for file in self.files.values() if file["container"] == SNIFFED)
        self.assertEqual((self.report["corpus"]["opaque_bytes"], self.report["corpus"]["sniffed_bytes"]), (opaque, sniffed))

    def test_most_bytes_of_files_with_floats_lie_in_layers(self):
        deflated = {path for path, reasons in self.comparison.left_out.items() if "deflated" in reasons}
        paths = self.comparison.compared.keys() - deflated | self.comparison.missing_tool.keys()
        share = self.share_in_layers([*paths, *(path for paths in self.with_floats.values() for path in paths)])
        print(f"\n    {share:.2%} of the bytes lie in layers ... ", end="", flush=True)
        self.assertGreater(share, LEAST_IN_LAYERS)

    def test_most_of_the_corpus_is_of_known_formats(self):
        for path in self.unknown:
            name = self.index[path]["format"] if path in self.index else "not in INDEX.tsv"
            print(f"\n    unknown: {path} ({name}): no reader in native_layers.py and no row in NO_READER; elves finds it as "
                  f"{self.files[path]['container']} with {len(self.files[path]['layers'])} layers", end="")
        for path, why in self.comparison.not_understood.items():
            print(f"\n    not compared: {path}: native_layers.py does not understand it: {why}", end="")
        unknown = sum(self.files[path]["bytes"] for path in [*self.unknown, *self.comparison.not_understood])
        total = sum(file["bytes"] for file in self.files.values())
        print(f"\n    {1 - unknown / total:.2%} of the bytes are of known formats ... ", end="", flush=True)
        self.assertGreater(1 - unknown / total, LEAST_KNOWN, "too much of the corpus is not tested here: add readers for the files above")


if __name__ == "__main__":
    if index_path() is None:
        print("skipped: no real corpus; set ELVES_CORPUS to a folder that has hub/ and INDEX.tsv")
        raise SystemExit(77)
    e2e.main()
