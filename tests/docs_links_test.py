#!/usr/bin/env python3
"""Every relative link and anchor in the *.md files resolves, every path of a source file that they name exists, every docs/ path that
a source names exists, and every page of docs/ can be reached from docs/README.md. Lines of prose keep their width. Needs no network:
addresses with a scheme (https:) are not checked."""
import os
import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("ELVES_SOURCE", pathlib.Path(__file__).resolve().parent.parent))
PAGE_FOLDERS = ("docs", "benchmarks", "examples", "tests", "tools")
SOURCE_FOLDERS = ("benchmarks", "cmake", "examples", "include", "jobs", "slurm", "src", "tests", "tools", ".ci")
PROSE_COLUMNS = 130
SOURCE_SUFFIXES = {".cpp", ".hpp", ".py", ".sh", ".sbatch", ".cmake", ".txt", ""}


def pages(root):
    found = sorted(root.glob("*.md"))
    for folder in PAGE_FOLDERS:
        found += sorted((root / folder).rglob("*.md"))
    return found


def prose(page):
    """(number, line) of a page, without its blocks of code: fenced ones, and those indented by four after an empty line."""
    fenced, code, empty = False, False, True
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        code = line.startswith("    ") and (code or empty)
        empty = not line.strip()
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and not code:
            yield number, line


def anchors(page):
    """The anchors that GitHub gives the headings of a page."""
    seen = {}
    for _, line in prose(page):
        heading = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if heading:
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1].replace("`", ""))
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            seen[slug] = seen.get(slug, -1) + 1
            yield slug if seen[slug] == 0 else f"{slug}-{seen[slug]}"


def links(page):
    """(line, target) of each link that does not leave the repository."""
    for number, line in prose(page):
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            if not re.match(r"[a-z]+:", target):
                yield number, target


def broken_links(root):
    for page in pages(root):
        for number, target in links(page):
            path, _, anchor = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            where = f"{page.relative_to(root)}:{number}: {target}"
            if not other.exists():
                yield f"{where}: no such file"
            elif anchor and anchor not in set(anchors(other)):
                yield f"{where}: no such heading"


