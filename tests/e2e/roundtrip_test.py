"""A hub is archived and restored: with 1 to 4 ranks, exactly or within recorded bounds, whole or in part."""

import io
import os
import shutil
import subprocess
import time
import zipfile

import numpy as np

import elves_e2e as e2e
from elves_e2e import FAILED, SOME_SKIPPED

FLOATS = {"F16": np.float16, "F32": np.float32, "F64": np.float64}


def largest_difference(dtype, a, b):
    """Of the values that differ in bits; infinite if one of them is a NaN or an infinity."""
    x, y = np.frombuffer(a, FLOATS[dtype]), np.frombuffer(b, FLOATS[dtype])
    bits = np.dtype(f"u{FLOATS[dtype](0).itemsize}")
    differ = x.view(bits) != y.view(bits)
    if not differ.any():
        return 0.0
    distance = np.abs(x[differ].astype(np.float64) - y[differ].astype(np.float64))
    return float(distance.max()) if np.isfinite(distance).all() else np.inf


class Pipe(io.RawIOBase):
    """A stream that cannot seek: a zip written to it has data descriptors."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, data):
        self.content += bytes(data)
        return len(data)


class RoundTrip(e2e.EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hub = e2e.make_hub(os.path.join(cls.shared, "hub"))
        cls.corpus = cls.hub.root
        cls.lossless = os.path.join(cls.shared, "lossless.elves")
        e2e.archive(2, cls.corpus, cls.lossless, "--lossless")

    def round_trip(self, archiving_ranks, restoring_ranks, *options):
        archive, to = self.at("archive"), self.at("restored")
        e2e.archive(archiving_ranks, self.corpus, archive, "--lossless", *options)
        self.assertEqual(e2e.leftovers(archive), [])
        e2e.restore(restoring_ranks, archive, to)
        self.assert_same_tree(self.corpus, to)

    def test_one_rank_archives_and_two_restore(self):
        self.round_trip(1, 2)

    def test_two_ranks_archive_and_three_restore(self):
        self.round_trip(2, 3, "--wave-bytes", "8MiB")

    def test_three_ranks_archive_and_four_restore(self):
        self.round_trip(3, 4, "--wave-bytes", "4MiB")

    def test_four_ranks_archive_and_one_restores(self):
        self.round_trip(4, 1, "--verify")

    def test_commands_run_without_mpirun(self):
        self.round_trip(0, 0, "--threads", "2")

    def test_more_threads_restore_and_verify_the_same(self):
        for ranks, threads in ((1, 3), (2, 2)):
            to = self.at(f"by-{ranks}-{threads}")
            e2e.restore(ranks, self.lossless, to, "--threads", str(threads))
            self.assert_same_tree(self.corpus, to)
            e2e.verify(ranks, self.lossless, "--against", self.corpus, "--threads", str(threads))
            e2e.verify(ranks, self.lossless, "--threads", str(threads))

    def test_every_level_and_stage_restores_the_bytes(self):
        corpus = os.path.join(self.corpus, "kinds")
        for options in (["--level", "fast"], ["--level", "max"], ["--stages", "zstd"], ["--stages", "hd"], ["--stages", "hd,de,planes"]):
            with self.subTest(options=options):
                archive, to = self.at("-".join(options)), self.at("-".join(options) + "-restored")
                e2e.archive(2, corpus, archive, "--lossless", *options)
                e2e.restore(2, archive, to)
                self.assert_same_tree(corpus, to)

    def test_the_report_has_times_and_sizes_of_encoding(self):
        corpus = os.path.join(self.corpus, "kinds")
        by_level = {}
        for level in ("fast", "default", "max"):
            encoding = by_level[level] = e2e.archive(2, corpus, self.at(level), "--lossless", "--level", level)["encoding"]
            self.assertEqual(encoding["level"], level)
            self.assertGreater(encoding["cpu_seconds"], 0)
            self.assertAlmostEqual(encoding["bytes_per_cpu_second"] * encoding["cpu_seconds"] / encoding["raw_bytes"], 1)
            self.assertEqual("level_default_bytes" in encoding, level == "max")
        self.assertEqual(by_level["max"]["level_default_bytes"], by_level["default"]["encoded_bytes"])
        self.assertLess(by_level["max"]["encoded_bytes"], by_level["default"]["encoded_bytes"])
        self.assertEqual(by_level["max"]["raw_bytes"], by_level["default"]["raw_bytes"])

    def test_the_corpus_is_left_as_it_was(self):
        before = e2e.snapshot(self.corpus)
        e2e.archive(2, self.corpus, self.at("archive"))
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.corpus)), [])

    def test_verify_against_the_corpus_finds_no_difference_in_an_exact_archive(self):
        done = e2e.verify(3, self.lossless, "--against", self.corpus)
        self.assertIn("no difference", done.stdout)

    def test_verify_says_how_many_files_are_bit_for_bit(self):
        files = len(e2e.regular_files(self.lossless))
        self.assertGreater(files, 10)
        for options in ([], ["--against", self.corpus]):
            done = e2e.verify(2, self.lossless, *options)
            self.assertIn(f"verified    no difference; {files} files bit for bit\n", done.stdout)

    def test_a_corpus_that_is_missing_is_reported_before_layers_are_decoded(self):
        done = e2e.verify(2, self.lossless, "--against", self.at("missing"), expect=e2e.FAILED)
        self.assertIn(f"--against: {self.at('missing')}: No such file or directory", e2e.said(done, "elves-verify")[0])
        self.assertNotIn("checked", done.stdout)

    def test_verify_names_files_that_differ_from_the_corpus(self):
        corpus = self.at("changed")
        shutil.copytree(self.corpus, corpus, symlinks=True)
        path = os.path.join(corpus, "kinds/odd-values/weights.safetensors")
        with open(path, "r+b") as file:
            file.seek(-5, os.SEEK_END)
            byte = file.read(1)
            file.seek(-5, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        os.remove(os.path.join(corpus, "top-level.txt"))
        with open(os.path.join(corpus, "new.txt"), "w") as file:
            file.write("new")
        os.chmod(os.path.join(corpus, "acme/base/README.md"), 0o600)
        done = e2e.verify(2, self.lossless, "--against", corpus, expect=e2e.DIFFERENT)
        named = {line.split(":")[0] for line in e2e.said(done, "elves-verify")}
        # The copy of the tree has no hard links.
        self.assertEqual(named, {"kinds/odd-values/weights.safetensors", "top-level.txt", "new.txt", "acme/base/README.md",
                                 "links/hard/same.safetensors", "links/hard/third.safetensors"})

    def test_the_listing_has_every_path_and_layer(self):
        listed = e2e.listing(self.lossless)
        files = {file["path"]: file for file in listed["files"]}
        self.assertLessEqual(set(self.hub.layers), set(files))
        hard_links = {path: file["target"] for path, file in files.items() if file["kind"] == "hardlink"}
        self.assertEqual(hard_links, {f"links/hard/{name}.safetensors": "acme/tuned/model.safetensors" for name in ("same", "third")})
        for path in set(files) - set(hard_links):
            found = {layer["name"]: (layer["dtype"].upper(), layer["shape"]) for layer in files[path]["layers"]}
            self.assertEqual(found, self.hub.layers.get(path, {}), path)
        self.assertEqual(len(files["acme/base/model.safetensors"]["layers"]), 9)
        self.assertEqual(files["acme/base/model.safetensors"]["container"], "safetensors")
        self.assertEqual(files["links/dangling"]["target"], "/nowhere/at all")
        self.assertEqual(files["kinds/empty-folder/deeper"]["kind"], "directory")
        self.assertEqual({name for name in files if name.startswith("kinds/one-byte/")}, {"kinds/one-byte/a", "kinds/one-byte/caf\\xE9 \\xFF.bin"})

    def test_the_listing_has_models_by_id(self):
        models = {model["id"]: model for model in e2e.listing(self.lossless)["models"]}
        self.assertLessEqual({"acme/base", "acme/tuned", "copies/of-base", "acme/cached", "kinds/types"}, set(models))
        self.assertEqual(models["acme/base"]["layers"], 9)
        self.assertEqual(models["acme/cached"]["layers"], 2)
        # Stored bytes are counted for the first model: the copy has next to none.
        self.assertLess(models["copies/of-base"]["stored_bytes"], models["acme/base"]["stored_bytes"] / 100)

    # ------------------------------------------------------------ default mode (lossy)

    def test_by_default_float_layers_are_within_recorded_bounds_and_other_bytes_exact(self):
        archive, to = self.at("archive"), self.at("restored")
        report = e2e.archive(3, self.corpus, archive, "--wave-bytes", "16MiB")
        e2e.restore(2, archive, to)
        files = {file["path"]: file for file in e2e.listing(archive)["files"]}

        original, restored = e2e.snapshot(self.corpus), e2e.snapshot(to)
        differing = {os.fsdecode(path) for path in original[0] if original[0][path].get("sha256") != restored[0][path].get("sha256")}
        self.assertTrue(differing, "default mode must change some float layers")
        for entries in (original[0], restored[0]):
            for entry in entries.values():
                entry.pop("sha256", None)
        self.assertEqual(e2e.differences(original, restored), [])

        hard_links = {"links/hard/same.safetensors", "links/hard/third.safetensors"}
        self.assertLessEqual(differing - hard_links, set(self.hub.layers))
        largest = 0.0
        for path, layers in self.hub.layers.items():
            bounds = {layer["name"]: layer["max_abs_error"] for layer in files[path]["layers"]}
            a, b = (e2e.read_layers(os.path.join(root, path)) for root in (self.corpus, to))
            self.assertEqual(list(a), list(b))
            for name, (dtype, _) in layers.items():
                if a[name][2] == b[name][2]:
                    continue
                self.assertIn(dtype, FLOATS, f"{path}: {name} is of a type that must not change")
                self.assertGreater(bounds[name], 0)
                self.assertLessEqual(largest_difference(dtype, a[name][2], b[name][2]), bounds[name], f"{path}: {name}")
                largest = max(largest, bounds[name])
                self.assertLessEqual(bounds[name], {"F16": 2.0**-11, "F32": 2.0**-24, "F64": 2.0**-53}[dtype])
        self.assertEqual(report["max_abs_error"], largest)
        self.assertFalse(report["lossless"])

        done = e2e.verify(2, archive, "--against", self.corpus)
        self.assertIn("no difference", done.stdout)

    def test_checksums_in_zips_fit_their_lossy_layers(self):
        corpus, archive, to = self.at("zips"), self.at("zips-archive"), self.at("zips-restored")
        rng = np.random.default_rng(5)
        layers = {"a": e2e.weights(rng, 300, 200), "b": e2e.weights(rng, 1000), "ids": np.arange(5000)}
        hub = e2e.Tree(corpus)
        for form in ("plain", "piped"):
            stream = Pipe() if form == "piped" else io.BytesIO()
            np.savez(stream, **layers)
            hub.write(f"acme/zips/{form}.npz", stream.content if form == "piped" else stream.getvalue())
        report = e2e.archive(2, corpus, archive)
        self.assertEqual(report["layers"]["total"], 6)
        e2e.restore(2, archive, to)
        for form in ("plain", "piped"):
            path = os.path.join(to, f"acme/zips/{form}.npz")
            with zipfile.ZipFile(path) as whole:
                self.assertIsNone(whole.testzip())
            with np.load(path) as found:
                for name, values in layers.items():
                    self.assertLessEqual(np.abs(found[name].astype(float) - values).max(), 2.0**-24, name)
                self.assertTrue((found["a"] != layers["a"]).any(), "the layer is exact: this test checks nothing")
        for tree in (corpus, to):
            e2e.verify(1, archive, "--against", tree)
        with open(path, "r+b") as file:  # verify compares every other byte
            at = file.read().index(np.arange(100, 104).tobytes())
            file.seek(at)
            file.write(b"j")
        done = e2e.verify(1, archive, "--against", to, expect=e2e.DIFFERENT)
        self.assertIn(f"content differs from byte {at}", done.stdout + done.stderr)

    def test_sniffed_layers_are_never_changed(self):
        corpus, archive, to = self.at("dumps"), self.at("dumps-archive"), self.at("dumps-restored")
        rng = np.random.default_rng(9)
        shared, own, dumped = (e2e.weights(rng, 400, 300) for _ in range(3))
        hub = e2e.Tree(corpus)
        hub.write("acme/dump/shared.weights", shared.tobytes())
        hub.write("acme/dump/own.weights", dumped.tobytes())
        hub.write_model("acme/model/model.safetensors", {"own": e2e.tensor(own), "shared": e2e.tensor(shared)})
        report = e2e.archive(2, corpus, archive)
        self.assertEqual({row["name"]: row["layers"] for row in report["containers"]}, {"sniffed": 2, "safetensors": 2})
        self.assertEqual(report["layers"]["unique"], 3)
        e2e.restore(1, archive, to)
        for name in ("shared", "own"):
            path = f"acme/dump/{name}.weights"
            with open(os.path.join(corpus, path), "rb") as a, open(os.path.join(to, path), "rb") as b:
                self.assertEqual(a.read(), b.read(), path)
        layers = {name: np.frombuffer(raw, np.float32)
                  for name, (_, _, raw) in e2e.read_layers(os.path.join(to, "acme/model/model.safetensors")).items()}
        self.assertTrue((layers["shared"] == shared.ravel()).all(), "a layer that is also sniffed in another file must be exact in both")
        self.assertTrue((layers["own"] != own.ravel()).any(), "no layer is lossy: this test checks nothing")

    def test_tiny_and_special_values_are_exact_in_default_mode(self):
        archive, to = self.at("archive"), self.at("restored")
        e2e.archive(2, self.corpus, archive)
        e2e.restore(2, archive, to, "--model", "kinds/odd-values")
        path = "kinds/odd-values/weights.safetensors"
        a, b = (e2e.read_layers(os.path.join(root, path)) for root in (self.corpus, to))
        self.assertEqual(a["tiny"], b["tiny"])
        self.assertEqual(a["denormals"], b["denormals"])
        x, y = (np.frombuffer(layers["odd"][2], np.uint32) for layers in (a, b))
        exponent = (x >> 23) & 255
        special = (exponent == 255) | (exponent >= 127) | (x == 0x80000000)
        self.assertGreater(int(special.sum()), 20)
        self.assertTrue((x[special] == y[special]).all())

    def test_a_wider_error_bound_is_kept_and_saves_more(self):
        reports = {}
        for bound in ("0", "1e-4"):
            archive, to = self.at("bound" + bound), self.at("restored" + bound)
            reports[bound] = e2e.archive(2, self.corpus, archive, "--error-bound", bound, "--min-snr", "0", "--include", "acme/base")
            e2e.verify(1, archive)
        self.assertLess(reports["1e-4"]["archive"]["bytes_added"], reports["0"]["archive"]["bytes_added"])
        e2e.restore(2, archive, to)
        a, b = (e2e.read_layers(os.path.join(root, "acme/base/model.safetensors")) for root in (self.corpus, to))
        worst = max(largest_difference(a[name][0], a[name][2], b[name][2]) for name in a)
        self.assertGreater(worst, 2.0**-24)
        self.assertLessEqual(worst, 1e-4)
        self.assertLessEqual(reports["1e-4"]["max_abs_error"], 1e-4)

    # ------------------------------------------------------------ parts of an archive

    def restored_paths(self, *options, ranks=2):
        to = self.at("part")
        shutil.rmtree(to, ignore_errors=True)
        e2e.restore(ranks, self.lossless, to, *options)
        found, _ = e2e.snapshot(to)
        original, _ = e2e.snapshot(self.corpus)
        for path, entry in found.items():
            if entry["kind"] == 0o040000:  # times and modes of folders above what was asked for are not restored
                continue
            self.assertEqual(entry, original[path], path)
        return {os.fsdecode(path) for path, entry in found.items() if entry["kind"] != 0o040000}

    def test_one_model(self):
        self.assertEqual(self.restored_paths("--model", "acme/base"),
                         {"acme/base/model.safetensors", "acme/base/config.json", "acme/base/README.md"})

    def test_models_by_glob_and_more_than_one(self):
        self.assertEqual(self.restored_paths("--model", "copies/*", "--model", "kinds/one-byte"),
                         {"copies/of-base/model.safetensors", "kinds/one-byte/a", os.fsdecode(b"kinds/one-byte/caf\xe9 \xff.bin")})

    def test_a_model_of_a_cache_by_its_id(self):
        cache = "models--acme--cached"
        self.assertEqual(self.restored_paths("--model", "acme/cached"),
                         {f"{cache}/blobs/0123456789abcdef", f"{cache}/blobs/fedcba9876543210", f"{cache}/refs/main",
                          f"{cache}/snapshots/1111111111111111/model.safetensors", f"{cache}/snapshots/1111111111111111/config.json"})

    def test_paths_by_glob(self):
        self.assertEqual(self.restored_paths("--path", "**/README.md", "--path", "top-level.txt"),
                         {"acme/base/README.md", "acme/tuned/README.md", "top-level.txt"})

    def test_a_hard_link_is_restored_without_its_first_name(self):
        to = self.at("alone")
        e2e.restore(2, self.lossless, to, "--path", "links/hard/same.safetensors")
        entries, groups = e2e.snapshot(to)
        first, _ = e2e.snapshot(self.corpus)
        self.assertEqual(entries[b"links/hard/same.safetensors"], first[b"links/hard/same.safetensors"])
        self.assertNotIn(b"acme", entries)

    def test_two_hard_links_without_their_first_name_have_equal_content(self):
        to = self.at("pair")
        e2e.restore(3, self.lossless, to, "--path", "links/hard")
        entries, _ = e2e.snapshot(to)
        original, _ = e2e.snapshot(self.corpus)
        for name in (b"links/hard/same.safetensors", b"links/hard/third.safetensors"):
            self.assertEqual(entries[name], original[name])

    def test_a_selection_that_matches_nothing_is_an_error(self):
        done = e2e.restore(2, self.lossless, self.at("nothing"), "--model", "acme/typo", expect=FAILED)
        self.assert_one_error(done, "elves-restore", "matches", "--model")
        self.assertFalse(os.path.exists(self.at("nothing")))

    # ------------------------------------------------------------ targets that exist

    def test_a_target_with_files_is_refused(self):
        to = self.at("used")
        os.makedirs(to)
        with open(os.path.join(to, "mine.txt"), "w") as file:
            file.write("mine")
        before = e2e.snapshot(to)
        done = e2e.restore(2, self.lossless, to, expect=FAILED)
        self.assert_one_error(done, "elves-restore", to, "--force")
        self.assertEqual(e2e.differences(before, e2e.snapshot(to)), [])

    def test_an_empty_target_is_used(self):
        os.makedirs(self.at("empty"))
        e2e.restore(2, self.lossless, self.at("empty"))
        self.assert_same_tree(self.corpus, self.at("empty"))

    def test_a_target_that_is_a_file_is_refused(self):
        with open(self.at("file"), "w") as file:
            file.write("mine")
        done = e2e.restore(2, self.lossless, self.at("file"), expect=FAILED)
        self.assert_one_error(done, "elves-restore", self.at("file"))
        with open(self.at("file")) as file:
            self.assertEqual(file.read(), "mine")

    def test_force_replaces_archived_paths_and_keeps_other_files(self):
        to = self.at("used")
        e2e.restore(2, self.lossless, to)
        with open(os.path.join(to, "acme/base/config.json"), "w") as file:
            file.write("{}")
        os.remove(os.path.join(to, "links/dangling"))
        os.symlink("elsewhere", os.path.join(to, "links/dangling"))
        os.chmod(os.path.join(to, "kinds/one-byte/a"), 0o600)
        with open(os.path.join(to, "acme/mine.txt"), "w") as file:
            file.write("mine")
        e2e.restore(3, self.lossless, to, "--force")
        with open(os.path.join(to, "acme/mine.txt")) as file:
            self.assertEqual(file.read(), "mine")
        os.remove(os.path.join(to, "acme/mine.txt"))
        left, right = e2e.snapshot(self.corpus), e2e.snapshot(to)
        for entries, _ in (left, right):
            entries.pop(b"acme")  # the removal changed its time
        self.assertEqual(e2e.differences(left, right), [])

    def test_force_does_not_write_through_symbolic_links(self):
        outside, to = self.at("outside"), self.at("used")
        os.makedirs(os.path.join(outside, "base"))
        os.makedirs(to)
        os.symlink(outside, os.path.join(to, "acme"))
        done = e2e.restore(2, self.lossless, to, "--force", expect=SOME_SKIPPED)
        self.assertEqual(os.listdir(os.path.join(outside, "base")), [])
        self.assertIn("acme/base/config.json", "\n".join(e2e.said(done, "elves-restore")))
        self.assertTrue(os.path.exists(os.path.join(to, "copies/of-base/model.safetensors")))

    # ------------------------------------------------------------ real models

    def test_a_hub_of_real_models(self):
        corpus = e2e.real_corpus()
        if corpus is None:
            self.skipTest("no real hub: set ELVES_CORPUS to a folder with a hub in it")
        archive, to = self.at("archive"), self.at("restored")
        start = time.monotonic()
        e2e.archive(3, corpus, archive, "--lossless")
        e2e.restore(2, archive, to)
        self.assertEqual(subprocess.run(["diff", "-r", "--no-dereference", corpus, to], capture_output=True).stdout, b"")
        self.assert_same_tree(corpus, to)
        exact = time.monotonic() - start
        shutil.rmtree(archive)
        e2e.archive(2, corpus, archive)
        e2e.verify(3, archive, "--against", corpus)
        print(f"(exact {exact:.1f} s, all {time.monotonic() - start:.1f} s) ", end="", flush=True)


if __name__ == "__main__":
    e2e.main()
