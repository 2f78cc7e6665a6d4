"""Variants of formats that no real corpus has all of, written by the formats' own tools: elves finds the layers that the tools give,
and gives the files back."""

import os

import compare_layers
import elves_e2e as e2e
import tool_files


class ToolFiles(compare_layers.LayersTest):
    def test_files_that_the_tools_write_have_the_tools_layers(self):
        corpus, archive = self.at("hub"), self.at("archive")
        missing = tool_files.make(os.path.join(corpus, "made"))
        if "ELVES_NEED_TOOLS" in os.environ:
            self.assertEqual(missing, [])
        report = e2e.archive(2, corpus, archive, "--lossless")
        self.assertEqual(report["failures"], [])
        files = {file["path"]: file for file in e2e.listing(archive)["files"] if file["kind"] == "file"}
        counts = compare_layers.Counts()
        self.assertEqual(self.compare(corpus, files, counts), [], "files that no tool reads")
        counts.print()
        print(f"    not made, for lack of a tool: {', '.join(missing) or 'none'} ... ", end="", flush=True)
        e2e.restore(3, archive, self.at("restored"))
        self.assert_same_tree(corpus, self.at("restored"))


if __name__ == "__main__":
    e2e.main()
