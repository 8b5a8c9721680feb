#include "numerics/quantizer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "common/error.h"
#include "numerics/staircase.h"

namespace bitsmith {
namespace {

constexpr std::size_t kMostCandidates = 256;  // GroupParameters::select has 8 bits

void require_valid(const Quantizer& q) {
  if (const std::optional<std::string> reason = invalid(q)) {
    throw InternalError("quantizer: " + *reason);
  }
}

void require_finite(std::span<const float> values, std::uint64_t position) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw UserError(
        fmt::format("value {} of a group is {}: only a block format (mx), or a format with NaN "
                    "that stores values as they are (none), can hold that",
                    position + i, std::isnan(values[i]) ? "NaN" : "infinite"));
  }
}

// ------------------------------------------------------------------------------------ validation

bool has_zero(const Format& f) { return decode(f, encode(f, 0.0)) == 0; }

// The largest magnitude that a scale maps max|v| to. The most negative integer does not count:
// there is no positive number as large.
double largest_magnitude(const Format& f) {
  if (f.kind == FormatKind::integer) return max_finite(f);
  return std::max(max_finite(f), -min_finite(f));
}

std::optional<std::string> not_symmetric(QuantMethod method, const Format& f) {
  const std::string_view name = method_name(method);
  if (!f.is_signed) {
    return fmt::format("method '{}' needs a signed format; '{}' has no negative numbers", name,
                       f.name);
  }
  if (!has_zero(f)) return fmt::format("method '{}': '{}' has no zero", name, f.name);
  if (largest_magnitude(f) <= 0) {
    return fmt::format("method '{}': '{}' has no positive numbers", name, f.name);
  }
  return std::nullopt;
}

