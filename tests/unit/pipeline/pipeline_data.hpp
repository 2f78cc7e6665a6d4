#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "elves/codec.hpp"
#include "pipeline/wave_exchange.hpp"
#include "support/hash.hpp"

/// Files of a small corpus, and the waves that a worker would be assigned of them.
namespace elves::pipeline {

inline const KeyedHash kHash(std::vector<std::byte>(KeyedHash::kSecretBytes, std::byte{3}));

/// A folder for one test, which is removed after it.
class CorpusTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  /// Writes a file, and returns it as a walk would find it.
  SourceFile write_file(const std::string& name, std::span<const std::byte> bytes) const {
    std::ofstream(root_ + "/" + name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    struct stat status {};
    EXPECT_EQ(::stat((root_ + "/" + name).c_str(), &status), 0);
    return {name,
            static_cast<std::uint64_t>(status.st_size),
            status.st_mtim.tv_sec,
            static_cast<std::uint32_t>(status.st_mtim.tv_nsec),
            status.st_ctim.tv_sec,
            static_cast<std::uint32_t>(status.st_ctim.tv_nsec),
            status.st_ino,
            {}};
  }

  std::string root_ = "/tmp/elves-pipeline-XXXXXX";
};

inline std::vector<std::byte> counted_bytes(std::size_t n, unsigned start) {
  std::vector<std::byte> bytes(n);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>((start + i * 7 + i / 251) & 0xFF);
  return bytes;
}

/// Appends chunks for a unit that begins at `offset` of a source.
inline void assign_unit(AssignedWave& wave, std::size_t source, DType dtype, std::uint64_t offset, std::uint64_t size,
                        const Task& task = {}) {
  for (std::uint32_t number = 0; number < plan::chunks_of(dtype, size); ++number) {
    const auto place = plan::range_of_chunk(dtype, size, number);
    AssignedChunk chunk;
    chunk.source = source;
    chunk.dtype = dtype;
    chunk.file_offset = offset + place.offset_bytes;
    chunk.buffer_at = wave.raw_bytes;
    chunk.size_bytes = place.size_bytes;
    chunk.number = number;
    chunk.task = task;
    wave.raw_bytes += chunk.size_bytes;
    wave.chunks.push_back(chunk);
  }
}

}  // namespace elves::pipeline
