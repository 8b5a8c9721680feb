// The types of numbers in files of weights, and how each becomes FP32.
//
// Numbers are stored in blocks of a fixed length in bytes: one number for the plain types, 32 or
// 256 for those of ggml with scales (ggml_blocks.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bitsmith {

struct StoredType {
  std::string_view name;  // as the file format spells it: "F16", "Q4_K"
  std::uint64_t numbers;  // of a block
  std::uint64_t bytes;    // of a block
  // The numbers of one block. Exact where FP32 holds the values, else rounded to nearest; null for
  // a type that is known by its size alone.
  void (*decode)(const std::byte* block, float* values);
};

// Of safetensors and of ggml; null when there is no such type.
const StoredType* find_stored_type(std::string_view name);

// Names of the types that can be decoded, with commas.
std::string decodable_types();

// Numbers first, first + 1, ... of `data`, whole blocks of a type that can be decoded. The range
// must be within it.
void decode_numbers(const StoredType& type, std::span<const std::byte> data, std::uint64_t first,
                    std::span<float> values);

}  // namespace bitsmith
