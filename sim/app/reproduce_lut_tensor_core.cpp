#include "app/reproduce_lut_tensor_core.h"

#include <fmt/format.h>

#include "app/reproduce_cost.h"
#include "reproduce/lut_tensor_core.h"

namespace bitsmith::app {

namespace lut_tensor_core = reproduce::lut_tensor_core;

void add_lut_tensor_core(Reproduction& reproduction) {
  constexpr std::string_view kPaper = "LUT Tensor Core";
  const lut_tensor_core::Claims claims = lut_tensor_core::load_claims();
  const auto records = reproduce::SynthesisRecords::read(lut_tensor_core::records_file());
  const auto technologies = reproduce::all_technologies();
  reproduction.text += fmt::format("{}: ratios of area and energy\n", kPaper);
  add_cost_rows(kPaper, lut_tensor_core::rows(claims, records), reproduction);
  add_cost_rows(kPaper, lut_tensor_core::energy_rows(claims, technologies), reproduction);
  reproduction.text += fmt::format(
      "\nOurs: tables and lanes, with the sum lanes of rows; with columns: and weight registers,\n"
      "zero points, scales, open sums. Never the edge, with its channel buffers and controller.\n"
      "{}\nSource: {}\nSynthesis: {}\nEnergy: {}\n",
      kEnergyText, claims.source, provenance_text(records), provenance_text(technologies));
}

}  // namespace bitsmith::app
