#include "workload/stored_type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "common/error.h"
#include "numerics/format.h"

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

// All codes of a format that FP32 holds exactly.
template <std::size_t count>
std::array<float, count> values_of(std::string_view name) {
  const Format& f = format(name);
  std::array<float, count> values;
  for (std::uint32_t code = 0; code < count; ++code) {
    values[code] = static_cast<float>(decode(f, code));
  }
  return values;
}

void decode_f16(const std::byte* block, float* values) {
  static const auto kValues = values_of<65536>("fp16");
  *values = kValues[load<std::uint16_t>(block)];
}

void decode_bf16(const std::byte* block, float* values) {
  *values = std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(block)} << 16U);
}

void decode_f8_e4m3(const std::byte* block, float* values) {
  static const auto kValues = values_of<256>("fp8_e4m3");
  *values = kValues[std::to_integer<std::size_t>(*block)];
}

void decode_f8_e5m2(const std::byte* block, float* values) {
  static const auto kValues = values_of<256>("fp8_e5m2");
  *values = kValues[std::to_integer<std::size_t>(*block)];
}

constexpr std::array kTypes{
    StoredType{"F64", 1, 8, decode_plain<double>},
    StoredType{"F32", 1, 4, decode_plain<float>},
    StoredType{"F16", 1, 2, decode_f16},
    StoredType{"BF16", 1, 2, decode_bf16},
    StoredType{"F8_E4M3", 1, 1, decode_f8_e4m3},
    StoredType{"F8_E5M2", 1, 1, decode_f8_e5m2},
    StoredType{"I8", 1, 1, decode_plain<std::int8_t>},
    StoredType{"U8", 1, 1, decode_plain<std::uint8_t>},
    StoredType{"I16", 1, 2, decode_plain<std::int16_t>},
    StoredType{"U16", 1, 2, decode_plain<std::uint16_t>},
};

}  // namespace

const StoredType* find_stored_type(std::string_view name) {
  const auto found = std::ranges::find(kTypes, name, &StoredType::name);
  return found == kTypes.end() ? nullptr : &*found;
}

void decode_numbers(const StoredType& type, std::span<const std::byte> data, std::uint64_t first,
                    std::span<float> values) {
  constexpr std::size_t kLargestBlock = 256;
  check(type.numbers <= kLargestBlock, "a block that is too large");
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
