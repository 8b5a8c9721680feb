#include "mapping/weight_converter.h"

#include <algorithm>
#include <numeric>

#include "common/divide.h"
#include "common/error.h"

namespace bitsmith {
namespace {

ParameterTable<WeightConverter> make_table() {
  using C = WeightConverter;
  ParameterTable<C> table;
  table
      .format("stored", &C::stored,
              {"int2", "int3", "int4", "int5", "int6", "int8", "uint2", "uint3", "uint4", "uint5",
               "uint6", "uint8"},
              "format of weights in DRAM")
      .required();
  table.integer("group", &C::group, {1, 65535}, "weights",
                "along k that share a scale and a zero point; one as long as K: a channel");
  table.choice("scale", &C::scale,
               {{"none", ConverterScale::none},
                {"fp16", ConverterScale::fp16},
                {"int8", ConverterScale::int8}},
               "format of scales; none: they are left to the results");
  table.flag("zero_points", &C::zero_points, "of groups, subtracted from the weights");
  table.integer("lanes", &C::lanes, {1, 65536}, "weights", "converted per cycle");
  table.integer("latency", &C::latency, {0, 10000}, "cycles",
                "from an access in to its weights at the weight buffer");
  table.flag("kv_cache", &C::kv_cache,
             "is stored like the weights, and converted; otherwise it is stored as the array takes "
             "it");
  table.rule("zero_points", [](const C& c) -> std::optional<std::string> {
    if (!c.zero_points || !c.stored->is_signed) return std::nullopt;
    return fmt::format("{} weights have a zero of their own; zero points go with unsigned ones",
                       c.stored->name);
  });
  return table;
}

// Products are exact in a double: 9 bits of q - z, at most 11 of a scale.
std::uint16_t converted(const Format& array, double difference, double scale) {
  const auto overflow = array.kind == FormatKind::minifloat ? Overflow::ieee : Overflow::saturate;
  return static_cast<std::uint16_t>(
      encode(array, difference * scale, Rounding::nearest_even, overflow));
}

}  // namespace

const Format* WeightConverter::scale_format() const {
  if (scale == ConverterScale::none) return nullptr;
  return find_format(scale == ConverterScale::fp16 ? "fp16" : "int8");
}

std::uint32_t WeightConverter::parameter_bits() const {
  const Format* format = scale_format();
  return static_cast<std::uint32_t>(format == nullptr ? stored->bits : format->bits);
}

std::uint32_t WeightConverter::rows_per_group() const {
  return (scale == ConverterScale::none ? 0 : 1) + (zero_points ? 1 : 0);
}

std::uint64_t WeightConverter::parameter_rows(std::uint64_t k) const {
  return rows_per_group() * pieces(k, group);
}

const ParameterTable<WeightConverter>& weight_converter_table() {
  static const auto kTable = make_table();
  return kTable;
}

std::optional<std::string> cannot_serve(const WeightConverter& converter, const Design& design) {
  const Format& array = design.weight_format();
  if (design.scale_bits() > 0) {
    return fmt::format(
        "design {} takes {} weights with their scales as they are stored; a converter is for "
        "arrays without scales",
        design.id(), array.name);
  }
  if (&array == find_format("fp16") || &array == find_format("bf16")) return std::nullopt;
  if (array.kind != FormatKind::integer || !array.is_signed) {
    return fmt::format("the array takes {} weights; fp16, bf16 and signed integers can be made",
                       array.name);
  }
  if (converter.scale == ConverterScale::fp16) {
    return fmt::format(
        "fp16 scales make no {} weights; scale: int8 (saturated), or none, when scales of channels "
        "are left to the results",
        array.name);
  }
  if (converter.scale == ConverterScale::int8) return std::nullopt;
  const double most = max_finite(*converter.stored), least = min_finite(*converter.stored);
  const double zero = converter.zero_points ? most : 0;
  if (most <= max_finite(array) && least - zero >= min_finite(array)) return std::nullopt;
  return fmt::format("{} weights{} are from {} to {}, which {} does not hold",
                     converter.stored->name, converter.zero_points ? " less a zero point" : "",
                     least - zero, most, array.name);
}

void convert_weights(const WeightConverter& converter, const Format& array, CodeView stored,
                     CodeView parameters, std::span<std::uint16_t> codes) {
  check(codes.size() == stored.rows * stored.cols &&
            parameters.rows == converter.parameter_rows(stored.rows),
        "weights and parameters of different sizes");
  const Format* scale_format = converter.scale_format();
  const std::size_t rows = converter.rows_per_group();
  for (std::size_t k = 0; k < stored.rows; ++k) {
    const std::size_t first = k / converter.group * rows;  // of the group's parameters
    for (std::size_t n = 0; n < stored.cols; ++n) {
      const double scale =
          scale_format == nullptr ? 1 : decode(*scale_format, parameters(first, n));
      const double zero =
          converter.zero_points ? decode(*converter.stored, parameters(first + rows - 1, n)) : 0;
      codes[k * stored.cols + n] =
          converted(array, decode(*converter.stored, stored(k, n)) - zero, scale);
    }
  }
}

TileLimits block_limits(const Design& design, const WeightConverter* converter) {
  TileLimits limits = design.tile_limits();
  if (converter != nullptr) limits.k_step = std::lcm(limits.k_step, converter->group);
  return limits;
}

}  // namespace bitsmith
