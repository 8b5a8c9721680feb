// Number formats of at most 16 bits: one table (format.cpp), exact decoding, correctly rounded
// encoding.
//
// A code is the bit pattern of a number, right aligned in an unsigned integer; bits above the width
// of the format are ignored. Every value of every format is exact in a double, so decode() never
// rounds and encode() rounds once. To add a format, add a row to the table; to add a block format,
// a row to the second table.
//
// Sources: fp16 IEEE 754-2019 binary16; fp8_* OCP "8-bit Floating Point Specification (OFP8)" 1.0;
// fp6_*, fp4_e2m1, e8m0 and mx* OCP "Microscaling Formats (MX) Specification" 1.0; fp3*, fp4_{m,p}*
// BitMoD (HPCA 2025, arXiv 2411.11745), where fp3_m3 is FP3 with -3 in place of negative zero,
// fp4_p8 FP4 with +8, and so on (fp4_e3m0: powers of two, no source); msfp* Rouhani et al.,
// "Pushing the Limits of Narrow Precision Inferencing at Cloud Scale with Microsoft Floating
// Point", NeurIPS 2020.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace bitsmith {

enum class FormatKind : std::uint8_t {
  integer,       // two's complement, or unsigned
  minifloat,     // sign, exponent, mantissa with subnormals; no exponent bits = sign and magnitude
  power_of_two,  // exponent bits only: 2^(code - bias), no sign, no zero
  codebook       // a list of values by code
};

// Which codes are not finite numbers.
enum class Specials : std::uint8_t {
  none,      // none
  nan_only,  // all magnitude bits set is NaN, there is no infinity (OCP E4M3, E8M0)
  ieee       // the largest exponent holds infinity (mantissa 0) and NaN, as in IEEE 754
};

// Where a value between two neighbours a < b of the format goes. A tie (exactly half way) in
// nearest_even goes to the neighbour with even rank, where the rank of a number is how many numbers
// of the format lie between it and zero, zero included. For integers this is the even integer, for
// minifloats the even mantissa, and it is defined just the same where a codebook has irregular
// steps (fp3_m3: -3.5 -> -4, since 0 1 2 3 4 have ranks 0..4). Two neighbours of equal magnitude
// (only -1 and +1 of bipolar): nearest_even, nearest_away and toward_zero take +1 at zero;
// toward_zero elsewhere takes the sign of the value.
enum class Rounding : std::uint8_t { nearest_even, nearest_away, toward_zero, down, up };

// What encode() makes of infinities and of values whose rounding, with an unbounded range, leaves
// the range. The OCP specifications ask for nearest-even only; the other directions follow IEEE 754
// section 7.4: a direction that points to zero stays at the largest finite number.
enum class Overflow : std::uint8_t {
  // The largest finite number of that sign, also for infinities. OFP8 calls it saturating; MX 1.0
  // has nothing else for its fp6 and fp4.
  saturate,
  // Infinity in fp16, bf16 and fp8_e5m2; NaN in fp8_e4m3 and e8m0 (OFP8: non-saturating). Formats
  // that have neither saturate.
  ieee
};

struct Format {
  std::string_view name;
  FormatKind kind;
  Specials specials;
  bool is_signed;
  int bits;                          // width of a code, 1..16
  int exponent_bits;                 // minifloat and power of two
  int mantissa_bits;                 // minifloat, without the hidden bit
  int bias;                          // minifloat and power of two
  std::span<const double> codebook;  // value of every code, codebook only
};

// The whole table, in a fixed order.
std::span<const Format> all_formats();
// The format of that name, or null.
const Format* find_format(std::string_view name);
// The format of that name; a UserError that names the allowed ones if there is none.
const Format& format(std::string_view name);

// Number of codes, 2^bits.
constexpr std::uint32_t code_count(const Format& f) { return std::uint32_t{1} << f.bits; }

