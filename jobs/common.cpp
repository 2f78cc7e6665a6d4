#include "jobs/common.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "elves/error.hpp"
#include "elves/version.hpp"
#include "mpi/environment.hpp"
#include "support/byte_cursor.hpp"
#include "support/posix.hpp"
#include "support/text.hpp"

namespace elves::jobs {

namespace po = boost::program_options;

CommandLine::CommandLine(std::string command, std::string usage, std::string about)
    : command_(std::move(command)), usage_(std::move(usage)), about_(std::move(about)) {
  options_.add_options()("help,h", "print this and end")("version", "print the version and end")(
      "config", po::value<std::string>()->value_name("FILE"), "read options from FILE too, as lines 'name = value'");
}

bool CommandLine::parse(int argc, char** argv, const mpi::Comm& comm, po::variables_map& values) {
  try {
    namespace style = po::command_line_style;
    po::store(po::command_line_parser(argc, argv)
                  .options(options_)
                  .positional(positional_)
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              values);
    if (values.count("config") != 0) {
      std::istringstream file(read_for_all(comm, "--config", values["config"].as<std::string>()));
      po::store(po::parse_config_file(file, options_), values);
    }
    po::notify(values);
  } catch (const po::error& error) {
    throw UsageError(std::string(error.what()) + " (see " + command_ + " --help)");
  }
  if (values.count("version") != 0) {
    if (comm.is_root()) std::cout << command_ << " " << kVersion << "\n";
    return false;
  }
  if (values.count("help") != 0) {
    if (comm.is_root()) std::cout << "usage: " << usage_ << "\n\n" << about_ << "\n" << options_ << std::flush;
    return false;
  }
  return true;
}

std::string read_for_all(const mpi::Comm& comm, const std::string& option, const std::string& path) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;
  Result<std::string> text = std::string();
  if (comm.is_root()) text = read_small_file(path, kLimit);
  const auto problem = comm.broadcast(text ? "" : text.error().message);
  if (!problem.empty()) throw UsageError(option + ": " + problem);
  return comm.broadcast(text ? *text : "");
}

int run(const std::string& command, const mpi::Comm& comm, const std::function<int()>& body) {
  const auto say = [&](const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", command.c_str(), error.what());
  };
  const auto end = [&](const std::exception& error, int code) {
    if (comm.is_root()) say(error);
    return code;
  };
  try {
    return body();
  } catch (const UsageError& error) {
    return end(error, kUsage);
  } catch (const Locked& error) {
    return end(error, kLocked);
  } catch (const AgreedFailure& error) {
    return end(error, kFailed);
  } catch (const Failure& error) {
    std::fprintf(stderr, "%s: %s (%s:%d)\n", command.c_str(), error.what(), error.file(), error.line());
    if (comm.size() == 1) return kFailed;
    mpi::abort(kFailed);
  } catch (const std::exception& error) {
    say(error);  // the others wait for this rank, and would for ever
    if (comm.size() == 1) return kFailed;
    mpi::abort(kFailed);
  }
}

std::uint64_t print_problems(const mpi::Comm& comm, const std::string& command, const std::vector<PathProblem>& mine) {
  std::vector<std::byte> packed;
  ByteWriter writer(packed);
  for (const auto& problem : mine) {
    writer.text(problem.path);
    writer.text(problem.reason);
  }
  const auto total = comm.sum(std::uint64_t{mine.size()});
  std::vector<PathProblem> all;
  for (const auto& from_rank : comm.gather(packed)) {
    ByteCursor cursor(from_rank);
    while (!cursor.at_end() && !cursor.failed()) {
      auto path = cursor.read_text();
      all.push_back({std::move(path), cursor.read_text()});
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  constexpr std::size_t kShown = 100;
  for (std::size_t i = 0; i < std::min(kShown, all.size()); ++i)
    std::fprintf(stderr, "%s: %s: %s\n", command.c_str(), printable(all[i].path).c_str(),
                 printable(all[i].reason).c_str());
  if (all.size() > kShown) std::fprintf(stderr, "%s: and %zu more\n", command.c_str(), all.size() - kShown);
  return total;
}

std::uint64_t bytes_option(const po::variables_map& values, const std::string& name, std::uint64_t otherwise) {
  if (values.count(name) == 0) return otherwise;
  const auto bytes = parse_bytes(values[name].as<std::string>());
  if (!bytes) throw UsageError("--" + name + ": " + bytes.error().message);
  return *bytes;
}

double seconds_option(const po::variables_map& values, const std::string& name, double otherwise) {
  if (values.count(name) == 0) return otherwise;
  const auto seconds = parse_seconds(values[name].as<std::string>());
  if (!seconds) throw UsageError("--" + name + ": " + seconds.error().message);
  return *seconds;
}

}  // namespace elves::jobs
