#include "corpus/disk_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "corpus/folder_listing.hpp"
#include "support/posix.hpp"

namespace elves::corpus {
namespace {

constexpr std::size_t kMostNames = 1000;

class OpenFile final : public formats::ByteSource {
 public:
  OpenFile(FileDescriptor fd, std::uint64_t size_bytes) : fd_(std::move(fd)), source_(fd_.get(), size_bytes) {}
  std::uint64_t size_bytes() const override { return source_.size_bytes(); }
  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> out) const override {
    return source_.read(offset_bytes, out);
  }

 private:
  FileDescriptor fd_;
  formats::FileSource source_;
};

}  // namespace

Result<std::unique_ptr<formats::ByteSource>> DiskFolder::open(std::string_view name) const {
  if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\0", 2)) != name.npos)
    return Error{"not a file name"};
  FileDescriptor fd(open_regular_file(join(path_, name)));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return Error{errno_text(errno)};
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return std::unique_ptr<formats::ByteSource>(std::make_unique<OpenFile>(std::move(fd), size));
}

std::vector<std::string> DiskFolder::names(std::string_view suffix) const {
  if (const auto known = listed_.find(suffix); known != listed_.end()) return known->second;
  auto& names = listed_[std::string(suffix)];
  const FileDescriptor folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return {};
  names = list_names(folder.get()).names;
  std::erase_if(names, [&](const std::string& name) { return !name.ends_with(suffix); });
  std::sort(names.begin(), names.end());
  if (names.size() > kMostNames) names.resize(kMostNames);
  return names;
}

}  // namespace elves::corpus
