"""A second sweep adds only new and changed files, and continues a sweep that was stopped."""

import os
import shutil
import signal

import h5py
import numpy as np

import elves_e2e as e2e
from elves_e2e import DONE, STOPPED


class Incremental(e2e.EndToEnd):
    def setUp(self):
        super().setUp()
        self.corpus, self.archive, self.to = self.at("hub"), self.at("archive"), self.at("restored")

    def sweep(self, *options, ranks=2, expect=DONE):
        return e2e.archive(ranks, self.corpus, self.archive, *options, expect=expect)

    def assert_restores(self, corpus=None, ranks=2):
        shutil.rmtree(self.to, ignore_errors=True)
        e2e.restore(ranks, self.archive, self.to)
        self.assert_same_tree(corpus or self.corpus, self.to)

    def archive_bytes(self):
        return sum(os.path.getsize(os.path.join(self.archive, name)) for name in os.listdir(self.archive))


class NewAndChanged(Incremental):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(5)
        self.hub = e2e.Tree(self.corpus)
        self.base = {f"layer.{i}": e2e.tensor(e2e.weights(rng, 200, 300)) for i in range(8)}
        self.hub.write_model("acme/base/model.safetensors", self.base)
        self.hub.write("acme/base/README.md", "# base\n")
        self.hub.write("acme/base/notes.txt", "first\n")
        os.symlink("README.md", self.hub.path("acme/base/link"))
        os.makedirs(self.hub.path("acme/empty"))
        self.hub.age()
        self.rng = rng

    def test_a_second_sweep_of_an_unchanged_corpus_adds_nothing(self):
        for options in ([], ["--lossless"]):
            with self.subTest(options=options):
                shutil.rmtree(self.archive, ignore_errors=True)
                first = self.sweep(*options)
                self.assertEqual(first["corpus"]["files_archived"], 4)
                before = e2e.snapshot(self.archive)
                for ranks in (1, 2, 3):
                    again = self.sweep(*options, ranks=ranks)
                    self.assertEqual(again["archive"]["bytes_added"], 0)
                    self.assertEqual(again["corpus"]["files_archived"], 0)
                    self.assertEqual(again["corpus"]["files_unchanged"], 4)
                    self.assertEqual(again["layers"]["total"], 0)
                    self.assertEqual(e2e.differences(before, e2e.snapshot(self.archive)), [])

    def test_the_report_counts_every_byte_on_disk(self):
        first = self.sweep("--lossless")
        self.assertEqual(first["archive"]["bytes_added"], self.archive_bytes())
        self.hub.write("acme/base/more.bin", self.rng.bytes(50000))
        before = self.archive_bytes()
        second = self.sweep("--lossless")
        self.assertEqual(second["archive"]["bytes_added"], self.archive_bytes() - before)
        self.assertEqual(second["archive"]["bytes_total"], self.archive_bytes())

    def test_a_new_model_adds_only_its_unique_layers(self):
        self.sweep("--lossless")
        half = dict(self.base)
        for i in range(4):
            half[f"layer.{i}"] = e2e.tensor(self.rng.integers(0, 2**31, (200, 300)).astype(np.int32).view(np.float32))  # hardly compresses
        self.hub.write_model("acme/half/model.safetensors", half)
        report = self.sweep("--lossless", ranks=3)
        self.assertEqual([report["layers"][key] for key in ("total", "unique", "duplicate")], [8, 4, 4])
        self.assertEqual(report["layers"]["duplicate_bytes"], 4 * 240000)
        self.assertEqual(report["corpus"]["files_archived"], 1)
        self.assertGreater(report["archive"]["bytes_added"], 3.5 * 240000)
        self.assertLess(report["archive"]["bytes_added"], 4 * 240000 + 20000)
        self.assert_restores()

    def test_a_copy_of_a_model_adds_only_rows(self):
        self.sweep()
        shutil.copytree(self.hub.path("acme/base"), self.hub.path("copies/again"), symlinks=True)
        report = self.sweep()
        self.assertEqual((report["layers"]["unique"], report["layers"]["duplicate"]), (0, 8))
        self.assertLess(report["archive"]["bytes_added"], 20000)

    def test_layers_of_one_model_twice_in_one_sweep_count_once(self):
        self.hub.write_model("acme/twin/model.safetensors", self.base)
        report = self.sweep("--lossless", ranks=4)
        self.assertEqual((report["layers"]["total"], report["layers"]["unique"]), (16, 8))
        self.assert_restores()

    def test_the_newest_version_of_a_changed_file_is_archived_and_restored(self):
        self.sweep("--lossless")
        path = self.hub.write("acme/base/notes.txt", "second, longer\n")
        report = self.sweep("--lossless")
        self.assertEqual((report["corpus"]["files_archived"], report["corpus"]["files_unchanged"]), (1, 3))
        self.assert_restores()
        status = os.stat(path)
        self.hub.write("acme/base/notes.txt", "SECOND, longer\n")  # of the same size
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        self.assertEqual(self.sweep("--lossless")["corpus"]["files_archived"], 1)
        self.assert_restores(ranks=3)

    def test_a_file_reverted_to_an_older_version_is_restored_as_that(self):
        path = self.hub.path("acme/base/notes.txt")
        status = os.stat(path)
        self.sweep("--lossless")
        self.hub.write("acme/base/notes.txt", "second\n")
        self.sweep("--lossless")
        self.hub.write("acme/base/notes.txt", "first\n")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.sweep("--lossless")
        self.assert_restores()

    def test_a_touched_file_adds_only_its_rows(self):
        self.sweep("--lossless")
        os.utime(self.hub.path("acme/base/model.safetensors"), ns=(10**18, 10**18 + 7))
        report = self.sweep("--lossless")
        self.assertEqual((report["corpus"]["files_archived"], report["layers"]["unique"]), (1, 0))
        self.assertLess(report["archive"]["bytes_added"], 20000)
        self.assert_restores()

    def test_a_change_of_mode_alone_is_archived(self):
        self.sweep("--lossless")
        os.chmod(self.hub.path("acme/base/model.safetensors"), 0o640)
        os.chmod(self.hub.path("acme/empty"), 0o711)
        report = self.sweep("--lossless")
        self.assertEqual(report["layers"]["unique"], 0)
        self.assertGreater(report["archive"]["bytes_added"], 0)
        self.assert_restores()

    def test_a_changed_target_of_a_link_is_archived(self):
        self.sweep("--lossless")
        link = self.hub.path("acme/base/link")
        folder = os.stat(self.hub.path("acme/base"))
        os.remove(link)
        os.symlink("notes.txt", link)
        os.utime(self.hub.path("acme/base"), ns=(folder.st_atime_ns, folder.st_mtime_ns))
        self.assertEqual(self.sweep("--lossless")["corpus"]["files_archived"], 1)
        self.assert_restores()

    def test_a_path_that_became_another_kind_is_restored_as_that(self):
        self.sweep("--lossless")
        os.remove(self.hub.path("acme/base/notes.txt"))
        os.makedirs(self.hub.path("acme/base/notes.txt"))
        self.hub.write("acme/base/notes.txt/inside", "a file in what was a file")
        os.remove(self.hub.path("acme/base/link"))
        self.hub.write("acme/base/link", "a file that was a link")
        self.sweep("--lossless")
        self.assert_restores()

    def test_a_folder_that_became_a_file_is_restored_as_that(self):
        self.hub.write("acme/base/part/inside", "a file in what becomes a file")
        self.hub.write("acme/base/other/inside", "a file in what becomes a link")
        self.sweep("--lossless")
        shutil.rmtree(self.hub.path("acme/base/part"))
        shutil.rmtree(self.hub.path("acme/base/other"))
        self.hub.write("acme/base/part", "a file that was a folder")
        os.symlink("README.md", self.hub.path("acme/base/other"))
        self.sweep("--lossless")
        self.assert_restores()

    def test_a_deleted_file_stays_in_the_archive(self):
        complete = self.at("complete")
        shutil.copytree(self.corpus, complete, symlinks=True)
        for name in ("acme/base", "acme"):  # the removal changed their times
            os.utime(os.path.join(complete, name), ns=(0, 0))
        self.sweep("--lossless")
        os.remove(self.hub.path("acme/base/notes.txt"))
        for name in ("acme/base", "acme"):
            os.utime(self.hub.path(name), ns=(0, 0))
        self.sweep("--lossless")
        self.assert_restores(complete)
        done = e2e.verify(2, self.archive, "--against", self.corpus, expect=e2e.DIFFERENT)
        self.assert_one_error(done, "elves-verify", "acme/base/notes.txt", "not in the corpus")

    def test_a_hard_link_is_restored_after_its_first_name_was_removed(self):
        os.link(self.hub.path("acme/base/model.safetensors"), self.hub.path("acme/base/second.safetensors"))
        self.sweep("--lossless")
        os.remove(self.hub.path("acme/base/model.safetensors"))
        self.hub.write("acme/base/model.safetensors", "no model any more")
        self.sweep("--lossless")
        self.assert_restores()

    def test_a_hard_link_added_in_a_later_sweep_is_restored(self):
        self.sweep("--lossless")
        os.link(self.hub.path("acme/base/model.safetensors"), self.hub.path("acme/base/a-first-name.safetensors"))
        report = self.sweep("--lossless")
        self.assertEqual(report["layers"]["unique"], 0)
        self.assert_restores()
        e2e.verify(2, self.archive, "--against", self.corpus)

    def test_a_lossless_sweep_over_a_lossy_archive_makes_every_file_exact(self):
        lossy = self.sweep()
        self.assertGreater(lossy["max_abs_error"], 0)
        exact = self.sweep("--lossless", ranks=3)
        self.assertEqual(exact["corpus"]["files_archived"], 1)
        self.assertEqual(exact["layers"]["unique"], 8)
        self.assert_restores()
        e2e.verify(2, self.archive, "--against", self.corpus)
        self.assertEqual(self.sweep("--lossless")["archive"]["bytes_added"], 0)
        self.assertEqual(self.sweep()["archive"]["bytes_added"], 0, "default mode must accept layers that are stored exactly")

    def test_a_lossless_sweep_does_not_reuse_a_lossy_layer(self):
        self.sweep()
        self.hub.write_model("copies/again/model.safetensors", self.base)
        self.sweep("--lossless", "--include", "copies")
        shutil.rmtree(self.to, ignore_errors=True)
        e2e.restore(2, self.archive, self.to, "--model", "copies/again")
        self.assertEqual(e2e.read_layers(os.path.join(self.to, "copies/again/model.safetensors")),
                         e2e.read_layers(self.hub.path("copies/again/model.safetensors")))

    def test_a_default_sweep_reuses_exact_layers(self):
        self.sweep("--lossless")
        self.hub.write_model("copies/again/model.safetensors", self.base)
        report = self.sweep()
        self.assertEqual(report["layers"]["unique"], 0)
        self.assert_restores()

    def test_a_narrower_error_bound_archives_layers_again(self):
        self.sweep("--error-bound", "1e-3", "--min-snr", "0")
        report = self.sweep("--error-bound", "1e-5", "--min-snr", "0")
        self.assertEqual(report["layers"]["unique"], 8)
        self.assertLessEqual(report["max_abs_error"], 1e-5)
        done = e2e.verify(2, self.archive, "--against", self.corpus)
        self.assertLessEqual(float(done.stdout.split("largest error of a float ")[1].split()[0]), 1e-5)


