// The types of numbers in files of weights, and how each becomes FP32.
//
// Numbers are stored in blocks of a fixed length in bytes: one number for the plain types, 32 or
// 256 for those of ggml with scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bitsmith {

struct StoredType {
  std::string_view name;  // as the file format spells it: "F16", "Q4_K"
  std::uint64_t numbers;  // of a block
  std::uint64_t bytes;    // of a block
  // The numbers of one block. Exact where FP32 holds the value (all but F64), else rounded to
  // nearest.
  void (*decode)(const std::byte* block, float* values);
};

// F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I8, U8, I16, U16 of safetensors and those of ggml, or
// null.
const StoredType* find_stored_type(std::string_view name);

// Numbers first, first + 1, ... of `data`, whole blocks of `type`. The range must be within it.
void decode_numbers(const StoredType& type, std::span<const std::byte> data, std::uint64_t first,
                    std::span<float> values);

}  // namespace bitsmith
