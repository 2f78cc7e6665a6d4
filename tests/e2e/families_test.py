"""Fine-tunes are stored as deltas of their bases: the bases are found for any number of ranks and any order of archiving, and every
file is restored."""

import json
import os
import shutil
import subprocess

import h5py
import numpy as np

import elves_e2e as e2e
from elves_e2e import DIFFERENT, SOME_SKIPPED
from determinism_test import contents

ROWS = {"embed.weight": (2200, 1000), "block.0.weight": (384, 512), "block.1.weight": (512, 384), "block.2.weight": (384, 512),
        "block.0.bias": (384,), "norm.weight": (512,)}
NO_BASE = 0xFFFFFFFF


def base_values(rng):
    return {name: e2e.weights(rng, *shape) for name, shape in ROWS.items()}


def tuned(rng, values, noise):
    """The layers plus noise, whose standard deviation is `noise` times that of the weights."""
    return {name: (value + e2e.weights(rng, *value.shape, sigma=0.02 * noise)).astype(np.float32) for name, value in values.items()}


def grown(rng, values, rows):
    """The layers with `rows` more rows in the embedding."""
    more = dict(values)
    more["embed.weight"] = np.concatenate([values["embed.weight"], e2e.weights(rng, rows, ROWS["embed.weight"][1])])
    return more


def tensors(values, as_tensor=e2e.tensor):
    return {name: as_tensor(value) for name, value in values.items()}


def card(base):
    return f"---\nlicense: mit\nbase_model: {base}\n---\n# a model\n"


class FamilyHub(e2e.Tree):
    """Fine-tunes are archived before and after their base, by the order of their paths: ada < lab/base < lab/tuned < zoe."""

    def __init__(self, root, as_tensor=e2e.tensor, seed=21):
        super().__init__(root)
        rng = np.random.default_rng(seed)
        self.base = base_values(rng)
        self.models = {
            "ada/tuned-without-card": tuned(rng, self.base, 0.01),
            "lab/base": self.base,
            "lab/tuned": tuned(rng, self.base, 0.02),
            "lab/stranger": base_values(rng),
            "zoe/grown": grown(rng, tuned(rng, self.base, 0.01), 77),
        }
        for model, values in self.models.items():
            self.write_model(f"{model}/model.safetensors", tensors(values, as_tensor))
        self.write("lab/tuned/README.md", card("lab/base"))
        self.age()

    def size(self, model):
        return os.path.getsize(self.path(f"{model}/model.safetensors"))


def models_of(report):
    return {model["id"]: model for model in report["models"]}


def delta_layers(archive):
    """{(shard, row of /layers) of a delta: (base_shard, base_row)}."""
    found = {}
    for number, name in enumerate(e2e.shards(archive)):
        with h5py.File(os.path.join(archive, name), "r") as shard:
            for row, layer in enumerate(shard["layers"][()]):
                if layer["base_shard"] != NO_BASE:
                    found[number, row] = (int(layer["base_shard"]), int(layer["base_row"]))
    return found


class Families(e2e.EndToEnd):
    FINE_TUNES = ("ada/tuned-without-card", "lab/tuned", "zoe/grown")

    def sweep(self, corpus, *options, ranks=2, archive="archive", **more):
        """One wave unless `options` say otherwise: which layer of a family is the base depends on the waves."""
        if "--wave-bytes" not in options:
            options = ("--wave-bytes", "256MiB", *options)
        return e2e.archive(ranks, corpus, self.at(archive), *options, **more)

    def assert_restores(self, corpus, archive="archive", ranks=2):
        to = self.at("restored")
        shutil.rmtree(to, ignore_errors=True)
        e2e.restore(ranks, self.at(archive), to)
        self.assert_same_tree(corpus, to)
        e2e.verify(ranks, self.at(archive))

    def assert_one_family(self, report):
        """All models of the family but one have a base in it; lab/stranger has none."""
        models = models_of(report)
        family = {"lab/base", *self.FINE_TUNES}
        fine_tunes = {id for id in family if models[id]["base"] is not None}
        self.assertGreaterEqual(len(fine_tunes), len(family) - 1)
        for id in fine_tunes:
            self.assertLessEqual({row["id"] for row in models[id]["bases"]}, family)
        self.assertIsNone(models["lab/stranger"]["base"])

    def assert_bases(self, report, base="lab/base", fine_tunes=FINE_TUNES, without_base=("lab/base", "lab/stranger")):
        models = models_of(report)
        self.assertEqual({id: models[id]["base"] for id in fine_tunes}, dict.fromkeys(fine_tunes, base))
        for id in without_base:
            self.assertIsNone(models[id]["base"], id)
        for id in fine_tunes:
            self.assertGreater(sum(row["saved_bytes"] for row in models[id]["bases"]), 0.1 * models[id]["bytes"], id)
            self.assertLess(models[id]["stored_bytes"], 0.75 * models[id]["bytes"], id)