class Selection(Incremental):
    def setUp(self):
        super().setUp()
        self.hub = e2e.many_models(self.corpus, 6, layers_each=1, rows=64)

    def files(self):
        return {file["path"] for file in e2e.listing(self.archive)["files"] if file["kind"] != "directory"}

    def test_include_and_exclude(self):
        report = self.sweep("--include", "org0", "--include", "org1/**/config.json", "--exclude", "model-003")
        self.assertEqual(self.files(), {"org0/model-000/model.safetensors", "org0/model-000/config.json",
                                        "org1/model-001/config.json", "org1/model-004/config.json"})
        self.assertEqual(report["corpus"]["files"], 4)

    def test_a_later_sweep_adds_files_that_were_excluded(self):
        self.sweep("--exclude", "*.safetensors", "--lossless")
        self.assertEqual(len(self.files()), 6)
        report = self.sweep("--lossless")
        self.assertEqual(report["corpus"]["files_archived"], 6)
        self.assert_restores()

    def test_files_from(self):
        with open(self.at("list"), "w") as file:
            file.write("org0/model-000/config.json\n./org1/model-001\n\norg2/model-002/missing.txt\n../outside\n")
        report = self.sweep("--files-from", self.at("list"), expect=e2e.SOME_SKIPPED)
        self.assertEqual(self.files(), {"org0/model-000/config.json", "org1/model-001/model.safetensors", "org1/model-001/config.json"})
        self.assertEqual([row["path"] for row in report["failures"]], ["../outside"])
        self.assertEqual([row["selection"] for row in report["unmatched"]], ["--files-from org2/model-002/missing.txt"])

    def test_dry_run_writes_nothing(self):
        done = e2e.run(2, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--dry-run")
        self.assertIn("12 files", done.stdout)
        self.assertFalse(os.path.exists(self.archive))
        self.sweep("--include", "org0")
        before = e2e.snapshot(self.archive)
        report = self.sweep("--dry-run")
        self.assertEqual((report["corpus"]["files_archived"], report["corpus"]["files_unchanged"]), (8, 4))
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.archive)), [])

    def test_options_from_a_file(self):
        with open(self.at("config"), "w") as file:
            file.write("lossless = true\ninclude = org2\nwave-bytes = 8MiB\n")
        report = self.sweep("--config", self.at("config"))
        self.assertTrue(report["lossless"])
        self.assertEqual({path.split("/")[0] for path in self.files()}, {"org2"})


