#include "pe/systolic/params.h"

#include <bit>

namespace bitsmith::systolic {
namespace {

const std::vector<std::string_view> kOperandFormats = {
    "int2",  "int3",     "int4",     "int5",     "int6",     "int7",    "int8",  "int9",
    "int10", "int11",    "int12",    "int13",    "int14",    "int15",   "int16", "fp16",
    "bf16",  "fp8_e4m3", "fp8_e5m2", "fp6_e3m2", "fp6_e2m3", "fp4_e2m1"};

ParameterTable<Params> make_table() {
  ParameterTable<Params> table;
  table
      .integer("rows", &Params::rows, {1, 256}, "PEs",
               "rows of the array: rows of Y in a tile (os), k in a tile (ws, is)")
      .rtl("Rows")
      .array_size();
  table
      .integer("cols", &Params::cols, {1, 256}, "PEs",
               "columns of the array: columns of Y in a tile (os, ws), rows of Y (is)")
      .rtl("Cols")
      .array_size();
  table
      .choice("dataflow", &Params::dataflow,
              {{"os", Dataflow::output_stationary},
               {"ws", Dataflow::weight_stationary},
               {"is", Dataflow::input_stationary}},
              "what stays in the PEs: the sums, the weights or the activations (inputs)")
      .rtl("Dataflow");
  table.format("activation", &Params::activation, kOperandFormats, "format of the activations")
      .rtl("ABits");
  table.format("weight", &Params::weight, kOperandFormats, "format of the weights").rtl("WBits");
  table
      .integer("accumulator_bits", &Params::accumulator_bits, {4, 48}, "bits",
               "width of a sum; at least the bits of both operands")
      .rtl("AccBits");
  table
      .integer("k_bits", &Params::k_bits, {1, 24}, "bits",
               "os: width of a job's K; longer K is split into accumulating jobs")
      .rtl("KBits");
  table
      .integer(
          "acc_rows", &Params::acc_rows, {1, 65536}, "results",
          "ws, is: words of each column's accumulator SRAM: rows (ws) or columns (is) of Y in a "
          "tile")
      .rtl("AccRows");
  table
      .choice(
          "overflow", &Params::overflow,
          {{"exact", Overflow::exact}, {"wrap", Overflow::wrap}, {"saturate", Overflow::saturate}},
          "what a sum does that does not fit; exact refuses a K that could overflow")
      .rtl("Overflow");
  table
      .integer(
          "pipeline", &Params::pipeline, {1, 3}, "steps",
          "1: multiply and add in one step; 2: a register between them; 3: floating point only, "
          "the addition takes two steps (os then keeps two partial sums)")
      .rtl("Pipeline");
  table
      .choice("preload", &Params::preload,
              {{"serial", Preload::serial}, {"overlapped", Preload::overlapped}},
              "ws, is: whether a job's stationary operands enter while tokens of the job before do "
              "(costs a second register per PE)")
      .rtl("PreloadOverlapped");
  table
      .choice(
          "drain", &Params::drain, {{"serial", Drain::serial}, {"overlapped", Drain::overlapped}},
          "whether the next job's operands enter while results leave (os: costs a second register "
          "per PE)")
      .rtl("DrainOverlapped");
  table
      .choice("clock_gating", &Params::clock_gating,
              {{"none", ClockGating::none},
               {"idle", ClockGating::idle},
               {"idle_pad", ClockGating::idle_pad}},
              "the PE-cycle classes in which a PE's operand registers hold still; sums hold still "
              "without a token in any case, and in padding PEs with idle_pad (os; in ws and is "
              "sums pass "
              "through padding)")
      .rtl("ClockGating");
  table.rule("weight", [](const Params& p) -> std::optional<std::string> {
    if (p.activation->kind == p.weight->kind) return std::nullopt;
    return fmt::format("a PE multiplies integers or floating point, not {} and {}",
                       p.activation->name, p.weight->name);
  });
  table.rule("accumulator_bits", [](const Params& p) -> std::optional<std::string> {
    if (is_floating_point(p)) {
      if (p.accumulator_bits == 32) return std::nullopt;
      return "floating point accumulates in FP32: 32 bits";
    }
    const int products = p.activation->bits + p.weight->bits;
    if (static_cast<int>(p.accumulator_bits) >= products) return std::nullopt;
    return fmt::format("{} bits do not hold a product of {} and {}; at least {}",
                       p.accumulator_bits, p.activation->name, p.weight->name, products);
  });
  table.rule("overflow", [](const Params& p) -> std::optional<std::string> {
    if (!is_floating_point(p) || p.overflow == Overflow::exact) return std::nullopt;
    return "floating point overflows to infinity; leave overflow out";
  });
  table.rule("pipeline", [](const Params& p) -> std::optional<std::string> {
    if (is_floating_point(p) || p.pipeline < 3) return std::nullopt;
    return "3 splits the floating-point adder; integers take 1 or 2";
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
  // The largest product is (-2^(a-1)) * (-2^(w-1)); the largest sum is 2^(acc-1) - 1.
  const int product_log2 = params.activation->bits + params.weight->bits - 2;
  const std::uint64_t largest_sum = (std::uint64_t{1} << (params.accumulator_bits - 1)) - 1;
  return largest_sum >> product_log2;
}

TileLimits tile_limits(const Params& params) {
  TileLimits limits;
  switch (params.dataflow) {
    case Dataflow::output_stationary:
      limits.m = params.rows;
      limits.n = params.cols;
      limits.k = (std::uint32_t{1} << params.k_bits) - 1;
      break;
    case Dataflow::weight_stationary:
      limits.m = params.acc_rows;
      limits.n = params.cols;
      limits.k = params.rows;
      break;
    case Dataflow::input_stationary:
      limits.m = params.cols;
      limits.n = params.acc_rows;
      limits.k = params.rows;
      break;
  }
  limits.k_total = params.overflow == Overflow::exact ? longest_exact_k(params) : ~std::uint64_t{0};
  return limits;
}

JobLayout job_layout(const Params& params) {
  const TileLimits limits = tile_limits(params);
  return JobLayout::of(limits.m, limits.n, static_cast<std::uint32_t>(std::bit_width(limits.k)));
}

ChannelWidths channel_widths(const Params& params) {
  ChannelWidths widths;
  widths.job = job_layout(params).bits();
  const bool swapped = params.dataflow == Dataflow::input_stationary;
  widths.a =
      (swapped ? params.cols : params.rows) * static_cast<std::uint32_t>(params.activation->bits);
  widths.w =
      (swapped ? params.rows : params.cols) * static_cast<std::uint32_t>(params.weight->bits);
  widths.y = params.cols * params.accumulator_bits;
  return widths;
}

}  // namespace bitsmith::systolic
