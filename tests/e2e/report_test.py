"""The summary and the report of elves-mpi: sums, exit codes, where the report goes, and what a sweep refuses."""

import os
import unittest

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

    def test_duplicates_of_layers_and_of_glue_are_separate_figures(self):
        layers, corpus = self.report["layers"], self.report["corpus"]
        self.assertEqual(layers["duplicate_bytes"] + corpus["glue_duplicate_bytes"], self.report["stages"]["hd"])
        self.assertGreater(corpus["glue_duplicate_bytes"], 0)

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


if __name__ == "__main__":
    e2e.main()
