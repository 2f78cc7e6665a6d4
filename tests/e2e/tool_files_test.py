"""Files of many variants of the formats, most of which the real corpus lacks: elves finds the layers that the formats' tools give, and
restores the files."""

import os

import compare_layers
import elves_e2e as e2e
import tool_files


class ToolFiles(e2e.EndToEnd):
    def test_files_written_by_the_tools_have_the_layers_of_the_tools(self):
        corpus, archive = self.at("hub"), self.at("archive")
        missing = tool_files.make(os.path.join(corpus, "made"))
        if "ELVES_NEED_TOOLS" in os.environ:
            self.assertEqual(missing, [])
        report = e2e.archive(2, corpus, archive, "--lossless")
        self.assertEqual(report["failures"], [])
        files = e2e.regular_files(archive)
        comparison = compare_layers.compare(corpus, files)
        comparison.print(files)
        print(f"    not written, because the tool is not installed: {', '.join(missing) or 'none'} ... ", end="", flush=True)
        comparison.assert_no_differences(self)
        self.assertEqual((comparison.no_reader, comparison.not_understood), ([], {}))
        e2e.restore(3, archive, self.at("restored"))
        self.assert_same_tree(corpus, self.at("restored"))


if __name__ == "__main__":
    e2e.main()
