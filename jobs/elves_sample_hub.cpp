// elves-sample-hub: writes a small hub of generated models, to try the other commands on.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "elves/error.hpp"
#include "jobs/command_line.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"
#include "tools/sample_hub/hub.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

constexpr const char* kAbout =
    "Writes a small hub of generated models to try elves on: a family of fine-tunes and copies in several\n"
    "precisions, a model in the layout of the Hugging Face cache, and files of every odd kind.\n"
    "\n"
    "  elves-sample-hub --out sample-hub && elves-mpi --corpus sample-hub\n";

struct Options {
  std::string out;
  std::int64_t seed = 1;  // signed, because "-1" would otherwise be read as a huge number
  std::int64_t size_mib = 64;
};

elves::Result<std::string> read_config(const std::string& path) {
  return elves::read_small_file(path, 1 << 20);
}

/// Nothing where --help or --version was printed.
std::optional<Options> parse(int argc, char** argv) {
  Options options;
  elves::jobs::CommandLine line("elves-sample-hub", "elves-sample-hub --out DIR [--seed N] [--size-mib M]", kAbout);
  line.add()                                                                                               //
      ("out", po::value(&options.out)->value_name("DIR"), "where to write; new or empty")                  //
      ("seed", po::value(&options.seed)->value_name("N"), "the same seed and size give the same hub [1]")  //
      ("size-mib", po::value(&options.size_mib)->value_name("M"),
       "about how large it becomes, in MiB (1 to 1048576) [64]");
  line.suggest("out");
  if (!line.parse(argc, argv, read_config, &std::cout)) return std::nullopt;
  if (options.out.empty()) throw elves::UsageError("--out DIR is missing (see elves-sample-hub --help)");
  if (options.seed < 0) throw elves::UsageError("--seed must not be negative");
  if (options.size_mib < 1 || options.size_mib > 1048576) throw elves::UsageError("--size-mib must be 1 to 1048576");
  return options;
}

void prepare(const std::string& out) {
  const auto status = fs::symlink_status(out);
  const bool usable = !fs::exists(status) || (fs::is_directory(out) && fs::is_empty(out));
  if (!usable)
    throw elves::UsageError(elves::printable(out) + " exists and is not an empty folder: choose another --out");
  fs::create_directories(out);
}

int run(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) return std::cout.flush() ? 0 : 1;
  prepare(options->out);
  const auto size = elves::sample::write_hub(options->out, static_cast<std::uint64_t>(options->seed),
                                             static_cast<std::uint64_t>(options->size_mib) << 20);
  std::printf("%s: a generated hub of %llu models, %llu files, %s (seed %lld)\n",
              elves::printable(options->out).c_str(), static_cast<unsigned long long>(size.models),
              static_cast<unsigned long long>(size.files), elves::format_bytes(size.bytes).c_str(),
              static_cast<long long>(options->seed));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const elves::UsageError& error) {
    std::fprintf(stderr, "elves-sample-hub: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "elves-sample-hub: %s\n", error.what());
    return 1;
  }
}
