#include "pe/lut_tensor_core/params.h"

#include <array>

#include "common/error.h"

namespace bitsmith::lut_tensor_core {
namespace {

constexpr std::uint32_t kMostRows = 64;
constexpr std::uint32_t kMostCols = 256;
constexpr std::array<std::string_view, 5> kActivations = {"int8", "int16", "fp16", "fp8_e4m3",
                                                          "fp8_e5m2"};

void declare(ParameterTable<Params>& table) {
  table.integer("m", &Params::m, {1, 16}, "tables", "tables of a unit: its rows of Y").rtl("M");
  table.integer("n", &Params::n, {1, 128}, "columns", "columns of a unit that read its tables")
      .rtl("N");
  table
      .integer("k", &Params::k, {2, 6}, "activations",
               "activations of a table, weight bits of an address")
      .rtl("K");
  table
      .integer("unit_rows", &Params::unit_rows, {1, 16}, "units",
               "units above each other, which share weights and dequantisers")
      .rtl("UnitRows")
      .array_size();
  table
      .integer("unit_cols", &Params::unit_cols, {1, 16}, "units",
               "units beside each other, each with tables of its own")
      .rtl("UnitCols")
      .array_size();
  table
      .choice(
          "engine", &Params::engine,
          {{"lut", Engine::lut},
           {"lut_negate", Engine::lut_negate},
           {"lut_full", Engine::lut_full},
           {"add", Engine::add},
           {"mac", Engine::mac}},
          "what a lane is: half table with negation in the packed weights, with negation in the "
          "array, full table, adders, multipliers")
      .rtl("Engine");
  table.format("activation", &Params::activation, {kActivations.begin(), kActivations.end()},
               "format of the activations; integers compute exactly");
  table
      .format("weight", &Params::weight,
              {"int2", "int3", "int4", "int5", "int6", "int7", "int8", "uint1", "uint2", "uint3",
               "uint4", "uint5", "uint6", "uint7", "uint8", "bipolar", "ternary"},
              "format of the weights, a step per bit; unsigned ones have a zero point per group")
      .rtl("WBits");
  table
      .choice("table", &Params::table, {{"full", TableKind::full}, {"int8", TableKind::int8}},
              "entries as they are, or rounded to 8 bits with a power-of-two scale per table")
      .rtl("Table");
  table
      .choice("precompute", &Params::precompute,
              {{"fused", Precompute::fused}, {"unit", Precompute::unit}},
              "who makes the tables: the vector unit, or each unit of the array")
      .rtl("Precompute");
  table.choice("accumulator", &Params::accumulator,
               {{"fp32", Accumulator::fp32}, {"tf32", Accumulator::tf32}},
               "sum of a group in floating point: 23 or 10 mantissa bits");
  table
      .integer("pipeline", &Params::pipeline, {1, 2}, "steps",
               "2 puts a register between what a lane reads and its accumulator")
      .rtl("Pipeline");
  table
      .integer("group", &Params::group, {8, 256}, "weights",
               "consecutive weights of a column that share a scale: a multiple of k")
      .rtl("Group");
  table
      .integer("k_bits", &Params::k_bits, {4, 24}, "bits",
               "width of a job's K; longer K is split into accumulating jobs")
      .rtl("KBits");
}

void add_rules(ParameterTable<Params>& table) {
  using Problem = std::optional<std::string>;
  table.rule("unit_rows", [](const Params& p) -> Problem {
    if (rows(p) <= kMostRows) return std::nullopt;
    return fmt::format("{} rows, an array has {} at most", rows(p), kMostRows);
  });
  table.rule("unit_cols", [](const Params& p) -> Problem {
    if (cols(p) <= kMostCols) return std::nullopt;
    return fmt::format("{} columns, an array has {} at most", cols(p), kMostCols);
  });
  table.rule("weight", [](const Params& p) -> Problem {
    if (weight_kind(p) != WeightKind::bipolar || has_half_table(p)) return std::nullopt;
    return "bipolar needs bits that mean -1 and +1: lut or lut_negate";
  });
  table.rule("table", [](const Params& p) -> Problem {
    if (p.table == TableKind::full || p.engine == Engine::lut) return std::nullopt;
    return "int8 needs the engine lut";
  });
  table.rule("precompute", [](const Params& p) -> Problem {
    if (p.precompute == Precompute::unit || has_table(p)) return std::nullopt;
    return "fused needs an engine with a table";
  });
  table.rule("accumulator", [](const Params& p) -> Problem {
    if (p.accumulator == Accumulator::fp32) return std::nullopt;
    if (!is_floating_point(p)) return fmt::format("sums of {} are exact", p.activation->name);
    if (p.engine == Engine::mac) return "mac sums in fp32";
    return std::nullopt;
  });
  table.rule("group", [](const Params& p) -> Problem {
    if (p.group % p.k == 0) return std::nullopt;
    return fmt::format("must be a multiple of the {} activations of a table", p.k);
  });
  table.rule("k_bits", [](const Params& p) -> Problem {
    if (p.group >> p.k_bits == 0) return std::nullopt;
    return fmt::format("a job's K must hold a group of {}", p.group);
  });
}

ParameterTable<Params> make_table() {
  ParameterTable<Params> table;
  declare(table);
  add_rules(table);
  return table;
}

}  // namespace

const ParameterTable<Params>& parameters() {
  static const ParameterTable<Params> table = make_table();
  return table;
}

std::uint32_t activation_kind(const Params& params) {
  const auto* const found =
      std::find(kActivations.begin(), kActivations.end(), params.activation->name);
  check(found != kActivations.end(), "activations in a format that the array does not have");
  return static_cast<std::uint32_t>(found - kActivations.begin());
}

std::uint64_t longest_exact_k(const Params& params) {
  if (is_floating_point(params)) return ~std::uint64_t{0};
  // The largest activation times the largest weight less zero, times a scale of 2^7.
  int weight_log2 = 0;
  if (weight_kind(params) == WeightKind::signed_integer) weight_log2 = params.weight->bits - 1;
  if (weight_kind(params) == WeightKind::unsigned_integer) weight_log2 = params.weight->bits;
  return ((std::uint64_t{1} << (kIntegerSumBits - 1)) - 1) >>
         (params.activation->bits - 1 + weight_log2 + 7);
}

TileLimits tile_limits(const Params& params) {
  TileLimits limits;
  limits.m = rows(params);
  limits.n = cols(params);
  const std::uint32_t longest = (std::uint32_t{1} << params.k_bits) - 1;
  limits.k = longest - longest % params.group;
  limits.k_step = params.group;
  limits.k_total = longest_exact_k(params);
  return limits;
}

JobLayout job_layout(const Params& params) {
  return JobLayout::of(rows(params), cols(params), params.k_bits);
}

ChannelWidths channel_widths(const Params& params) {
  ChannelWidths widths;
  widths.job = job_layout(params).bits();
  widths.a = rows(params) * (params.precompute == Precompute::fused
                                 ? table_bits(params)
                                 : params.k * static_cast<std::uint32_t>(params.activation->bits));
  widths.w = cols(params) * params.k *
             (params.engine == Engine::mac ? static_cast<std::uint32_t>(params.weight->bits) : 1);
  widths.s = cols(params) * scale_code_bits(params);
  widths.y = cols(params) * sum_bits(params);
  return widths;
}

}  // namespace bitsmith::lut_tensor_core