def comments(path):
    """What a source says about docs/: in C++ its comments, elsewhere all of it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    return "\n".join(re.findall(r"//.*", text)) if path.suffix in (".cpp", ".hpp") else text


def missing_pages(root):
    """docs/ paths in sources that do not exist. `docs/x/*.md` and `docs/x/<name>.md` stand for the folder."""
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if not path.is_file() or path.suffix not in SOURCE_SUFFIXES or path.name == "docs_links_test.py":
                continue
            for name in re.findall(r"(?<![\w/.-])docs/[\w./-]*", comments(path)):
                if not (root / name.rstrip(".")).exists():
                    yield f"{path.relative_to(root)}: {name}"


def missing_sources(root):
    """Paths of source files and folders in `code` of pages that do not exist. Patterns (*) and names to fill in (NAME, <name>) are left out."""
    for page in pages(root):
        for number, line in prose(page):
            for code in re.findall(r"`([^`]+)`", line):
                name = code.split()[0].split(":")[0]
                if re.fullmatch(r"(benchmarks|cmake|examples|include|jobs|slurm|src|tests|tools)/[a-z0-9_./-]+", name):
                    if not (root / name).exists():
                        yield f"{page.relative_to(root)}:{number}: {name}"


def missing_programs(root):
    """Programs (bin/NAME) in pages that no CMakeLists.txt makes. Unit tests are one program for each folder of tests/unit."""
    lists = "\n".join(path.read_text() for path in [*root.glob("*/CMakeLists.txt"), *root.glob("*/*/CMakeLists.txt")])
    made = set(re.findall(r"(?:add_executable|elves_add_\w*test|elves_add_command)\s*\(\s*([\w-]+)", lists))
    made |= {path.stem.replace("_", "-") for path in (root / "jobs").glob("elves_*.cpp")}
    made |= {f"unit_{path.name}" for path in (root / "tests" / "unit").glob("*") if path.is_dir()}
    for page in pages(root):
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for name in re.findall(r"\bbin/([\w-]+)", line):
                if name not in made:
                    yield f"{page.relative_to(root)}:{number}: bin/{name}"


def wide_lines(root):
    """Lines of prose of more than PROSE_COLUMNS. Tables are free, and so are lines that cannot be broken."""
    for page in pages(root):
        for number, line in prose(page):
            if len(line) > PROSE_COLUMNS and not line.lstrip().startswith("|") and " " in line.strip():
                yield f"{page.relative_to(root)}:{number}: {len(line)} columns"


def unreachable_pages(root):
    reached, todo = set(), [root / "docs" / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        todo += [(page.parent / target.partition("#")[0]).resolve() for _, target in links(page) if not target.startswith("#")]
    return sorted(str(p.relative_to(root)) for p in set((root / "docs").rglob("*.md")) - reached)


class Documentation(unittest.TestCase):
    def test_links_and_anchors_resolve(self):
        self.assertGreater(len(pages(ROOT)), 10, "are these the docs?")
        self.assertEqual(list(broken_links(ROOT)), [])

    def test_pages_that_sources_name_exist(self):
        self.assertEqual(list(missing_pages(ROOT)), [])

    def test_sources_that_pages_name_exist(self):
        self.assertEqual(list(missing_sources(ROOT)), [])

    def test_programs_that_pages_name_are_built(self):
        self.assertEqual(list(missing_programs(ROOT)), [])

    def test_prose_keeps_its_width(self):
        self.assertEqual(list(wide_lines(ROOT)), [])

    def test_every_page_is_reached_from_the_index(self):
        self.assertEqual(unreachable_pages(ROOT.resolve()), [])


class Checker(unittest.TestCase):
    """The checks above find what they are there for."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test_finds_a_missing_file(self):
        self.write("README.md", "[a](docs/gone.md) [b](https://example.org/gone.md)\n")
        self.assertEqual(list(broken_links(self.root)), ["README.md:1: docs/gone.md: no such file"])

    def test_finds_a_missing_heading(self):
        self.write("README.md", "# What is `this`?\n[a](#what-is-this) [b](#what-is-that)\n")
        self.assertEqual(list(broken_links(self.root)), ["README.md:2: #what-is-that: no such heading"])

    def test_leaves_code_alone(self):
        self.write("README.md", "`[a](gone.md)`\n```\n[b](gone.md)\n```\n\n    [c](gone.md)\n    [d](gone.md)\n")
        self.assertEqual(list(broken_links(self.root)), [])

    def test_finds_a_page_that_only_a_comment_names(self):
        self.write("src/a.cpp", '// docs/gone.md has the layout.\nopen("docs/data.md");\n')
        self.write("jobs/run.sh", "# see docs/also-gone.md.\n")
        self.assertEqual(list(missing_pages(self.root)), ["jobs/run.sh: docs/also-gone.md.", "src/a.cpp: docs/gone.md"])

    def test_finds_a_source_that_only_a_page_names(self):
        self.write("src/a/b.cpp", "")
        self.write("README.md", "`src/a/b.cpp` `src/a` `src/a/gone.cpp` `src/a/*.cpp` `tests/gone.sh --option` `src/FORMAT/x`\n")
        self.assertEqual(list(missing_sources(self.root)), ["README.md:1: src/a/gone.cpp", "README.md:1: tests/gone.sh"])

    def test_finds_a_program_that_nothing_builds(self):
        self.write("jobs/CMakeLists.txt", "add_executable(bench_a a.cpp)\n")
        self.write("jobs/elves_ls.cpp", "")
        self.write("tests/unit/plan/plan_test.cpp", "")
        self.write("README.md", "`build/release/bin/bench_a` `bin/elves-ls` `bin/unit_plan`\n    build/ci/bin/bench_b\n")
        self.assertEqual(list(missing_programs(self.root)), ["README.md:2: bin/bench_b"])

    def test_finds_a_wide_line(self):
        self.write("README.md", "a " * 66 + "\n| " + "a " * 66 + "|\n")
        self.assertEqual(list(wide_lines(self.root)), ["README.md:1: 132 columns"])

    def test_finds_a_page_without_a_way_to_it(self):
        self.write("docs/README.md", "[a](a/one.md)\n")
        self.write("docs/a/one.md", "[b](two.md)\n")
        self.write("docs/a/two.md", "")
        self.write("docs/a/three.md", "")
        self.assertEqual(unreachable_pages(self.root), ["docs/a/three.md"])


if __name__ == "__main__":
    unittest.main()
