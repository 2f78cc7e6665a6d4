#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "elves/error.hpp"
#include "support/posix.hpp"

namespace elves::jobs {

/// The file of --report. It is opened before the work, so that a place that cannot be written is found out at once.
class ReportFile {
 public:
  ReportFile() = default;  ///< no report

  /// Opens "-" (standard output), a pipe or device, or a file that gets its name when the report is complete. An Error
  /// where it cannot be written, or lies in the corpus, which would then archive it.
  static Result<ReportFile> open(const std::string& path, const std::string& corpus);

  bool is_wanted() const noexcept { return pending_.has_value() || stream_ >= 0; }
  /// The summary then goes to standard error.
  bool is_standard_output() const noexcept { return is_standard_output_; }

  /// At most once.
  Result<void> write(std::string_view json);

 private:
  std::string path_;
  std::optional<PendingFile> pending_;
  FileDescriptor device_;
  int stream_ = -1;  ///< standard output, or `device_`
  bool is_standard_output_ = false;
};

}  // namespace elves::jobs
