"""Payload and tables of an archive are equal for 1 to 8 ranks and for 1 and 2 threads."""

import json
import os
import shutil
import subprocess

import h5py
import numpy as np

import elves_e2e as e2e

ALL = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2), (4, 1), (4, 2)]
SOME = [(1, 1), (2, 2), (3, 1), (4, 2)]
RANKS = [(1, 1), (2, 1), (4, 1), (8, 1)]


def contents(archive):
    """{(shard, dataset or attribute): its bytes or value} of a whole archive."""
    found = {}
    for name in e2e.shards(archive):
        with h5py.File(os.path.join(archive, name), "r") as shard:
            for key, value in shard.attrs.items():
                found[name, "attribute " + key] = value.tobytes() if isinstance(value, np.ndarray) else value
            for key, dataset in shard.items():
                found[name, key] = (str(dataset.dtype), dataset[()].tobytes())
    return found


def parts_in(archive):
    """The largest number of parts of a layer, and of chunks of a layer, in an archive."""
    n_parts, n_chunks = 0, 0
    for name in e2e.shards(archive):
        with h5py.File(os.path.join(archive, name), "r") as shard:
            n_parts = max([n_parts, *map(int, shard["extents"]["n_parts"])])
            n_chunks = max([n_chunks, *map(int, shard["layers"]["n_chunks"])])
    return n_parts, n_chunks


class Determinism(e2e.EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.corpus = os.path.join(cls.shared, "hub")
        cls.hub = e2e.make_hub(cls.corpus)
        # A layer that is larger than a wave of 8 MiB, and so than the share of any rank.
        rng = np.random.default_rng(11)
        cls.hub.write_model("large/layer/model.safetensors", {"w": e2e.tensor(e2e.weights(rng, 5000, 1000)), "b": e2e.tensor(e2e.weights(rng, 1000))})
        cls.hub.age()

    def empty_archive(self, name, like):
        """A directory with only archive.json is an empty archive; this one shares identity and secret with another."""
        os.makedirs(self.at(name))
        shutil.copy(os.path.join(like, "archive.json"), self.at(name))
        return self.at(name)

    def assert_same_archives(self, *options, corpora=None, ranks_and_threads=SOME, n_shards=None):
        corpora = corpora or [self.corpus]
        first, expected = None, None
        for ranks, threads in ranks_and_threads:
            name = f"{ranks}x{threads}"
            if first is None:
                first = archive = self.at(name)
            else:
                archive = self.empty_archive(name, first)
            for each in corpora:
                e2e.archive(ranks, each, archive, *options, threads=threads)
            found = contents(archive)
            if expected is None:
                expected = found
                continue
            self.assertEqual(sorted(found), sorted(expected), name)
            differ = [f"{shard}: {key}" for shard, key in expected if found[shard, key] != expected[shard, key]]
            self.assertEqual(differ, [], f"{ranks} ranks with {threads} threads store other bytes than one with one")
        self.assertGreater(len(expected), 0)
        if n_shards:
            self.assertGreaterEqual(len(e2e.shards(first)), n_shards)
        return first

    def test_several_waves(self):
        archive = self.assert_same_archives("--lossless", "--wave-bytes", "8MiB", n_shards=5, ranks_and_threads=ALL)
        self.assertGreaterEqual(parts_in(archive)[0], 5)  # 20 MB in parts of 4 MiB: over three waves

    def test_one_wave_whose_layers_are_shared_by_ranks(self):
        archive = self.assert_same_archives("--lossless", "--wave-bytes", "128MiB")
        self.assertEqual(len(e2e.shards(archive)), 1)
        self.assertEqual(parts_in(archive)[1], 4)  # of a part of 16 MiB: up to four ranks share it

    def test_default_mode_in_waves_that_are_no_power_of_two(self):
        self.assert_same_archives("--wave-bytes", "5000000", n_shards=8)

    def test_default_options(self):
        archive = self.assert_same_archives(ranks_and_threads=RANKS)
        self.assertGreaterEqual(len(e2e.shards(archive)), 2)
        self.assertGreaterEqual(parts_in(archive)[0], 2)

    def test_default_options_on_the_real_corpus(self):
        corpus = e2e.real_corpus()
        if corpus is None:
            self.skipTest("there is no real corpus")
        archive = self.assert_same_archives(corpora=[corpus], ranks_and_threads=RANKS)
        self.assertGreaterEqual(len(e2e.shards(archive)), 4, "reading, encoding and writing overlap")

    def test_waves_that_the_ranks_cannot_hold_are_reduced_and_the_report_says_so(self):
        whole = e2e.archive(4, self.corpus, self.at("whole"))
        self.assertFalse(whole["wave_bytes_reduced"])
        report = e2e.archive(1, self.corpus, self.at("reduced"), "--memory", "112MiB")
        self.assertTrue(report["wave_bytes_reduced"])
        self.assertLess(report["wave_bytes"], whole["wave_bytes"])
        e2e.restore(2, self.at("reduced"), self.at("restored"))
        e2e.restore(2, self.at("whole"), self.at("expected"))
        self.assert_same_tree(self.at("expected"), self.at("restored"))

    def test_level_max(self):
        self.assert_same_archives("--level", "max", "--include", "kinds", "--include", "models--acme--cached", "--wave-bytes", "64MiB")

    def test_a_second_sweep_over_another_corpus(self):
        other = e2e.many_models(self.at("other"), 6)
        shutil.copyfile(self.hub.path("acme/base/model.safetensors"), other.path("org0/model-000/known.safetensors"))
        self.assert_same_archives("--lossless", "--wave-bytes", "8MiB", corpora=[self.corpus, other.root], n_shards=7)

    def test_archives_do_not_depend_on_the_path_of_the_corpus_or_the_order_of_its_folders(self):
        moved = self.at("elsewhere")
        os.makedirs(moved)
        names = sorted(os.listdir(self.corpus), reverse=True)
        subprocess.run(["cp", "-a", *[os.path.join(self.corpus, name) for name in names], moved], check=True)
        self.assertEqual(e2e.tree_equal(self.corpus, moved), [])
        e2e.archive(2, self.corpus, self.at("a"), "--wave-bytes", "8MiB")
        self.empty_archive("b", self.at("a"))
        e2e.archive(3, moved, self.at("b"), "--wave-bytes", "8MiB")
        self.assertEqual(contents(self.at("a")), contents(self.at("b")))

    def test_each_archive_has_a_secret_of_its_own(self):
        for name in ("a", "b"):
            e2e.archive(1, self.corpus, self.at(name), "--include", "kinds")
        identities = []
        for name in ("a", "b"):
            with open(os.path.join(self.at(name), "archive.json")) as file:
                identities.append(json.load(file))
        self.assertNotEqual(identities[0]["id"], identities[1]["id"])
        self.assertNotEqual(identities[0]["hash_secret"], identities[1]["hash_secret"])


if __name__ == "__main__":
    e2e.main()
