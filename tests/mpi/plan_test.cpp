#include "plan/plan.hpp"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "elves/codec.hpp"

namespace elves::plan {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

/// Files with one layer each; each rank gets a contiguous part of them.
std::vector<PlannedFile> my_files(const std::vector<std::uint64_t>& sizes, DType dtype = DType::F32) {
  const auto rank = static_cast<std::size_t>(mpi::world().rank());
  const auto ranks = static_cast<std::size_t>(mpi::world().size());
  std::vector<PlannedFile> files;
  for (auto i = sizes.size() * rank / ranks; i < sizes.size() * (rank + 1) / ranks; ++i) {
    PlannedFile file;
    file.entry.path = "file" + std::to_string(1000 + i);
    file.entry.size_bytes = sizes[i];
    if (sizes[i] > 0) {
      formats::Extent layer{.offset_bytes = 0, .length_bytes = sizes[i], .is_layer = true, .dtype = dtype};
      layer.shape = {sizes[i] / size_bytes(dtype) * block_elements(dtype)};
      file.parsed.extents.push_back(std::move(layer));
    }
    files.push_back(file);
  }
  return files;
}

const std::vector<std::uint64_t> kSizes{3 * kMiB, 0,        40 * kMiB, 4, 9 * kMiB + 12, 0, 100 * kMiB,
                                        kMiB,     5 * kMiB, 60 * kMiB, 8};

TEST(Plan, waves_have_at_most_wave_and_part_bytes) {
  const PlanOptions options{32 * kMiB, 8 * kMiB};
  const auto plan = make_plan(mpi::world(), my_files(kSizes), options);
  EXPECT_EQ(plan.total_bytes, std::accumulate(kSizes.begin(), kSizes.end(), std::uint64_t{0}));
  std::vector<std::uint64_t> by_wave(plan.n_waves);
  for (const auto& unit : plan.units) {
    EXPECT_LE(unit.size_bytes, options.part_bytes);
    by_wave.at(unit.wave) += unit.size_bytes;
  }
  const auto total = mpi::world().sum(by_wave);
  for (const auto bytes : total) EXPECT_LE(bytes, options.wave_bytes + options.part_bytes);
  EXPECT_EQ(std::accumulate(total.begin(), total.end(), std::uint64_t{0}), plan.total_bytes);
}

TEST(Plan, a_file_is_committed_in_the_wave_of_its_last_unit) {
  const auto plan = make_plan(mpi::world(), my_files(kSizes), {32 * kMiB, 8 * kMiB});
  for (const auto& file : plan.files) {
    if (file.n_units > 0) {
      EXPECT_EQ(file.wave, plan.units[file.first_unit + file.n_units - 1].wave);
    }
    EXPECT_LT(file.wave, plan.n_waves);
  }
}

TEST(Plan, ranks_get_contiguous_runs_of_about_equal_bytes) {
  const auto& comm = mpi::world();
  const auto plan = make_plan(comm, my_files(kSizes), {512 * kMiB, 128 * kMiB});
  ASSERT_EQ(plan.n_waves, 1u);
  const auto shares = partition(comm, plan, 0, std::vector<bool>(plan.files.size()));
  std::vector<std::uint64_t> bytes(static_cast<std::size_t>(comm.size()));
  std::map<std::size_t, std::uint32_t> chunks;
  for (std::size_t r = 0; r < shares.size(); ++r) {
    for (const auto& share : shares[r]) {
      EXPECT_EQ(chunks[share.unit], share.first_chunk) << "chunks of a unit go to ranks in order";
      chunks[share.unit] += share.n_chunks;
      for (auto c = share.first_chunk; c < share.first_chunk + share.n_chunks; ++c)
        bytes[r] += range_of_chunk(DType::F32, plan.units[share.unit].size_bytes, c).size_bytes;
    }
  }
  for (std::size_t u = 0; u < plan.units.size(); ++u)
    EXPECT_EQ(chunks[u], chunks_of(DType::F32, plan.units[u].size_bytes));
  const auto fair = plan.total_bytes / static_cast<std::uint64_t>(comm.size());
  for (const auto share : comm.sum(bytes)) {
    EXPECT_LE(share, fair + 2 * kChunkBytes);
    EXPECT_GE(share + 2 * kChunkBytes, fair);
  }
}

TEST(Plan, parts_and_chunks_of_block_types_are_whole_blocks) {
  for (const DType dtype : {DType::Q4_0, DType::Q6_K, DType::Q8_0, DType::MXFP4}) {
    const auto block = size_bytes(dtype);
    const auto plan = make_plan(mpi::world(), my_files({block, 2'000'003 * block}, dtype), {32 * kMiB, 8 * kMiB});
    std::uint64_t bytes = 0;
    for (const auto& unit : plan.units) {
      EXPECT_EQ(unit.offset_bytes % block, 0u);
      EXPECT_LE(unit.size_bytes, 8 * kMiB);
      std::uint64_t at = 0;
      for (std::uint32_t c = 0; c < chunks_of(dtype, unit.size_bytes); ++c) {
        const auto place = range_of_chunk(dtype, unit.size_bytes, c);
        EXPECT_EQ(place.offset_bytes, at);
        EXPECT_EQ(place.size_bytes % block, 0u);
        EXPECT_LE(place.size_bytes, kChunkBytes);
        at += place.size_bytes;
      }
      EXPECT_EQ(at, unit.size_bytes);
      bytes += at;
    }
    EXPECT_EQ(mpi::world().sum(bytes), 2'000'004 * block);
  }
}

TEST(Plan, a_corpus_without_bytes_has_one_wave) {
  const auto plan = make_plan(mpi::world(), my_files({0, 0, 0}), {32 * kMiB, 8 * kMiB});
  EXPECT_EQ(plan.n_waves, 1u);
  const auto none = make_plan(mpi::world(), {}, {32 * kMiB, 8 * kMiB});
  EXPECT_EQ(none.n_waves, 0u);
}

TEST(Plan, has_no_wave_in_which_no_unit_begins) {
  const auto plan = make_plan(mpi::world(), my_files({28 * kMiB, 8 * kMiB, 0}), {32 * kMiB, 8 * kMiB});
  EXPECT_EQ(plan.total_bytes, 36 * kMiB);
  EXPECT_EQ(plan.n_waves, 1u) << "the last unit begins in the first window and reaches into the second";
  for (const auto& file : plan.files) EXPECT_EQ(file.wave, 0u);
}

TEST(Plan, of_a_continued_sweep_cuts_the_waves_of_the_whole_one) {
  const auto& comm = mpi::world();
  const auto whole = make_plan(comm, my_files(kSizes), {32 * kMiB, 8 * kMiB});
  // The first commits archived all files of waves 0 and 1; the file of 100 MiB begins in wave 1 and is not complete.
  std::uint64_t bytes_before = 0;
  std::vector<PlannedFile> left;
  std::vector<std::vector<std::uint64_t>> expected;  // by file: waves of its units
  for (const auto& file : whole.files) {
    if (file.wave < 2) {
      bytes_before += file.entry.size_bytes;
      continue;
    }
    left.push_back({file.entry, file.parsed, 0, 0, 0});
    expected.emplace_back();
    for (std::size_t u = file.first_unit; u < file.first_unit + file.n_units; ++u)
      expected.back().push_back(whole.units[u].wave - 1);
  }
  const auto rest = make_plan(comm, left, {32 * kMiB, 8 * kMiB, comm.sum(bytes_before)});
  EXPECT_EQ(rest.n_waves, whole.n_waves - 1);
  for (std::size_t f = 0; f < rest.files.size(); ++f) {
    const auto& file = rest.files[f];
    for (std::size_t u = 0; u < file.n_units; ++u) EXPECT_EQ(rest.units[file.first_unit + u].wave, expected[f][u]);
  }
}

const KeyedHash kHash(std::vector<std::byte>(KeyedHash::kSecretBytes, std::byte{7}));

KnownFile archived(const corpus::FileEntry& entry, LossId loss = kExact) {
  return {kHash(entry.path), state_of(entry), loss};
}

TEST(DropArchived, drops_unchanged_files_whose_loss_is_allowed) {
  const auto& comm = mpi::world();
  corpus::FileEntry same, changed, fresh, lossy;
  same.path = "same";
  changed.path = "changed";
  fresh.path = "fresh";
  lossy.path = "lossy";
  auto before = changed;
  before.size_bytes = 5;
  // All rows are on the last rank, all entries on the first.
  std::vector<KnownFile> rows;
  if (comm.rank() == comm.size() - 1) rows = {archived(same), archived(before), archived(lossy, LossId{77})};
  std::vector<corpus::FileEntry> entries;
  if (comm.is_root()) entries = {same, changed, fresh, lossy};

  const auto exact = drop_archived(comm, entries, rows, kHash, kExact).entries;
  const auto allowed = drop_archived(comm, entries, rows, kHash, LossId{77}).entries;
  if (!comm.is_root()) return;
  const auto paths = [](const std::vector<corpus::FileEntry>& kept) {
    std::vector<std::string> list;
    for (const auto& entry : kept) list.push_back(entry.path);
    return list;
  };
  EXPECT_EQ(paths(exact), (std::vector<std::string>{"changed", "fresh", "lossy"}));
  EXPECT_EQ(paths(allowed), (std::vector<std::string>{"changed", "fresh"}));
}

TEST(DropArchived, counts_the_bytes_before_the_first_new_entry) {
  const auto& comm = mpi::world();
  std::vector<corpus::FileEntry> all(10);
  std::vector<KnownFile> rows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].path = "file" + std::to_string(i);
    all[i].size_bytes = 1 + i;
    if (i != 6 && i != 8 && comm.is_root()) rows.push_back(archived(all[i]));
  }
  const auto part = [&](int rank) { return static_cast<std::ptrdiff_t>(all.size()) * rank / comm.size(); };
  const std::vector mine(all.begin() + part(comm.rank()), all.begin() + part(comm.rank() + 1));
  const auto kept = drop_archived(comm, mine, rows, kHash, kExact);
  EXPECT_EQ(comm.sum(kept.entries.size()), 2u);
  EXPECT_EQ(kept.bytes_before, 1u + 2 + 3 + 4 + 5 + 6);
}

TEST(State, differs_if_anything_that_restore_sets_differs) {
  corpus::FileEntry entry;
  entry.path = "a";
  const auto state = state_of(entry);
  for (auto change :
       {+[](corpus::FileEntry& e) { e.size_bytes = 1; }, +[](corpus::FileEntry& e) { e.mtime_nanoseconds = 1; },
        +[](corpus::FileEntry& e) { e.mode = 0600; }, +[](corpus::FileEntry& e) { e.uid = 1; },
        +[](corpus::FileEntry& e) { e.kind = FileKind::Directory; }, +[](corpus::FileEntry& e) { e.target = "b"; }}) {
    auto other = entry;
    change(other);
    EXPECT_NE(state_of(other), state);
  }
}

}  // namespace
}  // namespace elves::plan