std::optional<std::string> bad_format(const Quantizer& q) {
  const std::string_view name = method_name(q.method);
  const bool takes_format = q.method != QuantMethod::mx && q.method != QuantMethod::bitmod;
  if (takes_format != (q.format != nullptr)) {
    return fmt::format("method '{}' {} number format", name, takes_format ? "needs a" : "takes no");
  }
  switch (q.method) {
    case QuantMethod::absmax:
      return not_symmetric(q.method, *q.format);
    case QuantMethod::zero_point:
      if (q.format->kind == FormatKind::integer && !q.format->is_signed) return std::nullopt;
      return fmt::format("method '{}' needs an unsigned integer format (uint1 to uint16), not '{}'",
                         name, q.format->name);
    case QuantMethod::absmean:
      if (q.format->name == "ternary") return std::nullopt;
      return fmt::format("method '{}' makes ternary numbers: its format is 'ternary', not '{}'",
                         name, q.format->name);
    case QuantMethod::none:
    case QuantMethod::mx:
    case QuantMethod::bitmod:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> bad_candidates(const Quantizer& q) {
  if (q.method != QuantMethod::bitmod) {
    if (q.candidates.empty()) return std::nullopt;
    return fmt::format("method '{}' takes no list of candidates", method_name(q.method));
  }
  if (q.candidates.empty() || q.candidates.size() > kMostCandidates) {
    return fmt::format("method 'bitmod' needs 1 to {} candidates, not {}", kMostCandidates,
                       q.candidates.size());
  }
  for (const Format* f : q.candidates) {
    if (f == nullptr) return "method 'bitmod': a candidate is no number format";
    if (auto reason = not_symmetric(q.method, *f)) return reason;
    if (f->bits != q.candidates.front()->bits) {
      return fmt::format("the candidates of method 'bitmod' need the same width: '{}' has {} bits",
                         f->name, f->bits);
    }
  }
  return std::nullopt;
}

std::optional<std::string> bad_scale(const Quantizer& q) {
  constexpr std::array<std::string_view, 5> allowed{"fp16", "bf16", "e8m0", "int8", "uint8"};
  if (q.scale_format == nullptr) return std::nullopt;
  if (q.method == QuantMethod::none) return "method 'none' has no scale: leave its format out";
  if (q.method == QuantMethod::mx) {
    return "method 'mx' has the scale of its block format: leave the scale's format out";
  }
  if (std::find(allowed.begin(), allowed.end(), q.scale_format->name) != allowed.end()) {
    return std::nullopt;
  }
  return fmt::format("'{}' is no format for scales; allowed: {}, or none for FP32",
                     q.scale_format->name, fmt::join(allowed, ", "));
}

// ---------------------------------------------------------------------------------------- scales

bool is_power_of_two(const Format& f) { return f.kind == FormatKind::power_of_two; }

void require_channel(const Quantizer& q, float channel) {
  if (!has_two_levels(q)) {
    return check(channel == 0, "quantizer: a channel scale is for two-level scales only");
  }
  const Format& fp16 = format("fp16");
  check(channel > 0 && decode(fp16, encode(fp16, channel)) == channel,
        "quantizer: two-level scales need a positive channel scale in fp16");
}

// Scale and scale_code for a wanted scale; 0 stands for a group of zeros.
GroupParameters with_scale(const Quantizer& q, double wanted, float channel) {
  GroupParameters p;
  if (q.scale_format == nullptr) {
    if (wanted > 0) {
      constexpr double smallest = std::numeric_limits<float>::denorm_min();
      constexpr double largest = std::numeric_limits<float>::max();
      p.scale = static_cast<float>(std::clamp(wanted, smallest, largest));
    }
    p.scale_code = std::bit_cast<std::uint32_t>(p.scale);
    return p;
  }
  const Format& f = *q.scale_format;
  const double unit = has_two_levels(q) ? channel : 1;
  const bool up = is_power_of_two(f) && q.method != QuantMethod::absmean;
  p.scale_code =
      encode(f, wanted > 0 ? wanted / unit : 1, up ? Rounding::up : Rounding::nearest_even);
  if (decode(f, p.scale_code) == 0) p.scale_code = 1;  // the smallest positive number
  p.scale = static_cast<float>(decode(f, p.scale_code) * unit);
  return p;
}

// --------------------------------------------------------------------------------- codes, values

const Format& element_format(const Quantizer& q, const GroupParameters& p) {
  if (q.method != QuantMethod::bitmod) return *q.format;
  check(p.select < q.candidates.size(), "quantizer: select names no candidate");
  return *q.candidates[p.select];
}

void encode_integers(const Format& f, double scale, std::span<const float> values,
                     std::span<std::uint16_t> codes) {
  const double highest = max_finite(f);
  const std::uint32_t mask = code_count(f) - 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double steps = std::nearbyint(values[i] / scale);  // the default mode: to even
    const auto n = static_cast<std::int32_t>(std::clamp(steps, -highest, highest));
    codes[i] = static_cast<std::uint16_t>(static_cast<std::uint32_t>(n) & mask);
  }
}

// An exact quotient of two floats that is not half way between two numbers of at most 17 bits is
// more than 2^-53 of its size away from there: rounding it to double first changes nothing.
void encode_scaled(const Format& f, double scale, std::span<const float> values,
                   std::span<std::uint16_t> codes) {
  if (f.kind == FormatKind::integer) return encode_integers(f, scale, values, codes);
  if (const Staircase* staircase = find_staircase(f)) {
    return staircase->encode(scale, values, codes);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    codes[i] = static_cast<std::uint16_t>(encode(f, values[i] / scale));
  }
}

void encode_zero_point(const Format& f, const GroupParameters& p, std::span<const float> values,
                       std::span<std::uint16_t> codes) {
  const double highest = max_finite(f);
  check(p.zero_point <= highest, "quantizer: zero point outside of the format");
  const double scale = p.scale;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double steps = std::nearbyint(values[i] / scale);
    codes[i] = static_cast<std::uint16_t>(std::clamp(steps + p.zero_point, 0.0, highest));
  }
}

void encode_unscaled(const Format& f, std::span<const float> values,
                     std::span<std::uint16_t> codes) {
  if (!has_nan(f)) require_finite(values, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Overflow overflow = std::isfinite(values[i]) ? Overflow::saturate : Overflow::ieee;
    codes[i] = static_cast<std::uint16_t>(encode(f, values[i], Rounding::nearest_even, overflow));
  }
}

double squared_error(const Format& f, double scale, std::span<const float> values,
                     std::span<const std::uint16_t> codes) {
  const bool codebook = f.kind == FormatKind::codebook;
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double number = codebook ? f.codebook[codes[i]] : decode(f, codes[i]);
    const double difference = values[i] - number * scale;
    sum += difference * difference;
  }
  return sum;
}

