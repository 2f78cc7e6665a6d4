#!/usr/bin/env python3
"""Which files an archive holds now, and which of them a name means: elves-ls, elves-restore, elves-verify and the report agree."""
import os
import shutil
import unittest

import elves_e2e as e2e
from elves_e2e import DIFFERENT, FAILED, SOME_SKIPPED


def files_below(root):
    """Paths of files and links below a folder."""
    found = set()
    for folder, folders, files in os.walk(root):
        found |= {os.path.relpath(os.path.join(folder, name), root) for name in files}
        found |= {os.path.relpath(os.path.join(folder, name), root) for name in folders if os.path.islink(os.path.join(folder, name))}
    return found


class Selection(e2e.EndToEnd):
    def setUp(self):
        super().setUp()
        self.hub = e2e.Tree(self.at("hub"))
        self.archive = self.at("archive")

    def sweep(self, *options, ranks=2, **more):
        return e2e.archive(ranks, self.hub.root, self.archive, *options, **more)

    def listed(self, *options):
        return {file["path"]: file for file in e2e.listing(self.archive, *options)["files"] if file["kind"] != "directory"}

    def restored(self, *options, expect=e2e.DONE, ranks=2):
        """(paths that were restored, lines of standard error)."""
        to = self.at("to")
        shutil.rmtree(to, ignore_errors=True)
        done = e2e.restore(ranks, self.archive, to, *options, expect=expect)
        return files_below(to), e2e.said(done, "elves-restore")


class Current(Selection):
    """A folder that became a file, and a file that became a folder."""

    def setUp(self):
        super().setUp()
        self.hub.write("org/m/a/b", "below a folder")
        self.hub.write("org/m/c", "a file")
        self.sweep()
        shutil.rmtree(self.hub.path("org/m/a"))
        os.remove(self.hub.path("org/m/c"))
        self.hub.write("org/m/a", "now a file")
        self.hub.write("org/m/c/d", "now in a folder")
        self.sweep()
        self.current = {"org/m/a", "org/m/c/d"}

    def test_listing_restore_and_verify_agree_on_what_is_current(self):
        self.assertEqual(set(self.listed()), self.current)
        self.assertEqual(self.restored(), (self.current, []))
        self.assert_same_tree(self.hub.root, self.at("to"))
        e2e.verify(2, self.archive, "--against", self.hub.root)

    def test_all_versions_are_listed_and_marked(self):
        states = {path: file["state"] for path, file in self.listed("--all").items()}
        self.assertEqual(states, {"org/m/a": "current", "org/m/c/d": "current", "org/m/a/b": "former", "org/m/c": "superseded"})
        text = e2e.run(0, "elves-ls", "--archive", self.archive, "--all").stdout
        self.assertRegex(text, r"org/m/a/b  \[former\] of sweep 1\n")

    def test_a_path_that_is_no_more_is_restored_where_it_is_named(self):
        for path in ("org/m/a/b", "org/m/c"):
            self.assertEqual(self.restored("--path", path), ({path} if path == "org/m/a/b" else {"org/m/c/d"}, []), path)
        with open(os.path.join(self.at("to"), "org/m/c/d")) as file:
            self.assertEqual(file.read(), "now in a folder")

    def test_a_former_path_that_another_selected_path_excludes_is_named(self):
        paths, said = self.restored("--path", "org/m/a", "--path", "org/m/a/b", expect=SOME_SKIPPED)
        self.assertEqual(paths, {"org/m/a"})
        self.assertEqual(len(said), 1)
        self.assertIn("org/m/a/b", said[0])

    def test_the_file_of_a_former_folder_is_archived_again_where_the_folder_returns(self):
        os.remove(self.hub.path("org/m/a"))
        self.hub.write("org/m/a/b", "below a folder")
        self.hub.age()
        self.sweep()
        self.assertEqual(self.restored()[0], {"org/m/a/b", "org/m/c/d"})
        self.assert_same_tree(self.hub.root, self.at("to"))


class Ratio(Selection):
    def test_sweeps_of_touched_files_leave_the_ratio_as_it_is(self):
        self.hub.write_model("org/m/model.safetensors", {"w": e2e.tensor(e2e.weights(e2e.np.random.default_rng(1), 700, 700))})
        os.link(self.hub.path("org/m/model.safetensors"), self.hub.path("org/m/same"))
        first = self.sweep()
        for _ in range(3):
            self.hub.age(seed=_)
            last = self.sweep()
        size = os.path.getsize(self.hub.path("org/m/model.safetensors"))
        self.assertEqual((last["archive"]["file_bytes"], last["archive"]["superseded_bytes"]), (size, 3 * size))
        self.assertLess(last["ratio"], first["ratio"])
        listed = e2e.listing(self.archive)["archive"]
        for key in ("file_bytes", "superseded_bytes", "bytes_total"):
            self.assertEqual(listed[key], last["archive"][key], key)
        self.assertAlmostEqual(listed["ratio"], last["ratio"])
        text = e2e.run(0, "elves-ls", "--archive", self.archive).stdout
        self.assertRegex(text, f" {last['ratio']:.3f}x .* 1 models; stored: everything on disk")


if __name__ == "__main__":
    e2e.main()