class OneSweep(Families):
    def setUp(self):
        super().setUp()
        self.hub = FamilyHub(self.at("hub"))

    def test_bases_are_found_with_and_without_lineage(self):
        report = self.sweep(self.hub.root, "--lossless")
        self.assert_bases(report)
        self.assertGreater(report["stages"]["delta"], 0)
        self.assert_restores(self.hub.root)

    def test_bases_are_found_in_other_waves(self):
        for wave_bytes in ("8MiB", "20000000"):
            with self.subTest(wave_bytes=wave_bytes):
                shutil.rmtree(self.at("archive"), ignore_errors=True)
                report = self.sweep(self.hub.root, "--lossless", "--wave-bytes", wave_bytes)
                self.assert_one_family(report)  # the model that is archived first is a base
                self.assert_restores(self.hub.root)

    def test_a_base_named_by_lineage_is_archived_in_an_earlier_wave(self):
        self.hub.write("ada/tuned-without-card/README.md", card("lab/base"))
        self.hub.write("zoe/grown/config.json", '{"_name_or_path": "lab/base"}')
        report = self.sweep(self.hub.root, "--lossless", "--wave-bytes", "8MiB")
        self.assert_bases(report)
        self.assert_restores(self.hub.root)

    def test_archives_are_equal_for_any_number_of_ranks_and_threads(self):
        for options in (["--lossless", "--wave-bytes", "8MiB"], ["--wave-bytes", "64MiB"]):
            with self.subTest(options=options):
                expected = None
                for ranks, threads in ((1, 1), (2, 2), (3, 1), (4, 1), (1, 2)):
                    name = f"{ranks}x{threads}{len(options)}"
                    os.makedirs(self.at(name))
                    if expected is not None:
                        shutil.copy(os.path.join(first, "archive.json"), self.at(name))
                    report = self.sweep(self.hub.root, "--memory", "1GiB", *options, ranks=ranks, threads=threads, archive=name)
                    first = self.at(name)
                    found = (contents(self.at(name)), {id: model["base"] for id, model in models_of(report).items()})
                    expected = expected or found
                    self.assertEqual(found[1], expected[1])
                    differ = [key for key in expected[0] if found[0].get(key) != expected[0][key]]
                    self.assertEqual(differ, [], f"{ranks} ranks with {threads} threads")
                self.assertGreater(len(delta_layers(first)), 10)

    def test_in_default_mode_deltas_decode_to_the_same_values_as_elf(self):
        report = self.sweep(self.hub.root)
        self.assert_bases(report)
        names = {row["name"] for row in report["transforms"]}
        self.assertIn("elf-delta", names)
        alone = self.sweep(self.hub.root, "--stages", "hd,elf,de,palette,planes,zstd", archive="alone")
        self.assertEqual(delta_layers(self.at("alone")), {})
        self.assertLess(report["archive"]["bytes_added"], 0.85 * alone["archive"]["bytes_added"])
        for name in ("archive", "alone"):
            e2e.restore(2, self.at(name), self.at("from-" + name))
            e2e.verify(2, self.at(name), "--against", self.hub.root)
        self.assert_same_tree(self.at("from-archive"), self.at("from-alone"))

    def test_bases_are_found_for_bf16_f16_and_f64(self):
        for kind, as_tensor in (("bf16", e2e.bfloat16), ("f16", lambda value: e2e.tensor(value.astype(np.float16))),
                                ("f64", lambda value: e2e.tensor(value.astype(np.float64)))):
            with self.subTest(kind=kind):
                hub = FamilyHub(self.at(kind), as_tensor)
                report = self.sweep(hub.root, "--lossless", archive="archive-" + kind)
                self.assert_one_family(report)
                self.assert_restores(hub.root, "archive-" + kind)

    def test_the_summary_names_bases_and_saved_bytes(self):
        done = e2e.run(2, "elves-mpi", "--corpus", self.hub.root, "--archive", self.at("archive"), "--wave-bytes", "256MiB",
                       "--progress", "none")
        line = next(line for line in done.stdout.splitlines() if line.startswith("deltas"))
        self.assertIn("in 3 models", line)
        self.assertIn("less than without a base", line)
        self.assertIn("lab/tuned from lab/base", done.stdout)

    def test_no_base_is_a_delta(self):
        self.sweep(self.hub.root, "--lossless", "--wave-bytes", "8MiB")
        deltas = delta_layers(self.at("archive"))
        self.assertGreater(len(deltas), 10)
        for (shard, row), base in deltas.items():
            self.assertNotIn(base, deltas)
            self.assertLessEqual(base[0], shard)

    def test_a_duplicate_model_has_no_base_and_stores_next_to_nothing(self):
        self.hub.write_model("zoe/same/model.safetensors", tensors(self.hub.base))
        report = self.sweep(self.hub.root, "--lossless")
        self.assertIsNone(models_of(report)["zoe/same"]["base"])
        self.assertLess(models_of(report)["zoe/same"]["stored_bytes"], 5000)


