#!/usr/bin/env python3
"""lineage_corpus.py DIR KIND DTYPE [options]: writes a hub of families of models, to measure the order by lineage and the choice of bases.

Each model is one safetensors file of --layers layers of --rows x --cols numbers (DTYPE: bf16 or f32), with a README.md that names its base. A
base has weights N(0, 0.02); a fine-tune is its parent plus N(0, 0.02 * noise). KIND:

  star-late    fine-tunes of one base, with paths that sort before the base; noise 0.0005, 0.005 and 0.05 in turn
  star-mixed   the same with random owners, so the base may be anywhere in path order
  star-first   the same with a base whose path sorts first
  siblings     as star-mixed, but the hub does not have the base that the cards name
  chain-late   each model is a fine-tune of the one before, with noise 0.005; path order is the reverse
  chain-mixed  the same with random owners
  tree         random trees: families of size 1, 1/2, 1/3, ... of the largest; noise log-uniform in 0.0005 to 0.05; a third of the fine-tunes keep
               30 % of their parent's layers. --deep: the part of fine-tunes made from any earlier model, not from the base. --merged: the part
               of models that are the mean of two. --cards: the part of fine-tunes with a card

The same arguments write the same hub. Needs numpy.
"""

import argparse
import json
import os
import struct

import numpy as np

NOISES = (0.0005, 0.005, 0.05)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir")
    parser.add_argument("kind", choices=["star-late", "star-mixed", "star-first", "siblings", "chain-late", "chain-mixed", "tree"])
    parser.add_argument("dtype", choices=["bf16", "f32"])
    parser.add_argument("--families", type=int, default=4)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--cols", type=int, default=1024)
    parser.add_argument("--deep", type=float, default=0.3)
    parser.add_argument("--merged", type=float, default=0.1)
    parser.add_argument("--cards", type=float, default=0.5)
    parser.add_argument("--noise", type=float, default=0, help="of all fine-tunes; 0: as KIND says")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--no-cards", action="store_true")
    return parser.parse_args()


class Hub:
    def __init__(self, options):
        self.options = options
        self.shape = (options.rows, options.cols)
        self.rng = np.random.default_rng(options.seed)

    def normal(self, sigma):
        return self.rng.standard_normal(self.shape, np.float32) * np.float32(sigma)

    def rounded(self, values):
        """The float32 numbers that a file of this dtype can hold: bf16 is rounded to nearest even."""
        if self.options.dtype == "f32":
            return values
        bits = values.view(np.uint32)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)

    def stored(self, values):
        if self.options.dtype == "f32":
            return values.tobytes()
        return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()

    def base(self):
        return [self.rounded(self.normal(0.02)) for _ in range(self.options.layers)]

    def tuned(self, layers, noise, kept=0.0):
        """`kept`: the part of the layers that stay as they are."""
        return [layer if self.rng.random() < kept else self.rounded(layer + self.normal(0.02 * noise)) for layer in layers]

    def owner(self):
        return f"{self.rng.integers(26**3):05d}"

    def write(self, name, layers, bases):
        path = os.path.join(self.options.dir, name)
        os.makedirs(path)
        n = self.shape[0] * self.shape[1] * (4 if self.options.dtype == "f32" else 2)
        header = {
            f"layer.{i}.weight": {"dtype": self.options.dtype.upper(), "shape": self.shape, "data_offsets": [i * n, (i + 1) * n]}
            for i in range(len(layers))
        }
        text = json.dumps(header).encode()
        with open(os.path.join(path, "model.safetensors"), "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for layer in layers:
                file.write(self.stored(layer))
        if bases and not self.options.no_cards:
            with open(os.path.join(path, "README.md"), "w") as file:
                file.write("---\nbase_model:\n" + "".join(f"- {base}\n" for base in bases) + "---\n")

    def write_star(self, family, n_models):
        base = self.base()
        owner_of_base = {"star-late": "z", "star-first": "0"}.get(self.options.kind)
        has_base = self.options.kind != "siblings"
        name = f"{owner_of_base or self.owner()}-lab/fam{family}"
        if has_base:
            self.write(name, base, [])
        for k in range(n_models - has_base):
            owner = f"t{k:04d}" if owner_of_base else self.owner()
            self.write(f"{owner}/fam{family}-ft{k}", self.tuned(base, self.options.noise or NOISES[k % 3]), [name])

    def write_chain(self, family, n_models):
        layers, parent = self.base(), None
        for k in range(n_models):
            owner = f"t{n_models - k:04d}" if self.options.kind == "chain-late" else self.owner()
            name = f"{owner}/fam{family}-v{k}"
            self.write(name, layers, [parent] if parent else [])
            parent, layers = name, self.tuned(layers, self.options.noise or 0.005)

    def write_tree(self, family, n_models):
        options, rng = self.options, self.rng
        layers = self.base()
        name = f"{self.owner()}-lab/fam{family}"
        models = [(name, layers)]
        self.write(name, layers, [])
        for k in range(n_models - 1):
            name = f"{self.owner()}/fam{family}-ft{k}"
            parent = 0 if rng.random() >= options.deep else int(rng.integers(len(models)))
            if rng.random() < options.merged and len(models) > 2:
                parents = rng.choice(len(models), 2, replace=False)
                layers = [self.rounded((a + b) / 2) for a, b in zip(models[parents[0]][1], models[parents[1]][1])]
            else:
                parents = [parent]
                noise = options.noise or float(np.exp(rng.uniform(np.log(0.0005), np.log(0.05))))
                layers = self.tuned(models[parent][1], noise, 0.3 if rng.random() < 1 / 3 else 0.0)
            self.write(name, layers, [models[p][0] for p in parents] if rng.random() < options.cards else [])
            models.append((name, layers))


def main():
    options = parse_arguments()
    hub = Hub(options)
    parts = sum(1 / (i + 1) for i in range(options.families))
    for family in range(options.families):
        if options.kind == "tree":
            hub.write_tree(family, max(1, round(options.models / parts / (family + 1))))
        elif options.kind.startswith("chain"):
            hub.write_chain(family, options.models // options.families)
        else:
            hub.write_star(family, options.models // options.families)


if __name__ == "__main__":
    main()