class Stopping(Incremental):
    """A sweep of N_WAVES waves, so that there is time to stop it."""

    N_WAVES = 30
    OPTIONS = ["--lossless", "--wave-bytes", "4MiB"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hub = e2e.many_models(os.path.join(cls.shared, "hub"), cls.N_WAVES)  # 4 MiB each

    def setUp(self):
        super().setUp()
        self.corpus = self.hub.root

    def stop_with(self, signal_number, ranks=2):
        job = e2e.start(ranks, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--progress", "none", *self.OPTIONS)
        self.assertTrue(e2e.wait_until(lambda: e2e.shards(self.archive) or job.poll() is not None))
        job.send_signal(signal_number)
        return e2e.finish(job)

    def assert_stopped(self, done):
        self.assertEqual(done.returncode, STOPPED, done.stderr)
        self.assertIn("run the same command again", done.stdout)
        self.assertEqual(e2e.leftovers(self.archive), [])
        self.assertGreater(len(e2e.shards(self.archive)), 0)
        self.assertLess(len(e2e.shards(self.archive)), self.N_WAVES)
        e2e.verify(2, self.archive)

    def assert_goes_on(self):
        before = {name: entry for name, entry in e2e.snapshot(self.archive)[0].items() if name.startswith(b"shard-")}
        report = self.sweep(*self.OPTIONS)
        self.assertFalse(report["stopped"])
        self.assertGreater(report["corpus"]["files_unchanged"], 0)
        self.assertGreater(report["corpus"]["files_archived"], 0)
        after = e2e.snapshot(self.archive)[0]
        for name, entry in before.items():
            self.assertEqual(after[name], entry, "a committed shard was written again")
        self.assert_restores()
        self.assertEqual(self.sweep(*self.OPTIONS)["archive"]["bytes_added"], 0)

    def test_a_stopped_sweep_that_continues_writes_the_shards_of_a_whole_one(self):
        self.corpus = os.path.join(self.corpus, "org0")
        options = ["--lossless", "--wave-bytes", "5000000"]  # files lie across the ends of waves
        whole = self.at("whole")
        os.makedirs(self.archive)
        e2e.archive(2, self.corpus, whole, *options)
        shutil.copy(os.path.join(whole, "archive.json"), self.archive)
        n_jobs, code, seconds = 0, STOPPED, 0.01
        while code == STOPPED:  # longer each time: a job that stops within a file begins with this file the next time
            job = e2e.start(2, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--max-duration", str(seconds), *options)
            code = e2e.finish(job).returncode
            n_jobs += 1
            seconds *= 2
        self.assertEqual(code, 0)
        self.assertGreaterEqual(n_jobs, 2)
        self.assertEqual(e2e.shards(self.archive), e2e.shards(whole))
        for name in e2e.shards(whole):
            with h5py.File(os.path.join(whole, name)) as expected, h5py.File(os.path.join(self.archive, name)) as found:
                self.assertEqual(sorted(found), sorted(expected))
                for table in expected:
                    self.assertEqual(found[table][()].tobytes(), expected[table][()].tobytes(), f"{name} {table}")

    def test_sigusr1_stops_after_a_commit_and_the_same_command_continues(self):
        self.assert_stopped(self.stop_with(signal.SIGUSR1))
        self.assert_goes_on()

    def test_sigterm_to_a_command_of_one_rank(self):
        self.assert_stopped(self.stop_with(signal.SIGTERM, ranks=0))
        self.assert_goes_on()

    def test_max_duration(self):
        done = e2e.run(3, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--max-duration", "0.05", *self.OPTIONS, expect=STOPPED)
        self.assert_stopped(done)
        self.assert_goes_on()

    def test_repeated_sweeps_with_max_duration_finish(self):
        self.corpus = os.path.join(self.corpus, "org0")  # ten waves
        steps = 0
        code = STOPPED
        while code == STOPPED:
            job = e2e.start(2, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--max-duration", "0.05", *self.OPTIONS)
            code = e2e.finish(job).returncode
            steps += 1
            self.assertLessEqual(steps, 10, "each step must commit at least one wave")
        self.assertEqual(code, DONE)
        self.assertGreater(steps, 1)
        self.assert_restores()

    def test_a_signal_after_the_last_wave_does_not_stop_the_sweep(self):
        report = self.sweep("--lossless", "--max-duration", "0.001", "--include", "model-000")
        self.assertFalse(report["stopped"])


if __name__ == "__main__":
    e2e.main()
