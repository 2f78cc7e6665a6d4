#!/usr/bin/env python3
"""An installed elves serves programs outside its tree: cmake --install, find_package(elves), and examples/ built and run."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("ELVES_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("ELVES_BIN", ROOT / "build/release/bin")).resolve().parent
README_TARGET = "elves::elves"


def run(*words, **options):
    done = subprocess.run([os.fspath(word) for word in words], capture_output=True, check=False, **options)
    if done.returncode != 0:
        text = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        raise AssertionError(f"{words}: exit {done.returncode}\n{text}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="elves-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.hub = cls.folder / "hub"
        cls.archive = cls.folder / "archive"
        run(cls.prefix / "bin/elves-sample-hub", "--out", cls.hub, "--size-mib", "4")
        run(cls.prefix / "bin/elves-mpi", "--corpus", cls.hub, "--archive", cls.archive, "--lossless", "--progress", "none")

    def build_example(self):
        build = self.folder / "example"
        run("cmake", "-S", ROOT / "examples", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        return build / "read_layer"

    def test_the_example_reads_a_layer_byte_for_byte(self):
        program = self.build_example()
        path = next(p for p in sorted(self.hub.rglob("*.safetensors")))
        name = path.relative_to(self.hub)
        layers = run(program, self.archive, name).decode().splitlines()
        self.assertTrue(layers, name)
        layer, size = layers[0].split("  ")[0], int(re.search(r"(\d+) bytes", layers[0])[1])
        data = run(program, self.archive, name, layer)
        self.assertEqual(len(data), size)
        self.assertIn(data, path.read_bytes())

    def test_a_missing_layer_is_an_error(self):
        program = self.build_example()
        done = subprocess.run([program, self.archive, "no/such/file", "x"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no/such/file is not in the archive", done.stderr)

    def test_documentation_and_licence_are_installed(self):
        for name in ("LICENSE", "README.md", "docs/README.md", "docs/guide/running.md", "docs/format/archive.md"):
            self.assertTrue((self.prefix / "share/doc/elves" / name).is_file(), name)

    def test_targets_of_others_stay_as_they_are(self):
        text = (self.prefix / "lib").rglob("*.cmake") if (self.prefix / "lib").is_dir() else []
        for path in text:
            self.assertNotRegex(path.read_text(), r"set_property\(TARGET (?!elves::)", path)


if __name__ == "__main__":
    unittest.main()
