#include "pe/systolic/params.h"

#include <bit>

namespace bitsmith::systolic {
namespace {

const std::vector<std::string_view> kOperandFormats = {"int2",  "int3",  "int4",  "int5",  "int6",
                                                       "int7",  "int8",  "int9",  "int10", "int11",
                                                       "int12", "int13", "int14", "int15", "int16"};

ParameterTable<Params> make_table() {
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows of the array: rows of Y in a tile")
      .rtl("Rows");
  table
      .integer("cols", &Params::cols, {1, 256}, "PEs",
               "columns of the array: columns of Y in a tile")
      .rtl("Cols");
  table.format("activation", &Params::activation, kOperandFormats, "format of the activations")
      .rtl("ABits");
  table.format("weight", &Params::weight, kOperandFormats, "format of the weights").rtl("WBits");
  table
      .integer("accumulator_bits", &Params::accumulator_bits, {4, 48}, "bits",
               "width of a sum; at least the bits of both operands")
      .rtl("AccBits");
  table
      .integer("k_bits", &Params::k_bits, {1, 24}, "bits",
               "width of a job's K; longer K is split into accumulating jobs")
      .rtl("KBits");
  table
      .choice(
          "overflow", &Params::overflow,
          {{"exact", Overflow::exact}, {"wrap", Overflow::wrap}, {"saturate", Overflow::saturate}},
          "what a sum does that does not fit; exact refuses a K that could overflow")
      .rtl("Overflow");
  table
      .choice("drain", &Params::drain,
              {{"serial", Drain::serial}, {"overlapped", Drain::overlapped}},
              "whether the next job's operands enter while results leave (costs a second register "
              "per PE)")
      .rtl("DrainOverlapped");
  table
      .choice("clock_gating", &Params::clock_gating,
              {{"none", ClockGating::none},
               {"idle", ClockGating::idle},
               {"idle_pad", ClockGating::idle_pad}},
              "the PE-cycle classes in which a PE's operand registers hold still; sums hold still "
              "without a token in any case, and in padding PEs with idle_pad")
      .rtl("ClockGating");
  table.rule("accumulator_bits", [](const Params& p) -> std::optional<std::string> {
    const int products = p.activation->bits + p.weight->bits;
    if (static_cast<int>(p.accumulator_bits) >= products) return std::nullopt;
    return fmt::format("{} bits do not hold a product of {} and {}; at least {}",
                       p.accumulator_bits, p.activation->name, p.weight->name, products);
  });
  return table;
}

}  // namespace

const ParameterTable<Params>& parameters() {
  static const ParameterTable<Params> table = make_table();
  return table;
}

std::uint64_t longest_exact_k(const Params& params) {
  // The largest product is (-2^(a-1)) * (-2^(w-1)); the largest sum is 2^(acc-1) - 1.
  const int product_log2 = params.activation->bits + params.weight->bits - 2;
  const std::uint64_t largest_sum = (std::uint64_t{1} << (params.accumulator_bits - 1)) - 1;
  return largest_sum >> product_log2;
}

JobLayout job_layout(const Params& params) {
  return JobLayout::of(params.rows, params.cols, params.k_bits);
}

ChannelWidths channel_widths(const Params& params) {
  ChannelWidths widths;
  widths.job = job_layout(params).bits();
  widths.a = params.rows * static_cast<std::uint32_t>(params.activation->bits);
  widths.w = params.cols * static_cast<std::uint32_t>(params.weight->bits);
  widths.y = params.cols * params.accumulator_bits;
  return widths;
}

}  // namespace bitsmith::systolic
