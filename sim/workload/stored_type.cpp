#include "workload/stored_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "common/error.h"
#include "numerics/format.h"
#include "workload/ggml_blocks.h"

namespace bitsmith {
namespace {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

template <class Number>
Number load(const std::byte* bytes) {
  Number number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

template <class Number>
void decode_plain(const std::byte* block, float* values) {
  *values = static_cast<float>(load<Number>(block));
}

// A number of one byte.
template <const std::string_view& name>
void decode_byte(const std::byte* block, float* values) {
  static const std::array<float, 256> kValues = [] {
    const Format& f = format(name);
    std::array<float, 256> table;
    for (std::uint32_t code = 0; code < table.size(); ++code) {
      table[code] = static_cast<float>(decode(f, code));
    }
    return table;
  }();
  *values = kValues[std::to_integer<std::size_t>(*block)];
}

constexpr std::string_view kE4m3 = "fp8_e4m3", kE5m2 = "fp8_e5m2";

void decode_f16(const std::byte* block, float* values) { *values = decode_fp16(block); }

void decode_bf16(const std::byte* block, float* values) {
  *values = std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(block)} << 16U);
}

// Sizes of ggml's types: GGML_QUANT_SIZES in gguf-py/gguf/constants.py of
// https://github.com/ggml-org/llama.cpp.
constexpr std::array kTypes{
    StoredType{"F64", 1, 8, decode_plain<double>},
    StoredType{"F32", 1, 4, decode_plain<float>},
    StoredType{"F16", 1, 2, decode_f16},
    StoredType{"BF16", 1, 2, decode_bf16},
    StoredType{"F8_E4M3", 1, 1, decode_byte<kE4m3>},
    StoredType{"F8_E5M2", 1, 1, decode_byte<kE5m2>},
    StoredType{"I8", 1, 1, decode_plain<std::int8_t>},
    StoredType{"U8", 1, 1, decode_plain<std::uint8_t>},
    StoredType{"I16", 1, 2, decode_plain<std::int16_t>},
    StoredType{"U16", 1, 2, decode_plain<std::uint16_t>},
    StoredType{"Q4_0", 32, 18, decode_q4_0},
    StoredType{"Q4_1", 32, 20, decode_q4_1},
    StoredType{"Q5_0", 32, 22, decode_q5_0},
    StoredType{"Q5_1", 32, 24, decode_q5_1},
    StoredType{"Q8_0", 32, 34, decode_q8_0},
    StoredType{"Q2_K", 256, 84, decode_q2_k},
    StoredType{"Q3_K", 256, 110, decode_q3_k},
    StoredType{"Q4_K", 256, 144, decode_q4_k},
    StoredType{"Q5_K", 256, 176, decode_q5_k},
    StoredType{"Q6_K", 256, 210, decode_q6_k},
    // FP32 does not hold integers of 32 bits; the others are rare, and most need tables.
    StoredType{"I32", 1, 4, nullptr},
    StoredType{"I64", 1, 8, nullptr},
    StoredType{"IQ2_XXS", 256, 66, nullptr},
    StoredType{"IQ2_XS", 256, 74, nullptr},
    StoredType{"IQ3_XXS", 256, 98, nullptr},
    StoredType{"IQ1_S", 256, 50, nullptr},
    StoredType{"IQ4_NL", 32, 18, nullptr},
    StoredType{"IQ3_S", 256, 110, nullptr},
    StoredType{"IQ2_S", 256, 82, nullptr},
    StoredType{"IQ4_XS", 256, 136, nullptr},
    StoredType{"IQ1_M", 256, 56, nullptr},
    StoredType{"TQ1_0", 256, 54, nullptr},
    StoredType{"TQ2_0", 256, 66, nullptr},
    StoredType{"MXFP4", 32, 17, nullptr},
};

}  // namespace

const StoredType* find_stored_type(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name, &StoredType::name);
  return found == kTypes.end() ? nullptr : &*found;
}

std::string decodable_types() {
  std::vector<std::string_view> names;
  for (const StoredType& type : kTypes) {
    if (type.decode != nullptr) names.push_back(type.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

void decode_numbers(const StoredType& type, std::span<const std::byte> data, std::uint64_t first,
                    std::span<float> values) {
  constexpr std::size_t kLargestBlock = 256;
  check(type.decode != nullptr && type.numbers <= kLargestBlock, "a type that can be decoded");
  const std::uint64_t numbers = data.size() / type.bytes * type.numbers;
  check(first <= numbers && values.size() <= numbers - first, "numbers that the data do not have");
  std::array<float, kLargestBlock> block;
  while (!values.empty()) {
    const std::byte* const from = data.data() + first / type.numbers * type.bytes;
    const std::uint64_t skipped = first % type.numbers;
    const std::size_t taken = std::min<std::size_t>(type.numbers - skipped, values.size());
    if (taken == type.numbers) {
      type.decode(from, values.data());
    } else {
      type.decode(from, block.data());
      std::copy_n(block.begin() + static_cast<std::ptrdiff_t>(skipped), taken, values.begin());
    }
    values = values.subspan(taken);
    first += taken;
  }
}

}  // namespace bitsmith
