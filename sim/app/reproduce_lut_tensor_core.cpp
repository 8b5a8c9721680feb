#include "app/reproduce_lut_tensor_core.h"

#include <fmt/format.h>

#include "app/reproduce_area.h"
#include "reproduce/lut_tensor_core.h"

namespace bitsmith::app {

namespace lut_tensor_core = reproduce::lut_tensor_core;

void add_lut_tensor_core(Reproduction& reproduction) {
  constexpr std::string_view kPaper = "LUT Tensor Core";
  const lut_tensor_core::Claims claims = lut_tensor_core::load_claims();
  const auto records = reproduce::SynthesisRecords::read(lut_tensor_core::records_file());
  reproduction.text += fmt::format("{}: ratios of area\n", kPaper);
  add_area_rows(kPaper, lut_tensor_core::rows(claims, records), reproduction);
  reproduction.text += fmt::format(
      "\nOurs: tables and lanes, with the sum lanes of rows; with columns: and weight registers,\n"
      "zero points, scales, open sums. Never the edge, with its channel buffers and controller.\n"
      "Source: {}\nSynthesis: {}\n",
      claims.source, provenance_text(records));
}

}  // namespace bitsmith::app