class Listing(Families):
    def test_the_listing_shows_the_tree_of_a_family_and_the_base_of_each_layer(self):
        hub = FamilyHub(self.at("hub"))
        hub.write_model("zoe/same/model.safetensors", tensors(hub.base))
        self.sweep(hub.root, "--lossless", "--wave-bytes", "64MiB")
        archive = self.at("archive")
        members = {row["model"]: row for row in json.loads(e2e.run(0, "elves-ls", "--archive", archive, "--family", "--json").stdout)["families"]}
        self.assertEqual(set(members), {"lab/base", "zoe/same", *self.FINE_TUNES})
        self.assertEqual((members["lab/base"]["base"], members["lab/base"]["depth"]), (None, 0))
        for id in self.FINE_TUNES:
            self.assertEqual((members[id]["base"], members[id]["depth"]), ("lab/base", 1))
            bits = members[id]["takes_from"][0]["bits_per_weight"]
            self.assertTrue(10 < bits < 25, bits)
            self.assertGreater(members[id]["saved_bytes"], 0.1 * hub.size(id))
            self.assertGreater(members[id]["delta_bytes"], 0.9 * hub.size(id))
        self.assertEqual((members["zoe/same"]["base"], members["zoe/same"]["duplicate_of"]), (None, "lab/base"))
        self.assertEqual(members["zoe/same"]["duplicate_bytes"], members["zoe/same"]["layer_bytes"])
        text = e2e.run(0, "elves-ls", "--archive", archive, "--family").stdout
        self.assertRegex(text, r"\n.*  lab/base\n.* \|- ada/tuned-without-card\n.* \|- lab/tuned\n.* \|- zoe/grown\n.* `- zoe/same\n")
        self.assertIn("5 models in families, 1 standalone", text)

        listed = e2e.listing(archive)
        self.assertEqual({row["id"]: row["base"] for row in listed["models"]}["lab/tuned"], "lab/base")
        layers = {(file["path"], layer["name"]): layer["base"] for file in listed["files"] for layer in file["layers"]}
        for name in ("embed.weight", "block.1.weight"):
            base = layers["zoe/grown/model.safetensors", name]
            self.assertEqual((base["model"], base["layer"]), ("lab/base", name))
            self.assertRegex(base["place"], r"^\d+:\d+$")
            self.assertIsNone(layers["lab/base/model.safetensors", name])

    def test_report_and_listing_give_the_same_bases_and_saved_bytes(self):
        hub = FamilyHub(self.at("hub"))
        hub.write_model("zoe/same/model.safetensors", tensors(hub.base))
        rng = np.random.default_rng(5)
        first = base_values(rng)
        own = {f"{name}.{i}": value for i in range(3) for name, value in tuned(rng, first, 0.01).items()}
        hub.write_model("solo/itself/model.safetensors", tensors(own))
        report = models_of(self.sweep(hub.root, "--lossless", "--wave-bytes", "64MiB"))
        models = {row["id"]: row for row in e2e.listing(self.at("archive"))["models"]}
        tree = json.loads(e2e.run(0, "elves-ls", "--archive", self.at("archive"), "--family", "--json").stdout)["families"]
        for row in tree:
            self.assertEqual(row["base"], report[row["model"]]["base"], row["model"])
            others = [base for base in report[row["model"]]["bases"] if base["id"] != row["model"]]
            self.assertEqual(row["saved_bytes"], sum(base["saved_bytes"] for base in others), row["model"])
        self.assertEqual({id: row["base"] for id, row in models.items()}, {id: report[id]["base"] for id in models})
        self.assertIsNone(models["zoe/same"]["base"])
        self.assertIsNone(models["solo/itself"]["base"])
        layers = [layer for file in e2e.listing(self.at("archive"), "solo/itself")["files"] for layer in file["layers"]]
        self.assertEqual({layer["base"]["model"] for layer in layers if layer["base"]}, {"solo/itself"})

    def test_verify_counts_deltas_and_decodes_each_base_once(self):
        hub = FamilyHub(self.at("hub"))
        self.sweep(hub.root, "--lossless", "--wave-bytes", "64MiB")
        deltas = delta_layers(self.at("archive"))
        with h5py.File(os.path.join(self.at("archive"), e2e.shards(self.at("archive"))[0]), "r") as shard:
            n_chunks = sum(int(shard["layers"][row]["n_chunks"]) for number, row in set(deltas.values()) if number == 0)
        done = e2e.verify(0, self.at("archive"))
        words = next(line for line in done.stdout.splitlines() if line.startswith("deltas ")).split()
        self.assertEqual(int(words[1]), len(deltas))
        self.assertEqual(int(words[3]), n_chunks)

    def test_family_and_layers_exclude_each_other(self):
        done = e2e.run(0, "elves-ls", "--archive", self.at("nothing"), "--family", "--layers", expect=e2e.USAGE)
        self.assertIn("--family", done.stderr)


