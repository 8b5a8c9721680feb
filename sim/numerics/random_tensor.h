// Seeded random tensors, generated tile by tile: a value depends on (seed, row, column) only, never
// on the shape or the order of the tiles, so that a tensor never has to exist as a whole.
//
// Values are the same on every machine and at every optimisation level: integers and correctly
// rounded + - * / in a fixed order, no library functions. (The build forbids fused multiply-add
// with -ffp-contract=off; tests pin values.)
//
// Construction: position hash = SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom
// Number Generators", OOPSLA 2014) with one stream per row, addressed by column. A normal number is
// the inverse of the normal distribution at 53 random bits: magnitude |x| = s*P(s)/Q(s) with s =
// -ln(v), v in (0, 1); P and Q of degree 5 are our own least-maximum fit. The error of |x| is below
// 1e-6 before rounding to float, and |x| is at most 8.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "numerics/format.h"

namespace bitsmith {

enum class Distribution : std::uint8_t {
  uniform,     // [low, high]
  normal,      // mean, stddev
  activations  // normal, with outlier channels (below)
};

// Activations of large transformers have few channels (columns here, the k of a GEMM) with far
// larger magnitudes than all others; they are the same channels for every token. LLM.int8()
// (Dettmers et al., NeurIPS 2022, arXiv 2208.07339) reports outliers up to 20 times larger in about
// 0.1% of the features from 6.7B parameters on; SmoothQuant (Xiao et al., ICML 2023, arXiv
// 2211.10438) reports about 100 times larger, fixed channels, with little variance of the channel's
// scale over tokens. Model: a channel is an outlier with probability outlier_fraction; the values
// of an outlier channel are multiplied by the channel's gain, uniform in [outlier_gain_low,
// outlier_gain_high]. Simpler than reality: the numbers of an outlier channel
// have both signs alike, and channels are independent of each other.
struct RandomTensor {
  Distribution distribution = Distribution::normal;
  std::uint64_t seed = 0;
  float low = -1;  // uniform
  float high = 1;
  float mean = 0;  // normal, activations
  float stddev = 1;
  double outlier_fraction = 0.001;  // activations, 0..1
  float outlier_gain_low = 20;
  float outlier_gain_high = 100;
};

// A rectangle of a tensor whose size is not limited: any row and column below 2^64.
struct TileArea {
  std::uint64_t row = 0;  // of the first element
  std::uint64_t column = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
};

// Fills `out` (rows x columns, row-major, without gaps) with a tile of the tensor. InternalError if
// `out` has another size or a parameter is out of its range (low > high, stddev < 0, fraction
// outside 0..1, NaN).
void fill_tile(const RandomTensor& tensor, const TileArea& area, std::span<float> out);

// What the values of this column are multiplied with: 1, or its outlier gain in a activations
// tensor.
float channel_gain(const RandomTensor& tensor, std::uint64_t column);

// Fills `out` (rows x columns, row-major) with uniformly random codes of a format. All codes are
// equally likely (ternary: its three values, to within 2^-16; its unused code never appears).
// InternalError for a format with NaN, or if `out` has another size.
void fill_codes(const Format& f, std::uint64_t seed, const TileArea& area,
                std::span<std::uint16_t> out);

}  // namespace bitsmith
