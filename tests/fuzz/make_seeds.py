#!/usr/bin/env python3
"""Writes the seeds of every format: make_seeds.py DIR gives DIR/FORMAT/NAME, a small file each.

A format is a module seeds/FORMAT.py with a function seeds() that returns {name: bytes}. It builds the files byte by byte, or
with the standard library and numpy alone, and returns the same bytes every time.
"""
import importlib
import pathlib
import shutil
import sys


def main():
    to = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    sys.dont_write_bytecode = True
    for module in sorted((here / "seeds").glob("*.py")):
        folder = to / module.stem
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        seeds = importlib.import_module(f"seeds.{module.stem}").seeds()
        for name, data in seeds.items():
            (folder / name).write_bytes(data)
        print(f"{module.stem}: {len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes")


if __name__ == "__main__":
    main()
