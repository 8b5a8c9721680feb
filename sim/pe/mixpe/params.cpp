#include "pe/mixpe/params.h"

namespace bitsmith::mixpe {
namespace {

void add_rules(ParameterTable<Params>& table) {
  using Problem = std::optional<std::string>;
  table.rule("lanes", [](const Params& p) -> Problem {
    if (std::has_single_bit(p.lanes)) return std::nullopt;
    return "must be 1, 2 or 4";
  });
  table.rule("digit", [](const Params& p) -> Problem {
    if (p.digit == Digit::parallel) return std::nullopt;
    if (weight_kind(p) == WeightKind::power_of_two) {
      return fmt::format("weights in {} are powers of two, which have no digits", p.weight->name);
    }
    if (digit_bits(p) < weight_bits(p)) return std::nullopt;
    return fmt::format("a digit as large as {} is `parallel`", p.weight->name);
  });
  table.rule("scale", [](const Params& p) -> Problem {
    if (results_are_floating_point(p) || p.activation->name == "int8") return std::nullopt;
    return fmt::format("int8 scales need int8 activations, not {}", p.activation->name);
  });
  table.rule("group", [](const Params& p) -> Problem {
    if (p.group == kChannel || p.group % p.lanes == 0) return std::nullopt;
    return fmt::format("must be a multiple of the {} lanes", p.lanes);
  });
  table.rule("k_bits", [](const Params& p) -> Problem {
    if (p.group != kChannel) {
      if (p.group >> p.k_bits == 0) return std::nullopt;
      return fmt::format("a job's K must hold a group of {}", p.group);
    }
    if (group_size(p) <= longest_exact_k(p)) return std::nullopt;
    return fmt::format(
        "a group of K = {} with int8 scales may overflow 32 bits, which is exact up to K = {}",
        group_size(p), longest_exact_k(p));
  });
}

ParameterTable<Params> make_table() {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 64}, "PEs", "rows of the array: rows of Y in a tile")
      .rtl("Rows")
      .array_size();
  table
      .integer("cols", &Params::cols, {1, 64}, "PEs",
               "columns of the array: columns of Y in a tile")
      .rtl("Cols")
      .array_size();
  table
      .integer("lanes", &Params::lanes, {1, 4}, "products",
               "products along k that a PE adds in a step: 1, 2 or 4")
      .rtl("Lanes");
  table.format("activation", &Params::activation, {"int8", "int16", "fp16"},
               "format of the activations; with fp16 the sums of groups are FP32");
  table
      .format(
          "weight", &Params::weight,
          {"int2", "int3", "int4", "int5", "int6", "int7", "int8", "uint2", "uint3", "uint4",
           "uint5", "uint6", "uint7", "uint8", "fp3", "fp4_e3m0"},
          "format of the weights: integers, unsigned ones with a zero point per group, or powers "
          "of two (fp3, fp4_e3m0)")
      .rtl("WBits");
  table.choice(
      "digit", &Params::digit,
      {{"parallel", Digit::parallel}, {"1", Digit::one_bit}, {"2", Digit::two_bits}},
      "bits of a weight per step: all of them, 1 or 2; cycles depend on it, results do not");
  table.format("scale", &Params::scale, {"fp16", "int8"},
               "format of the scales; results are FP32, with int8 INT32");
  table
      .integer("pipeline", &Params::pipeline, {1, 2}, "steps",
               "2: a register between the sum of the lanes and the group's sum")
      .rtl("Pipeline");
  table
      .integer("row_interval", &Params::row_interval, {1, 2}, "steps",
               "from one row of a group's results to the next in a dequantiser; 1 takes a second "
               "result register per PE")
      .rtl("RowInterval");
  table.integer_or_word("group", &Params::group, {16, 256}, "channel", kChannel, "weights",
                        "consecutive weights of a column that share scale and zero point: a "
                        "multiple of lanes, or all of a job's K, which is then never split");
  table
      .integer("k_bits", &Params::k_bits, {4, 24}, "bits",
               "width of a job's K; longer K is split into accumulating jobs")
      .rtl("KBits");
  add_rules(table);
  return table;
}

}  // namespace

const ParameterTable<Params>& parameters() {
  static const ParameterTable<Params> table = make_table();
  return table;
}

std::uint32_t largest_weight_log2(const Params& params) {
  switch (weight_kind(params)) {
    case WeightKind::signed_integer:
      return weight_bits(params) - 1;
    case WeightKind::unsigned_integer:
      return weight_bits(params);
    case WeightKind::power_of_two:
      break;
  }
  return (std::uint32_t{1} << (weight_bits(params) - 1)) - 2;
}

std::uint32_t exact_sum_bits(const Params& params) {
  const std::uint32_t of_weight = weight_kind(params) == WeightKind::power_of_two
                                      ? largest_weight_log2(params) + 1
                                      : weight_bits(params);
  return static_cast<std::uint32_t>(params.activation->bits) + of_weight +
         static_cast<std::uint32_t>(std::bit_width(group_size(params) - 1));
}

std::uint64_t longest_exact_k(const Params& params) {
  if (results_are_floating_point(params)) return ~std::uint64_t{0};
  // 2^7 times the largest weight times a scale of 2^7.
  return ((std::uint64_t{1} << (kResultBits - 1)) - 1) >> (14 + largest_weight_log2(params));
}

TileLimits tile_limits(const Params& params) {
  const std::uint32_t longest = (std::uint32_t{1} << params.k_bits) - 1;
  const std::uint32_t group = group_size(params);
  TileLimits limits;
  limits.m = params.rows;
  limits.n = params.cols;
  limits.k = longest - longest % group;
  limits.k_step = group;
  limits.k_total = params.group == kChannel ? group : longest_exact_k(params);
  return limits;
}

JobLayout job_layout(const Params& params) {
  return JobLayout::of(params.rows, params.cols, params.k_bits);
}

ChannelWidths channel_widths(const Params& params) {
  const auto lanes_of = [&](std::uint32_t pes, const Format& format) {
    return pes * params.lanes * static_cast<std::uint32_t>(format.bits);
  };
  ChannelWidths widths;
  widths.job = job_layout(params).bits();
  widths.a = lanes_of(params.rows, *params.activation);
  widths.w = lanes_of(params.cols, *params.weight);
  widths.s = params.cols * scale_lane_bits(params);
  widths.y = params.cols * kResultBits;
  return widths;
}

}  // namespace bitsmith::mixpe
