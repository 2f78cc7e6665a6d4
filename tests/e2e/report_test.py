"""The summary and the report of elves-mpi: sums, exit codes, where the report goes, and what a sweep refuses."""

import json
import os
import shutil
import subprocess

import elves_e2e as e2e


class Sums(e2e.EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hub = os.path.join(cls.shared, "hub")
        cls.archive = os.path.join(cls.shared, "archive")
        e2e.run(0, "elves-sample-hub", "--out", cls.hub, "--size-mib", "32")
        cls.report = e2e.archive(2, cls.hub, cls.archive)

    def test_savings_of_all_stages_add_up(self):
        encoded = sum(row["encoded_bytes"] for row in self.report["transforms"])
        self.assertIn("window", [row["name"] for row in self.report["transforms"]])
        self.assertEqual(sum(self.report["stages"].values()), self.report["corpus"]["bytes_archived"] - encoded)

    def test_a_stage_that_is_off_saves_nothing(self):
        for stages in ("hd", "palette", "zstd", "hd,de,planes,zstd", "all"):
            with self.subTest(stages):
                archive = self.at(stages)
                saved = e2e.archive(2, self.hub, archive, "--stages", stages)["stages"]
                on = set(saved) if stages == "all" else set(stages.split(","))
                self.assertLessEqual({stage for stage, n in saved.items() if n > 0}, on)
                self.assertGreater(sum(saved.values()), 0)
                e2e.verify(2, archive)
        self.assertEqual(e2e.archive(2, self.hub, self.at("every"), "--stages", "hd,elf,de,palette,planes,delta,zstd")["stages"], self.report["stages"])

    def test_duplicates_of_layers_and_of_glue_are_separate_figures(self):
        layers, corpus = self.report["layers"], self.report["corpus"]
        self.assertEqual(layers["duplicate_bytes"] + corpus["glue_duplicate_bytes"], self.report["stages"]["hd"])
        self.assertGreater(corpus["glue_duplicate_bytes"], 0)

    def test_bases_savings_and_the_ratio_are_those_of_the_listing(self):
        listed = json.loads(e2e.run(0, "elves-ls", "--archive", self.archive, "--json").stdout)
        bases = {row["id"]: row["base"] for row in self.report["models"] if row["id"] and row["base"]}
        self.assertEqual(bases, {row["id"]: row["base"] for row in listed["models"] if row["base"]})
        self.assertGreater(len(bases), 2)
        models = {row["id"]: row for row in listed["models"]}
        for row in filter(lambda row: row["files"] > 0, self.report["models"]):
            other = models[row["id"]]
            saved = sum(base["saved_bytes"] for base in row["bases"])
            self.assertEqual((row["bytes"], row["stored_bytes"], row["ratio"], saved),
                             (other["bytes"], other["stored_bytes"], other["ratio"], other["saved_bytes"]), row["id"])
        for row in self.report["models"]:
            self.assertNotIn(row["id"], [base["id"] for base in row["bases"]])
        done = e2e.run(0, "elves-ls", "--archive", self.archive)
        self.assertIn(f"{self.report['ratio']:.3f}x", done.stdout)

    def test_the_ratio_does_not_grow_with_versions_of_files(self):
        hub, archive = self.at("hub"), self.at("archive")
        shutil.copytree(self.hub, hub, symlinks=True)
        first = e2e.archive(2, hub, archive)
        for path, folders, files in os.walk(hub):
            for name in files:
                os.utime(os.path.join(path, name), (0, 0), follow_symlinks=False)
        second = e2e.archive(2, hub, archive)
        self.assertEqual(first["archive"]["superseded_bytes"], 0)
        self.assertEqual(second["archive"]["file_bytes"], first["archive"]["file_bytes"])
        self.assertGreater(second["archive"]["superseded_bytes"], 0.9 * first["archive"]["file_bytes"])
        self.assertLess(second["ratio"], first["ratio"])

    def test_every_regular_file_is_exact_or_within_bounds(self):
        corpus = self.report["corpus"]
        inexact = [path for path, file in e2e.regular_files(self.archive).items() if not file["exact"]]
        self.assertEqual(corpus["files_within_bounds"], len(inexact))
        self.assertEqual(corpus["files_within_bounds"] + corpus["files_exact"], len(e2e.regular_files(self.archive)))
        self.assertGreater(corpus["files_within_bounds"], 0)

    def test_the_summary_of_a_second_sweep_has_no_zeros(self):
        done = e2e.run(0, "elves-mpi", "--corpus", self.hub, "--archive", self.archive, "--progress", "none")
        labels = [line.split()[0] for line in done.stdout.splitlines()]
        self.assertEqual(labels, ["corpus", "unchanged", "archive", "memory"])
        self.assertIn("1 rank x 1 thread\n", done.stdout)


class Answers(e2e.EndToEnd):
    """Exit codes, and what is created."""

    def setUp(self):
        super().setUp()
        self.hub = e2e.Tree(self.at("hub"))
        for model in ("acme/one", "acme/two"):
            self.hub.write(f"{model}/model.bin", os.urandom(70000))
            self.hub.write(f"{model}/config.json", "{}")
        self.archive = self.at("archive")

    def sweep(self, *options, expect=e2e.DONE, ranks=1):
        return e2e.run(ranks, "elves-mpi", "--corpus", self.hub.root, "--archive", self.archive, "--progress", "none", *options, expect=expect)

    def assert_refused(self, *options, words, ranks=1):
        done = self.sweep(*options, expect=e2e.FAILED, ranks=ranks)
        self.assert_one_error(done, "elves-mpi", *words)
        self.assertFalse(os.path.exists(self.archive))

    def test_nothing_to_archive_is_a_failure_that_creates_nothing(self):
        listed = self.at("list")
        with open(listed, "w") as file:
            file.write("acme/three\nnowhere\n")
        for options in (["--include", "nomatch*"], ["--exclude", "*"], ["--files-from", listed], ["--include", "*.bin", "--exclude", "acme"]):
            for more in ([], ["--dry-run"]):
                with self.subTest(options=options + more):
                    self.assert_refused(*options, *more, words=["nothing to archive", "--allow-empty"], ranks=2)
                    self.sweep(*options, *more, "--allow-empty", ranks=2)
                    self.assertEqual(os.path.exists(self.archive), not more)
                    shutil.rmtree(self.archive, True)

    def test_an_empty_corpus_is_a_failure(self):
        self.hub = e2e.Tree(self.at("empty"))
        os.makedirs(self.hub.path("acme/folder"))
        self.assert_refused(words=["nothing to archive", "it holds no file"])
        self.sweep("--allow-empty")

    def test_an_empty_corpus_leaves_an_archive_as_it_is(self):
        self.sweep()
        before = e2e.snapshot(self.archive)
        self.sweep("--include", "nomatch*", expect=e2e.FAILED)
        self.assertEqual(e2e.snapshot(self.archive)[0], before[0])

    def test_an_empty_corpus_does_not_create_the_folders_above_the_archive(self):
        self.archive = self.at("new/deeper/archive")
        self.assert_refused("--include", "nomatch*", words=["nothing to archive"])
        self.assertFalse(os.path.exists(self.at("new")))

    def test_a_sweep_with_nothing_new_succeeds(self):
        for _ in range(2):
            self.sweep()
        self.sweep("--include", "acme/one")

    def test_selections_that_match_nothing_are_named(self):
        for more in ([], ["--dry-run"]):
            done = self.sweep("--include", "*.bin", "--include", "*.onnx", "--exclude", "*.pt", *more, expect=e2e.SOME_SKIPPED, ranks=2)
            self.assertIn("unmatched   --include *.onnx: matches nothing\n", done.stdout)
            self.assertEqual(done.stdout.count("unmatched"), 1)
        listed = self.at("list")
        with open(listed, "w") as file:
            file.write("acme/one\nacme/three\n")
        report = e2e.archive(2, self.hub.root, self.archive, "--files-from", listed, expect=e2e.SOME_SKIPPED)
        self.assertEqual(report["unmatched"], [{"selection": "--files-from acme/three", "reason": "No such file or directory"}])
        self.assertEqual(report["failures"], [])

    def test_an_archive_inside_the_corpus_is_refused_by_any_of_its_names(self):
        os.symlink(self.hub.root, self.at("link"))
        os.symlink(self.hub.path("acme"), self.at("acme"))
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.hub.root)
        for corpus, archive in ((".", []), (".", ["out"]), (self.hub.root, ["out"]), (self.at("link"), ["out/deeper"]), (".", ["./acme/out"]),
                                (self.hub.root, [self.at("link/out")]), (".", [self.at("acme/out")]), (self.at("link"), [self.hub.path("x")])):
            with self.subTest(corpus=corpus, archive=archive):
                place = ["--archive", *archive] if archive else []
                done = e2e.run(0, "elves-mpi", "--corpus", corpus, *place, "--progress", "none", expect=e2e.FAILED)
                self.assert_one_error(done, "elves-mpi", "lies inside the corpus")
        self.assertEqual(sorted(os.listdir(self.hub.root)), ["acme"])
        e2e.run(0, "elves-mpi", "--corpus", ".", "--archive", "../out", "--progress", "none")

    def test_a_corpus_that_is_the_folder_of_one_organisation_is_noted(self):
        self.hub.write("acme/two/README.md", "---\nbase_model: acme/one\n---\n")
        report = e2e.archive(2, self.hub.path("acme"), self.archive)
        notes = [note["note"] for note in report["notes"] if note["model"] == ""]
        self.assertEqual(len(notes), 1, report["notes"])
        self.assertIn(f"archive {self.hub.root} to have ids 'acme/NAME'", notes[0])
        self.assertEqual([note for note in e2e.archive(2, self.hub.root, self.at("whole"))["notes"] if note["model"] == ""], [])

    def test_the_report_goes_to_standard_output(self):
        done = self.sweep("--report", "-")
        self.assertEqual(json.loads(done.stdout)["corpus"]["files"], 4)
        self.assertIn("archived ", done.stderr)
        self.assertFalse(os.path.exists("-"))

    def test_a_report_replaces_the_one_before_and_leaves_nothing_else(self):
        report = self.at("reports/report.json")
        os.makedirs(os.path.dirname(report))
        for archived in (4, 0):
            self.sweep("--report", report)
            with open(report) as file:
                self.assertEqual(json.load(file)["corpus"]["files_archived"], archived)
            self.assertEqual(os.listdir(os.path.dirname(report)), ["report.json"])
        self.sweep("--report", report, "--include", "nomatch", expect=e2e.FAILED)
        self.assertEqual(os.listdir(os.path.dirname(report)), ["report.json"])

    def run_on_a_full_disk(self, command, *options):
        with open("/dev/full", "w") as full:
            words = e2e.command_line(0, command, "--archive", self.archive, *options)
            done = subprocess.run(words, env=e2e.environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, e2e.FAILED, done.stderr)
        return done

    def test_output_that_cannot_be_written_is_a_failure(self):
        for options in ([], ["--report", "-"], ["--report", "/dev/full"]):
            done = self.run_on_a_full_disk("elves-mpi", "--corpus", self.hub.root, "--progress", "none", *options)
            self.assertIn("No space left on device", done.stderr)
            self.assertIn("the archive is complete", done.stderr)
        for command, options in (("elves-ls", []), ("elves-ls", ["--json"]), ("elves-verify", []), ("elves-restore", ["--to", self.at("to")])):
            self.assert_one_error(self.run_on_a_full_disk(command, *options), command, "standard output")


if __name__ == "__main__":
    e2e.main()