class SeveralSweeps(Families):
    def setUp(self):
        super().setUp()
        self.hub = FamilyHub(self.at("hub"))

    def part(self, name, *models):
        """A corpus with some of the models."""
        for model in models:
            os.makedirs(os.path.dirname(self.at(f"{name}/{model}")), exist_ok=True)
            subprocess.run(["cp", "-a", self.hub.path(model), self.at(f"{name}/{model}")], check=True)
        return self.at(name)

    def assert_models_restore(self, archive, *models):
        """The restored models equal those of the hub, even if the corpus has changed."""
        to = self.at("restored-from-" + archive)
        e2e.restore(2, self.at(archive), to)
        for model in models:
            self.assertEqual(subprocess.run(["diff", "-r", self.hub.path(model), os.path.join(to, model)], capture_output=True).stdout, b"")

    def test_fine_tunes_archived_after_their_base_are_its_deltas(self):
        for ranks in (1, 3):
            archive = f"archive{ranks}"
            self.sweep(self.hub.root, "--lossless", "--include", "lab/base", ranks=ranks, archive=archive)
            report = self.sweep(self.hub.root, "--lossless", ranks=ranks, archive=archive)
            self.assert_bases(report, without_base=["lab/stranger"])
            self.assert_restores(self.hub.root, archive, ranks)

    def test_a_base_archived_after_its_fine_tune_is_a_delta_of_it(self):
        first = self.sweep(self.hub.root, "--lossless", "--include", "lab/tuned")
        self.assertIsNone(models_of(first)["lab/tuned"]["base"])
        report = self.sweep(self.hub.root, "--lossless")
        models = models_of(report)
        # The base is a delta of the archived fine-tune; the other fine-tunes are deltas of the nearest model.
        self.assertEqual(models["lab/base"]["base"], "lab/tuned")
        self.assertEqual(models["ada/tuned-without-card"]["base"], "lab/tuned")
        self.assertIsNone(models["lab/stranger"]["base"])
        self.assert_restores(self.hub.root)

    def test_a_base_that_left_the_corpus_is_still_a_base(self):
        for options in (["--lossless"], []):
            with self.subTest(options=options):
                archive = "archive" + "".join(options)
                corpus = self.part("corpus" + "".join(options), "lab/base", "lab/stranger")
                self.sweep(corpus, *options, archive=archive)
                shutil.rmtree(os.path.join(corpus, "lab/base"))
                self.part("corpus" + "".join(options), *self.FINE_TUNES)
                report = self.sweep(corpus, *options, archive=archive)
                self.assert_bases(report, without_base=[])
                if options:
                    self.assert_models_restore(archive, "lab/base", "lab/stranger", *self.FINE_TUNES)
                shutil.copytree(self.hub.path("lab/base"), os.path.join(corpus, "lab/base"))
                e2e.verify(2, self.at(archive), "--against", corpus)

    def test_a_lossless_base_serves_a_lossy_sweep_and_a_lossy_base_a_lossless_one(self):
        for first, second in ((["--lossless"], []), ([], ["--lossless"])):
            archive = "archive-" + "".join(first or ["loss"])
            corpus = self.part("part" + archive, "lab/base")
            self.sweep(corpus, *first, archive=archive)
            shutil.rmtree(os.path.join(corpus, "lab/base"))
            self.part("part" + archive, "lab/tuned", "zoe/grown")
            report = self.sweep(corpus, *second, archive=archive)
            self.assert_bases(report, fine_tunes=["lab/tuned", "zoe/grown"], without_base=[])
            e2e.verify(2, self.at(archive))
            if second:
                self.assert_models_restore(archive, "lab/tuned", "zoe/grown")


