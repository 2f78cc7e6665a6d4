#include "tools/sample_hub/hub.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <bit>
#include <cerrno>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "tools/sample_hub/model.hpp"

namespace elves::sample {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kWritten = 1'700'000'000;  ///< the mtime of everything, so that runs are equal
constexpr std::int64_t kLongAgo = 86'400;         ///< 2 January 1970

[[noreturn]] void fail(const char* what, const fs::path& path) {
  throw fs::filesystem_error(what, path, std::error_code(errno, std::generic_category()));
}

void set_time(const fs::path& path, std::int64_t seconds, std::int64_t nanoseconds) {
  struct timespec times[2] = {};
  times[0].tv_sec = times[1].tv_sec = seconds;
  times[0].tv_nsec = times[1].tv_nsec = nanoseconds;
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) fail("cannot set the time", path);
}

/// Writes files below a root and counts them.
class Hub {
 public:
  explicit Hub(fs::path root) : root_(std::move(root)) {}

  void file(const std::string& path, std::string_view bytes, mode_t mode = 0644, std::int64_t mtime = kWritten) {
    const auto full = root_ / path;
    fs::create_directories(full.parent_path());
    std::ofstream out(full, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) fail("cannot write", full);
    if (::chmod(full.c_str(), mode) != 0) fail("cannot set the mode", full);
    set_time(full, mtime, static_cast<std::int64_t>(size_.files) * 1000);
    ++size_.files;
    size_.bytes += bytes.size();
  }
  void file(const std::string& path, const Bytes& bytes, mode_t mode = 0644) {
    file(path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), mode);
  }
  void link(const std::string& path, const std::string& target) {
    const auto full = root_ / path;
    fs::create_directories(full.parent_path());
    fs::create_symlink(target, full);
    set_time(full, kWritten, 0);
    ++size_.files;
  }
  void second_name(const std::string& path, const std::string& of) {
    fs::create_hard_link(root_ / of, root_ / path);
    ++size_.files;
  }
  void folder(const std::string& path) { fs::create_directories(root_ / path); }

  void model(const std::string& id, const Model& model, const std::string& dtype, const std::string& base = {}) {
    file(id + "/model.safetensors", weights_file(model, dtype));
    file(id + "/config.json", config_json(model, dtype, {}));
    const auto lineage = base.empty() ? std::string() : "base_model: " + base + "\n";
    file(id + "/README.md",
         "---\nlicense: apache-2.0\n" + lineage + "---\n# " + id + "\n\nGenerated sample weights.\n");
    ++size_.models;
  }
  void count_model() { ++size_.models; }

  /// Last of all: a file that comes into a folder changes its time, and the umask its mode.
  void finish_folders() const {
    for (const auto& each : fs::recursive_directory_iterator(root_)) {
      if (!each.is_directory() || each.is_symlink()) continue;
      if (::chmod(each.path().c_str(), 0755) != 0) fail("cannot set the mode", each.path());
      set_time(each.path(), kWritten, 0);
    }
  }
  HubSize size() const { return size_; }

 private:
  fs::path root_;
  HubSize size_;
};

/// Token by token, as vocabularies look: text that a general compressor likes.
std::string tokenizer_text(std::uint64_t n_tokens, Random& random) {
  constexpr std::string_view kSyllables[] = {"ka", "lo", "mi", "ne", "ta", "ra", "shi", "u", "el", "ven"};
  std::string text = "#version: 0.2\n";
  for (std::uint64_t i = 0; i < n_tokens; ++i) {
    for (auto n = random.bits() % 3 + 1; n > 0; --n) text += kSyllables[random.bits() % std::size(kSyllables)];
    text += ' ';
    text += kSyllables[random.bits() % std::size(kSyllables)];
    text += '\n';
  }
  return text;
}

/// What the optimiser keeps: moments far below the weights, a step counter, an array without elements.
Bytes optimizer_file(std::uint64_t n_values, Random& random) {
  auto second_moments = normal(n_values, 0, 1e-9, random);
  for (auto& value : second_moments) value = value < 0 ? -value : value;
  std::vector<std::int64_t> positions(2048);
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int64_t>(i);
  return safetensors_file({{"exp_avg", "F32", {n_values}, as_f32(normal(n_values, 0, 1e-6, random))},
                           {"exp_avg_sq", "F32", {n_values}, as_f32(second_moments)},
                           {"position_ids", "I64", {1, positions.size()}, as_i64(positions)},
                           {"step", "I64", {}, as_i64({12000})},
                           {"unused", "F32", {0, 768}, {}}});
}

