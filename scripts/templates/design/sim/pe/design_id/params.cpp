#include "pe/design_id/params.h"

namespace bitsmith::design_id {
namespace {

const std::vector<std::string_view> kOperandFormats = {"int2",  "int3",  "int4",  "int5",  "int6",
                                                       "int7",  "int8",  "int9",  "int10", "int11",
                                                       "int12", "int13", "int14", "int15", "int16"};

// REPLACE: one declaration per member of Params; .rtl() names the parameter of the RTL top module.
ParameterTable<Params> make_table() {
  ParameterTable<Params> table;
  table.integer("lanes", &Params::lanes, {1, 256}, "lanes", "products added up in one step")
      .rtl("Lanes");
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
  table.rule("accumulator_bits", [](const Params& p) -> std::optional<std::string> {
    const int product_bits = p.activation->bits + p.weight->bits;
    if (static_cast<int>(p.accumulator_bits) >= product_bits) return std::nullopt;
    return fmt::format("{} bits do not hold a product of {} and {}; at least {}",
                       p.accumulator_bits, p.activation->name, p.weight->name, product_bits);
  });
  table.rule("k_bits", [](const Params& p) -> std::optional<std::string> {
    if (p.lanes + 1 < std::uint32_t{1} << p.k_bits) return std::nullopt;
    return fmt::format("{} bits hold no K beyond one beat of {} lanes", p.k_bits, p.lanes);
  });
  return table;
}

}  // namespace

const ParameterTable<Params>& parameters() {
  static const ParameterTable<Params> table = make_table();
  return table;
}

std::uint64_t longest_exact_k(const Params& params) {
  const int largest_product_log2 = params.activation->bits + params.weight->bits - 2;
  const std::uint64_t largest_sum = (std::uint64_t{1} << (params.accumulator_bits - 1)) - 1;
  return largest_sum >> largest_product_log2;
}

// REPLACE: the largest m and n of a job, and the bits of a beat on every channel. Both must be what
// the ports of the RTL are.
JobLayout job_layout(const Params& params) { return JobLayout::of(1, 1, params.k_bits); }

ChannelWidths channel_widths(const Params& params) {
  ChannelWidths widths;
  widths.job = job_layout(params).bits();
  widths.a = params.lanes * static_cast<std::uint32_t>(params.activation->bits);
  widths.w = params.lanes * static_cast<std::uint32_t>(params.weight->bits);
  widths.y = params.accumulator_bits;
  return widths;
}

}  // namespace bitsmith::design_id
