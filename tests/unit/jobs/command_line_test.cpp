#include "jobs/command_line.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace elves::jobs {
namespace {

namespace po = boost::program_options;

/// A command with options of every kind. Files are a map from path to text.
struct Command {
  std::string corpus;
  std::uint64_t memory = 7;
  double duration = 0;
  bool lossless = false;
  std::vector<std::string> include;
  std::string level;
  std::string model;
  std::map<std::string, std::string> files;
  std::string printed;
  bool takes_model = false;

  /// False where help or the version was printed.
  bool parse(std::vector<std::string> words) {
    CommandLine line("elves-x", "elves-x --corpus DIR", "Does x.");
    line.add("Input")("corpus", po::value(&corpus)->value_name("DIR"), "what to read")(
        "include", po::value(&include)->composing()->value_name("GLOB"), "only these");
    line.add("Speed")("memory", size_value(&memory), "memory")("max-duration", duration_value(&duration), "time")(
        "level", word_value("LEVEL", [this](const std::string& word) { level = word; }), "effort");
    line.add("Loss")("lossless", po::bool_switch(&lossless), "exact");
    if (takes_model) line.add()("model", po::value(&model), "a model");
    if (takes_model) line.positional("model", 1);
    line.show({"corpus", "lossless"});
    line.suggest("corpus");
    words.insert(words.begin(), "elves-x");
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    std::ostringstream out;
    const auto read = [this](const std::string& path) -> Result<std::string> {
      if (!files.contains(path)) return Error{path + ": No such file or directory"};
      return files[path];
    };
    const bool parsed = line.parse(static_cast<int>(argv.size()), argv.data(), read, &out);
    printed = out.str();
    return parsed;
  }

  std::string refusal(const std::vector<std::string>& words) {
    try {
      parse(words);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
};

TEST(CommandLine, binds_values_to_fields) {
  Command command;
  ASSERT_TRUE(command.parse({"--corpus", "/hub", "--memory=4GiB", "--max-duration", "1h30m", "--lossless", "--level",
                             "max", "--include", "a", "--include", "b"}));
  EXPECT_EQ(command.corpus, "/hub");
  EXPECT_EQ(command.memory, std::uint64_t{4} << 30);
  EXPECT_EQ(command.duration, 5400);
  EXPECT_TRUE(command.lossless);
  EXPECT_EQ(command.level, "max");
  EXPECT_EQ(command.include, (std::vector<std::string>{"a", "b"}));
}

TEST(CommandLine, keeps_what_no_option_sets) {
  Command command;
  ASSERT_TRUE(command.parse({}));
  EXPECT_EQ(command.memory, 7);
  EXPECT_FALSE(command.lossless);
}

TEST(CommandLine, suggests_the_option_that_was_meant) {
  EXPECT_EQ(Command().refusal({"--corups", "x"}),
            "there is no option --corups: did you mean --corpus? (see elves-x --help)");
  EXPECT_EQ(Command().refusal({"--zzzzzzzz"}), "there is no option --zzzzzzzz (see elves-x --help)");
}

TEST(CommandLine, does_not_take_a_prefix_for_an_option) {
  EXPECT_NE(Command().refusal({"--corp", "x"}), "accepted");
}

TEST(CommandLine, names_an_argument_that_follows_no_option) {
  EXPECT_EQ(Command().refusal({"/hub"}), "'/hub' follows no option: did you mean --corpus /hub? (see elves-x --help)");
}

TEST(CommandLine, names_an_argument_too_many) {
  Command command;
  command.takes_model = true;
  ASSERT_TRUE(command.parse({"org/name"}));
  EXPECT_EQ(command.model, "org/name");
  EXPECT_EQ(command.refusal({"org/name", "more"}), "'more' is one argument too many (see elves-x --help)");
}

TEST(CommandLine, names_the_option_of_a_bad_value) {
  EXPECT_NE(Command().refusal({"--memory", "12 parsecs"}).find("--memory: "), std::string::npos);
  EXPECT_NE(Command().refusal({"--max-duration", "100%"}).find("--max-duration: "), std::string::npos);
}

TEST(CommandLine, help_shows_common_options_and_help_all_shows_every_group) {
  Command command;
  EXPECT_FALSE(command.parse({"--help"}));
  EXPECT_NE(command.printed.find("--corpus DIR"), std::string::npos);
  EXPECT_EQ(command.printed.find("--memory"), std::string::npos);
  EXPECT_FALSE(command.parse({"--help", "all"}));
  for (const auto* part : {"Input:", "--memory SIZE", "--lossless", "--config FILE"})
    EXPECT_NE(command.printed.find(part), std::string::npos) << part;
}

TEST(CommandLine, help_works_beside_wrong_options) {
  EXPECT_FALSE(Command().parse({"--nonsense", "-h"}));
}

TEST(CommandLine, config_sets_what_the_command_line_does_not) {
  Command command;
  command.files["c"] = "# a comment\n\nmemory = 1MiB\ncorpus = /other\ninclude = z\nlossless = true\n";
  ASSERT_TRUE(command.parse({"--config", "c", "--corpus", "/hub", "--include", "a"}));
  EXPECT_EQ(command.memory, 1u << 20);
  EXPECT_EQ(command.corpus, "/hub");
  EXPECT_TRUE(command.lossless);
  EXPECT_EQ(command.include, (std::vector<std::string>{"a", "z"}));
}

TEST(CommandLine, config_errors_name_file_and_line) {
  Command command;
  command.files["c"] = "corpus = /hub\nmemroy = 1MiB\n";
  EXPECT_EQ(command.refusal({"--config", "c"}), "--config c:2: there is no option 'memroy': did you mean 'memory'?");
  command.files["c"] = "\n\nmemory = much\n";
  EXPECT_EQ(command.refusal({"--config", "c"}).substr(0, 14), "--config c:3: ");
  command.files["c"] = "nonsense\n";
  EXPECT_EQ(command.refusal({"--config", "c"}).substr(0, 14), "--config c:1: ");
  EXPECT_EQ(command.refusal({"--config", "none"}), "--config: none: No such file or directory");
}

}  // namespace
}  // namespace elves::jobs
