#!/usr/bin/env python3
"""Which files an archive holds now, and which of them a name means: elves-ls, elves-restore, elves-verify and the report agree."""
import os
import shutil
import unittest

import elves_e2e as e2e
import format_reader
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
        with format_reader.Archive(self.archive) as reader:
            found = {os.fsdecode(path) for path in reader.paths() if reader.file_row(path)[1]["kind"] != format_reader.DIRECTORY}
        self.assertEqual(found, self.current)

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
        self.assertRegex(text, f" {last['ratio']:.3f}x .* 1 model; stored: everything on disk")


class Names(Selection):
    """What --model, --path and the argument of elves-ls mean."""

    def setUp(self):
        super().setUp()
        for name in ("one/tiny", "two/tiny", "two/Large"):
            self.hub.write(f"{name}/config.json", name)
        self.sweep()

    def list_fails(self, name):
        return e2e.said(e2e.run(0, "elves-ls", "--archive", self.archive, name, expect=FAILED), "elves-ls")

    def test_a_name_of_one_model_needs_no_organisation(self):
        self.assertEqual(self.restored("--model", "Large"), ({"two/Large/config.json"}, []))
        self.assertEqual(set(self.listed("Large")), {"two/Large/config.json"})

    def test_an_organisation_means_its_models_and_its_own_files(self):
        self.assertEqual(self.restored("--model", "two")[0], {"two/tiny/config.json", "two/Large/config.json"})
        self.hub.write("two/README.md", "of the organisation")
        self.sweep()
        self.assertEqual(self.restored("--model", "two")[0], {"two/README.md", "two/tiny/config.json", "two/Large/config.json"})
        self.assertEqual(set(self.listed("two")), {"two/README.md", "two/tiny/config.json", "two/Large/config.json"})

    def test_a_name_of_two_models_is_refused_and_both_are_named(self):
        for said in (self.restored("--model", "tiny", expect=FAILED, ranks=3)[1], self.list_fails("tiny")):
            self.assertEqual(len(said), 1)
            self.assertIn("one/tiny, two/tiny", said[0])
        self.assertEqual(len(self.restored("--model", "*/tiny")[0]), 2)

    def test_another_case_gets_a_hint(self):
        for said in (self.restored("--model", "TWO/large", expect=FAILED)[1], self.list_fails("TWO/large")):
            self.assertIn("did you mean two/Large?", said[0])
        said = self.restored("--path", "two/large/Config.json", expect=FAILED)[1]
        self.assertIn("did you mean two/Large/config.json?", said[0])

    def test_selections_that_match_nothing_are_named_where_others_match(self):
        paths, said = self.restored("--model", "two/Large", "--model", "gone/model", "--model", "three", expect=SOME_SKIPPED)
        self.assertEqual(paths, {"two/Large/config.json"})
        self.assertEqual(said, ["--model gone/model matches nothing", "--model three matches nothing"])
        said = self.restored("--path", "one/**", "--path", "*.bin", expect=SOME_SKIPPED)[1]
        self.assertEqual(said, ["--path *.bin matches nothing"])

    def test_none_of_several_selections_matches(self):
        said = self.restored("--model", "gone/model", "--path", "*.bin", expect=FAILED)[1]
        self.assertEqual(len(said), 1)
        self.assertIn("--model gone/model, --path *.bin", said[0])
        self.assertFalse(os.path.exists(self.at("to")))

    def test_a_path_of_another_model_matches_nothing(self):
        self.restored("--model", "one/tiny", "--path", "two/tiny/config.json", expect=FAILED)

    def test_a_path_is_listed(self):
        self.assertEqual(set(self.listed("two/tiny/config.json")), {"two/tiny/config.json"})
        lines = e2e.run(0, "elves-ls", "--archive", self.archive, "two/tiny/config.json").stdout.splitlines()
        self.assertEqual(lines[0].split()[:3], ["size", "stored", "ratio"])
        self.assertEqual(len(lines), 2)

    def test_restore_and_verify_say_how_many_files_are_bit_for_bit(self):
        self.assertIn("\nchecked     3 files bit for bit\n", e2e.restore(2, self.archive, self.at("to")).stdout)
        self.assertIn("; 3 files bit for bit\n", e2e.verify(2, self.archive).stdout)
        values = e2e.weights(e2e.np.random.default_rng(1), 700, 700)
        self.hub.write_model("one/floats/model.safetensors", {"w": e2e.tensor(values)})
        self.sweep()
        shutil.rmtree(self.at("to"))
        self.assertIn("\nchecked     1 file within bounds, 3 bit for bit\n", e2e.restore(2, self.archive, self.at("to")).stdout)
        self.assertIn("; 1 file within bounds, 3 bit for bit\n", e2e.verify(2, self.archive).stdout)

    def test_the_archive_as_an_argument_gets_a_hint(self):
        done = e2e.run(0, "elves-ls", self.archive, expect=e2e.USAGE)
        self.assert_one_error(done, "elves-ls", f"did you mean --archive {self.archive}?")

    def test_output_that_cannot_be_written_is_an_error(self):
        for words in (["elves-ls"], ["elves-ls", "--json"], ["elves-verify"]):
            with open("/dev/full", "w") as full:
                done = e2e.subprocess.run([os.path.join(e2e.BIN, words[0]), "--archive", self.archive, *words[1:]], stdout=full,
                                          stderr=e2e.subprocess.PIPE, env=e2e.environment(), text=True)
            self.assertEqual(done.returncode, FAILED, words)
            self.assertIn("No space left", done.stderr)


