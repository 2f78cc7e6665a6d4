#!/usr/bin/env python3
"""The link graph is the architecture: libraries link, and files include, only what docs/design/architecture.md lists."""
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ.get("ELVES_SOURCE", pathlib.Path(__file__).resolve().parent.parent))

# What each folder of src/ may use, besides itself and include/elves/.
ALLOWED = {
    "support": set(),
    "mpi": {"support"},
    "h5": {"support", "mpi"},
    "formats": {"support"},
    "corpus": {"support", "mpi", "formats"},
    "lineage": {"support", "mpi", "corpus"},
    "families": {"support"},
    "plan": {"support", "mpi", "formats", "corpus"},
    "dedup": {"support", "mpi"},
    "encode": {"support"},
    "archive": {"support", "mpi", "h5"},
    "restore": {"support", "mpi", "formats", "corpus", "encode", "archive"},
    "pipeline": {"support", "mpi", "formats", "corpus", "lineage", "families", "plan", "dedup", "encode", "archive", "restore"},
}


def sources(folder):
    return [p for p in sorted((ROOT / folder).rglob("*")) if p.suffix in (".cpp", ".hpp")]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+([<"][^>"]+[>"])', path.read_text(), re.M)


class Architecture(unittest.TestCase):
    def test_every_folder_is_known(self):
        self.assertEqual({p.name for p in (ROOT / "src").iterdir() if p.is_dir()}, set(ALLOWED))

    def test_libraries_link_only_what_they_may(self):
        for folder, allowed in ALLOWED.items():
            text = (ROOT / "src" / folder / "CMakeLists.txt").read_text()
            linked = set(re.findall(r"elves::(\w+)", text))
            self.assertLessEqual(linked, allowed, f"src/{folder}/CMakeLists.txt")

    def test_files_include_only_what_they_may(self):
        for folder, allowed in ALLOWED.items():
            for path in sources(f"src/{folder}"):
                for name in includes(path):
                    first = name[1:-1].split("/")[0]
                    if name[0] == '"' and first in ALLOWED:
                        self.assertIn(first, allowed | {folder}, path)

    def test_only_mpi_includes_mpi_and_only_h5_includes_hdf5(self):
        for header, owner in (("<mpi.h>", "src/mpi"), ("<hdf5.h>", "src/h5")):
            users = {str(p.parent.relative_to(ROOT)) for f in ("src", "include", "jobs") for p in sources(f) if header in includes(p)}
            self.assertEqual({u for u in users if not u.startswith(owner)}, set(), header)
            self.assertTrue(users, f"nobody includes {header}: has this test lost its way?")

    def test_the_page_lists_the_same_links(self):
        page = (ROOT / "docs" / "design" / "architecture.md").read_text()
        rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", page, re.M)
        self.assertEqual({folder: set(re.findall(r"\w+", links)) for folder, links in rows}, ALLOWED)

    def test_public_headers_include_nothing_private(self):
        for path in sources("include/elves"):
            for name in includes(path):
                self.assertTrue(name[0] == "<" or name.startswith('"elves/'), f"{path}: {name}")


if __name__ == "__main__":
    unittest.main()
