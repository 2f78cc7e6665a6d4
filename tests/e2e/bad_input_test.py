"""Bad input causes one clear line or a row in `failures`, the documented exit code, and never a wrong byte."""

import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import h5py
import numpy as np

import elves_e2e as e2e
from elves_e2e import DIFFERENT, DONE, FAILED, LOCKED, SOME_SKIPPED, USAGE

GOLDEN = os.path.join(e2e.ROOT, "tests", "golden", "errors", "safetensors")
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

needs_root = unittest.skipUnless(os.geteuid() == 0, "needs root")


def without_root():
    """The start of a command line that runs a command as a user whom permission bits stop; skips the test where that is impossible."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None or subprocess.run([*NOBODY, os.path.join(e2e.BIN, "elves-ls"), "--version"], env=e2e.environment(),
                                                         capture_output=True).returncode != 0:
        raise unittest.SkipTest("permission bits do not stop root, and setpriv cannot change the user here")
    return NOBODY


class BadInput(e2e.EndToEnd):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o777)
        self.corpus, self.archive, self.to = self.at("hub"), self.at("archive"), self.at("restored")

    def small_hub(self):
        hub = e2e.Tree(self.corpus)
        rng = np.random.default_rng(2)
        for name in ("acme/one", "acme/two"):
            hub.write_model(f"{name}/model.safetensors", {f"layer.{i}": e2e.tensor(e2e.weights(rng, 100, 200)) for i in range(3)})
            hub.write(f"{name}/config.json", json.dumps({"name": name}))
        hub.age()
        return hub

    def fails(self, *words, ranks=0, expect=FAILED, options=(), prefix=()):
        """elves-mpi ends with this code and prints one line that has these words."""
        done = e2e.run(ranks, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, *options, expect=expect, prefix=prefix,
                       timeout=60)
        self.assert_one_error(done, "elves-mpi", *words)
        return done

    def assert_restored(self, *, without=(), expect=DONE, ranks=2):
        """The restored tree equals the corpus, except that exactly the files of `without` are missing."""
        shutil.rmtree(self.to, ignore_errors=True)
        done = e2e.restore(ranks, self.archive, self.to, expect=expect)
        found, original = e2e.snapshot(self.to)[0], e2e.snapshot(self.corpus)[0]
        self.assertEqual(set(original) - set(found), {os.fsencode(path) for path in without})
        self.assertEqual(set(found) - set(original), set())
        for path, entry in found.items():
            if "sha256" in entry:
                self.assertEqual(entry, original[path], path)
        return done


class Corpus(BadInput):
    def test_missing(self):
        for ranks in (0, 3):
            self.fails(self.corpus, "No such file", ranks=ranks)
        self.assertFalse(os.path.exists(self.archive), "an archive was created for a corpus that does not exist")

    def test_a_file(self):
        with open(self.corpus, "w") as file:
            file.write("no directory")
        self.fails(self.corpus, "not a directory")
        self.assertFalse(os.path.exists(self.archive))

    def test_unreadable(self):
        prefix = without_root()
        self.small_hub()
        os.chmod(self.corpus, 0)
        self.fails(self.corpus, "Permission denied", prefix=prefix)

    def test_empty(self):
        os.makedirs(self.corpus)
        for ranks in (1, 3):
            report = e2e.archive(ranks, self.corpus, self.archive, "--allow-empty")
            self.assertEqual(report["corpus"]["files"], 0)
            self.assertEqual(report["failures"], [])
        e2e.verify(2, self.archive, "--against", self.corpus)
        e2e.restore(2, self.archive, self.to)
        self.assertEqual(os.listdir(self.to), [])
        listing = e2e.listing(self.archive)
        self.assertEqual((listing["files"], listing["models"]), ([], []))

    def test_only_empty_folders_and_files(self):
        os.makedirs(os.path.join(self.corpus, "a/b"))
        open(os.path.join(self.corpus, "a/empty"), "w").close()
        e2e.archive(3, self.corpus, self.archive)
        self.assert_restored()
        self.assert_same_tree(self.corpus, self.to)

    def test_unreadable_file_and_folder(self):
        prefix = without_root()
        hub = self.small_hub()
        os.chmod(hub.path("acme/one/config.json"), 0)
        os.link(hub.path("acme/one/config.json"), hub.path("acme/two/linked"))
        hub.write("acme/closed/inside", "hidden")
        os.chmod(hub.path("acme/closed"), 0)
        report = e2e.archive(2, self.corpus, self.archive, "--lossless", expect=SOME_SKIPPED, prefix=prefix)
        reasons = {row["path"]: row["reason"] for row in report["failures"]}
        self.assertEqual(set(reasons), {"acme/one/config.json", "acme/two/linked", "acme/closed"})
        self.assertIn("Permission denied", reasons["acme/one/config.json"])
        self.assertIn("Permission denied", reasons["acme/closed"])
        self.assertIn("Permission denied", reasons["acme/two/linked"])
        self.assert_restored(without=["acme/one/config.json", "acme/two/linked", "acme/closed/inside"])
        os.chmod(hub.path("acme/one/config.json"), 0o644)
        os.chmod(hub.path("acme/closed"), 0o755)
        e2e.archive(3, self.corpus, self.archive, "--lossless", prefix=prefix)
        self.assert_restored()

    def test_special_files_are_named_and_the_rest_is_archived(self):
        hub = self.small_hub()
        os.mkfifo(hub.path("acme/one/pipe"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(hub.path("acme/socket"))
            report = e2e.archive(2, self.corpus, self.archive, "--lossless", expect=SOME_SKIPPED)
        reasons = {row["path"]: row["reason"] for row in report["failures"]}
        self.assertEqual(set(reasons), {"acme/one/pipe", "acme/socket"})
        self.assertIn("named pipe", reasons["acme/one/pipe"])
        self.assertIn("socket", reasons["acme/socket"])
        self.assert_restored(without=["acme/one/pipe", "acme/socket"])

    def test_the_summary_names_what_was_skipped(self):
        hub = self.small_hub()
        os.mkfifo(hub.path("acme/one/pipe"))
        done = e2e.run(2, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, expect=SOME_SKIPPED)
        self.assertIn("acme/one/pipe", done.stdout)


class ChangingFiles(BadInput):
    N_WAVES = 24

    def test_files_that_change_between_scan_and_read(self):
        hub = e2e.many_models(self.corpus, self.N_WAVES)

        def write(path, mode, content):
            with open(path, mode) as file:
                file.write(content)

        changes = {
            "zzz/grows": lambda path: write(path, "ab", b"more"),
            "zzz/shrinks": lambda path: os.truncate(path, 1000),
            "zzz/vanishes": os.remove,
            "zzz/replaced": lambda path: (shutil.copy(path, path + "-"), os.replace(path + "-", path)),
            "zzz/touched": lambda path: os.utime(path),
            "zzz/linked": lambda path: write(path, "r+b", b"other"),
            "zzz/folder": lambda path: (os.remove(path), os.mkdir(path)),
            "zzz/link": lambda path: (os.remove(path), os.symlink("/etc/hostname", path)),
            "zzz/pipe": lambda path: (os.remove(path), os.mkfifo(path)),
        }
        rng = np.random.default_rng(4)
        for name in changes:
            hub.write(name, rng.bytes(100000))
        hub.write("zzz/stays", "as it was")
        os.link(hub.path("zzz/linked"), hub.path("zzz/linked-again"))
        hub.age()
        # The files lie in the last of many waves. The job is halted after its first commit, long after the scan and long
        # before it reads them.
        report = self.at("report.json")
        job = e2e.start(2, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--lossless", "--wave-bytes", "4MiB",
                        "--progress", "none", "--report", report)
        self.assertTrue(e2e.wait_until(lambda: e2e.shards(self.archive)))
        ranks = [pid for pid in e2e.descendants(job.pid) if e2e.is_running(pid)]
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        self.assertLess(len(e2e.shards(self.archive)), self.N_WAVES - 4, "halted too late")
        for name, change in changes.items():
            change(hub.path(name))
        for pid in ranks:
            os.kill(pid, signal.SIGCONT)
        done = e2e.finish(job, timeout=60)
        self.assertEqual(done.returncode, SOME_SKIPPED, done.stdout + done.stderr)

        with open(report) as file:
            reasons = {row["path"]: row["reason"] for row in json.load(file)["failures"]}
        self.assertEqual(set(reasons) - {"zzz/linked-again"}, set(changes))
        for name in ("zzz/grows", "zzz/shrinks", "zzz/replaced", "zzz/touched", "zzz/linked"):
            self.assertIn("changed", reasons[name], name)
        self.assertIn("No such file", reasons["zzz/vanishes"])
        e2e.verify(2, self.archive)
        e2e.restore(2, self.archive, self.to)
        self.assertEqual(os.listdir(os.path.join(self.to, "zzz")), ["stays"])

        os.remove(hub.path("zzz/pipe"))
        e2e.archive(2, self.corpus, self.archive, "--lossless", "--wave-bytes", "4MiB")
        e2e.verify(2, self.archive, "--against", self.corpus)
        shutil.rmtree(self.to)
        e2e.restore(2, self.archive, self.to)
        self.assert_same_tree(self.corpus, self.to)

    def test_a_file_that_grows_all_the_time(self):
        hub = self.small_hub()
        block = bytes(range(256)) * 64
        path = hub.write("acme/growing.bin", block * 1500)  # 24 MiB
        stop = threading.Event()

        def grow():
            with open(path, "ab", buffering=0) as file:
                while not stop.is_set():
                    file.write(block)
                    time.sleep(0.001)

        for ranks in (1, 3):
            stop.clear()
            writer = threading.Thread(target=grow)
            writer.start()
            try:
                shutil.rmtree(self.archive, ignore_errors=True)
                report = self.at("report.json")
                job = e2e.start(ranks, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--lossless",
                                "--wave-bytes", "4MiB", "--report", report)
                done = e2e.finish(job)
            finally:
                stop.set()
                writer.join()
            self.assertIn(done.returncode, (DONE, SOME_SKIPPED), done.stderr)
            e2e.verify(2, self.archive)
            shutil.rmtree(self.to, ignore_errors=True)
            e2e.restore(2, self.archive, self.to)
            restored = os.path.join(self.to, "acme/growing.bin")
            if done.returncode == SOME_SKIPPED:
                with open(report) as file:
                    failures = json.load(file)["failures"]
                self.assertEqual([row["path"] for row in failures], ["acme/growing.bin"])
                self.assertIn("changed", failures[0]["reason"])
                self.assertFalse(os.path.exists(restored))
            else:
                with open(restored, "rb") as a, open(path, "rb") as b:
                    content = a.read()
                    self.assertEqual(content, b.read(len(content)))
            self.assertTrue(os.path.exists(os.path.join(self.to, "acme/one/model.safetensors")))


class DamagedModels(BadInput):
    def test_each_kind_is_archived_byte_exact_as_glue_and_named(self):
        names = sorted(os.listdir(GOLDEN))
        self.assertGreater(len(names), 50)
        os.makedirs(os.path.join(self.corpus, "acme"))
        for name in names:
            os.makedirs(os.path.join(self.corpus, "acme", name))
            shutil.copy(os.path.join(GOLDEN, name), os.path.join(self.corpus, "acme", name, "model.safetensors"))
        report = e2e.archive(3, self.corpus, self.archive)  # the default mode: nothing here is a float layer
        self.assertEqual(report["layers"]["total"], 0)
        self.assertEqual(report["failures"], [])
        reasons = {row["path"].split("/")[1]: row["reason"] for row in report["opaque"]}
        self.assertEqual(sorted(reasons), names)
        for name, reason in reasons.items():
            self.assertIn(name.split("--")[0].replace("_", " "), reason.replace("_", " "), name)
        self.assert_restored()
        self.assert_same_tree(self.corpus, self.to)

    def test_other_damage(self):
        hub = self.small_hub()
        with open(hub.path("acme/one/model.safetensors"), "rb") as file:
            good = file.read()
        damaged = {"cut": good[:-1], "longer": good + b"x", "header-cut": good[:60], "no-length": good[:7],
                   "length-huge": struct.pack("<Q", 2**62) + good[8:], "zeros": bytes(len(good)), "twice": good + good}
        for name, content in damaged.items():
            hub.write(f"damaged/{name}/model.safetensors", content)
        report = e2e.archive(2, self.corpus, self.archive, "--lossless")
        self.assertEqual(report["failures"], [])
        self.assert_restored()
        self.assert_same_tree(self.corpus, self.to)
        opaque = {row["path"].split("/")[1] for row in report["opaque"]}
        self.assertLessEqual({"cut", "length-huge", "zeros"}, opaque)


class Options(BadInput):
    def test_each_is_a_usage_error_that_names_the_option(self):
        self.small_hub()
        hub, archive = ["--corpus", self.corpus], ["--archive", self.archive]
        with open(self.at("bad-bases"), "w") as file:
            file.write("# model\tbase\norg/tuned\torg/base\norg/tuned org/base\n")
        cases = [
            ("elves-mpi", [*hub, "--no-such-option"], "no-such-option"),
            ("elves-mpi", [*hub, *archive, "stray"], "follows no option"),
            ("elves-mpi", [*archive], "--corpus"),
            ("elves-mpi", [*hub, *archive, "--level", "best"], "--level"),
            ("elves-mpi", [*hub, *archive, "--stages", "hd,magic"], "magic"),
            ("elves-mpi", [*hub, *archive, "--wave-bytes", "1KiB"], "--wave-bytes"),
            ("elves-mpi", [*hub, *archive, "--wave-bytes", "many"], "--wave-bytes"),
            ("elves-mpi", [*hub, *archive, "--wave-bytes", "-5"], "--wave-bytes"),
            ("elves-mpi", [*hub, *archive, "--wave-bytes", "64GiB"], "--memory"),
            ("elves-mpi", [*hub, *archive, "--memory", "1MiB"], "--memory"),
            ("elves-mpi", [*hub, *archive, "--memory", "12 parsecs"], "--memory"),
            ("elves-mpi", [*hub, *archive, "--max-duration", "soon"], "--max-duration"),
            ("elves-mpi", [*hub, *archive, "--error-bound", "-1"], "--error-bound"),
            ("elves-mpi", [*hub, *archive, "--error-bound", "nan"], "--error-bound"),
            ("elves-mpi", [*hub, *archive, "--error-bound", "small"], "error-bound"),
            ("elves-mpi", [*hub, *archive, "--lossless", "--error-bound", "1e-3"], "--lossless"),
            ("elves-mpi", [*hub, *archive, "--threads", "0"], "--threads"),
            ("elves-mpi", [*hub, *archive, "--progress", "loud"], "--progress"),
            ("elves-mpi", [*hub, *archive, "--files-from", self.at("none")], "--files-from"),
            ("elves-mpi", [*hub, *archive, "--bases", self.at("none")], "--bases"),
            ("elves-mpi", [*hub, *archive, "--bases", self.at("bad-bases")], "line 3 "),
            ("elves-mpi", [*hub, *archive, "--config", self.at("none")], "--config"),
            ("elves-restore", [*archive], "--to"),
            ("elves-restore", ["--to", self.to], "--archive"),
            ("elves-restore", [*archive, "--to", self.to, "--threads", "x"], "threads"),
            ("elves-verify", [], "--archive"),
            ("elves-verify", [*archive, "--fast"], "fast"),
            ("elves-ls", [], "--archive"),
        ]
        for command, options, word in cases:
            with self.subTest(command=command, options=options):
                done = e2e.run(0, command, *options, expect=USAGE)
                self.assert_one_error(done, command, word)
        self.assertFalse(os.path.exists(self.archive))
        self.assertFalse(os.path.exists(self.to))

    def test_many_ranks_print_an_error_once(self):
        done = e2e.run(4, "elves-mpi", "--corpus", self.corpus, "--no-such-option", expect=USAGE)
        self.assert_one_error(done, "elves-mpi", "no-such-option")

    def test_help_and_version_need_no_other_option(self):
        for command in ("elves-mpi", "elves-restore", "elves-verify", "elves-ls"):
            done = e2e.run(2 if command == "elves-mpi" else 0, command, "--help")
            self.assertEqual(done.stdout.count("usage: "), 1)
            self.assertIn("Exit codes", done.stdout)
            self.assertRegex(e2e.run(0, command, "--version").stdout, rf"^{command} \d+\.\d+\.\d+\n$")


class ArchivePlace(BadInput):
    def test_no_permission_to_write(self):
        prefix = without_root()
        self.small_hub()
        os.makedirs(self.archive)
        os.chmod(self.archive, 0o555)
        for ranks in (0, 2):
            self.fails(self.archive, "Permission denied", ranks=ranks, prefix=prefix)
        self.assertEqual(os.listdir(self.archive), [])
        self.archive = os.path.join(self.archive, "below")
        self.fails(self.archive, "Permission denied", prefix=prefix)

    def test_no_permission_to_add_to_an_archive(self):
        prefix = without_root()
        hub = self.small_hub()
        e2e.archive(2, self.corpus, self.archive)
        hub.write("acme/one/new.txt", "new")
        os.chmod(self.archive, 0o555)
        before = e2e.snapshot(self.archive)
        self.fails(self.archive, "Permission denied", prefix=prefix)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.archive)), [])
        e2e.verify(2, self.archive, prefix=prefix)  # reading needs no permission to write

    def test_a_directory_of_other_things(self):
        self.small_hub()
        os.makedirs(self.archive)
        with open(os.path.join(self.archive, "thesis.txt"), "w") as file:
            file.write("mine")
        self.fails(self.archive, "not an elves archive")
        self.assertEqual(os.listdir(self.archive), ["thesis.txt"])

    def test_a_file(self):
        self.small_hub()
        with open(self.archive, "w") as file:
            file.write("mine")
        self.fails(self.archive)
        with open(self.archive) as file:
            self.assertEqual(file.read(), "mine")

    def test_inside_the_corpus(self):
        self.small_hub()
        for place in ("archive", "acme/one/deeper/archive", "."):
            self.archive = os.path.join(self.corpus, place)
            self.fails("inside the corpus")
        self.assertFalse(os.path.exists(os.path.join(self.corpus, "archive")))
        os.symlink(self.corpus, self.at("alias"))
        self.archive = os.path.join(self.at("alias"), "archive")
        self.fails("inside the corpus")

    def test_no_archive_to_read(self):
        os.makedirs(self.at("empty"))
        for place in (self.at("missing"), self.at("empty")):
            for command, options in (("elves-restore", ["--to", self.to]), ("elves-verify", []), ("elves-ls", [])):
                done = e2e.run(0, command, "--archive", place, *options, expect=FAILED)
                self.assert_one_error(done, command, place, "not an elves archive")
        self.assertFalse(os.path.exists(self.to))
        self.assertEqual(os.listdir(self.at("empty")), [])

    def all_commands_fail(self, *words):
        self.fails(*words)
        for command, options in (("elves-restore", ["--to", self.to]), ("elves-verify", []), ("elves-ls", [])):
            done = e2e.run(0, command, "--archive", self.archive, *options, expect=FAILED)
            self.assert_one_error(done, command, *words)
        self.assertFalse(os.path.exists(self.to))

    def change_identity(self, **changes):
        path = os.path.join(self.archive, "archive.json")
        with open(path) as file:
            identity = json.load(file)
        identity.update(changes)
        with open(path, "w") as file:
            json.dump(identity, file)

    def test_an_archive_of_a_newer_version(self):
        self.small_hub()
        e2e.archive(1, self.corpus, self.archive)
        self.change_identity(version=99)
        self.all_commands_fail("version 99", "newer elves")

    def test_an_archive_with_a_damaged_identity(self):
        self.small_hub()
        e2e.archive(1, self.corpus, self.archive)
        for changes in ({"format": "zip"}, {"hash_secret": "00"}, {"hash_secret": 7}, {"part_bytes": 0}, {"version": "one"}, {"format": 5}):
            with self.subTest(changes=changes):
                path = os.path.join(self.archive, "archive.json")
                with open(path) as file:
                    whole = file.read()
                self.change_identity(**changes)
                done = e2e.run(0, "elves-verify", "--archive", self.archive, expect=FAILED)
                self.assert_one_error(done, "elves-verify", "archive.json", "damaged")
                with open(path, "w") as file:
                    file.write(whole)
        with open(path, "w") as file:
            file.write(whole[:40])
        self.all_commands_fail("archive.json", "damaged")

    def test_a_shard_of_a_newer_version(self):
        self.small_hub()
        e2e.archive(1, self.corpus, self.archive)
        with h5py.File(os.path.join(self.archive, "shard-00000000.h5"), "r+") as shard:
            shard.attrs.modify("version", np.uint64(7))
        words = ("shard-00000000.h5", "version 7", "newer elves")
        self.fails(*words)
        for command, options in (("elves-restore", ["--to", self.to]), ("elves-ls", [])):
            done = e2e.run(0, command, "--archive", self.archive, *options, expect=FAILED)
            self.assert_one_error(done, command, *words)
        done = e2e.verify(2, self.archive, expect=DIFFERENT)
        self.assert_one_error(done, "elves-verify", *words)

    def test_a_shard_of_another_archive(self):
        self.small_hub()
        e2e.archive(1, self.corpus, self.archive)
        e2e.archive(1, self.corpus, self.at("other"))
        shutil.copy(os.path.join(self.at("other"), "shard-00000000.h5"), self.archive)
        self.fails("shard-00000000.h5", "another archive")

    def test_a_report_that_cannot_be_written(self):
        self.small_hub()
        for report in ("nowhere/report.json", "corpus/report.json", ""):
            self.fails("--report", self.at(report), options=["--report", self.at(report)])
            self.assertFalse(os.path.exists(self.archive), "found out before the work")
        self.assertEqual(e2e.leftovers(self.corpus), ["acme"])


class Locks(BadInput):
    def hold(self, text="process 4711 on elsewhere since 2026-01-01 00:00:00 UTC\n"):
        """Holds the kernel lock of the archive as another process would."""
        file = open(os.path.join(self.archive, "lock"), "w+")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        fcntl.fcntl(file.fileno(), fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        return file

    def setUp(self):
        super().setUp()
        self.hub = self.small_hub()
        e2e.archive(2, self.corpus, self.archive)
        self.hub.write("acme/one/new.txt", "new")

    def test_a_locked_archive_is_refused_and_its_holder_named(self):
        self.hold()
        before = e2e.snapshot(self.archive)
        for ranks in (0, 3):
            self.fails("locked", "process 4711 on elsewhere since 2026-01-01", ranks=ranks, expect=LOCKED)
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.archive)), [])

    def test_a_lock_whose_holder_cannot_be_read_is_refused(self):
        self.hold("")
        self.fails("locked", "another job", expect=LOCKED)

    def test_reading_needs_no_lock(self):
        self.hold()
        e2e.verify(2, self.archive)
        e2e.restore(2, self.archive, self.to)
        e2e.listing(self.archive)

    def test_break_lock_takes_it(self):
        self.hold()
        report = e2e.archive(2, self.corpus, self.archive, "--break-lock")
        self.assertEqual(report["corpus"]["files_archived"], 1)
        self.assertEqual(e2e.leftovers(self.archive), [])

    def test_a_lock_that_its_holder_released_is_taken(self):
        self.hold().close()
        os.utime(os.path.join(self.archive, "lock"), (0, 0))
        e2e.archive(2, self.corpus, self.archive)
        self.assertEqual(e2e.leftovers(self.archive), [])

    def test_a_recent_lock_of_another_host_is_kept_where_the_kernel_has_no_lock(self):
        self.hold().close()
        self.fails("locked", "elsewhere", "--break-lock", expect=LOCKED)
        e2e.archive(2, self.corpus, self.archive, "--break-lock")

    def test_two_jobs_at_once(self):
        e2e.many_models(self.corpus, 12)
        first = e2e.start(2, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--progress", "none")
        lock = os.path.join(self.archive, "lock")
        self.assertTrue(e2e.wait_until(lambda: os.path.exists(lock) and os.path.getsize(lock) > 0 or first.poll() is not None))
        ranks = [pid for pid in e2e.descendants(first.pid) if e2e.is_running(pid)]
        for pid in ranks:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.assertIsNone(first.poll(), "the job ended before it was halted")
            self.fails("locked", socket.gethostname(), "process", expect=LOCKED)
        finally:
            for pid in ranks:
                os.kill(pid, signal.SIGCONT)
        self.assertEqual(e2e.finish(first).returncode, DONE)
        e2e.verify(2, self.archive)
        self.assertEqual(e2e.leftovers(self.archive), [])


class DamagedArchive(BadInput):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hub = e2e.many_models(os.path.join(cls.shared, "hub"), 8, layers_each=2)  # 16 MiB in four shards
        cls.whole = os.path.join(cls.shared, "whole.elves")
        e2e.archive(2, cls.hub.root, cls.whole, "--lossless", "--wave-bytes", "4MiB")

    def setUp(self):
        super().setUp()
        self.corpus = self.hub.root
        shutil.copytree(self.whole, self.archive)
        self.shards = e2e.shards(self.archive)
        self.assertEqual(len(self.shards), 4)

    def shard(self, number):
        return os.path.join(self.archive, self.shards[number])

    def flip(self, number, at, bit=0x10):
        with open(self.shard(number), "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ bit]))

    def range_of(self, number, dataset):
        """The first byte of a dataset in its shard, and its size."""
        with h5py.File(self.shard(number), "r") as shard:
            return shard[dataset].id.get_offset(), shard[dataset].nbytes

    def assert_only_right_files(self, *, ranks=0, codes=(FAILED, SOME_SKIPPED)):
        """Restores, and checks that every restored file is as archived. Returns the lines of elves and the missing paths."""
        shutil.rmtree(self.to, ignore_errors=True)
        done = e2e.finish(e2e.start(ranks, "elves-restore", "--archive", self.archive, "--to", self.to))
        self.assertIn(done.returncode, codes, done.stderr)
        original = {path: entry for path, entry in e2e.snapshot(self.corpus)[0].items() if "sha256" in entry}
        found = {}
        if os.path.isdir(self.to):
            found = {path: entry for path, entry in e2e.snapshot(self.to)[0].items() if "sha256" in entry}
        for path, entry in found.items():
            self.assertEqual(entry["sha256"], original[path]["sha256"], path)
        return e2e.said(done, "elves-restore"), {os.fsdecode(path) for path in set(original) - set(found)}

    def test_a_flipped_byte_of_the_payload_loses_one_file_which_is_named(self):
        begin, size = self.range_of(1, "payload")
        self.flip(1, begin + size // 2)
        done = e2e.verify(2, self.archive, expect=DIFFERENT)
        self.assert_one_error(done, "elves-verify", self.shards[1], "layer", "checksum")
        said, missing = self.assert_only_right_files(ranks=2, codes=[SOME_SKIPPED])
        self.assertEqual(len(missing), 1)
        self.assertEqual(len(said), 1)
        self.assertTrue(said[0].startswith(missing.pop()), said)
        self.assertIn("checksum", said[0])

    def test_a_flipped_last_byte_of_the_payload_is_found(self):
        begin, size = self.range_of(2, "payload")
        self.flip(2, begin + size - 1, bit=1)
        e2e.verify(1, self.archive, expect=DIFFERENT)
        _, missing = self.assert_only_right_files(codes=[SOME_SKIPPED])
        self.assertEqual(len(missing), 1)

    def test_a_flipped_byte_of_any_table_is_found(self):
        for dataset in ("chunks", "layers", "extents", "files", "models", "names"):
            with self.subTest(dataset=dataset):
                begin, size = self.range_of(0, dataset)
                if dataset == "names":
                    size = self.first_sketch(0)
                at = begin + size // 2
                self.flip(0, at)
                try:
                    done = e2e.verify(0, self.archive, expect=DIFFERENT)
                    self.assertTrue(any(self.shards[0] in line for line in e2e.said(done, "elves-verify")), done.stderr)
                    said, _ = self.assert_only_right_files()
                    self.assertTrue(said)
                    self.assertTrue(any("damaged" in line for line in said), said)
                finally:
                    self.flip(0, at)
        e2e.verify(1, self.archive)

    def first_sketch(self, shard):
        """The offset of the first sketch in /names, behind all names that restoring needs."""
        with h5py.File(self.shard(shard), "r") as file:
            return int(min(file["sketches"]["name_offset"]))

    def test_a_damaged_sketch_is_found_and_loses_no_file(self):
        begin, _ = self.range_of(0, "names")
        self.flip(0, begin + self.first_sketch(0))
        done = e2e.verify(2, self.archive, expect=DIFFERENT)
        self.assert_one_error(done, "elves-verify", self.shards[0], "sketch")
        _, missing = self.assert_only_right_files(codes=[0])
        self.assertEqual(missing, set())

    def test_a_change_of_any_byte_of_a_row_is_found(self):
        begin, size = self.range_of(3, "files")
        with h5py.File(self.shard(3), "r") as shard:
            row = shard["files"].dtype.itemsize
        for at in range(0, row, 9):
            self.flip(3, begin + at)
            try:
                e2e.run(0, "elves-verify", "--archive", self.archive, expect=DIFFERENT)
            finally:
                self.flip(3, begin + at)

    def test_a_damaged_archive_is_not_added_to(self):
        begin, size = self.range_of(1, "layers")
        self.flip(1, begin + size // 2)
        before = e2e.snapshot(self.archive)
        self.fails(self.shards[1], "damaged")
        self.assertEqual(e2e.differences(before, e2e.snapshot(self.archive)), [])

    def test_a_truncated_shard(self):
        size = os.path.getsize(self.shard(2))
        for length in (size - 1, size // 2, 100, 0):
            with self.subTest(length=length):
                shutil.copy(os.path.join(self.whole, self.shards[2]), self.archive)
                os.truncate(self.shard(2), length)
                done = e2e.verify(0, self.archive, expect=DIFFERENT)
                self.assertTrue(any(self.shards[2] in line for line in e2e.said(done, "elves-verify")), done.stderr)
                said, missing = self.assert_only_right_files()
                self.assertTrue(said and missing)
                self.assertTrue(any(self.shards[2] in line for line in said), said)

    def test_a_shard_that_is_missing_from_the_middle(self):
        os.remove(self.shard(1))
        done = e2e.verify(2, self.archive, expect=DIFFERENT)
        self.assertTrue(any(self.shards[1] in line for line in e2e.said(done, "elves-verify")), done.stderr)
        said, missing = self.assert_only_right_files()
        self.assertTrue(any(self.shards[1] in line for line in said), said)

    def test_a_shard_under_the_name_of_another(self):
        shutil.copy(self.shard(0), self.shard(1))
        done = e2e.verify(2, self.archive, expect=DIFFERENT)
        self.assertTrue(any(self.shards[1] in line for line in e2e.said(done, "elves-verify")), done.stderr)

    def test_a_shard_without_its_completion_mark(self):
        with h5py.File(self.shard(3), "r+") as shard:
            del shard.attrs["complete"]
        done = e2e.verify(2, self.archive, expect=DIFFERENT)
        self.assert_one_error(done, "elves-verify", self.shards[3], "complete")


@needs_root
class FullDisk(BadInput):
    """A full file system is one clear error for all ranks, and damages nothing."""

    def setUp(self):
        super().setUp()
        self.disk = self.at("disk")
        os.makedirs(self.disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self.disk], capture_output=True).returncode != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)

    def grow_disk(self):
        subprocess.run(["mount", "-o", "remount,size=200m", self.disk], check=True)

    def test_the_archive_does_not_fit(self):
        e2e.many_models(self.corpus, 5)  # 20 MiB
        self.archive = os.path.join(self.disk, "archive")
        for ranks in (1, 2, 3):
            for wave in ("4MiB", "64MiB"):
                with self.subTest(ranks=ranks, wave=wave):
                    shutil.rmtree(self.archive, ignore_errors=True)
                    self.fails("No space left", "shard-", ranks=ranks, options=["--lossless", "--wave-bytes", wave])
                    self.assertEqual(e2e.leftovers(self.archive), [])
                    e2e.verify(1, self.archive)
        committed = e2e.shards(self.archive)
        self.grow_disk()
        e2e.archive(3, self.corpus, self.archive, "--lossless", "--wave-bytes", "64MiB")
        self.assertLessEqual(set(committed), set(e2e.shards(self.archive)))
        e2e.verify(2, self.archive, "--against", self.corpus)
        e2e.restore(2, self.archive, self.to)
        self.assert_same_tree(self.corpus, self.to)

    def test_earlier_commits_stay(self):
        e2e.many_models(self.corpus, 5)
        self.archive = os.path.join(self.disk, "archive")
        self.fails("No space left", options=["--lossless", "--wave-bytes", "4MiB"])
        before = e2e.snapshot(self.archive)[0]
        self.assertGreater(len(e2e.shards(self.archive)), 0)
        self.grow_disk()
        report = e2e.archive(2, self.corpus, self.archive, "--lossless", "--wave-bytes", "4MiB")
        self.assertGreater(report["corpus"]["files_unchanged"], 0)
        after = e2e.snapshot(self.archive)[0]
        for path, entry in before.items():
            self.assertEqual(after[path], entry, path)
        e2e.verify(2, self.archive, "--against", self.corpus)

    def test_the_restored_files_do_not_fit(self):
        e2e.many_models(self.corpus, 5)
        e2e.archive(2, self.corpus, self.archive, "--lossless")
        to = os.path.join(self.disk, "restored")
        done = e2e.restore(2, self.archive, to, expect=SOME_SKIPPED)
        said = e2e.said(done, "elves-restore")
        self.assertTrue(said and all("No space left" in line for line in said), said)
        original = e2e.snapshot(self.corpus)[0]
        for path, entry in e2e.snapshot(to)[0].items():
            self.assertNotIn(b".elves-", path)
            if "sha256" in entry:
                self.assertEqual(entry["sha256"], original[path]["sha256"], path)
        self.grow_disk()
        e2e.restore(2, self.archive, to, "--force")
        self.assert_same_tree(self.corpus, to)


if __name__ == "__main__":
    e2e.main()