class Links(Selection):
    """Hugging Face's shared cache: repositories link to blobs beside them."""

    BLOB = "blobs/ab/abcdef0123456789"

    def setUp(self):
        super().setUp()
        self.hub.write_model(self.BLOB, {"w": e2e.tensor(e2e.weights(e2e.np.random.default_rng(1), 100, 100))})
        self.hub.write("blobs/cd/cdef0123456789ab", "no model links to it")
        self.hub.write("shared/folder/deep/file", "in a folder that is linked")
        snapshot = "models--org--m/snapshots/0123"
        os.makedirs(self.hub.path(snapshot))
        self.link("models--org--m/snapshots/main", "0123")
        self.link(f"{snapshot}/model.safetensors", f"../../../{self.BLOB}")
        self.link(f"{snapshot}/again", "model.safetensors")
        self.link(f"{snapshot}/folder", "../../../shared/folder")
        self.link(f"{snapshot}/through", "folder/deep/file")
        self.link(f"{snapshot}/outside", "/nowhere")
        self.link(f"{snapshot}/above", "../../../../nowhere")
        self.link(f"{snapshot}/missing", "no-such-file")
        self.link(f"{snapshot}/loop", "loop")
        self.sweep()
        self.links = {f"{snapshot}/{name}" for name in ("model.safetensors", "again", "folder", "through", "outside", "above",
                                                        "missing", "loop")} | {"models--org--m/snapshots/main"}
        self.targets = {self.BLOB, "shared/folder/deep/file"}

    def link(self, path, target):
        os.symlink(target, self.hub.path(path))

    def test_a_model_is_restored_with_what_its_links_lead_to(self):
        for ranks in (1, 3):
            self.assertEqual(self.restored("--model", "org/m", ranks=ranks), (self.links | self.targets, []), ranks)

    def test_links_alone(self):
        self.assertEqual(self.restored("--path", "models--org--m/**", "--no-follow"), (self.links, []))
        self.assertEqual(self.restored("--model", "org/m", "--no-follow"), (self.links | {self.BLOB}, []))

    def test_a_link_is_followed_through_links(self):
        self.assertEqual(self.restored("--path", "models--org--m/snapshots/0123/again")[0],
                         {"models--org--m/snapshots/0123/again", "models--org--m/snapshots/0123/model.safetensors", self.BLOB})
        self.assertEqual(self.restored("--path", "models--org--m/snapshots/0123/through")[0],
                         {"models--org--m/snapshots/0123/through", "models--org--m/snapshots/0123/folder", "shared/folder/deep/file"})

    def test_a_model_is_listed_with_what_its_links_lead_to(self):
        self.assertEqual(set(self.listed("org/m")), self.links | self.targets)

    def test_a_shared_blob_belongs_to_the_model_that_links_to_it(self):
        os.makedirs(self.hub.path("models--org--z/snapshots/1"))
        self.link("models--org--z/snapshots/1/model.safetensors", f"../../../{self.BLOB}")
        tuned = {"w": e2e.tensor(e2e.weights(e2e.np.random.default_rng(1), 100, 100) * e2e.np.float32(1.0001))}
        self.hub.write_model("blobs/ff/ffffffff00000000", tuned)
        self.link("models--org--z/snapshots/1/tuned.safetensors", "../../../blobs/ff/ffffffff00000000")
        report = self.sweep()
        self.assertEqual(self.listed()[self.BLOB]["model"], "org/m")
        self.assertEqual(self.listed()["blobs/ff/ffffffff00000000"]["model"], "org/z")
        self.assertIn("org/z", {model["id"] for model in report["models"]})
        self.assertIn(self.BLOB, self.restored("--model", "org/z")[0])


class LostShard(Selection):
    def setUp(self):
        super().setUp()
        self.hub.write("org/old/file", "first")
        self.hub.write("org/kept/file", "kept")
        self.sweep()
        self.hub.write("org/old/file", "second, longer")
        self.hub.write("org/new/file", "new")
        self.sweep()
        self.hub.write("org/last/file", "last")
        self.sweep()
        os.remove(os.path.join(self.archive, e2e.shards(self.archive)[1]))

    def test_commands_go_on_with_the_rest_and_say_that_it_may_be_older(self):
        done = e2e.run(0, "elves-ls", "--archive", self.archive, "--layers", "--json", expect=SOME_SKIPPED)
        listed = e2e.json.loads(done.stdout)
        self.assertEqual({file["path"] for file in listed["files"] if file["kind"] == "file"},
                         {"org/old/file", "org/kept/file", "org/last/file"})
        self.assertEqual(listed["archive"]["missing_shards"], [1])
        said = e2e.said(done, "elves-ls")
        self.assertEqual(len(said), 1)
        paths, from_restore = self.restored(expect=SOME_SKIPPED)
        self.assertEqual(paths, {"org/old/file", "org/kept/file", "org/last/file"})
        from_verify = e2e.said(e2e.verify(2, self.archive, expect=DIFFERENT), "elves-verify")
        for lines in (said, from_restore, from_verify):
            self.assertIn("shard-00000001.h5", lines[0])
            self.assertIn("older version", lines[0])


if __name__ == "__main__":
    e2e.main()