class Lineage(Families):
    """Bases named by models, rightly and wrongly."""

    def setUp(self):
        super().setUp()
        self.hub = FamilyHub(self.at("hub"))

    def notes(self, report):
        return {note["model"]: note["note"] for note in report["notes"]}

    def test_wrong_lineage_changes_no_base(self):
        self.hub.write("lab/tuned/README.md", card("nobody/nothing"))
        self.hub.write("lab/base/README.md", card("lab/base"))
        self.hub.write("ada/tuned-without-card/config.json", '{"_name_or_path": "zoe/grown"}')
        self.hub.write("zoe/grown/adapter_config.json", '{"base_model_name_or_path": "ada/tuned-without-card"}')
        self.hub.write("lab/stranger/README.md", card("lab/base"))
        report = self.sweep(self.hub.root, "--lossless")
        notes = self.notes(report)
        self.assertEqual(set(notes), {"ada/tuned-without-card", "lab/stranger", "zoe/grown"}, "nobody can act on the others")
        for model, base in (("ada/tuned-without-card", "zoe/grown"), ("zoe/grown", "ada/tuned-without-card"), ("lab/stranger", "lab/base")):
            self.assertIn(f"names {base} as its base", notes[model])
        self.assert_bases(report)
        self.assert_restores(self.hub.root)

    def test_a_named_base_with_other_shapes_is_not_used(self):
        rng = np.random.default_rng(5)
        self.hub.write_model("lab/other/model.safetensors", {name: e2e.tensor(e2e.weights(rng, 100, 77)) for name in ROWS})
        self.hub.write("lab/other/README.md", card("lab/base"))
        report = self.sweep(self.hub.root, "--lossless")
        self.assertIsNone(models_of(report)["lab/other"]["base"])
        self.assertIn("lab/base", self.notes(report)["lab/other"])
        self.assert_restores(self.hub.root)

    def test_content_overrides_a_wrong_list_of_bases(self):
        with open(self.at("bases.tsv"), "w") as file:
            file.write("# model\tbase\nlab/stranger\tlab/base\nlab/tuned\tlab/stranger\n")
        report = self.sweep(self.hub.root, "--lossless", "--bases", self.at("bases.tsv"))
        self.assert_bases(report)
        self.assert_restores(self.hub.root)

    def test_a_layer_too_small_for_a_sketch_takes_the_base_of_its_model(self):
        self.sweep(self.hub.root, "--lossless")
        rows = {}
        for file in e2e.listing(self.at("archive"))["files"]:
            for layer in file.get("layers", []):
                rows[file["path"], layer["name"]] = layer["transform"]
        for model in ("lab/tuned", "ada/tuned-without-card"):
            self.assertEqual(rows[f"{model}/model.safetensors", "norm.weight"], "delta", model)


