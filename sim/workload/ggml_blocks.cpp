#include "workload/ggml_blocks.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "numerics/format.h"

namespace bitsmith {
namespace {

constexpr unsigned kSmall = 32;   // numbers of a plain block
constexpr unsigned kLarge = 256;  // of a K block

unsigned byte(const std::byte* bytes, unsigned index) {
  return std::to_integer<unsigned>(bytes[index]);
}

int signed_byte(const std::byte* bytes, unsigned index) {
  return static_cast<std::int8_t>(byte(bytes, index));
}

// The code of `bits` bits whose lowest one is bit `shift` of a byte.
unsigned field(const std::byte* bytes, unsigned index, unsigned shift, unsigned bits) {
  return (byte(bytes, index) >> shift) & ((1U << bits) - 1);
}

float product(float scale, int code) { return scale * static_cast<float>(code); }
float product(float scale, unsigned code) { return scale * static_cast<float>(code); }

// Of 32 numbers: the low nibbles are the first half, the high ones the second.
unsigned nibble(const std::byte* codes, unsigned i) {
  return field(codes, i % (kSmall / 2), i / (kSmall / 2) * 4, 4);
}

// With the fifth bits, one per number from the lowest on.
unsigned five_bits(const std::byte* high, const std::byte* codes, unsigned i) {
  return nibble(codes, i) | (field(high, i / 8, i % 8, 1) << 4U);
}

// Of 256 numbers in fields of 2 bits: 32 bytes hold 128 numbers, the lowest fields the first 32.
unsigned two_bits(const std::byte* codes, unsigned i) {
  return field(codes, i / 128 * 32 + i % 32, i % 128 / 32 * 2, 2);
}

// Of 256 numbers in nibbles: `run` bytes hold `run` numbers and then `run` more.
unsigned run_nibble(const std::byte* codes, unsigned i, unsigned run) {
  return field(codes, i / (2 * run) * run + i % run, i / run % 2 * 4, 4);
}

// Single bits of 256 numbers: 32 bytes, one bit for every run of 32.
unsigned one_bit(const std::byte* codes, unsigned i) { return field(codes, i % 32, i / 32, 1); }

// Scales and minima of Q4_K and Q5_K, eight of 6 bits each in 12 bytes: the first four are the low
// bits of bytes 0..3 and 4..7; of the others bytes 8..11 hold the low four bits (scale below
// minimum), and the free bits of the former the upper two.
unsigned packed_scale(const std::byte* packed, unsigned j) {
  if (j < 4) return field(packed, j, 0, 6);
  return field(packed, j + 4, 0, 4) | (field(packed, j - 4, 6, 2) << 4U);
}

unsigned packed_minimum(const std::byte* packed, unsigned j) {
  if (j < 4) return field(packed, j + 4, 0, 6);
  return field(packed, j + 4, 4, 4) | (field(packed, j, 6, 2) << 4U);
}

// Scales of Q3_K, sixteen of 6 bits less 32: eight bytes of low nibbles, four of upper pairs.
int q3_scale(const std::byte* packed, unsigned j) {
  const unsigned low = field(packed, j % 8, j / 8 * 4, 4);
  const unsigned high = field(packed, 8 + j % 4, j / 4 * 2, 2);
  return static_cast<int>(low | (high << 4U)) - 32;
}

}  // namespace

float decode_fp16(const std::byte* bytes) {
  static const std::array<float, 65536> kValues = [] {
    const Format& fp16 = format("fp16");
    std::array<float, 65536> values;
    for (std::uint32_t code = 0; code < values.size(); ++code) {
      values[code] = static_cast<float>(decode(fp16, code));
    }
    return values;
  }();
  return kValues[byte(bytes, 0) | (byte(bytes, 1) << 8U)];
}

// d, codes.
void decode_q4_0(const std::byte* block, float* values) {
  const float d = decode_fp16(block);
  for (unsigned i = 0; i < kSmall; ++i) {
    values[i] = product(d, static_cast<int>(nibble(block + 2, i)) - 8);
  }
}

// d, minimum, codes.
void decode_q4_1(const std::byte* block, float* values) {
  const float d = decode_fp16(block), minimum = decode_fp16(block + 2);
  for (unsigned i = 0; i < kSmall; ++i) values[i] = product(d, nibble(block + 4, i)) + minimum;
}

// d, fifth bits, codes.
void decode_q5_0(const std::byte* block, float* values) {
  const float d = decode_fp16(block);
  for (unsigned i = 0; i < kSmall; ++i) {
    values[i] = product(d, static_cast<int>(five_bits(block + 2, block + 6, i)) - 16);
  }
}

// d, minimum, fifth bits, codes.
void decode_q5_1(const std::byte* block, float* values) {
  const float d = decode_fp16(block), minimum = decode_fp16(block + 2);
  for (unsigned i = 0; i < kSmall; ++i) {
    values[i] = product(d, five_bits(block + 4, block + 8, i)) + minimum;
  }
}

// d, codes.
void decode_q8_0(const std::byte* block, float* values) {
  const float d = decode_fp16(block);
  for (unsigned i = 0; i < kSmall; ++i) values[i] = product(d, signed_byte(block + 2, i));
}

// 16 bytes of scales (low nibble) and minima, codes, d, d of the minima.
void decode_q2_k(const std::byte* block, float* values) {
  const std::byte* const codes = block + 16;
  const float d = decode_fp16(block + 80), d_minimum = decode_fp16(block + 82);
  for (unsigned i = 0; i < kLarge; ++i) {
    const float scale = product(d, field(block, i / 16, 0, 4));
    const float minimum = product(d_minimum, field(block, i / 16, 4, 4));
    values[i] = product(scale, two_bits(codes, i)) - minimum;
  }
}

// Third bits, codes, scales, d. A third bit that is clear takes 4 away.
void decode_q3_k(const std::byte* block, float* values) {
  const std::byte* const codes = block + 32;
  const std::byte* const scales = block + 96;
  const float d = decode_fp16(block + 108);
  for (unsigned i = 0; i < kLarge; ++i) {
    const float scale = product(d, q3_scale(scales, i / 16));
    const int code = static_cast<int>(two_bits(codes, i)) - (one_bit(block, i) != 0 ? 0 : 4);
    values[i] = product(scale, code);
  }
}

// d, d of the minima, scales and minima, codes.
void decode_q4_k(const std::byte* block, float* values) {
  const std::byte* const packed = block + 4;
  const std::byte* const codes = block + 16;
  const float d = decode_fp16(block), d_minimum = decode_fp16(block + 2);
  for (unsigned i = 0; i < kLarge; ++i) {
    const float scale = product(d, packed_scale(packed, i / 32));
    const float minimum = product(d_minimum, packed_minimum(packed, i / 32));
    values[i] = product(scale, run_nibble(codes, i, 32)) - minimum;
  }
}

// d, d of the minima, scales and minima, fifth bits, codes.
void decode_q5_k(const std::byte* block, float* values) {
  const std::byte* const packed = block + 4;
  const std::byte* const high = block + 16;
  const std::byte* const codes = block + 48;
  const float d = decode_fp16(block), d_minimum = decode_fp16(block + 2);
  for (unsigned i = 0; i < kLarge; ++i) {
    const float scale = product(d, packed_scale(packed, i / 32));
    const float minimum = product(d_minimum, packed_minimum(packed, i / 32));
    const unsigned code = run_nibble(codes, i, 32) | (one_bit(high, i) << 4U);
    values[i] = product(scale, code) - minimum;
  }
}

// Low nibbles, upper pairs, signed scales, d.
void decode_q6_k(const std::byte* block, float* values) {
  const std::byte* const high = block + 128;
  const std::byte* const scales = block + 192;
  const float d = decode_fp16(block + 208);
  for (unsigned i = 0; i < kLarge; ++i) {
    const float scale = product(d, signed_byte(scales, i / 16));
    const unsigned code = run_nibble(block, i, 64) | (two_bits(high, i) << 4U);
    values[i] = product(scale, static_cast<int>(code) - 32);
  }
}

}  // namespace bitsmith
