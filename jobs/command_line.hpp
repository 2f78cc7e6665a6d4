#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options.hpp>

#include "elves/error.hpp"

namespace elves::jobs {

/// A number of bytes as an option's value: "4GiB", "512M", "100". See parse_bytes().
struct Size {
  std::uint64_t bytes = 0;
};
void validate(boost::any& value, const std::vector<std::string>& words, Size*, int);

/// A time span as an option's value: "90", "1h30m", "12:00:00". See parse_seconds().
struct Duration {
  double seconds = 0;
};
void validate(boost::any& value, const std::vector<std::string>& words, Duration*, int);

/// Options whose values go to a field of another type.
boost::program_options::typed_value<Size>* size_value(std::uint64_t* bytes);
boost::program_options::typed_value<Duration>* duration_value(double* seconds);
/// `set` throws UsageError for a word that it does not take.
boost::program_options::typed_value<std::string>* word_value(const char* placeholder,
                                                             std::function<void(const std::string&)> set);

/// The command line of a command: its own options, --config FILE, --help [all], --version. Not collective.
class CommandLine {
 public:
  /// Reads the file that --config names.
  using ReadFile = std::function<Result<std::string>(const std::string& path)>;

  /// `usage` follows "usage: "; `about` stands between it and the options in --help.
  CommandLine(std::string command, std::string usage, std::string about);

  /// Options that --help shows.
  boost::program_options::options_description_easy_init add() { return add("Options"); }
  /// Options of a group. --help shows those that show() names; `--help all` shows every group.
  boost::program_options::options_description_easy_init add(const std::string& group);
  /// The options that --help shows, in this order. Without this call it shows all.
  void show(std::vector<std::string> names) { shown_ = std::move(names); }

  /// The first arguments without a name go to this option, at most `n` of them.
  void positional(const std::string& option, int n);
  /// Which option a user may have meant by an argument without a name: named in the message.
  void suggest(std::string option) { suggested_ = std::move(option); }

  /// Parses into the fields that the options are bound to. The command line wins over --config. Throws UsageError,
  /// with file and line for what --config names. False where --help or --version was asked for; prints it to `out`
  /// unless nullptr.
  bool parse(int argc, char** argv, const ReadFile& read, std::ostream* out);

 private:
  void print_help(std::ostream& out, bool all) const;
  boost::program_options::options_description all() const;
  void read_config(const std::string& path, const ReadFile& read, boost::program_options::variables_map& values) const;
  std::string nearest_option(std::string_view name) const;
  [[noreturn]] void refuse(const std::string& message) const;

  struct Group {
    std::string name;
    std::unique_ptr<boost::program_options::options_description> options;
  };

  std::string command_, usage_, about_, suggested_;
  std::vector<Group> groups_;
  std::vector<std::string> shown_;
  boost::program_options::positional_options_description positional_;
  int n_positional_ = 0;
  std::vector<std::string> stray_;  ///< arguments that belong to no option
};

}  // namespace elves::jobs