class Damage(Families):
    def test_deltas_of_a_damaged_base_are_named_and_other_files_are_restored(self):
        hub = FamilyHub(self.at("hub"))
        self.sweep(hub.root, "--lossless")
        archive = self.at("archive")
        deltas = delta_layers(archive)
        base = next(iter(deltas.values()))
        with h5py.File(os.path.join(archive, e2e.shards(archive)[base[0]]), "r") as shard:
            layer = shard["layers"][base[1]]
            chunk = shard["chunks"][int(layer["first_chunk"])]
            at = shard["payload"].id.get_offset() + int(chunk["payload_offset"]) + int(chunk["encoded_bytes"]) // 2
        with open(os.path.join(archive, e2e.shards(archive)[base[0]]), "r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 0x10]))
        fine_tunes = [place for place, its_base in deltas.items() if its_base == base]
        self.assertGreater(len(fine_tunes), 0)
        done = e2e.verify(2, archive, expect=DIFFERENT)
        for shard, row in fine_tunes:
            self.assertIn(f"layer {row}", done.stdout + done.stderr)
        done = e2e.restore(2, archive, self.at("to"), expect=SOME_SKIPPED)
        differ = e2e.tree_equal(hub.root, self.at("to"))
        missing = {line.split(":")[0].strip("'b\"") for line in differ if "only in the first" in line}
        self.assertIn("lab/base/model.safetensors", missing)
        self.assertIn("lab/tuned/model.safetensors", missing)
        self.assertNotIn("lab/stranger/model.safetensors", missing)
        for path in missing:
            self.assertIn(path, done.stdout + done.stderr)


class Chunks(Families):
    """Deltas subtract what decoding the base gives, for lossy and exact chunks of both."""

    def test_an_exact_chunk_may_have_a_lossy_base(self):
        # Standard deviations just above and just below the limit where ELF would leave less than 70 dB and is not used.
        rng = np.random.default_rng(9)
        hub = e2e.Tree(self.at("hub"))
        strong = e2e.weights(rng, 600, 512, sigma=1.12e-4)
        weak = strong * np.float32(0.95)
        for model, values in (("a/strong", strong), ("b/weak", weak), ("c/weaker", weak * np.float32(1.0001)), ("d/strong-too", strong * np.float32(1.0001))):
            hub.write_model(f"{model}/model.safetensors", {"w": e2e.tensor(values)})
        hub.age()
        self.sweep(hub.root, "--verify")
        e2e.verify(2, self.at("archive"), "--against", hub.root)
        e2e.restore(2, self.at("archive"), self.at("to"))
        for model, same in (("a/strong", False), ("b/weak", True), ("c/weaker", True)):
            path = f"{model}/model.safetensors"
            with open(hub.path(path), "rb") as before, open(self.at("to/" + path), "rb") as after:
                self.assertEqual(before.read() == after.read(), same, model)

    def test_special_values_in_base_and_fine_tune(self):
        rng = np.random.default_rng(10)
        odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, -1.0, 0.99999994, -0.99999994, 0.9999999, 5e-324, 1e-42, -1e-39, 3e38], np.float64)
        n_deltas = 0
        for kind in (np.float32, np.float16, np.float64):
            base = e2e.weights(rng, 700, 900).astype(kind)
            tuned_values = (base + e2e.weights(rng, 700, 900, sigma=1e-4)).astype(kind)
            with np.errstate(over="ignore"):
                base.reshape(-1)[::997] = np.resize(odd, base.size)[::997].astype(kind)
                tuned_values.reshape(-1)[::499] = np.resize(odd[::-1], base.size)[::499].astype(kind)
            hub = e2e.Tree(self.at(kind.__name__))
            hub.write_model("a/base/model.safetensors", {"w": e2e.tensor(base)})
            hub.write_model("b/tuned/model.safetensors", {"w": e2e.tensor(tuned_values)})
            hub.age()
            for options in (["--lossless"], []):
                archive = kind.__name__ + "".join(options) + "-archive"
                self.sweep(hub.root, "--verify", *options, archive=archive)
                n_deltas += len(delta_layers(self.at(archive)))
                e2e.verify(2, self.at(archive), "--against", hub.root)
                if options:
                    self.assert_restores(hub.root, archive)
        self.assertGreaterEqual(n_deltas, 3)

    def test_deltas_pass_verification_while_archiving(self):
        hub = FamilyHub(self.at("hub"))
        for options in (["--lossless"], []):
            archive = "archive" + "".join(options)
            self.sweep(hub.root, "--verify", "--wave-bytes", "8MiB", *options, archive=archive)
            self.assertGreater(len(delta_layers(self.at(archive))), 10)
            e2e.verify(2, self.at(archive), "--against", hub.root)

    def test_equal_layers_are_restored_when_deduplication_is_off(self):
        hub = FamilyHub(self.at("hub"))
        hub.write_model("zoe/same/model.safetensors", tensors(hub.base))
        hub.age()
        self.sweep(hub.root, "--lossless", "--stages", "elf,de,palette,planes,delta,zstd", "--wave-bytes", "8MiB")
        self.assert_restores(hub.root)

    def test_a_stored_delta_serves_as_duplicate_of_equal_layers(self):
        hub = FamilyHub(self.at("hub"))
        self.sweep(hub.root, "--lossless", "--include", "lab/base")
        self.sweep(hub.root, "--lossless", "--include", "lab/tuned")
        hub.write_model("zoe/same/model.safetensors", tensors(hub.models["lab/tuned"]))
        hub.write_model("zoe/turned/model.safetensors", {name: e2e.tensor(value.reshape(value.shape[::-1])) for name, value in hub.models["lab/tuned"].items()})
        hub.age()
        report = self.sweep(hub.root, "--lossless")
        self.assertLess(models_of(report)["zoe/same"]["stored_bytes"], 5000)
        self.assertLess(models_of(report)["zoe/turned"]["stored_bytes"], 5000)
        self.assert_restores(hub.root)

    def test_deltas_of_layers_with_more_or_fewer_rows_than_their_base(self):
        rng = np.random.default_rng(12)
        hub = e2e.Tree(self.at("hub"))
        base = e2e.weights(rng, 2200, 1024)
        for rows in (1, 1023, 1024, 1025, 2047, 2048, 2049, 2200, 2300, 3073):
            more = e2e.weights(rng, max(0, rows - 2200), 1024)
            values = np.concatenate([base[:rows], more])
            if rows != 2200:
                values = values + e2e.weights(rng, *values.shape, sigma=1e-4)
            hub.write_model(f"m{rows:04d}/model.safetensors", {"embed.weight": e2e.tensor(values)})
        hub.age()
        for wave_bytes in ("8MiB", "64MiB"):
            archive = "archive" + wave_bytes
            self.sweep(hub.root, "--lossless", "--memory", "1GiB", "--wave-bytes", wave_bytes, "--include", "m2200", archive=archive)
            expected = self.at(archive) + "-4"
            shutil.copytree(self.at(archive), expected)
            self.sweep(hub.root, "--lossless", "--verify", "--memory", "1GiB", "--wave-bytes", wave_bytes, ranks=1, threads=2, archive=archive)
            self.sweep(hub.root, "--lossless", "--verify", "--memory", "1GiB", "--wave-bytes", wave_bytes, ranks=4, archive=archive + "-4")
            found, others = contents(self.at(archive)), contents(expected)
            self.assertEqual([key for key in {**found, **others} if found.get(key) != others.get(key)], [])
            self.assertGreater(len(delta_layers(self.at(archive))), 5)
            self.assert_restores(hub.root, archive)


