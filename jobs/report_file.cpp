#include "jobs/report_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "support/try.hpp"

namespace elves::jobs {

Result<ReportFile> ReportFile::open(const std::string& path, const std::string& corpus) {
  namespace fs = std::filesystem;
  ReportFile report;
  report.path_ = path;
  if (path == "-") {
    report.path_ = "standard output";
    report.stream_ = STDOUT_FILENO;
    report.is_standard_output_ = true;
    return report;
  }
  std::error_code error;
  const auto status = fs::status(path, error);
  if (fs::is_directory(status)) return Error{path + ": is a directory"};
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    report.device_ = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!report.device_) return Error{path + ": " + errno_text(errno)};
    report.stream_ = report.device_.get();
    return report;
  }
  if (lies_in(path, corpus)) return Error{path + " lies inside the corpus: choose another place"};
  const auto target = fs::exists(status) ? fs::canonical(path, error).string() : path;  // a link stays one
  ELVES_TRY(auto pending, PendingFile::create(error ? path : target));
  report.pending_.emplace(std::move(pending));
  return report;
}

Result<void> ReportFile::write(std::string_view json) {
  if (pending_) return pending_->commit(json);
  if (auto done = write_all(stream_, json); !done) return Error{path_ + ": " + done.error().message};
  return {};
}

}  // namespace elves::jobs
