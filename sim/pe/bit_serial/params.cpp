#include "pe/bit_serial/params.h"

namespace bitsmith::bit_serial {
namespace {

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
      .integer("row_tiles", &Params::row_tiles, {1, 8}, "tiles",
               "tiles that the rows are divided into, each with encoders and sums of its own")
      .rtl("RowTiles");
  table
      .integer("lanes", &Params::lanes, {1, 8}, "products",
               "products that a PE adds in a step: 1, 2, 4 or 8")
      .rtl("Lanes");
  table
      .format("activation", &Params::activation, {"fp16", "int8"},
              "format of the activations; int8 computes in exact integers")
      .rtl("ABits");
  table
      .format("weight", &Params::weight,
              {"int8", "int6", "int5", "int4", "fp4_e2m1", "fp3", "ternary"},
              "format of the weights; in fp4_e2m1 and fp3 the code of negative zero is the group's "
              "special value")
      .rtl("WBits");
  table.choice("recoding", &Params::recoding,
               {{"booth", Recoding::booth}, {"canonical", Recoding::canonical}},
               "how integer weights become terms: radix-4 Booth digits, or canonical signed digits "
               "in pairs");
  table
      .flag("skip_zero_terms", &Params::skip_zero_terms,
            "steps without a term in any lane of a column are left out: cycles depend on weights")
      .rtl("SkipZeroTerms");
  table
      .integer("group", &Params::group, {8, 256}, "weights",
               "consecutive weights of a column that share a scale: a multiple of lanes")
      .rtl("Group");
  table
      .integer("k_bits", &Params::k_bits, {4, 24}, "bits",
               "width of a job's K; longer K is split into accumulating jobs")
      .rtl("KBits");
  table.rule("row_tiles", [](const Params& p) -> std::optional<std::string> {
    if (p.rows % p.row_tiles == 0) return std::nullopt;
    return fmt::format("the {} rows must be a multiple of it", p.rows);
  });
  table.rule("recoding", [](const Params& p) -> std::optional<std::string> {
    if (is_integer(p) || p.recoding == Recoding::booth) return std::nullopt;
    return fmt::format("canonical needs integer weights, not {}", p.weight->name);
  });
  table.rule("skip_zero_terms", [](const Params& p) -> std::optional<std::string> {
    if (!p.skip_zero_terms || term_count(p) > 1) return std::nullopt;
    return fmt::format("a weight in {} has one term, which always takes its step", p.weight->name);
  });
  table.rule("lanes", [](const Params& p) -> std::optional<std::string> {
    if (std::has_single_bit(p.lanes)) return std::nullopt;
    return "must be 1, 2, 4 or 8";
  });
  table.rule("group", [](const Params& p) -> std::optional<std::string> {
    if (p.group % p.lanes == 0) return std::nullopt;
    return fmt::format("must be a multiple of the {} lanes", p.lanes);
  });
  table.rule("k_bits", [](const Params& p) -> std::optional<std::string> {
    if (p.group >> p.k_bits == 0) return std::nullopt;
    return fmt::format("a job's K must hold a group of {}", p.group);
  });
  return table;
}

}  // namespace

const ParameterTable<Params>& parameters() {
  static const ParameterTable<Params> table = make_table();
  return table;
}

std::uint64_t longest_exact_k(const Params& params) {
  if (is_floating_point(params)) return ~std::uint64_t{0};
  // 2^7 times the largest weight, in units of 2^-f, times a scale of 2^7.
  int weight_log2 = 0;
  if (is_integer(params)) weight_log2 = params.weight->bits - 1;
  if (has_special_values(params)) weight_log2 = 4;
  return ((std::uint64_t{1} << (kIntegerSumBits - 1)) - 1) >> (14 + weight_log2);
}

TileLimits tile_limits(const Params& params) {
  TileLimits limits;
  limits.m = params.rows;
  limits.n = params.cols;
  const std::uint32_t longest = (std::uint32_t{1} << params.k_bits) - 1;
  limits.k = longest - longest % params.group;
  limits.k_step = params.group;
  limits.k_total = longest_exact_k(params);
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
  widths.s = params.cols * scale_code_bits(params);
  widths.y = params.row_tiles * params.cols * sum_bits(params);
  return widths;
}

}  // namespace bitsmith::bit_serial