/// Among usual weights, the values on which a careless codec breaks.
Bytes special_values_file(Random& random) {
  auto values = normal(4096, 0, 0.05, random);
  const float infinity = std::numeric_limits<float>::infinity();
  const float payload = std::bit_cast<float>(std::uint32_t{0x7FA12345});  // a signalling NaN with a payload
  const Floats special{-0.0f,   0.0f,   infinity, -infinity,   std::numeric_limits<float>::quiet_NaN(),
                       payload, 1.0f,   -1.0f,    0.99999994f, -0.99999994f,
                       1.5f,    -2e30f, 1e-45f,   -1e-38f,     std::numeric_limits<float>::max()};
  for (std::size_t i = 0; i < special.size(); ++i) values[i * 257 + 3] = special[i];
  const Floats same(1000, 0.125f);
  Floats mask(512);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 2 == 0 ? -infinity : 0.0f;
  return safetensors_file({{"special.weight", "F32", {64, 64}, as_f32(values)},
                           {"special.half", "F16", {64, 64}, as_f16(values)},
                           {"special.brain", "BF16", {64, 64}, as_bf16(values)},
                           {"constant", "F32", {1000}, as_f32(same)},
                           {"causal_mask", "F32", {512}, as_f32(mask)}});
}

/// 23 bytes a parameter: five models in float32, one in bfloat16, one in 8 bits.
void write_family(Hub& hub, std::uint64_t n_parameters, Random& random) {
  const auto base = make_model(n_parameters, random);
  hub.model("acme/base", base, "F32");
  hub.file("acme/base/merges.txt", tokenizer_text(5000, random));
  hub.model("acme/base-chat", fine_tune(base, Tuned::Everything, random), "F32", "acme/base");
  hub.model("acme/base-classifier", fine_tune(base, Tuned::LastBlock, random), "F32", "acme/base");
  hub.model("mirror/base-copy", base, "F32");
  hub.model("acme/base-bf16", base, "BF16");
  auto upcast = base;
  for (auto& weight : upcast.weights) weight.values = rounded_to_bf16(weight.values);
  hub.model("lab/base-upcast", upcast, "F32");
  hub.model("lab/base-fp8", base, "F8_E4M3", "acme/base-bf16");
}

/// The layout of the Hugging Face cache: contents under their digest, names as symbolic links.
void write_cached_model(Hub& hub, std::uint64_t n_parameters, Random& random) {
  const std::string folder = "models--tiny--encoder/";
  const std::string commit = "5f1c7e0a9b3d2468ace013579bdf02468ace1357";
  const auto model = make_model(n_parameters, random);
  hub.file(folder + "blobs/9a3fd8c1e0b74652", weights_file(model, "BF16"));
  hub.file(folder + "blobs/1b2c3d4e5f607182", config_json(model, "BF16", "tiny/teacher"));
  hub.file(folder + "refs/main", commit);
  hub.link(folder + "snapshots/" + commit + "/model.safetensors", "../../blobs/9a3fd8c1e0b74652");
  hub.link(folder + "snapshots/" + commit + "/config.json", "../../blobs/1b2c3d4e5f607182");
  hub.count_model();
}

void write_odd_files(Hub& hub, Random& random) {
  hub.file("odd/files/empty.bin", "");
  hub.file("odd/files/one_byte.bin", "1");
  hub.file("odd/files/not-utf8-\xFF\xFE.txt", "the name of this file is not valid UTF-8\n");
  hub.file("odd/files/space and 'quotes'.txt", "an awkward name\n");
  hub.file("odd/files/private.txt", "mode 0600\n", 0600);
  hub.file("odd/files/read_only.txt", "mode 0444\n", 0444);
  hub.file("odd/files/old.txt", "older than the format\n", 0644, kLongAgo);
  auto damaged = safetensors_file({{"a", "F32", {64}, as_f32(normal(64, 0, 0.05, random))},
                                   {"b", "F32", {64}, as_f32(normal(64, 0, 0.05, random))}});
  damaged.erase(damaged.end() - 100, damaged.end());  // a download that was cut short
  hub.file("odd/files/damaged.safetensors", damaged);
  hub.file("odd/files/special.safetensors", special_values_file(random));
  hub.second_name("odd/files/second_name.safetensors", "odd/files/special.safetensors");
  hub.link("odd/files/latest", "special.safetensors");
  hub.link("odd/files/dangling", "../nowhere");
  hub.folder("odd/files/empty folder");
  hub.file("README.txt", "A hub of generated models. None of them was ever trained.\n");
  hub.count_model();
}

}  // namespace

HubSize write_hub(const fs::path& root, std::uint64_t seed, std::uint64_t size_bytes) {
  Random random(seed);
  Hub hub(root);
  const auto n_parameters = size_bytes / 25;
  write_family(hub, n_parameters, random);
  hub.model("lab/vision-fp16", make_model(n_parameters / 2, random), "F16");
  hub.file("lab/checkpoint/optimizer.safetensors", optimizer_file(size_bytes / 200, random));
  hub.count_model();
  write_cached_model(hub, n_parameters / 4, random);
  write_odd_files(hub, random);
  hub.finish_folders();
  return hub.size();
}

}  // namespace elves::sample
