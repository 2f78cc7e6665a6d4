"""A job that is killed loses at most its unfinished wave: the same command finishes the archive, and no commit is lost."""

import hashlib
import os
import random
import shutil
import time

import elves_e2e as e2e

KILLS = 20
FEWEST_HITS = 5
SEED = 20260113


class Kill(e2e.EndToEnd):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.corpus = os.path.join(cls.shared, "hub")
        e2e.make_hub(cls.corpus)
        cls.many = e2e.many_models(os.path.join(cls.corpus, "many"), 8, layers_each=2)

    def setUp(self):
        super().setUp()
        self.archive, self.to = self.at("archive"), self.at("restored")
        self.random = random.Random(SEED)

    def start(self, ranks):
        return e2e.start(ranks, "elves-mpi", "--corpus", self.corpus, "--archive", self.archive, "--lossless", "--wave-bytes", "4MiB",
                         "--progress", "none")

    def full_run_seconds(self, ranks):
        """(seconds of a whole job, seconds from its start to its first shard)."""
        begin = time.monotonic()
        job = self.start(ranks)
        self.assertTrue(e2e.wait_until(lambda: e2e.shards(self.archive)))
        first_shard = time.monotonic() - begin
        self.assertEqual(e2e.finish(job).returncode, e2e.DONE)
        whole = time.monotonic() - begin
        shutil.rmtree(self.archive)
        return first_shard, whole

    def kill(self, job, whole_job):
        """Kills mpirun and its ranks, or one rank only. True where that ended the job before its own end."""
        processes = e2e.descendants(job.pid)
        ranks = [pid for pid in processes if e2e.is_running(pid)]
        if whole_job:
            victims = [job.pid, *ranks]
            self.random.shuffle(victims)
        else:
            victims = [self.random.choice(ranks)] if ranks else []
        for pid in victims:
            e2e.kill_quietly(pid)
        done = e2e.finish(job)
        self.assertTrue(e2e.wait_until(lambda: not any(map(e2e.is_running, ranks)), step=0.01), "ranks still run after the job ended")
        return done.returncode != e2e.DONE

    def committed(self):
        """{shard: digest of its bytes}. A job that runs may write and rename other files meanwhile."""
        found = {}
        for name in e2e.shards(self.archive):
            with open(os.path.join(self.archive, name), "rb") as file:
                found[name] = hashlib.sha256(file.read()).hexdigest()
        return found

    def assert_commits_stay(self, before):
        after = self.committed()
        self.assertEqual({name: after.get(name) for name in before}, before, "a commit was lost or written again")
        return after

    def finish_and_check(self, ranks):
        before = self.committed()
        done = e2e.finish(self.start(ranks))
        self.assertEqual(done.returncode, e2e.DONE, done.stderr)
        self.assert_commits_stay(before)
        self.assertEqual(e2e.leftovers(self.archive), [])
        done = e2e.verify(ranks, self.archive, "--against", self.corpus)
        self.assertIn("no difference", done.stdout)
        e2e.restore(ranks, self.archive, self.to)
        self.assert_same_tree(self.corpus, self.to)
        shutil.rmtree(self.archive)
        shutil.rmtree(self.to)

    def kill_at_random_moments(self, whole_job, ranks, n_kills):
        """Kills jobs of one archive until the archive is complete, checks it, and starts another archive; repeats."""
        first_shard, whole = self.full_run_seconds(ranks)
        hits, with_shards, finished = 0, 0, 0
        seen = {}
        for _ in range(n_kills):
            job = self.start(ranks)
            # One in four before the first commit, the others anywhere up to the end.
            begin, end = (0.0, first_shard) if self.random.random() < 0.25 else (first_shard, whole)
            time.sleep(self.random.uniform(begin, end))
            if self.kill(job, whole_job):
                hits += 1
                seen = self.assert_commits_stay(seen)
                with_shards += bool(seen)
            else:
                # The job ended before it was killed. The archive is complete; the next job gets less time.
                finished += 1
                whole = first_shard + (whole - first_shard) * 0.7
                self.finish_and_check(ranks)
                seen = {}
        if os.path.isdir(self.archive):
            if os.path.exists(os.path.join(self.archive, "archive.json")):
                e2e.verify(ranks, self.archive)  # committed shards are complete without any repair
            self.finish_and_check(ranks)
        print(f"({n_kills} kills, {hits} before the end, {with_shards} of them after a commit; {finished} jobs were faster) ", end="", flush=True)
        return hits

    def test_the_whole_job(self):
        hits = self.kill_at_random_moments(True, 3, KILLS)
        self.assertGreaterEqual(hits, FEWEST_HITS)

    def test_one_rank_of_the_job(self):
        hits = self.kill_at_random_moments(False, 3, KILLS // 2)
        self.assertGreaterEqual(hits, FEWEST_HITS // 2)

    def test_right_after_each_commit(self):
        kills = 0
        for n_shards in range(1, 100):
            job = self.start(2)
            e2e.wait_until(lambda: job.poll() is not None or len(e2e.shards(self.archive)) >= n_shards)
            before = self.committed()
            if not self.kill(job, True):
                break
            kills += 1
            self.assert_commits_stay(before)
            if kills % 3 == 0:
                e2e.verify(1, self.archive)
            if kills == 6:
                break
        self.assertGreaterEqual(kills, 3)
        self.finish_and_check(3)

    def test_files_left_by_a_killed_job_do_not_stop_the_next(self):
        os.makedirs(self.archive)
        for name in ("lock", "archive.json.tmp-4711"):
            open(os.path.join(self.archive, name), "w").close()
        self.assertEqual(e2e.finish(self.start(2)).returncode, e2e.DONE)
        with open(os.path.join(self.archive, ".tmp-shard-00000099.h5-0-0-0123456789abcdef"), "wb") as file:
            file.write(b"\x89HDF\r\n\x1a\n" + bytes(1000))
        self.finish_and_check(2)

    def test_a_killed_restore_leaves_no_partial_file_under_its_final_name(self):
        e2e.finish(self.start(2))
        original, _ = e2e.snapshot(self.corpus)
        begin = time.monotonic()
        e2e.restore(2, self.archive, self.to)
        whole = time.monotonic() - begin
        shutil.rmtree(self.to)
        for _ in range(5):
            job = e2e.start(2, "elves-restore", "--archive", self.archive, "--to", self.to, "--force")
            time.sleep(self.random.uniform(0.4, 1.0) * whole)
            self.kill(job, True)
            if not os.path.isdir(self.to):
                continue
            for path, entry in e2e.snapshot(self.to)[0].items():
                if b".elves-" not in path and "sha256" in entry:
                    self.assertEqual(entry["sha256"], original[path]["sha256"], path)
        e2e.restore(2, self.archive, self.to, "--force")
        for folder, _, files in os.walk(self.to):
            for name in files:
                if name.startswith(".elves-"):  # a partial file of the killed restore
                    os.remove(os.path.join(folder, name))
        for path in sorted(original, reverse=True):  # the removal changed the times of folders
            if original[path]["kind"] == 0o040000:
                os.utime(os.path.join(os.fsencode(self.to), path), ns=(0, original[path]["mtime_ns"]))
        self.assert_same_tree(self.corpus, self.to)


if __name__ == "__main__":
    e2e.main()
