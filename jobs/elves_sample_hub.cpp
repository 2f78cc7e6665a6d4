// elves-sample-hub: writes a small hub of generated models, to try the other commands on.
#include <boost/program_options.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "elves/error.hpp"
#include "jobs/sample_hub/hub.hpp"
#include "support/text.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

struct Options {
  std::string out;
  std::int64_t seed = 1;  // signed, because "-1" would otherwise be read as a huge number
  std::int64_t size_mib = 64;
  bool help = false;
};

po::options_description describe(Options& options) {
  po::options_description description("Options");
  description.add_options()                                                                         //
      ("help,h", po::bool_switch(&options.help), "show this text")                                  //
      ("out", po::value(&options.out)->value_name("DIR"), "where to write; new or empty")           //
      ("seed", po::value(&options.seed)->value_name("N")->default_value(options.seed),              //
       "the same seed and size give the same hub")                                                  //
      ("size-mib", po::value(&options.size_mib)->value_name("M")->default_value(options.size_mib),  //
       "about how large it becomes, in MiB (1 to 1048576)");
  return description;
}

Options parse(int argc, char** argv) {
  Options options;
  const auto description = describe(options);
  try {
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv).options(description).positional({}).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw elves::UsageError(error.what());
  }
  if (options.help) {
    std::cout
        << "Usage: elves-sample-hub --out DIR [--seed N] [--size-mib M]\n\n"
           "Writes a small hub of generated models: a family of fine-tunes and copies in several precisions, a\n"
           "model in the layout of the Hugging Face cache, and files of every odd kind. For trying out elves-mpi.\n\n"
        << description << "\nExample: elves-sample-hub --out sample-hub && elves-mpi --corpus sample-hub\n";
    return options;
  }
  if (options.out.empty()) throw elves::UsageError("--out DIR is needed");
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
  if (options.help) return 0;
  prepare(options.out);
  const auto size = elves::sample::write_hub(options.out, static_cast<std::uint64_t>(options.seed),
                                             static_cast<std::uint64_t>(options.size_mib) << 20);
  std::printf("%s: a generated hub of %llu models, %llu files, %s (seed %lld)\n", elves::printable(options.out).c_str(),
              static_cast<unsigned long long>(size.models), static_cast<unsigned long long>(size.files),
              elves::format_bytes(size.bytes).c_str(), static_cast<long long>(options.seed));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const elves::UsageError& error) {
    std::fprintf(stderr, "elves-sample-hub: %s\nTry elves-sample-hub --help\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "elves-sample-hub: %s\n", error.what());
    return 1;
  }
}