GroupParameters quantize_bitmod(const Quantizer& q, std::span<const float> values,
                                std::span<std::uint16_t> codes, float channel) {
  GroupStatistics group;
  group.add(values);
  GroupParameters best;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < q.candidates.size(); ++i) {
    const Format& f = *q.candidates[i];
    GroupParameters p = with_scale(q, group.absmax / largest_magnitude(f), channel);
    p.select = static_cast<std::uint8_t>(i);
    encode_scaled(f, p.scale, values, codes);
    const double error = squared_error(f, p.scale, values, codes);
    if (error < least) {
      least = error;
      best = p;
    }
  }
  encode_scaled(*q.candidates[best.select], best.scale, values, codes);
  return best;
}

GroupParameters quantize_block(const BlockFormat& block, std::span<const float> values,
                               std::span<std::uint16_t> codes) {
  GroupParameters p;
  p.scale_code = encode_block(block, values, codes);
  p.scale = static_cast<float>(decode(*block.scale, p.scale_code));
  return p;
}

double dequantize_one(const Quantizer& q, const GroupParameters& p, std::uint16_t code) {
  switch (q.method) {
    case QuantMethod::none:
      return decode(*q.format, code);
    case QuantMethod::mx:
      return decode_element(*q.block, p.scale_code, code);
    case QuantMethod::zero_point:
      return (decode(*q.format, code) - p.zero_point) * p.scale;
    case QuantMethod::absmax:
    case QuantMethod::absmean:
    case QuantMethod::bitmod:
      break;
  }
  return decode(element_format(q, p), code) * p.scale;
}

}  // namespace

// --------------------------------------------------------------------------------- description

std::string_view method_name(QuantMethod method) {
  switch (method) {
    case QuantMethod::none:
      return "none";
    case QuantMethod::absmax:
      return "absmax";
    case QuantMethod::zero_point:
      return "zero_point";
    case QuantMethod::absmean:
      return "absmean";
    case QuantMethod::mx:
      return "mx";
    case QuantMethod::bitmod:
      break;
  }
  return "bitmod";
}

std::optional<std::string> invalid(const Quantizer& q) {
  if (auto reason = bad_format(q)) return reason;
  if (auto reason = bad_candidates(q)) return reason;
  if ((q.method == QuantMethod::mx) != (q.block != nullptr)) {
    return fmt::format("method '{}' {} block format", method_name(q.method),
                       q.block == nullptr ? "needs a" : "takes no");
  }
  return bad_scale(q);
}

std::vector<const Format*> bitmod_fp3() {
  return {&format("fp3_m3"), &format("fp3_p3"), &format("fp3_m6"), &format("fp3_p6")};
}

std::vector<const Format*> bitmod_fp4() {
  return {&format("fp4_m5"), &format("fp4_p5"), &format("fp4_m8"), &format("fp4_p8")};
}

// ----------------------------------------------------------------------------------- statistics

void GroupStatistics::add(std::span<const float> values) {
  require_finite(values, count);
  for (const double v : values) {
    min = std::min(min, v);
    max = std::max(max, v);
    sum_abs += std::fabs(v);
  }
  absmax = values.empty() ? absmax : std::max(std::fabs(min), std::fabs(max));
  count += values.size();
}

void GroupStatistics::merge(const GroupStatistics& next) {
  min = std::min(min, next.min);
  max = std::max(max, next.max);
  absmax = std::max(absmax, next.absmax);
  sum_abs += next.sum_abs;
  count += next.count;
}

// --------------------------------------------------------------------------------------- scales

bool has_two_levels(const Quantizer& q) {
  return q.scale_format != nullptr && q.scale_format->kind == FormatKind::integer;
}

double wanted_scale(const Quantizer& q, const GroupStatistics& group) {
  require_valid(q);
  check(group.count > 0, "quantizer: a group without values");
  switch (q.method) {
    case QuantMethod::absmax:
      return group.absmax / largest_magnitude(*q.format);
    case QuantMethod::zero_point:
      return (std::max(group.max, 0.0) - std::min(group.min, 0.0)) / max_finite(*q.format);
    case QuantMethod::absmean:
      return group.sum_abs / static_cast<double>(group.count);
    case QuantMethod::bitmod: {
      double largest = 0;
      for (const Format* f : q.candidates) {
        largest = std::max(largest, group.absmax / largest_magnitude(*f));
      }
      return largest;
    }
    case QuantMethod::none:
    case QuantMethod::mx:
      break;
  }
  throw InternalError("quantizer: this method chooses no scale");
}

