#include "formats/hdf5/chunk_index.hpp"

#include <utility>

#include "formats/hdf5/btree_v1.hpp"
#include "formats/hdf5/btree_v2.hpp"
#include "formats/hdf5/chunk_array.hpp"
#include "formats/hdf5/chunk_list.hpp"
#include "support/checked.hpp"

namespace elves::formats::hdf5 {
namespace {

/// A key is the size of the chunk, a mask of skipped filters, the origin of the chunk, and one number for the element.
void read_btree_v1(ChunkList& chunks) {
  const auto& shape = chunks.layout().chunk_shape;
  const auto key_bytes = 8 + 8 * (shape.size() + 1);
  for_each_leaf(chunks.file(), chunks.layout().address, key_bytes, BtreeKind::Chunks,
                [&](NumberCursor& key, std::uint64_t child) {
                  const std::uint64_t n_bytes = key.read<std::uint32_t>();
                  key.skip(4);
                  std::vector<std::uint64_t> scaled(shape.size());
                  for (std::size_t i = 0; i < scaled.size(); ++i) {
                    const auto origin = key.read<std::uint64_t>();
                    if (origin % shape[i] != 0) return chunks.fail("a chunk has a wrong origin");
                    scaled[i] = origin / shape[i];
                  }
                  chunks.add(child, n_bytes, std::move(scaled));
                });
}

/// A record is the address, with filters also the size and a mask of skipped filters, and the place of the chunk.
void read_btree_v2(ChunkList& chunks) {
  const bool has_filters = chunks.dataset().has_filters;
  const auto type = has_filters ? RecordType::FilteredChunk : RecordType::Chunk;
  for_each_record(chunks.file(), chunks.layout().address, type, [&](NumberCursor& record) {
    const auto address = record.address();
    const auto fixed_bytes = 8 * chunks.rank() + 4;
    auto n_bytes = chunks.chunk_bytes();
    if (has_filters) {
      n_bytes = record.number(record.remaining() > fixed_bytes ? record.remaining() - fixed_bytes : 0);
      record.skip(4);
    }
    std::vector<std::uint64_t> scaled(chunks.rank());
    for (auto& each : scaled) each = record.read<std::uint64_t>();
    if (!record.failed()) chunks.add(address, n_bytes, std::move(scaled));
  });
}

void read_single(ChunkList& chunks) {
  const auto& layout = chunks.layout();
  chunks.add(layout.address, layout.single_chunk_bytes.value_or(chunks.chunk_bytes()),
             std::vector<std::uint64_t>(chunks.rank(), 0));
}

/// Without an index, all chunks of the largest shape are stored one after another.
void read_implicit(ChunkList& chunks) {
  auto& file = chunks.file();
  const ChunkNumbers numbers(chunks, std::nullopt);
  const auto n_chunks = numbers.count();
  const auto n_bytes = n_chunks ? checked_mul(*n_chunks, chunks.chunk_bytes()) : std::nullopt;
  const auto end = n_bytes ? checked_add(chunks.layout().address, *n_bytes) : std::nullopt;
  if (!end || !file.offset_of(*end)) return chunks.fail("chunks pass the end of the file");
  for (std::uint64_t i = 0; i < *n_chunks && !file.failed(); ++i) {
    file.charge(sizeof(i));
    chunks.add(chunks.layout().address + i * chunks.chunk_bytes(), chunks.chunk_bytes(), numbers.scaled(i));
  }
}

}  // namespace

std::vector<Chunk> read_chunks(Metadata& file, const Dataset& dataset, std::uint64_t chunk_bytes) {
  ChunkList chunks(file, dataset, chunk_bytes);
  switch (dataset.layout.index) {
    case ChunkIndex::BtreeV1:
      read_btree_v1(chunks);
      break;
    case ChunkIndex::Single:
      read_single(chunks);
      break;
    case ChunkIndex::Implicit:
      read_implicit(chunks);
      break;
    case ChunkIndex::FixedArray:
      read_fixed_array(chunks);
      break;
    case ChunkIndex::ExtensibleArray:
      read_extensible_array(chunks);
      break;
    case ChunkIndex::BtreeV2:
      read_btree_v2(chunks);
      break;
  }
  return chunks.take();
}

}  // namespace elves::formats::hdf5
