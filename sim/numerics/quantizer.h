// Quantizers: how the numbers of one operand that share parameters become codes, and back.
//
// Such numbers form a group: a whole tensor, a channel (row), or G consecutive values along k. The
// caller decides which values belong together and in which order they come; here a group is just a
// sequence. Two ways lead to codes:
//
//   small groups   quantize() with all values at once, every method;
//   large groups   GroupStatistics::add() piece by piece, choose(), then encode() piece by piece.
//                  The same parameters and codes as quantize(), wherever the pieces are cut.
//                  none, absmax, zero_point and absmean.
//
// Rules for all methods:
//  * Rounding is to nearest even (format.h); what leaves the range of the format saturates.
//  * Elements are quantized with the scale as it is stored, after its own rounding.
//  * Zero becomes zero; for `none` only where the format has a zero (not bipolar, e8m0). The sign
//    of a zero is kept where the format has one.
//  * A group of zeros has scale 1 (two-level scales: code 1), zero point 0, select 0, value 0 in
//    every element. mx follows encode_block: the smallest scale.
//  * NaN and infinity are a UserError, except where a code can say so: mx makes the whole block NaN
//    (encode_block), none keeps them in a format with NaN (an infinity becomes NaN where the format
//    has no infinity).
//  * Everything is the same on every machine: double arithmetic in the order of the values with
//    + - * / and rounding only. (sqnr_db alone uses a logarithm; it decides nothing.)
//  * Arguments that cannot be right (spans of different sizes, empty groups, a quantizer for which
//    invalid() has an answer) are an InternalError.
//
// Methods that look at activations have their place outside of a group's quantizer. AWQ (awq.h)
// multiplies each input channel by a factor before the values come here and folds its inverse into
// what comes before. LLM.int8(), MixLLM and COMET (channel_choice.h) give some channels more bits:
// they split a GEMM in two (workload/quantized_operator.h), and each of the two has quantizers of
// its own.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "numerics/format.h"

namespace bitsmith {

enum class QuantMethod : std::uint8_t {
  // Stored in `format` as it is, no parameters.
  none,
  // Symmetric: wanted scale = max|v| / M, where M is the largest magnitude of the format. For
  // integers M = 2^(b-1) - 1 and the most negative code is never made, so that both signs have the
  // same range (int4: -7..7); for other formats M is the larger of |least| and |greatest|. `format`
  // is signed and has zero.
  absmax,
  // Asymmetric, `format` is an unsigned integer of b bits. With the range widened to hold 0
  // (low = min(0, min v), high = max(0, max v)): wanted scale = (high - low) / (2^b - 1), zero
  // point z = round(-low / scale) in [0, 2^b - 1], code = clamp(round(v / scale) + z, 0, 2^b - 1),
  // value = (code - z) * scale. (Jacob et al., "Quantization and Training of Neural Networks for
  // Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 2.1.)
  zero_point,
  // BitNet b1.58 (Ma et al., arXiv 2402.17764, section 2): wanted scale = mean|v|, code =
  // clamp(round(v / scale), -1, 1); `format` is ternary. The paper adds a small epsilon to the
  // scale against division by zero; there is none here, groups of zeros are treated apart.
  absmean,
  // A block format of format.h with its own rules; a group is at most one block.
  mx,
  // BitMoD (Chen et al., HPCA 2025, arXiv 2411.11745): every group takes the one of `candidates`
  // with the least squared error; wanted scale of a candidate = max|v| / its largest magnitude.
  //
  // The paper leaves open, and is decided here:
  //  * equal errors: the first candidate of the list (order of bitmod_fp3 and bitmod_fp4);
  //  * candidates are compared after the rounding of their scales, with the error that is really
  //    made, as a sum over the group in order;
  //  * a value half way between two numbers: the one of even rank (Rounding in format.h);
  //  * max|v| of the sign that the special value does not have saturates at that sign's last
  //    number (fp3_p6: -6 becomes -4); the squared error decides if this is worth it.
  bitmod
};

// What is written in a configuration and in messages: "none", "absmax", ...
std::string_view method_name(QuantMethod method);

struct Quantizer {
  QuantMethod method = QuantMethod::none;
  const Format* format = nullptr;         // none, absmax, zero_point, absmean
  std::vector<const Format*> candidates;  // bitmod: 1..256 formats of equal width
  const BlockFormat* block = nullptr;     // mx
  // How a scale is stored (absmax, zero_point, absmean, bitmod):
  //   null        FP32, rounded to nearest
  //   fp16, bf16  rounded to nearest, as a cast does; a scale rounded down saturates the maximum,
  //               which loses no more than the relative error of the scale
  //   e8m0        a power of two, rounded up, so that the maximum never saturates; for absmean,
  //               which saturates by its definition, to nearest
  //   int8, uint8 two levels: an integer for each group times one fp16 scale for each channel, see
  //               channel_scale()
  // A scale never becomes zero or infinite: it is limited to the smallest and largest positive
  // number of its format.
  const Format* scale_format = nullptr;
};

// What is wrong with a combination, in words for the user; nothing if it works.
std::optional<std::string> invalid(const Quantizer& q);

// The mixtures of BitMoD, table of data types: basic values 0 +-1 +-2 +-4 with one of -3 +3 -6 +6,
// and E2M1 with one of -5 +5 -8 +8. Select 0..3 is the position in the list.
std::vector<const Format*> bitmod_fp3();
std::vector<const Format*> bitmod_fp4();

// What is stored for a group beside its codes. Methods without a field leave it as it is here.
struct GroupParameters {
  // As stored: the value of scale_code, times the channel scale if there are two levels. mx: the
  // value of the shared scale, without element_exponent; NaN for a NaN block.
  float scale = 1;
  // Code in scale_format, in the block's scale format (mx), or the bits of the FP32 scale.
  std::uint32_t scale_code = 0;
  std::uint16_t zero_point = 0;  // zero_point
  std::uint8_t select = 0;       // bitmod: index of the candidate
  bool operator==(const GroupParameters&) const = default;
};

// What absmax, zero_point and absmean must know of a group.
struct GroupStatistics {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double absmax = 0;
  double sum_abs = 0;  // in the order of add(): one long sum, not a sum of the pieces' sums
  std::uint64_t count = 0;