class Interrupted(Families):
    """Sweeps that are killed, and bases that change during a sweep."""

    WAVES = ["--lossless", "--wave-bytes", "4MiB", "--progress", "none"]

    def make_hub(self, n_models=12):
        rng = np.random.default_rng(13)
        hub = e2e.Tree(self.at("hub"))
        base = e2e.weights(rng, 700, 1024)
        for i in range(n_models):
            hub.write_model(f"m{i:02d}/model.safetensors", {"w": e2e.tensor(base + e2e.weights(rng, 700, 1024, sigma=1e-4 if i else 0))})
        hub.age()
        return hub

    def start(self, hub, ranks=2):
        return e2e.start(ranks, "elves-mpi", "--corpus", hub.root, "--archive", self.at("archive"), *self.WAVES)

    def test_a_killed_sweep_is_resumed_with_the_same_base(self):
        hub = self.make_hub()
        for n_shards in (1, 2, 4, 7):
            job = self.start(hub)
            e2e.wait_until(lambda: job.poll() is not None or len(e2e.shards(self.at("archive"))) >= n_shards)
            for pid in [job.pid, *e2e.descendants(job.pid)]:
                e2e.kill_quietly(pid)
            e2e.finish(job)
            e2e.verify(2, self.at("archive"))
        self.assertEqual(e2e.finish(self.start(hub, 3)).returncode, e2e.DONE)
        deltas = delta_layers(self.at("archive"))
        self.assertEqual(len(deltas), 11)
        self.assertEqual(set(deltas.values()), {(0, 1)})  # row 0 is the header
        self.assert_restores(hub.root)

    def test_a_base_that_changes_during_the_sweep_damages_no_other_model(self):
        hub = self.make_hub()
        whole = self.at("whole")
        subprocess.run(["cp", "-a", hub.root, whole], check=True)
        for how in ("replaced", "overwritten", "cut", "removed"):
            with self.subTest(how=how):
                shutil.rmtree(self.at("archive"), ignore_errors=True)
                job = self.start(hub)
                self.assertTrue(e2e.wait_until(lambda: job.poll() is not None or len(e2e.shards(self.at("archive"))) >= 2))
                path = hub.path("m00/model.safetensors")
                if how == "replaced":
                    with open(path + ".new", "wb") as file:
                        file.write(bytes(os.path.getsize(path)))
                    os.replace(path + ".new", path)
                elif how == "overwritten":
                    with open(path, "r+b") as file:
                        file.write(os.urandom(os.path.getsize(path)))
                elif how == "cut":
                    os.truncate(path, 1000)
                else:
                    os.remove(path)
                done = e2e.finish(job)
                self.assertEqual(done.returncode, e2e.DONE, done.stderr)
                e2e.verify(2, self.at("archive"))
                e2e.restore(2, self.at("archive"), self.at("to"))
                for i in range(12):
                    model = f"m{i:02d}"
                    self.assertEqual(subprocess.run(["diff", "-r", os.path.join(whole, model), self.at("to/" + model)], capture_output=True).returncode, 0, model)
                shutil.rmtree(self.at("to"))
                subprocess.run(["cp", "-a", os.path.join(whole, "m00/model.safetensors"), path], check=True)


