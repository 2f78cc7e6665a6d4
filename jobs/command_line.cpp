#include "jobs/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <ostream>
#include <sstream>

#include "elves/version.hpp"
#include "support/text.hpp"

namespace elves::jobs {
namespace {

namespace po = boost::program_options;

constexpr const char* kStray = "argument-without-a-name";

/// The message of an option's value, with the option's name in front of it: Boost fills in the name.
po::error_with_option_name bad_value(std::string message) {
  std::replace(message.begin(), message.end(), '%', '?');  // Boost would take it for a place to fill
  return po::error_with_option_name("%canonical_option%: " + message);
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into another.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::string without_dashes(const std::string& name) {
  return name.substr(std::min(name.size(), name.find_first_not_of('-')));
}

boost::shared_ptr<po::option_description> copy_of(const po::option_description& option) {
  return boost::shared_ptr<po::option_description>(new po::option_description(option));
}

bool is_blank_or_comment(const std::string& line) {
  const auto first = line.find_first_not_of(" \t\r");
  return first == std::string::npos || line[first] == '#';
}

}  // namespace

void validate(boost::any& value, const std::vector<std::string>& words, Size*, int) {
  po::validators::check_first_occurrence(value);
  const auto bytes = parse_bytes(po::validators::get_single_string(words));
  if (!bytes) throw bad_value(bytes.error().message);
  value = Size{*bytes};
}

void validate(boost::any& value, const std::vector<std::string>& words, Duration*, int) {
  po::validators::check_first_occurrence(value);
  const auto seconds = parse_seconds(po::validators::get_single_string(words));
  if (!seconds) throw bad_value(seconds.error().message);
  value = Duration{*seconds};
}

po::typed_value<Size>* size_value(std::uint64_t* bytes) {
  return po::value<Size>()->value_name("SIZE")->notifier([bytes](const Size& size) { *bytes = size.bytes; });
}

po::typed_value<Duration>* duration_value(double* seconds) {
  return po::value<Duration>()->value_name("TIME")->notifier([seconds](const Duration& d) { *seconds = d.seconds; });
}

po::typed_value<std::string>* word_value(const char* placeholder, std::function<void(const std::string&)> set) {
  return po::value<std::string>()->value_name(placeholder)->notifier(std::move(set));
}

CommandLine::CommandLine(std::string command, std::string usage, std::string about)
    : command_(std::move(command)), usage_(std::move(usage)), about_(std::move(about)) {}

po::options_description_easy_init CommandLine::add(const std::string& group) {
  const auto at = std::ranges::find(groups_, group, &Group::name);
  if (at != groups_.end()) return at->options->add_options();
  groups_.push_back({group, std::make_unique<po::options_description>(group)});
  return groups_.back().options->add_options();
}

void CommandLine::positional(const std::string& option, int n) {
  positional_.add(option.c_str(), n);
  n_positional_ += n;
}

void CommandLine::refuse(const std::string& message) const {
  throw UsageError(fmt::format("{} (see {} --help)", message, command_));
}

po::options_description CommandLine::all() const {
  po::options_description options;
  for (const auto& group : groups_) options.add(*group.options);
  options.add_options()("help,h", "show the common options; --help all: every option")("version", "show the version")(
      "config", po::value<std::string>()->value_name("FILE"), "read further options from FILE, lines 'name = value'");
  return options;
}

void CommandLine::print_help(std::ostream& out, bool show_all) const {
  out << "usage: " << usage_ << "\n\n" << about_ << "\n";
  const auto every = all();
  if (show_all || shown_.empty()) {
    for (const auto& group : groups_) out << *group.options << "\n";
    po::options_description general("General");
    for (const auto* name : {"help", "version", "config"}) general.add(copy_of(every.find(name, false)));
    out << general;
    return;
  }
  po::options_description common("Common options");
  for (const auto& name : shown_) common.add(copy_of(every.find(name, false)));
  common.add(copy_of(every.find("help", false)));
  out << common;
}

std::string CommandLine::nearest_option(std::string_view name) const {
  std::string nearest;
  auto least = std::max<std::size_t>(2, name.size() / 3) + 1;
  const auto every = all();
  for (const auto& option : every.options()) {
    const auto distance = edit_distance(name, option->long_name());
    if (distance < least) {
      least = distance;
      nearest = option->long_name();
    }
  }
  return nearest;
}

void CommandLine::read_config(const std::string& path, const ReadFile& read, po::variables_map& values) const {
  const auto text = read(path);
  if (!text) throw UsageError("--config: " + text.error().message);
  const auto every = all();
  po::parsed_options found(&every);
  std::size_t number = 0;
  for (const auto& line : split(*text, '\n')) {
    ++number;
    if (is_blank_or_comment(line)) continue;
    const auto refuse_line = [&](const std::string& message) {
      throw UsageError(fmt::format("--config {}:{}: {}", path, number, message));
    };
    try {
      std::istringstream stream(line);
      auto parsed = po::parse_config_file(stream, every);
      po::variables_map checked;  // so that a bad value is named with its line
      po::store(parsed, checked);
      found.options.insert(found.options.end(), parsed.options.begin(), parsed.options.end());
    } catch (const po::unknown_option& error) {
      const auto name = without_dashes(error.get_option_name());
      const auto nearest = nearest_option(name);
      refuse_line(nearest.empty() ? fmt::format("there is no option '{}'", name)
                                  : fmt::format("there is no option '{}': did you mean '{}'?", name, nearest));
    } catch (const po::error& error) {
      refuse_line(error.what());
    }
  }
  try {
    po::store(found, values);
  } catch (const po::error& error) {
    throw UsageError(fmt::format("--config {}: {}", path, error.what()));
  }
}

bool CommandLine::parse(int argc, char** argv, const ReadFile& read, std::ostream* out) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool is_all = word == "--help=all" || (i + 1 < argc && std::string_view(argv[i + 1]) == "all");
    if (word != "--help" && word != "-h" && word != "--help=all") continue;
    if (out != nullptr) print_help(*out, is_all);
    return false;
  }
  auto every = all();
  every.add_options()(kStray, po::value(&stray_));
  auto positional = positional_;
  positional.add(kStray, -1);
  po::variables_map values;
  try {
    namespace style = po::command_line_style;
    po::store(po::command_line_parser(argc, argv)
                  .options(every)
                  .positional(positional)
                  .style(style::unix_style & ~style::allow_guessing)
                  .run(),
              values);
    if (values.count("version") != 0) {
      if (out != nullptr) *out << command_ << " " << kVersion << "\n";
      return false;
    }
    if (values.count("config") != 0) read_config(values["config"].as<std::string>(), read, values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    const auto name = without_dashes(error.get_option_name());
    const auto nearest = nearest_option(name);
    refuse(nearest.empty() ? fmt::format("there is no option --{}", name)
                           : fmt::format("there is no option --{}: did you mean --{}?", name, nearest));
  } catch (const po::error& error) {
    refuse(error.what());
  }
  if (stray_.empty()) return true;
  const auto first = printable(stray_.front());
  if (n_positional_ > 0) refuse(fmt::format("'{}' is one argument too many", first));
  refuse(suggested_.empty() ? fmt::format("'{}' follows no option", first)
                            : fmt::format("'{}' follows no option: did you mean --{} {}?", first, suggested_, first));
}

}  // namespace elves::jobs