float channel_scale(const Quantizer& q, double largest_wanted) {
  require_valid(q);
  check(has_two_levels(q), "channel_scale: only for two-level scales");
  check(std::isfinite(largest_wanted) && largest_wanted >= 0, "channel_scale: no scale");
  if (largest_wanted == 0) return 1;
  const Format& fp16 = format("fp16");
  const std::uint32_t code =
      encode(fp16, largest_wanted / max_finite(*q.scale_format), Rounding::up);
  return static_cast<float>(decode(fp16, code));
}

// --------------------------------------------------------------------------------- quantization

GroupParameters choose(const Quantizer& q, const GroupStatistics& group, float channel) {
  require_valid(q);
  require_channel(q, channel);
  check(q.method != QuantMethod::mx && q.method != QuantMethod::bitmod,
        "choose: this method needs all values of the group");
  check(group.count > 0, "quantizer: a group without values");
  if (q.method == QuantMethod::none) return {};
  GroupParameters p = with_scale(q, wanted_scale(q, group), channel);
  if (q.method == QuantMethod::zero_point) {
    // encode() of the unsigned format rounds and limits as the definition asks for.
    const double low = std::min(group.min, 0.0);
    p.zero_point = static_cast<std::uint16_t>(encode(*q.format, -low / p.scale));
  }
  return p;
}

void encode(const Quantizer& q, const GroupParameters& parameters, std::span<const float> values,
            std::span<std::uint16_t> codes) {
  require_valid(q);
  check(q.method != QuantMethod::mx, "encode: a block's codes come from quantize()");
  check(values.size() == codes.size(), "encode: as many codes as values");
  if (q.method == QuantMethod::none) return encode_unscaled(*q.format, values, codes);
  check(std::isfinite(parameters.scale) && parameters.scale > 0, "encode: scale not positive");
  require_finite(values, 0);
  if (q.method == QuantMethod::zero_point) {
    return encode_zero_point(*q.format, parameters, values, codes);
  }
  encode_scaled(element_format(q, parameters), parameters.scale, values, codes);
}

GroupParameters quantize(const Quantizer& q, std::span<const float> values,
                         std::span<std::uint16_t> codes, float channel) {
  require_valid(q);
  require_channel(q, channel);
  check(!values.empty(), "quantize: a group without values");
  check(values.size() == codes.size(), "quantize: as many codes as values");
  if (q.method == QuantMethod::mx) return quantize_block(*q.block, values, codes);
  if (q.method == QuantMethod::bitmod) return quantize_bitmod(q, values, codes, channel);
  GroupParameters p;
  if (q.method != QuantMethod::none) {
    GroupStatistics group;
    group.add(values);
    p = choose(q, group, channel);
  }
  encode(q, p, values, codes);
  return p;
}

double dequantize(const Quantizer& q, const GroupParameters& parameters, std::uint16_t code) {
  require_valid(q);
  return dequantize_one(q, parameters, code);
}

void dequantize(const Quantizer& q, const GroupParameters& parameters,
                std::span<const std::uint16_t> codes, std::span<double> values) {
  require_valid(q);
  check(values.size() == codes.size(), "dequantize: as many values as codes");
  for (std::size_t i = 0; i < codes.size(); ++i) {
    values[i] = dequantize_one(q, parameters, codes[i]);
  }
}

// ---------------------------------------------------------------------------------------- error

void QuantizationError::add(double value, double dequantized) {
  const double difference = value - dequantized;
  squared_error += difference * difference;
  squared_signal += value * value;
  ++count;
}

void QuantizationError::add(std::span<const float> values, std::span<const double> dequantized) {
  check(values.size() == dequantized.size(), "quantization error: as many results as values");
  for (std::size_t i = 0; i < values.size(); ++i) add(values[i], dequantized[i]);
}

double QuantizationError::mse() const {
  return count == 0 ? 0 : squared_error / static_cast<double>(count);
}

double QuantizationError::sqnr_db() const {
  if (squared_error == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(squared_signal / squared_error);
}

}  // namespace bitsmith