class ManyShards(Families):
    def test_bases_in_many_shards_need_few_open_files(self):
        rng = np.random.default_rng(14)
        bases = [e2e.weights(rng, 530, 1024) for _ in range(90)]  # two of them make a wave
        corpus = e2e.Tree(self.at("corpus"))
        for i, base in enumerate(bases):
            corpus.write_model(f"a{i:02d}/model.safetensors", {"w": e2e.bfloat16(np.concatenate([base, base[::-1]]))})
        few = ("prlimit", "--nofile=90")
        self.sweep(corpus.root, "--lossless", "--wave-bytes", "4MiB", ranks=0, prefix=few)
        self.assertGreaterEqual(len(e2e.shards(self.at("archive"))), 45)
        shutil.rmtree(corpus.root)
        corpus = e2e.Tree(self.at("corpus"))
        for i, base in enumerate(bases):
            tuned_values = np.concatenate([base, base[::-1]]) + e2e.weights(rng, 1060, 1024, sigma=1e-4)
            corpus.write_model(f"b{i:02d}/model.safetensors", {"w": e2e.bfloat16(tuned_values)})
        self.sweep(corpus.root, "--lossless", "--wave-bytes", "256MiB", "--verify", ranks=0, prefix=few)
        self.assertEqual(len(delta_layers(self.at("archive"))), 90)
        e2e.verify(0, self.at("archive"))


class RealCorpus(Families):
    # Only these models are archived, so that others in the corpus cannot be nearer.
    BASES = {"bf16lab/bytegpt-ft-c": "bf16lab/bytegpt-base", "fp32lab/bytegpt-ft-c": "fp32lab/bytegpt-base"}

    def test_real_fine_tunes_are_deltas_of_their_bases(self):
        corpus = e2e.real_corpus()
        models = sorted({*self.BASES, *self.BASES.values()})
        if corpus is None or not all(os.path.isdir(os.path.join(corpus, model)) for model in models):
            self.skipTest("the models of this test are not there: set ELVES_CORPUS")
        report = self.sweep(corpus, "--lossless", *(word for model in models for word in ("--include", model)))
        self.assertEqual({model: models_of(report)[model]["base"] for model in self.BASES}, self.BASES)
        e2e.verify(2, self.at("archive"))
        e2e.restore(2, self.at("archive"), self.at("to"))
        for model in models:
            self.assertEqual(subprocess.run(["diff", "-r", os.path.join(corpus, model), self.at(f"to/{model}")], capture_output=True).stdout, b"")


if __name__ == "__main__":
    e2e.main()