  // The next values of the group. UserError on NaN or infinity; then nothing is added.
  void add(std::span<const float> values);
  // Appends a part that was counted apart. sum_abs is then the sum of two sums, which may differ in
  // its last bits from that of one add(): merge in a fixed order to get the same every time.
  void merge(const GroupStatistics& next);
};

// ------------------------------------------------------------------------------ two-level scales
//
// VS-Quant (Dai et al., MLSys 2021, arXiv 2102.04503, two-level quantization), which BitMoD uses
// for its INT8 group scales. With M = the largest code (int8: 127, uint8: 255) and s the wanted
// scale of a group:
//
//   channel scale c = (largest s of the channel's groups) / M, in fp16, rounded up so that no group
//                     needs a code above M; 1 for a channel of zeros
//   code          q = clamp(round(s / c), 1, M)
//   scale           = q * c, exact in float
//
// Choices: BitMoD says INT8; scales are positive, so uint8 makes use of the sign's bit, and both
// are allowed. Plain rounding would let q be 0, which erases a group; here it is at least 1.
// Rounding q to nearest may saturate the maximum of a group whose scale is small against c.

// Whether choose() and quantize() need a channel scale: scale_format is int8 or uint8.
bool has_two_levels(const Quantizer& q);

// The scale that a group asks for before any rounding (0 for zeros only); bitmod: the largest that
// one of the candidates asks for. InternalError for none and mx.
double wanted_scale(const Quantizer& q, const GroupStatistics& group);

// The fp16 scale of a channel from the largest wanted_scale() of its groups.
float channel_scale(const Quantizer& q, double largest_wanted);

// ---------------------------------------------------------------------------------- quantization
//
// `channel` is the channel scale, a positive fp16 number, for two-level scales; 0 for all others.

// none, absmax, zero_point, absmean: parameters of a group of at least one value.
GroupParameters choose(const Quantizer& q, const GroupStatistics& group, float channel = 0);

// Codes of some values with parameters that are known: all methods but mx (bitmod takes the
// candidate that `select` names). The values need not be those that the parameters come from.
void encode(const Quantizer& q, const GroupParameters& parameters, std::span<const float> values,
            std::span<std::uint16_t> codes);

// Parameters and codes of a whole group, all methods; mx: at most block_size values.
GroupParameters quantize(const Quantizer& q, std::span<const float> values,
                         std::span<std::uint16_t> codes, float channel = 0);

// The value of a code, exact (it may need more than the 24 bits of a float). Bits above the width
// of the format are ignored.
double dequantize(const Quantizer& q, const GroupParameters& parameters, std::uint16_t code);
void dequantize(const Quantizer& q, const GroupParameters& parameters,
                std::span<const std::uint16_t> codes, std::span<double> values);

// ----------------------------------------------------------------------------------------- error

// Sums over any number of values. A value or result that is not finite makes them so, too.
struct QuantizationError {
  std::uint64_t count = 0;
  double squared_error = 0;
  double squared_signal = 0;

  void add(double value, double dequantized);
  void add(std::span<const float> values, std::span<const double> dequantized);
  // Mean squared error; 0 without values.
  double mse() const;
  // 10 log10(squared_signal / squared_error), in dB; +infinity when the error is 0.
  double sqnr_db() const;
};

}  // namespace bitsmith