// The exact value of a code; NaN and infinities where the format has them. Zero keeps its sign.
double decode(const Format& f, std::uint32_t code);

// The code nearest to `value` in the given direction, rounded once.
//
// Minifloats keep the sign of a zero and of a value that rounds to zero; all others make one zero.
//
// NaN becomes the canonical NaN (positive and quiet: mantissa 10..0 in ieee formats). A format
// without NaN makes +0 of it (bipolar: +1); MX 1.0 leaves this to the implementation.
//
// e8m0 has no zero: everything in [0, 2^-127] becomes 2^-127, and so does everything below zero,
// except that ieee makes NaN of the latter.
std::uint32_t encode(const Format& f, double value, Rounding rounding = Rounding::nearest_even,
                     Overflow overflow = Overflow::saturate);

// encode(to, decode(from, code)): exact where `to` has the value, else rounded once.
std::uint32_t convert(const Format& from, const Format& to, std::uint32_t code,
                      Rounding rounding = Rounding::nearest_even,
                      Overflow overflow = Overflow::saturate);

bool is_nan(const Format& f, std::uint32_t code);
bool is_inf(const Format& f, std::uint32_t code);
bool has_nan(const Format& f);
bool has_inf(const Format& f);

// Largest and smallest (most negative, or least) finite value.
double max_finite(const Format& f);
double min_finite(const Format& f);
// floor(log2(max_finite)); "emax" of the MX specification. Not for int1, whose largest value is 0.
int max_exponent(const Format& f);

// A block: up to block_size numbers that share a scale. The value of an element is
//   decode(*element, code) * 2^element_exponent * decode(*scale, scale_code).
struct BlockFormat {
  std::string_view name;
  const Format* element;
  const Format* scale;   // e8m0 in all rows
  int block_size;        // numbers that share a scale
  int element_exponent;  // implied scale of the elements, a power of two
  bool symmetric;        // encode_block never makes the most negative two's complement code
};

std::span<const BlockFormat> all_block_formats();
const BlockFormat* find_block_format(std::string_view name);
// UserError that names the allowed ones if there is none.
const BlockFormat& block_format(std::string_view name);

// Storage per number of a full block, in bits (mxfp4: 4.25).
double bits_per_value(const BlockFormat& f);

// Encodes 1..block_size values (a block may be short at the end of a row) into as many codes and
// returns the code of the scale.
//
// MX 1.0, section 6.3: the scale is 2^(floor(log2(max|v|)) - emax), emax that of the element format
// with its implied scale, limited to what e8m0 holds; elements are then rounded and clamped, so the
// maximum of a block may saturate. FP32 subnormals are not flushed.
//
// MX 1.0 leaves the following open; decided here:
//  * all values zero: scale code 0 (2^-127), elements zero;
//  * any NaN or infinity: scale NaN, which makes the whole block NaN, and element codes 0;
//  * mxint8 clamps to -127/64, never -128/64, to keep the range symmetric.
//
// Microsoft floating point (MSFP) is the same rule with sign-and-magnitude elements: no hidden bit,
// the leading bit of the largest magnitude is in the top magnitude bit, the scale code is its
// exponent + 127, and smaller numbers lose low bits. bfpN has elements of N bits; the published
// names count the shared exponent too, so msfp12 is bfp4 and msfp16 is bfp8. The rounding and the
// clamp where the maximum would round up, are our choice.
std::uint32_t encode_block(const BlockFormat& f, std::span<const float> values,
                           std::span<std::uint16_t> codes,
                           Rounding rounding = Rounding::nearest_even);

// The exact value of one element; NaN if the scale or the element is NaN.
double decode_element(const BlockFormat& f, std::uint32_t scale_code, std::uint32_t code);
// decode_element for each of 1..block_size codes.
void decode_block(const BlockFormat& f, std::uint32_t scale_code,
                  std::span<const std::uint16_t> codes, std::span<double> values);

}  // namespace bitsmith
